package sdp

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
)

// Security is whether sound is encrypted by keys in the description (SDES,
// RFC 4568). Descriptions then belong on TLS.
type Security string

// The policies.
const (
	SecurityOff     Security = ""        // RTP only; keys are disregarded
	SecurityPrefer  Security = "prefer"  // SRTP with whoever can, RTP with the others
	SecurityRequire Security = "require" // SRTP or no sound
)

// The crypto suites of RFC 4568 §6.2, RFC 6188 and RFC 7714 by their registered
// names.
const (
	AES128CM80 = "AES_CM_128_HMAC_SHA1_80"
	AES128CM32 = "AES_CM_128_HMAC_SHA1_32"
	AES256CM80 = "AES_256_CM_HMAC_SHA1_80"
	AES256CM32 = "AES_256_CM_HMAC_SHA1_32"
	AES128GCM  = "AEAD_AES_128_GCM"
	AES256GCM  = "AEAD_AES_256_GCM"
)

// Bounds of what is read of keys.
const (
	maxCrypto = 16 // lines in a stream
	maxMKI    = 16 // bytes
)

// Crypto is one crypto attribute: a suite with the key of whoever wrote it, which
// is the key of what he sends.
type Crypto struct {
	Tag   int
	Suite string // empty: no encryption
	Key   []byte // master key, then master salt
	MKI   []byte // master key identifier carried by every packet; nil: none

	spelling string // of Suite, where it is not the registered one
}

// keyLength is how long key and salt of a suite are together; 0 for suites we
// don't have.
func keyLength(suite string) int {
	switch suite {
	case AES128CM80, AES128CM32:
		return 16 + 14
	case AES256CM80, AES256CM32:
		return 32 + 14
	case AES128GCM:
		return 16 + 12
	case AES256GCM:
		return 32 + 12
	}
	return 0
}

// NewCrypto makes fresh keys for one party, one of each suite, in our order of
// preference: AES-GCM costs a third of the others. They are kept as long as the
// party's dialog.
func NewCrypto() []Crypto {
	var out []Crypto
	for i, suite := range []string{AES128GCM, AES256GCM, AES256CM80, AES128CM80, AES256CM32, AES128CM32} {
		c := Crypto{Tag: i + 1, Suite: suite, Key: make([]byte, keyLength(suite))}
		_, _ = rand.Read(c.Key) // never fails
		out = append(out, c)
	}
	return out
}

// Same reports whether two attributes mean the same suite, key and identifier.
func (c Crypto) Same(o Crypto) bool {
	return c.Suite == o.Suite && bytes.Equal(c.Key, o.Key) && bytes.Equal(c.MKI, o.MKI)
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:key|2^31|1:4 WSH=128"
// (RFC 4568 §9.1). ok is false for what we cannot or must not do: unknown suites,
// keys of a wrong length, several keys, and parameters that weaken or change the
// encryption.
func parseCrypto(value string) (c Crypto, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return c, false
	}
	c.Suite, c.spelling = suite(f[1]), f[1]
	if c.Tag, ok = digits(f[0], 999_999_999); !ok || keyLength(c.Suite) == 0 {
		return c, false
	}
	for _, param := range f[3:] {
		name := strings.ToUpper(param)
		harmless := strings.HasPrefix(name, "WSH=") || strings.HasPrefix(name, "-") || name == "KDR=0"
		if !harmless {
			return c, false
		}
	}
	return c, c.readKey(f[2])
}

// suite is the registered name of what some write differently.
func suite(name string) string {
	switch name = strings.ToUpper(name); name {
	case "AES_CM_256_HMAC_SHA1_80":
		return AES256CM80
	case "AES_CM_256_HMAC_SHA1_32":
		return AES256CM32
	}
	return name
}

// readKey reads "inline:key|lifetime|identifier:length"; the lifetime is beyond
// any call.
func (c *Crypto) readKey(param string) bool {
	const method = "inline:"
	if len(param) < len(method) || !strings.EqualFold(param[:len(method)], method) || strings.Contains(param, ";") {
		return false
	}
	parts := strings.Split(param[len(method):], "|")
	// Some leave the padding out.
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[0], "="))
	if err != nil || len(key) != keyLength(c.Suite) {
		return false
	}
	c.Key = key
	for _, p := range parts[1:] {
		id, length, isMKI := strings.Cut(p, ":")
		if !isMKI {
			continue
		}
		n, ok := digits(length, maxMKI)
		v, valid := digits(id, 1<<30)
		if !ok || !valid || n == 0 || c.MKI != nil {
			return false
		}
		c.MKI = make([]byte, n)
		for i := n - 1; i >= 0; i-- {
			c.MKI[i] = byte(v)
			v >>= 8
		}
		if v != 0 {
			return false
		}
	}
	return true
}

// write puts the attribute down.
func (c Crypto) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "a=crypto:%d %s inline:%s\r\n", c.Tag, firstOf(c.spelling, c.Suite), base64.StdEncoding.EncodeToString(c.Key))
}

// secure reports whether a stream's profile demands encryption.
func (m Stream) secure() bool { return strings.EqualFold(m.Proto, "RTP/SAVP") }

// keys are what answering m leads to: the first of theirs of a suite we have, and
// ours under the same tag (RFC 4568 §5.1.2). ok is false when policy or profile
// demand encryption and there can be none. Keys in a plain profile are how some
// phones offer encryption to whoever likes.
func (l Local) keys(m Stream) (ours, theirs Crypto, ok bool) {
	if l.Security != SecurityOff {
		for _, theirs = range m.Crypto {
			for _, ours = range l.Crypto {
				if ours.Suite == theirs.Suite {
					ours.Tag, ours.spelling = theirs.Tag, theirs.spelling
					return ours, theirs, true
				}
			}
		}
	}
	return Crypto{}, Crypto{}, !m.secure() && l.Security != SecurityRequire
}

// chosen is what an answer makes of the keys of our offer.
func (l Local) chosen(offered []Crypto, answer Stream) (ours, theirs Crypto, ok bool) {
	if l.Security != SecurityOff {
		for _, theirs = range answer.Crypto {
			for _, ours = range offered {
				if ours.Suite == theirs.Suite && ours.Tag == theirs.Tag {
					return ours, theirs, true
				}
			}
		}
	}
	return Crypto{}, Crypto{}, !answer.secure() && l.Security != SecurityRequire
}

// offered are profile and keys of our offer. Later ones keep to what was before,
// so that nothing is interrupted.
func (l Local) offered(before *Stream) (proto string, keys []Crypto) {
	switch {
	case before != nil && (before.secure() || len(before.Crypto) > 0):
		return before.Proto, before.Crypto
	case before != nil || l.Security == SecurityOff:
		return "RTP/AVP", nil
	case l.Security == SecurityRequire:
		return "RTP/SAVP", l.Crypto
	}
	return "RTP/AVP", l.Crypto
}
