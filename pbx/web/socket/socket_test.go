package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web/session"
)

func want(t *testing.T, frames []map[string]any, kindsWanted ...string) {
	t.Helper()
	if got := kinds(frames); !slices.Equal(got, kindsWanted) {
		t.Errorf("got %v, want %v", got, kindsWanted)
	}
}

func position(epoch uint64, frames []map[string]any) *Position {
	return &Position{Epoch: epoch, Seq: uint64(frames[len(frames)-1]["seq"].(float64))}
}

// Everybody sees lines, only those in a call see the call; numbers grow.
func TestPagesSeeWhatTheyMay(t *testing.T) {
	run(t, func(r *rig) {
		anna, emily := r.open(r.signIn("101"), "a", nil), r.open(r.signIn("103"), "e", nil)
		snapshot := anna.heard()
		want(t, snapshot[:1], "snapshot")
		if n := len(snapshot[0]["people"].([]any)); n != 3 || snapshot[0]["calls"] == nil {
			t.Errorf("%d people, calls %v", n, snapshot[0]["calls"])
		}
		emily.heard()
		r.ring("c")
		own := anna.heard()
		want(t, own, "call.new", "person.changed", "person.changed")
		others := emily.heard()
		want(t, others, "person.changed", "person.changed")
		last := 0.0
		for _, f := range own {
			if f["seq"].(float64) <= last {
				t.Errorf("numbers do not grow: %v", own)
			}
			last = f["seq"].(float64)
		}
		r.hangUp("c")
		want(t, anna.heard(), "call.ended", "person.changed", "person.changed")
		want(t, emily.heard(), "person.changed", "person.changed")
		// A phone's registration is its user's business, and a supervisor's.
		pavel := r.open(r.signIn("102"), "p", nil)
		pavel.heard()
		anna.heard()
		emily.heard()
		r.publish("", "", pbx.DeviceRegistered{New: true, Binding: pbx.Binding{Device: "d", Extension: "101", Contact: "sip:x"}})
		want(t, anna.heard(), "registration.changed")
		want(t, emily.heard(), "registration.changed")
		want(t, pavel.heard())
	})
}

// Who comes back gets exactly what he missed.
func TestResume(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("101")
		p := r.open(cookie, "a", nil)
		r.ring("c")
		seen := p.heard()
		p.close()
		r.publish("c", "cb", pbx.LegAnswered{})
		r.hangUp("c")
		again := r.open(cookie, "a", position(r.bus.Epoch(), seen))
		missed := again.heard()
		want(t, missed, "person.changed", "call.ended", "person.changed", "person.changed")
		if first := missed[0]["seq"].(float64); uint64(first) <= position(0, seen).Seq {
			t.Errorf("replayed from %v", first)
		}
		// Nothing missed: nothing sent, and life goes on.
		again.close()
		again = r.open(cookie, "a", position(r.bus.Epoch(), missed))
		want(t, again.heard())
		r.ring("d")
		want(t, again.heard(), "call.new", "person.changed", "person.changed")
	})
}

// Where a replay would not do there is a snapshot: after a gap, another start of
// the exchange, another person, other rights, or made-up numbers.
func TestSnapshotInsteadOfReplay(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("101")
		p := r.open(cookie, "a", nil)
		r.ring("c")
		at := position(r.bus.Epoch(), p.heard())
		p.close()
		time.Sleep(time.Second)
		for name, tc := range map[string]struct {
			cookie string
			from   Position
		}{
			"another epoch":     {cookie, Position{at.Epoch + 1, at.Seq}},
			"from the future":   {cookie, Position{at.Epoch, at.Seq + 1000}},
			"another person":    {r.signIn("102"), *at},
			"the same, anew in": {r.signIn("101"), *at},
		} {
			back := r.open(tc.cookie, "b", &tc.from)
			if got := back.heard(); len(got) == 0 || got[0]["t"] != "snapshot" {
				t.Errorf("%s: %v", name, kinds(got))
			}
			back.close()
		}
		for i := range kept {
			r.publish("", "", pbx.DeviceUnregistered{Binding: pbx.Binding{Device: fmt.Sprint(i), Extension: "103"}})
		}
		back := r.open(cookie, "a", at)
		got := back.heard()
		want(t, got, "snapshot")
		if n := len(got[0]["calls"].([]any)); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// Reliability row 31: a page that does not read is dropped, nobody waits for it,
// and it can resume.
func TestSlowPageIsDropped(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("103")
		slow, _ := r.dial(cookie, nil)
		slow.say(HelloFrame{T: "hello", ClientID: "browser", TabID: "slow"})
		quick := r.open(r.signIn("103"), "quick", nil)
		quick.heard()
		start, n := time.Now(), 0
		for i := range queued + 50 {
			r.publish("", "", pbx.DeviceUnregistered{Binding: pbx.Binding{Device: fmt.Sprint(i), Extension: "101"}})
			n += len(quick.heard())
		}
		if time.Since(start) > 0 || n != queued+50 {
			t.Errorf("the quick page got %d after %s", n, time.Since(start))
		}
		time.Sleep(2 * writeWithin)
		if s := r.hub.Sockets(); s != 1 {
			t.Errorf("%d sockets are open", s)
		}
		go slow.read()
		synctest.Wait()
		<-slow.code
		// One that reads again just in time is told why.
		late, _ := r.dial(cookie, nil)
		late.say(HelloFrame{T: "hello", ClientID: "browser", TabID: "late"})
		for i := range queued + 50 {
			r.publish("", "", pbx.DeviceUnregistered{Binding: pbx.Binding{Device: fmt.Sprint(i), Extension: "101"}})
		}
		go late.read()
		got := late.heard()
		if bye := got[len(got)-1]; bye["t"] != "bye" || bye["reason"] != "slow" || <-late.code != 4408 {
			t.Errorf("last frame %v", bye)
		}
		back := r.open(cookie, "late", position(r.bus.Epoch(), got[:len(got)-1]))
		if f := back.heard(); len(f) == 0 || f[0]["t"] == "bye" {
			t.Errorf("back: %v", kinds(f))
		}
	})
}

// The socket of a sign-in that ended closes at once; others go on.
func TestEndedSessionsLoseTheirSockets(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("101")
		who, err := r.sessions.Resolve(t.Context(), cookie, session.From{IP: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		here, there := r.open(cookie, "a", nil), r.open(r.signIn("101"), "b", nil)
		other := r.open(r.signIn("102"), "c", nil)
		ended := func(p *page, reason string, code websocket.StatusCode) {
			t.Helper()
			got := p.heard()
			if bye := got[len(got)-1]; bye["t"] != "bye" || bye["reason"] != reason {
				t.Errorf("last frame %v", bye)
			}
			if c := <-p.code; c != code {
				t.Errorf("closed with %d", c)
			}
		}
		if err := r.sessions.ChangePassword(t.Context(), who, "pass", "another password", session.From{IP: "127.0.0.1"}); err != nil {
			t.Fatal(err)
		}
		ended(there, "signed_out", 4401)
		if r.hub.Sockets() != 2 {
			t.Errorf("%d sockets", r.hub.Sockets())
		}
		if err := r.sessions.End(t.Context(), who.Session); err != nil {
			t.Fatal(err)
		}
		ended(here, "signed_out", 4401)
		// Disabled by another process: nobody tells, but it is found.
		u, _ := r.people.User(t.Context(), "u102")
		u.Disabled = true
		if err := r.people.UpdateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkEvery)
		ended(other, "signed_out", 4401)
		third := r.open(r.signIn("103"), "d", nil)
		r.store.SetError(pbx.Errorf(pbx.Unavailable, "away"))
		time.Sleep(2 * checkEvery)
		if r.hub.Sockets() != 1 {
			t.Error("a database that is away closed a socket")
		}
		r.store.SetError(nil)
		u, _ = r.people.User(t.Context(), "u103")
		u.Role = pbx.RoleUser
		if err := r.people.UpdateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkEvery)
		ended(third, "changed", 4410)
	})
}

// A line without a word from the page is dead.
func TestHeartbeat(t *testing.T) {
	run(t, func(r *rig) {
		alive := r.open(r.signIn("101"), "a", nil)
		dead, _ := r.dial(r.signIn("102"), nil)
		dead.say(HelloFrame{T: "hello", ClientID: "browser", TabID: "dead"})
		go func() { // reads, but its page hangs
			for {
				if _, _, err := dead.ws.Read(context.Background()); err != nil {
					dead.code <- websocket.CloseStatus(err)
					return
				}
			}
		}()
		time.Sleep(silence + 2*pingEvery)
		<-dead.code
		if r.hub.Sockets() != 1 {
			t.Errorf("%d sockets", r.hub.Sockets())
		}
		pongs, closed := r.edge.links[0].told()
		if pongs < 3 {
			t.Errorf("the browser edge heard %d heartbeats", pongs)
		}
		if _, gone := r.edge.links[1].told(); gone != 1 || closed != 0 {
			t.Error("the browser edge was not told who went")
		}
		alive.close()
	})
}

// Media frames go to the browser edge and back, with who sent them.
func TestMediaFrames(t *testing.T) {
	run(t, func(r *rig) {
		p := r.open(r.signIn("101"), "a", nil)
		p.heard()
		l := r.edge.links[0]
		if l.info.User != "u101" || l.info.Extension != "101" || l.info.Client != "browser" || l.info.Tab.Tab != "a" || l.info.Remote != "127.0.0.1:4000" {
			t.Errorf("connected as %+v", l.info)
		}
		p.say(MediaOfferFrame{"media.offer", "m1", "offer", pbx.OfferNew})
		p.say(MediaOfferFrame{"media.offer", "m2", "bad", pbx.OfferICE})
		got := p.heard()
		want(t, got, "media.answer", "media.refused")
		if got[0]["sdp"] != "answer to offer" || got[1]["code"] != "not_found" {
			t.Errorf("%v", got)
		}
		l.info.Send(pbx.RingFrame{T: "ring", Leg: "l"})
		want(t, p.heard(), "ring")
		// The sound came to this page: no event says so, but the page is told.
		r.ring("c")
		p.heard()
		r.edge.mu.Lock()
		r.edge.tab = "a"
		r.edge.mu.Unlock()
		l.info.Send(pbx.LegFrame{T: "leg.changed", Leg: "ca", Call: "c"})
		want(t, p.heard(), "leg.changed", "call.changed")
	})
}

// An open page reaches its user like a phone; a reload does not make him flicker.
func TestOpenPageIsALine(t *testing.T) {
	run(t, func(r *rig) {
		watcher := r.open(r.signIn("103"), "w", nil)
		watcher.heard()
		cookie := r.signIn("101")
		p := r.open(cookie, "a", nil)
		want(t, watcher.heard(), "person.changed")
		p.close()
		time.Sleep(offlineAfter / 2)
		p = r.open(cookie, "a", nil)
		time.Sleep(2 * offlineAfter)
		want(t, watcher.heard())
		p.close()
		time.Sleep(2 * offlineAfter)
		got := watcher.heard()
		want(t, got, "person.changed")
		if state := got[0]["person"].(map[string]any)["state"]; state != "offline" {
			t.Errorf("state %v", state)
		}
	})
}

// The same page with a newer socket: the older one makes room.
func TestNewerSocketOfAPageWins(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("101")
		old := r.open(cookie, "a", nil)
		r.open(cookie, "b", nil)
		r.open(cookie, "a", nil)
		if code := <-old.code; code != 4409 || r.hub.Sockets() != 2 {
			t.Errorf("closed with %d, %d sockets", code, r.hub.Sockets())
		}
	})
}

// What the hub missed it finds out from the exchange itself.
func TestGapsHeal(t *testing.T) {
	run(t, func(r *rig) {
		p := r.open(r.signIn("101"), "a", nil)
		p.heard()
		party := pbx.PartyInfo{Number: "101", Extension: "101"}
		r.mu.Lock()
		r.calls = []pbx.LiveCall{{ID: "x", From: party, Dialled: "102", StartedAt: time.Now(), Legs: []pbx.LiveLeg{{ID: "l", Incoming: true, Party: party, State: "talking"}}}}
		r.mu.Unlock()
		r.publish("x", "l", pbx.LegHeld{Held: true})
		want(t, p.heard())
		time.Sleep(lookEvery)
		want(t, p.heard(), "call.new", "person.changed")
		if calls := r.hub.Calls("101"); len(calls) != 1 || !r.hub.Owns("101", "l") || len(r.hub.People()) != 3 {
			t.Errorf("%+v", calls)
		}
	})
}

// An overflowing subscription starts again from the present state, with the same
// epoch: the pages' media sessions go on.
func TestOverflowStartsAgain(t *testing.T) {
	run(t, func(r *rig) {
		p := r.open(r.signIn("101"), "a", nil)
		r.ring("c")
		p.heard()
		r.hub.mu.Lock() // the hub is stuck
		for range eventBuffer + 10 {
			r.bus.Publish(pbx.Event{Body: pbx.AuthFailed{}})
		}
		r.bus.Publish(pbx.Event{Call: "c", Body: pbx.CallEnded{}})
		r.hub.mu.Unlock()
		want(t, p.heard(), "call.ended", "person.changed", "person.changed")
		r.ring("d")
		want(t, p.heard(), "call.new", "person.changed", "person.changed")
	})
}

func TestShutdownSaysGoodbye(t *testing.T) {
	run(t, func(r *rig) {
		p := r.open(r.signIn("101"), "a", nil)
		ungreeted, _ := r.dial(r.signIn("102"), nil)
		go ungreeted.read()
		start := time.Now()
		r.stop()
		if took := time.Since(start); took > 2*closeWithin {
			t.Errorf("the end took %s", took)
		}
		got := p.heard()
		if bye := got[len(got)-1]; bye["reason"] != "shutdown" || <-p.code != websocket.StatusGoingAway {
			t.Errorf("%v", bye)
		}
		<-ungreeted.code
		if other, status := r.dial(r.signIn("103"), nil); other != nil || status != 503 {
			t.Errorf("afterwards: %d", status)
		}
	})
}

// Every frame has a literal t, its own; the browser edge's are among them.
func TestFramesAreToldApart(t *testing.T) {
	for _, frames := range [][]any{ServerFrames(), ClientFrames()} {
		seen := map[string]bool{}
		for _, f := range frames {
			field, ok := reflect.TypeOf(f).FieldByName("T")
			name := field.Tag.Get("enum")
			if !ok || field.Tag.Get("json") != "t" || name == "" || seen[name] {
				t.Errorf("%T: t is %q", f, name)
			}
			seen[name] = true
		}
	}
	data, _ := json.Marshal(SnapshotFrame{T: "snapshot"})
	if !strings.Contains(string(data), `"extension":null`) {
		t.Errorf("%s", data)
	}
}
