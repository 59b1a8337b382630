package socket

import (
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
)

// Whoever is in a call hears every five seconds how it sounded since the last
// time; nobody else does, and it is not repeated for those who come back.
func TestQualityIsTold(t *testing.T) {
	run(t, func(r *rig) {
		anna, pavel := r.open(r.signIn("101"), "a", nil), r.open(r.signIn("102"), "p", nil)
		r.ring("c")
		party := pbx.PartyInfo{Number: "101", Extension: "101"}
		measured := func(q pbx.Quality) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.calls = []pbx.LiveCall{{ID: "c", Legs: []pbx.LiveLeg{{ID: "ca", Incoming: true, Party: party, State: "talking", Quality: q}}}}
		}
		measured(pbx.Quality{Codec: "PCMA", PacketsSent: 250, PacketsReceived: 125, PacketsLost: 125})
		anna.heard()
		pavel.heard()
		time.Sleep(measureEvery)
		synctest.Wait()
		first := anna.heard()
		want(t, first, "call.quality")
		way := func(f map[string]any, name string) map[string]any {
			return f["sound"].(map[string]any)[name].(map[string]any)
		}
		if from := way(first[0], "from"); first[0]["leg"] != "ca" || from["loss"] != 0.5 || from["mos"].(float64) > 2 {
			t.Errorf("half of what Anna said is lost: %v", first[0])
		}
		measured(pbx.Quality{Codec: "PCMA", PacketsSent: 500, PacketsReceived: 375, PacketsLost: 125})
		time.Sleep(measureEvery)
		synctest.Wait()
		second := anna.heard()
		want(t, second, "call.quality")
		if from := way(second[0], "from"); from["loss"] != 0.0 || from["mos"].(float64) < 4 {
			t.Errorf("since then nothing is lost: %v", second[0])
		}
		want(t, pavel.heard())
	})
}

// An echo tells a page at once that its line lives.
func TestEcho(t *testing.T) {
	run(t, func(r *rig) {
		p := r.open(r.signIn("101"), "a", nil)
		p.heard()
		p.say(EchoFrame{"echo"})
		synctest.Wait()
		want(t, p.heard(), "echo")
	})
}
