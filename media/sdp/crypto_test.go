package sdp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// key is a key of the right length for a suite.
func key(suite string, fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keyLength(suite)))
}

// line is a crypto attribute.
func line(tag int, suite string, fill byte) string {
	return fmt.Sprintf("a=crypto:%d %s inline:%s", tag, suite, key(suite, fill))
}

func secured(s Security) Local {
	l := local()
	l.Security, l.Crypto = s, NewCrypto()
	return l
}

var suites = []string{AES128CM80, AES128CM32, AES256CM80, AES256CM32, AES128GCM, AES256GCM}

// Each suite is taken under its tag, answered with a key of ours, and both ends
// know which key is whose.
func TestEverySuiteIsAgreed(t *testing.T) {
	for _, suite := range suites {
		l := secured(SecurityPrefer)
		a, s := answer(t, plain("4000 RTP/SAVP 8", "a=crypto:9 NULL_HMAC_SHA1_80 inline:AAAA", line(7, suite, 1)), l)
		if s.Decrypt.Suite != suite || s.Encrypt.Suite != suite || s.Decrypt.Key[0] != 1 || len(s.Encrypt.Key) != keyLength(suite) {
			t.Errorf("%s: %+v", suite, s)
		}
		want := fmt.Sprintf("a=crypto:7 %s inline:%s\r\n", suite, base64.StdEncoding.EncodeToString(s.Encrypt.Key))
		if !bytes.Contains(a, []byte("m=audio 20000 RTP/SAVP 8\r\n")) || strings.Count(string(a), "a=crypto") != 1 || !bytes.Contains(a, []byte(want)) {
			t.Errorf("%s is answered with\n%s", suite, a)
		}
		// The same offer again, as in a re-INVITE: our key stays.
		if _, again := answer(t, plain("4000 RTP/SAVP 8", line(7, suite, 1)), l); !again.Encrypt.Same(s.Encrypt) || !again.Decrypt.Same(s.Decrypt) {
			t.Errorf("%s: keys change without need", suite)
		}
	}
}

// Offers of each policy against answers of each kind.
func TestPoliciesOffering(t *testing.T) {
	crypto := line(4, AES128CM80, 1)
	for _, c := range []struct {
		policy Security
		proto  string
		lines  int
		answer []byte
		suite  string
		err    error
	}{
		{SecurityOff, "RTP/AVP", 0, plain("4000 RTP/AVP 8"), "", nil},
		{SecurityOff, "RTP/AVP", 0, plain("4000 RTP/AVP 8", crypto), "", nil},
		{SecurityOff, "RTP/AVP", 0, plain("4000 RTP/SAVP 8", crypto), "", ErrNoAudio},
		{SecurityPrefer, "RTP/AVP", 6, plain("4000 RTP/AVP 8"), "", nil},
		{SecurityPrefer, "RTP/AVP", 6, plain("4000 RTP/AVP 8", crypto), AES128CM80, nil},
		{SecurityPrefer, "RTP/AVP", 6, plain("4000 RTP/SAVP 8", crypto), AES128CM80, nil},
		{SecurityPrefer, "RTP/AVP", 6, plain("4000 RTP/SAVP 8"), "", ErrInsecure},
		{SecurityRequire, "RTP/SAVP", 6, plain("4000 RTP/SAVP 8", crypto), AES128CM80, nil},
		{SecurityRequire, "RTP/SAVP", 6, plain("4000 RTP/AVP 8"), "", ErrInsecure},
		{SecurityRequire, "RTP/SAVP", 6, plain("4000 RTP/SAVP 8", line(9, AES128CM80, 1)), "", ErrInsecure}, // a tag never offered
		{SecurityRequire, "RTP/SAVP", 6, plain("4000 RTP/SAVP 8", line(4, AES256CM80, 1)), "", ErrInsecure}, // another suite's tag
	} {
		l := local()
		l.Security = c.policy
		if c.policy != SecurityOff {
			l.Crypto = NewCrypto()
		}
		offer := string(Offer(l))
		if !strings.Contains(offer, "m=audio 20000 "+c.proto+" ") || strings.Count(offer, "\r\na=crypto:") != c.lines {
			t.Errorf("%q offers\n%s", c.policy, offer)
		}
		s, err := Apply([]byte(offer), c.answer, l)
		if !errors.Is(err, c.err) || s.Encrypt.Suite != c.suite || s.Decrypt.Suite != c.suite {
			t.Errorf("%q, answered with\n%s: %q, %v", c.policy, c.answer, s.Encrypt.Suite, err)
		}
		if c.suite != "" && (!bytes.Equal(s.Encrypt.Key, l.Crypto[3].Key) || s.Decrypt.Key[0] != 1) {
			t.Errorf("%q: the keys are not whose they should be", c.policy)
		}
	}
}

// Answers of each policy, "best effort" phones (keys in a plain profile) and
// those that offer both ways in two streams among them.
func TestPoliciesAnswering(t *testing.T) {
	crypto := line(1, AES128CM80, 1)
	both := plain("4000 RTP/AVP 8", "m=audio 4002 RTP/SAVP 8", crypto)
	for _, c := range []struct {
		name   string
		policy Security
		offer  []byte
		suite  string
		port   uint16
		err    error
	}{
		{"plain", SecurityOff, plain("4000 RTP/AVP 8"), "", 4000, nil},
		{"plain", SecurityPrefer, plain("4000 RTP/AVP 8"), "", 4000, nil},
		{"plain", SecurityRequire, plain("4000 RTP/AVP 8"), "", 0, ErrInsecure},
		{"secure", SecurityOff, plain("4000 RTP/SAVP 8", crypto), "", 0, ErrNoAudio},
		{"secure", SecurityPrefer, plain("4000 RTP/SAVP 8", crypto), AES128CM80, 4000, nil},
		{"secure", SecurityRequire, plain("4000 RTP/SAVP 8", crypto), AES128CM80, 4000, nil},
		{"secure without keys", SecurityPrefer, plain("4000 RTP/SAVP 8"), "", 0, ErrInsecure},
		{"best effort", SecurityOff, plain("4000 RTP/AVP 8", crypto), "", 4000, nil},
		{"best effort", SecurityPrefer, plain("4000 RTP/AVP 8", crypto), AES128CM80, 4000, nil},
		{"best effort", SecurityRequire, plain("4000 RTP/AVP 8", crypto), AES128CM80, 4000, nil},
		{"both", SecurityOff, both, "", 4000, nil},
		{"both", SecurityPrefer, both, AES128CM80, 4002, nil},
		{"both", SecurityRequire, both, AES128CM80, 4002, nil},
		{"secure without codec, plain with", SecurityPrefer, plain("4000 RTP/SAVP 18", crypto, "m=audio 4002 RTP/AVP 8"), "", 4002, nil},
		{"secure without codec", SecurityRequire, plain("4000 RTP/SAVP 18", crypto), "", 0, ErrNoCodec},
	} {
		l := local()
		l.Security, l.Crypto = c.policy, NewCrypto()
		a, s, err := Answer(c.offer, l)
		if !errors.Is(err, c.err) || s.Encrypt.Suite != c.suite || s.Remote.Port() != c.port {
			t.Errorf("%s, %q: %q at %v, %v\n%s", c.name, c.policy, s.Encrypt.Suite, s.Remote, err, a)
		}
		if err == nil && strings.Contains(string(a), "a=crypto:1 "+AES128CM80) != (c.suite != "") {
			t.Errorf("%s, %q is answered with\n%s", c.name, c.policy, a)
		}
	}
}

// What weakens the encryption, or is not what it says, is as good as no key.
func TestKeysThatAreNotTaken(t *testing.T) {
	good := key(AES128CM80, 1)
	for _, bad := range []string{
		"", "1", "1 " + AES128CM80, "x " + AES128CM80 + " inline:" + good, "1 F8_128_HMAC_SHA1_80 inline:" + good,
		"1 " + AES128CM80 + " clear:" + good, "1 " + AES128CM80 + " inline:", "1 " + AES128CM80 + " inline:AAAA",
		"1 " + AES128CM80 + " inline:" + good[:38] + "**", "1 " + AES256CM80 + " inline:" + good,
		"1 " + AES128CM80 + " inline:" + good + " UNENCRYPTED_SRTP", "1 " + AES128CM80 + " inline:" + good + " UNENCRYPTED_SRTCP",
		"1 " + AES128CM80 + " inline:" + good + " UNAUTHENTICATED_SRTP", "1 " + AES128CM80 + " inline:" + good + " KDR=3",
		"1 " + AES128CM80 + " inline:" + good + "|2^20|1:0", "1 " + AES128CM80 + " inline:" + good + "|1:99", "1 " + AES128CM80 + " inline:" + good + "|999:1",
		"1 " + AES128CM80 + " inline:" + good + "|2^20|1:4;inline:" + good + "|2^20|2:4",
	} {
		if c, ok := parseCrypto(bad); ok {
			t.Errorf("%q is taken for %+v", bad, c)
		}
	}
	for value, mki := range map[string]string{
		"1 " + AES128CM80 + " inline:" + good:                                          "",
		"1 aes_cm_128_hmac_sha1_80 INLINE:" + strings.TrimRight(good, "="):             "",
		"1 " + AES128CM80 + " inline:" + good + "|2^31|258:4 WSH=128 KDR=0 -unknown=1": "\x00\x00\x01\x02",
		"1 AES_CM_256_HMAC_SHA1_80 inline:" + key(AES256CM80, 2) + "|1048576":          "",
	} {
		if c, ok := parseCrypto(value); !ok || string(c.MKI) != mki {
			t.Errorf("%q: %+v, %v", value, c, ok)
		}
	}
	// Who spells a suite his way gets it back as he wrote it.
	a, _ := answer(t, plain("4000 RTP/SAVP 8", "a=crypto:1 AES_CM_256_HMAC_SHA1_80 inline:"+key(AES256CM80, 2)), secured(SecurityPrefer))
	if !bytes.Contains(a, []byte("a=crypto:1 AES_CM_256_HMAC_SHA1_80 inline:")) {
		t.Errorf("answered with\n%s", a)
	}
}

// A later offer of ours keeps profile, suites and keys of what is running, and
// does not begin to encrypt what was not.
func TestLaterOfferKeepsKeys(t *testing.T) {
	l := secured(SecurityPrefer)
	var s Session
	l.Previous, s = answer(t, plain("4000 RTP/SAVP 8", line(3, AES256CM32, 1)), l)
	offer := Offer(l)
	if !bytes.Contains(offer, []byte("RTP/SAVP 8")) || strings.Count(string(offer), "a=crypto") != 1 {
		t.Errorf("offers\n%s", offer)
	}
	back, err := Apply(offer, plain("4000 RTP/SAVP 8", line(3, AES256CM32, 5)), l)
	if err != nil || !back.Encrypt.Same(s.Encrypt) || back.Decrypt.Key[0] != 5 {
		t.Errorf("%+v, %v", back, err)
	}
	l.Previous, _ = answer(t, plain("4000 RTP/AVP 8"), l)
	if offer = Offer(l); bytes.Contains(offer, []byte("crypto")) || !bytes.Contains(offer, []byte("RTP/AVP ")) {
		t.Errorf("offers\n%s", offer)
	}
}

// Keys are fresh for each party, and each is of its suite's length.
func TestNewCrypto(t *testing.T) {
	a, b := NewCrypto(), NewCrypto()
	for i := range a {
		if a[i].Same(b[i]) || len(a[i].Key) != keyLength(a[i].Suite) || a[i].Tag != i+1 {
			t.Errorf("%+v", a[i])
		}
	}
	if len(a) != len(suites) {
		t.Errorf("%d suites", len(a))
	}
}

// A key line is taken or left; what is taken can be written and read again.
func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:" + key(AES128CM80, 1) + "|2^20|1:4 WSH=64")
	f.Add("2 AEAD_AES_256_GCM inline:" + key(AES256GCM, 2))
	f.Add("3 AES_CM_256_HMAC_SHA1_32 inline:" + key(AES256CM32, 3) + "|1:16")
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := parseCrypto(value)
		if !ok {
			return
		}
		var b bytes.Buffer
		c.write(&b)
		again, ok := parseCrypto(strings.TrimSuffix(strings.TrimPrefix(b.String(), "a=crypto:"), "\r\n"))
		c.MKI = nil // ours have none
		if !ok || !again.Same(c) || again.Tag != c.Tag || strings.ContainsAny(strings.TrimSuffix(b.String(), "\r\n"), "\r\n") {
			t.Fatalf("%q becomes %q", value, b.String())
		}
	})
}
