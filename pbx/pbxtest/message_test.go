package pbxtest_test

import (
	"testing"

	"klapka.dev/klapka/pbx/pbxtest"
)

// Messages are read as they came, by long and compact names, and written back.
func TestMessage(t *testing.T) {
	text := "INVITE sip:102@x SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1;rport\r\nf: \"A;tag=x\" <sip:101@x;tag=y>;tag=b\r\n" +
		"To: <sip:102@x>\r\nCSeq: 7 INVITE\r\nRoute: <sip:p>\r\nRoute: <sip:q>\r\nl: 3\r\n\r\nabcdef"
	m, err := pbxtest.ParseMessage([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if m.Method() != "INVITE" || m.URI() != "sip:102@x" || m.Status() != 0 || m.CSeq() != 7 || m.Branch() != "z9hG4bK1" ||
		m.FromTag() != "b" || m.ToTag() != "" || len(m.All("route")) != 2 || string(m.Body) != "abc" {
		t.Fatalf("%+v", m)
	}
	m.Set("To", "<sip:102@x>;tag=c")
	m.Remove("Route")
	again, err := pbxtest.ParseMessage(m.Bytes())
	if err != nil || again.ToTag() != "c" || len(again.All("Route")) != 0 {
		t.Fatalf("%v\n%s", err, again)
	}
	res, err := pbxtest.ParseMessage([]byte("SIP/2.0 486 Busy Here\r\nCSeq: 7 INVITE\r\n\r\n"))
	if err != nil || res.Status() != 486 || res.Phrase() != "Busy Here" || res.Method() != "INVITE" || res.URI() != "" {
		t.Fatalf("%v %+v", err, res)
	}
	for _, bad := range []string{"", "INVITE sip:x SIP/2.0\r\n", "INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n"} {
		if _, err := pbxtest.ParseMessage([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
