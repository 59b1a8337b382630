package live

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
)

// book is a Directory.
type book []pbx.PartyInfo

func (b *book) Numbers() []pbx.PartyInfo { return *b }

func (b *book) DeviceName(id string) string {
	if id == "" {
		return ""
	}
	return "phone " + id
}

func party(number, device string) pbx.PartyInfo {
	names := map[string]string{"101": "Anna", "102": "Pavel", "103": "Emily"}
	return pbx.PartyInfo{Number: number, Name: names[number], Extension: number, User: "u" + number, Device: device}
}

func people() *book { return &book{party("101", ""), party("102", ""), party("103", "")} }

// stage feeds a projector and writes down what people are told.
type stage struct {
	t *testing.T
	*Projector
	book *book
	at   time.Time
	told []string
}

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newStage(t *testing.T) *stage {
	s := &stage{t: t, book: people(), at: t0}
	s.Projector = New(s.book, nil)
	s.Reset(Picture{At: t0, Bindings: []pbx.Binding{binding("101"), binding("102"), binding("103")}})
	return s
}

func binding(number string) pbx.Binding {
	return pbx.Binding{Device: "d" + number, Extension: number, Contact: "sip:" + number}
}

func (s *stage) event(call pbx.CallID, leg pbx.LegID, body pbx.EventBody) {
	s.t.Helper()
	s.at = s.at.Add(time.Second)
	e := pbx.Event{At: s.at, Call: call, Leg: leg, Body: body}
	if _, in := body.(pbx.BridgeJoined); in {
		e.Bridge = "b"
	}
	if _, out := body.(pbx.BridgeLeft); out {
		e.Bridge = "b"
	}
	changes, ok := s.Apply(e)
	if !ok {
		s.t.Errorf("%s of leg %s is not understood", body.Kind(), leg)
	}
	s.hear(changes)
}

func (s *stage) hear(changes []Change) {
	for _, c := range changes {
		s.told = append(s.told, line(c))
	}
}

func line(c Change) string {
	switch {
	case c.Person != nil:
		return fmt.Sprintf("all: %s %s", c.Person.Number, c.Person.State)
	case c.Removed != "":
		return "all: " + c.Removed + " removed"
	case c.Call != nil:
		verb := "changed"
		if c.New {
			verb = "new"
		}
		return fmt.Sprintf("%s: %s %s %s %s with %s", c.For, verb, c.Call.Leg, c.Call.Direction, c.Call.State, c.Call.Peer.Name)
	case c.Ended != "":
		return fmt.Sprintf("%s: ended %s %s", c.For, c.Ended, c.Cause.Code)
	}
	return fmt.Sprintf("%s: registration %s", c.For, c.Registration)
}

// expect compares what was told since the last time, in order.
func (s *stage) expect(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.told, want) {
		s.t.Errorf("told\n  %s\nwant\n  %s", strings.Join(s.told, "\n  "), strings.Join(want, "\n  "))
	}
	s.told = nil
}

// ringing brings a call of 101 to 102 to where it rings.
func (s *stage) ringing() {
	s.event("c", "", pbx.CallStarted{From: party("101", "d101"), Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"}})
	s.event("c", "a", pbx.LegStarted{Incoming: true, Party: party("101", "d101")})
	s.event("c", "b", pbx.LegStarted{Party: party("102", "d102"), Parent: "a"})
	s.event("c", "b", pbx.LegRinging{})
	s.event("c", "a", pbx.LegRinging{})
}

func (s *stage) talking() {
	s.ringing()
	s.event("c", "b", pbx.LegAnswered{})
	s.event("c", "a", pbx.LegAnswered{})
	s.event("c", "a", pbx.BridgeJoined{})
	s.event("c", "b", pbx.BridgeJoined{})
	s.event("c", "", pbx.CallAnswered{By: party("102", "d102")})
	s.told = nil
}

// Y-07: everybody sees the lines; the two in the call see the call, nobody else.
func TestAnOrdinaryCall(t *testing.T) {
	s := newStage(t)
	s.ringing()
	s.expect(
		"101: new a outgoing dialling with Pavel", "all: 101 dialling",
		"102: new b incoming ringing with Anna", "all: 102 ringing",
		"101: changed a outgoing ringing with Pavel")
	s.event("c", "b", pbx.LegAnswered{})
	s.event("c", "a", pbx.LegAnswered{})
	s.expect("102: changed b incoming talking with Anna", "all: 102 talking", "101: changed a outgoing talking with Pavel", "all: 101 talking")
	s.event("c", "a", pbx.BridgeJoined{})
	s.event("c", "b", pbx.BridgeJoined{})
	s.event("c", "", pbx.CallAnswered{By: party("102", "d102")})
	s.expect()
	s.event("c", "b", pbx.LegHeld{Held: true})
	s.expect("101: changed a outgoing held with Pavel", "102: changed b incoming held with Anna", "all: 102 held")
	if held, holds := s.Calls("101")[0], s.Calls("102")[0]; held.OnHold || !holds.OnHold || holds.Device.Name != "phone d102" {
		t.Errorf("held %+v, holds %+v", held, holds)
	}
	s.event("c", "b", pbx.LegHeld{})
	s.expect("101: changed a outgoing talking with Pavel", "102: changed b incoming talking with Anna", "all: 102 talking")
	s.event("c", "b", pbx.LegEnded{Cause: pbx.Cause{Code: pbx.CauseNormal}})
	s.event("c", "b", pbx.BridgeLeft{}) // late
	s.event("c", "a", pbx.LegEnded{Cause: pbx.Cause{Code: pbx.CauseNormal}})
	s.event("c", "", pbx.CallEnded{})
	s.expect("102: ended b normal", "all: 102 free", "101: ended a normal", "all: 101 free")
	if len(s.legs)+len(s.calls)+len(s.lines) != 0 {
		t.Error("something is left of the call")
	}
}

// A phone that was invited but does not ring shows nothing.
func TestOnlyWhatRingsIsShown(t *testing.T) {
	s := newStage(t)
	s.event("c", "", pbx.CallStarted{From: party("101", ""), Dialled: "102"})
	s.event("c", "b", pbx.LegStarted{Party: party("102", "d102")})
	s.event("c", "b", pbx.LegEnded{Cause: pbx.Cause{Code: pbx.CauseUnreachable}})
	s.expect()
}

func TestASecondCallDoesNotHideTheFirst(t *testing.T) {
	s := newStage(t)
	s.talking()
	s.event("d", "", pbx.CallStarted{From: party("103", ""), Dialled: "102"})
	s.event("d", "e", pbx.LegStarted{Party: party("102", "d102")})
	s.event("d", "e", pbx.LegRinging{})
	s.expect("102: new e incoming ringing with Emily") // the line stays "talking"
	s.event("c", "b", pbx.LegEnded{})
	s.expect("102: ended b ", "all: 102 ringing")
}

func TestRegistrations(t *testing.T) {
	s := newStage(t)
	b := binding("102")
	s.event("", "", pbx.DeviceReachable{Device: b.Device, Extension: "102", Contact: b.Contact})
	s.expect("all: 102 offline", "102: registration 102")
	s.event("", "", pbx.DeviceReachable{Device: b.Device, Extension: "102", Contact: b.Contact, Reachable: true})
	s.expect("all: 102 free", "102: registration 102")
	s.event("", "", pbx.DeviceRegistered{Binding: b})
	s.expect()
	s.event("", "", pbx.DeviceUnregistered{Binding: b})
	s.expect("all: 102 offline", "102: registration 102")
	s.hear(s.SetOnline("102", true, s.at)) // an open page reaches him too
	s.expect("all: 102 free")
	s.event("", "", pbx.DeviceRegistered{Binding: b, New: true})
	s.hear(s.SetOnline("102", false, s.at))
	s.expect("102: registration 102")
}

// Whatever was missed, Reset tells the difference, and no more.
func TestResetTellsTheDifference(t *testing.T) {
	all := []pbx.Binding{binding("101"), binding("102"), binding("103")}
	s := newStage(t)
	s.talking()
	live := pbx.LiveCall{
		ID: "c", From: party("101", "d101"), Dialled: "102", StartedAt: t0, AnsweredAt: s.Calls("101")[0].AnsweredAt.UTC(),
		To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"},
		Legs: []pbx.LiveLeg{
			{ID: "a", Incoming: true, Party: party("101", "d101"), State: "talking", Bridge: "b"},
			{ID: "b", Party: party("102", "d102"), State: "held", Bridge: "b"},
		},
	}
	s.hear(s.Reset(Picture{At: s.at, Calls: []pbx.LiveCall{live}, Bindings: all}))
	for _, want := range []string{"101: changed a outgoing held with Pavel", "102: changed b incoming held with Anna", "all: 102 held"} {
		if !slices.Contains(s.told, want) {
			t.Errorf("not told: %s in %v", want, s.told)
		}
	}
	s.told = nil
	s.hear(s.Reset(Picture{At: s.at, Calls: []pbx.LiveCall{live}, Bindings: all}))
	s.expect()
	s.hear(s.Reset(Picture{At: s.at, Bindings: all[:2], Reachable: func(device, _ string) bool { return device != "d101" }}))
	slices.Sort(s.told)
	s.expect("101: ended a normal", "102: ended b normal", "all: 101 offline", "all: 102 free", "all: 103 offline")
}

// An event about something unknown says that something was missed.
func TestGapsAreNoticed(t *testing.T) {
	s := newStage(t)
	for _, body := range []pbx.EventBody{pbx.LegStarted{}, pbx.LegRinging{}, pbx.LegAnswered{}, pbx.LegHeld{}, pbx.BridgeJoined{}, pbx.CallAnswered{}} {
		if _, ok := s.Apply(pbx.Event{Call: "x", Leg: "x", Body: body}); ok {
			t.Errorf("%s of an unknown leg is taken for granted", body.Kind())
		}
	}
	// What ended is over either way; the rest is not about lines.
	for _, body := range []pbx.EventBody{pbx.LegEnded{}, pbx.CallEnded{}, pbx.BridgeLeft{}, pbx.AuthFailed{}, pbx.ExchangeStarted{}} {
		if _, ok := s.Apply(pbx.Event{Call: "x", Leg: "x", Body: body}); !ok {
			t.Errorf("%s wants a fresh start", body.Kind())
		}
	}
}

func TestNamesChange(t *testing.T) {
	s := newStage(t)
	renamed := party("102", "")
	renamed.Name = "Paul"
	*s.book = book{party("101", ""), renamed, party("104", "")}
	s.hear(s.Refresh(s.at))
	s.expect("all: 103 removed", "all: 102 free", "all: 104 offline")
	if got := s.People(); len(got) != 3 || got[1].Name != "Paul" {
		t.Errorf("%+v", got)
	}
}

// The sound moves between pages without any event; Refresh sees it.
func TestPagesOfACall(t *testing.T) {
	tab := "one"
	s := newStage(t)
	s.Projector = New(s.book, func(leg pbx.LegID) (string, bool) { return tab, leg == "a" })
	s.Reset(Picture{At: t0})
	s.talking()
	if c := s.Calls("101")[0]; c.Device.TabID == nil || *c.Device.TabID != "one" || c.Device.Kind != "browser" {
		t.Errorf("%+v", c.Device)
	}
	s.hear(s.RefreshCall("c"))
	s.expect()
	tab = "two"
	s.hear(s.RefreshCall("c"))
	s.expect("101: changed a outgoing talking with Pavel")
	if !s.Owns("101", "a") || s.Owns("102", "a") || s.Owns("", "a") || s.Owns("101", "x") {
		t.Error("whose leg it is")
	}
}

// Any order of events of a call, even one that cannot be, leaves nothing behind
// and breaks nothing.
func TestAnyOrderEndsClean(t *testing.T) {
	bodies := []pbx.EventBody{
		pbx.LegRinging{}, pbx.LegAnswered{}, pbx.LegHeld{Held: true}, pbx.BridgeJoined{}, pbx.BridgeLeft{},
		pbx.CallAnswered{By: party("102", "")}, pbx.LegEnded{},
	}
	for i := range bodies {
		for j := range bodies {
			for _, leg := range []pbx.LegID{"a", "b"} {
				s := newStage(t)
				s.ringing()
				for _, body := range []pbx.EventBody{bodies[i], bodies[j]} {
					s.hear(first(s.Apply(pbx.Event{At: s.at, Call: "c", Leg: leg, Bridge: "b", Body: body})))
				}
				s.hear(first(s.Apply(pbx.Event{At: s.at, Call: "c", Body: pbx.CallEnded{}})))
				if len(s.legs)+len(s.calls)+len(s.lines) != 0 || s.People()[0].State != Free || s.People()[1].State != Free {
					t.Errorf("%s, %s of %s: %+v", bodies[i].Kind(), bodies[j].Kind(), leg, s.People())
				}
			}
		}
	}
}

func first(changes []Change, _ bool) []Change { return changes }

// The document names every cause there is.
func TestCausesAreComplete(t *testing.T) {
	field, _ := reflect.TypeFor[EndCause]().FieldByName("Code")
	var names []string
	for _, c := range pbx.Causes {
		names = append(names, string(c))
	}
	if want := strings.Join(names, ","); field.Tag.Get("enum") != want {
		t.Errorf("the document has %s, want %s", field.Tag.Get("enum"), want)
	}
}
