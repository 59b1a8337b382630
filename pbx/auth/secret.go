package auth

import (
	"crypto/md5" //nolint:gosec // RFC 2617 digest, which every phone speaks
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"klapka.dev/klapka/pbx"
)

// secretLetters leaves out what looks alike on a screen or a phone's display:
// 0 O o, 1 l I i, 5 S, 2 Z z, 8 B.
const secretLetters = "34679ACDEFGHJKLMNPQRTUVWXYabcdefghjkmnpqrstuvwxy"

// SecretLen is the length of a SIP secret in characters: 24 of 48 letters are
// 134 bits.
const SecretLen = 24

// NewSecret returns a random SIP secret that a person can copy from a screen.
func NewSecret() string {
	// Bytes beyond the last whole multiple are thrown away: a plain remainder
	// would prefer the first letters.
	const n = len(secretLetters)
	secret := make([]byte, 0, SecretLen)
	buf := make([]byte, 2*SecretLen)
	for len(secret) < SecretLen {
		_, _ = rand.Read(buf) // never fails (crypto/rand)
		for _, b := range buf {
			if int(b) < 256/n*n && len(secret) < SecretLen {
				secret = append(secret, secretLetters[int(b)%n])
			}
		}
	}
	return string(secret)
}

// HA1 returns H(username:realm:secret) for both algorithms (RFC 7616 §3.4.2,
// RFC 8760 §2.3).
func HA1(username, realm, secret string) pbx.DigestHA1 {
	text := []byte(strings.Join([]string{username, realm, secret}, ":"))
	short, long := md5.Sum(text), sha256.Sum256(text) //nolint:gosec // see above
	return pbx.DigestHA1{MD5: hex.EncodeToString(short[:]), SHA256: hex.EncodeToString(long[:])}
}
