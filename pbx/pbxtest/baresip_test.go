package pbxtest_test

import (
	"path/filepath"
	"testing"
	"time"

	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/pbx/pbxtest"
)

// Two phones without an exchange between them: what the driver says of a call
// is what happens, and each recording holds the other's tone. A fault that is
// found with an exchange is then not the phones'.
func TestBaresipCallsBaresip(t *testing.T) {
	t.Parallel()
	var loopbacks pbxtest.Loopbacks
	phone := func(number string, hz float64) *pbxtest.Baresip {
		tone := filepath.Join(t.TempDir(), "tone.wav")
		if err := mediatest.WriteSine(tone, 8000, hz, -12, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		return pbxtest.StartBaresip(t, pbxtest.BaresipOptions{At: loopbacks.NextPort(t), Number: number, Plain: true, Source: tone})
	}
	a, b := phone("201", 440), phone("202", 620)
	a.Dial("sip:202@" + b.Address().String())
	b.Expect("CALL_INCOMING", 5*time.Second)
	a.Expect("CALL_RINGING", 5*time.Second)
	b.Accept()
	a.Expect("CALL_ESTABLISHED", 5*time.Second)
	b.Expect("CALL_ESTABLISHED", 5*time.Second)
	time.Sleep(2 * time.Second)
	a.Digits("5#")
	for _, digit := range []string{"5", "#"} {
		if e := b.Expect("CALL_DTMF_START", 5*time.Second); e.Param != digit {
			t.Errorf("digit %q arrived, want %q", e.Param, digit)
		}
	}
	a.Hangup()
	b.Expect("CALL_CLOSED", 5*time.Second)
	for _, c := range []struct {
		phone       *pbxtest.Baresip
		own, others float64
	}{{a, 440, 620}, {b, 620, 440}} {
		heard := c.phone.Heard()
		if len(heard) != 1 {
			t.Fatalf("recordings %v, want one", heard)
		}
		expect := mediatest.Expect{Tone: c.others, Absent: []float64{c.own}, From: 200 * time.Millisecond, To: 1800 * time.Millisecond}
		if err := expect.CheckFile(heard[0]); err != nil {
			t.Error(err)
		}
	}
}
