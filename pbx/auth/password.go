package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"klapka.dev/klapka/pbx"
)

// Limits of a password a person chooses. The upper one is in bytes and keeps a
// request from buying more work than a password is worth.
const (
	MinPasswordRunes = 12
	MaxPasswordBytes = 256
	minDistinctRunes = 5
)

// CheckPassword reports, as Invalid error of field "password", why a person may
// not choose this password.
func CheckPassword(password string) error {
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	switch {
	case len(password) > MaxPasswordBytes:
		return pbx.FieldErrorf("password", "at most %d bytes are allowed", MaxPasswordBytes)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return pbx.FieldErrorf("password", "control characters are not allowed")
	case utf8.RuneCountInString(password) < MinPasswordRunes:
		return pbx.FieldErrorf("password", "at least %d characters are needed", MinPasswordRunes)
	case len(distinct) < minDistinctRunes:
		return pbx.FieldErrorf("password", "at least %d different characters are needed", minDistinctRunes)
	}
	return nil
}

// argonCost is what one hash takes (RFC 9106 §3.1).
type argonCost struct {
	memory, passes uint32 // KiB, rounds
	lanes          uint8
}

// presentCost is what new hashes take: OWASP's recommendation of 19 MiB, two
// passes, one lane (Password Storage Cheat Sheet).
func presentCost() argonCost { return argonCost{memory: 19456, passes: 2, lanes: 1} }

// Sizes of salt and hash in bytes (RFC 9106 §3.1).
const (
	saltBytes = 16
	hashBytes = 32
)

// Hasher hashes passwords, a bounded number at a time: every hash takes 19 MiB,
// and a flood of sign-ins must not take the memory of the calls.
type Hasher struct{ slots chan struct{} }

// NewHasher allows parallel hashes at a time; 0 means one per processor.
func NewHasher(parallel int) *Hasher {
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return &Hasher{slots: make(chan struct{}, parallel)}
}

// Hash returns the argon2id hash of password with a fresh salt in PHC form. It
// fails with TooMany when ctx ends before its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	cost, salt := presentCost(), make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	key, err := h.derive(ctx, password, salt, cost, hashBytes)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.memory, cost.passes, cost.lanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// Verify reports whether password belongs to hash. An empty hash belongs to no
// password, but costs the same time: the answer must not tell whether a person
// exists. It fails with TooMany as Hash does, and with Internal when the stored
// hash is damaged.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (bool, error) {
	c, salt, want := presentCost(), make([]byte, saltBytes), make([]byte, hashBytes)
	if hash != "" {
		var err error
		if c, salt, want, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	if len(password) > MaxPasswordBytes {
		password = "" // wrong in any case, and not worth its length
	}
	got, err := h.derive(ctx, password, salt, c, len(want))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && hash != "" && password != "", nil
}

// derive waits for a turn. The text is brought to one form first, because
// systems type the same accented letter as one character or as two.
func (h *Hasher) derive(ctx context.Context, password string, salt []byte, c argonCost, n int) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, pbx.Errorf(pbx.TooMany, "too many people sign in at the same time; try again later")
	}
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.passes, c.memory, c.lanes, uint32(n)), nil
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$hash. The bounds keep a
// tampered row from taking the machine down.
func parsePHC(phc string) (c argonCost, salt, hash []byte, err error) {
	bad := func(what string) (argonCost, []byte, []byte, error) {
		return argonCost{}, nil, nil, pbx.Errorf(pbx.Internal, "stored password hash: %s", what)
	}
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return bad("not argon2id")
	}
	param := strings.Split(part[3], ",")
	if len(param) != 3 {
		return bad("parameters")
	}
	memory, ok1 := phcNumber(param[0], "m=", 8, 1<<18)
	passes, ok2 := phcNumber(param[1], "t=", 1, 16)
	lanes, ok3 := phcNumber(param[2], "p=", 1, 16)
	if !ok1 || !ok2 || !ok3 {
		return bad("parameters")
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(part[4])
	hash, err2 := base64.RawStdEncoding.Strict().DecodeString(part[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(hash) < 16 || len(hash) > 64 {
		return bad("salt or hash")
	}
	return argonCost{memory: memory, passes: passes, lanes: uint8(lanes)}, salt, hash, nil
}

func phcNumber(s, name string, lo, hi uint64) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= lo && n <= hi
}
