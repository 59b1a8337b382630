package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// A phone of another make registers, calls, holds and resumes: both hear each
// other before and after, and neither is hung up.
func TestLinphone(t *testing.T) {
	w := newWorld(t)
	b := w.phone(t, "102", 620)
	tone := filepath.Join(t.TempDir(), "tone.wav")
	if err := mediatest.WriteSine(tone, 16000, 440, -12, time.Minute); err != nil {
		t.Fatal(err)
	}
	l := pbxtest.StartLinphone(t, pbxtest.LinphoneOptions{
		At: loopbacks.NextPort(t), Server: w.SIP(), Number: "101", Secret: "klapka-demo-101", Source: tone,
	})
	l.Dial("102")
	b.Expect("CALL_INCOMING", patience)
	b.Accept()
	b.Expect("CALL_ESTABLISHED", patience)
	l.Expect("Media streams established", patience)
	time.Sleep(3 * time.Second)
	l.Type("pause")
	l.Expect("is now paused", patience)
	time.Sleep(time.Second)
	l.Type("resume")
	l.Expect("Media streams established", patience)
	const talk = 4 * time.Second
	time.Sleep(talk)
	l.Type("terminate")
	l.Expect("ended", patience)
	b.Expect("CALL_CLOSED", patience)
	b.hearsTone(440, talk)

	// The recording starts anew when the call is resumed.
	sound := readWAV(t, l.Heard())
	e := mediatest.Expect{Tone: 620, Absent: []float64{440}, To: sound.Duration() - 250*time.Millisecond}
	e.From = max(e.To-talk+time.Second, 0)
	if err := e.Check(sound); err != nil {
		t.Errorf("linphone: %v", err)
	}
	if r := w.records(1)[0]; r.Cause.Code != pbx.CauseNormal || r.Cause.By != pbx.ByCaller || r.AnsweredAt.IsZero() {
		t.Errorf("record %+v", r)
	}
}
