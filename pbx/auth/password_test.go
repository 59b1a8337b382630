package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
)

func TestPassword(t *testing.T) {
	h, ctx := auth.NewHasher(1), t.Context()
	hash, err := h.Hash(ctx, goodPassword)
	must(t, err)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("not the PHC form: %s", hash)
	}
	again, err := h.Hash(ctx, goodPassword)
	must(t, err)
	if hash == again {
		t.Error("two hashes share a salt")
	}
	for password, want := range map[string]bool{
		goodPassword: true, goodPassword + " ": false, "Correct horse battery": false, "": false,
		goodPassword + strings.Repeat("x", 300): false,
	} {
		if ok, err := h.Verify(ctx, password, hash); err != nil || ok != want {
			t.Errorf("%.40q: %v, %v", password, ok, err)
		}
	}
	if ok, err := h.Verify(ctx, "", ""); ok || err != nil {
		t.Errorf("somebody without a password signed in: %v", err)
	}
}

// TestPasswordOfOthers: hashes of other programs with other parameters work
// (vector of the reference implementation, argon2 -id -t 2 -k 256 -p 1).
func TestPasswordOfOthers(t *testing.T) {
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := auth.NewHasher(1).Verify(t.Context(), "password", hash); err != nil || !ok {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestAccents: the same letters typed on a Mac and on Windows are one password.
func TestAccents(t *testing.T) {
	h := auth.NewHasher(1)
	hash, err := h.Hash(t.Context(), "p\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd")
	must(t, err)
	ok, err := h.Verify(t.Context(), "pr\u030ci\u0301lis\u030c z\u030clut\u030couc\u030cky\u0301", hash)
	if err != nil || !ok {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestDamagedHash: a tampered row is a fault, not a way in, and does not take
// the machine's memory.
func TestDamagedHash(t *testing.T) {
	h := auth.NewHasher(1)
	for _, hash := range []string{
		"x", "$", goodPassword,
		"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$!!",
	} {
		if ok, err := h.Verify(t.Context(), "password", hash); ok || pbx.CodeOf(err) != pbx.Internal {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
	}
}

// TestSignInFlood: more people than turns wait, and who stops waiting is told so.
func TestSignInFlood(t *testing.T) {
	h := auth.NewHasher(1)
	cut, stop := context.WithCancel(t.Context())
	stop()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.Hash(t.Context(), goodPassword); err != nil {
				t.Error(err)
			}
		})
	}
	refused := 0
	for range 50 { // a turn that is free at once may still be taken
		if _, err := h.Verify(cut, goodPassword, ""); pbx.CodeOf(err) == pbx.TooMany {
			refused++
			break
		}
	}
	wg.Wait()
	if refused == 0 {
		t.Error("nobody was turned away")
	}
}

func TestPasswordPolicy(t *testing.T) {
	for password, ok := range map[string]bool{
		goodPassword:                 true,
		"žluťoučký ků":               true, // twelve characters
		"elevenchars":                false,
		"aaaaaaaaaaaaaaaa":           false,
		"tab\tin the middle":         false,
		"not\xffvalid text":          false,
		"":                           false,
		strings.Repeat("abcdef", 43): false, // 258 bytes
	} {
		err := auth.CheckPassword(password)
		if ok {
			must(t, err)
		} else {
			wantCode(t, err, pbx.Invalid, "password")
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := auth.NewHasher(1)
	for b.Loop() {
		if _, err := h.Hash(context.Background(), goodPassword); err != nil {
			b.Fatal(err)
		}
	}
}
