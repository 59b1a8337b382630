package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
)

// house is an API on people in memory, and what it asked of its neighbours.
type house struct {
	API
	people    *pbxtest.People
	dropped   []string
	ended     []string
	reloads   int
	reloadErr error
}

func (h *house) All() []pbx.Binding                       { return nil }
func (h *house) Reachable(string, string) bool            { return false }
func (h *house) Drop(device string)                       { h.dropped = append(h.dropped, device) }
func (h *house) EndAll(_ context.Context, u string) error { h.ended = append(h.ended, u); return nil }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{people: pbxtest.NewPeople()}
	must(t, h.people.SaveSettings(t.Context(), pbx.Settings{Company: "Firma", Realm: "klapka", Language: pbx.English}))
	h.API = API{
		Store: h.people, Accounts: auth.NewAccounts(h.people, auth.NewHasher(1)), Registrations: h, Sessions: h,
		Reload: func(context.Context) error { h.reloads++; return h.reloadErr }, Server: func() string { return "pbx.example" },
		Log: slog.New(slog.DiscardHandler), rights: &sync.Mutex{},
	}
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) administrator(t *testing.T, name string) string {
	t.Helper()
	u := pbx.User{LastName: name, Role: pbx.RoleAdministrator, Language: pbx.English, PasswordHash: "x"}
	must(t, h.people.CreateUser(t.Context(), &u))
	return u.ID
}

func role(r pbx.Role) PersonChange { return PersonChange{Role: &r} }

// Two administrators who take each other's rights at the same moment do not both
// succeed.
func TestOneAdministratorStays(t *testing.T) {
	h := newHouse(t)
	ids := []string{h.administrator(t, "A"), h.administrator(t, "B")}
	var wg sync.WaitGroup
	errs := make([]error, len(ids))
	for i, id := range ids {
		wg.Go(func() { _, errs[i] = h.changePerson(t.Context(), &personChange{ID: id, Body: role(pbx.RoleUser)}) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || pbx.CodeOf(errors.Join(errs...)) != pbx.Conflict {
		t.Errorf("both at once: %v, %v", errs[0], errs[1])
	}
}

// An administrator without a password cannot sign in, so he is none to rely on.
func TestAdministratorWhoCannotSignInDoesNotCount(t *testing.T) {
	h := newHouse(t)
	id := h.administrator(t, "A")
	must(t, h.people.CreateUser(t.Context(), &pbx.User{LastName: "B", Role: pbx.RoleAdministrator, Language: pbx.English}))
	if _, err := h.deletePerson(t.Context(), &personPath{id}); pbx.CodeOf(err) != pbx.Conflict {
		t.Errorf("the last one who can sign in was deleted: %v", err)
	}
}

// What is stored counts although the directory could not be read; it will be.
func TestChangeCountsWithoutReload(t *testing.T) {
	h := newHouse(t)
	h.reloadErr = errors.New("away")
	in := &struct{ Body ExtensionInput }{ExtensionInput{Number: "150"}}
	if _, err := h.createExtension(t.Context(), in); err != nil || h.reloads != 1 {
		t.Errorf("%v, %d reloads", err, h.reloads)
	}
}

// A database that is away is said to be away, by every operation.
func TestDatabaseAway(t *testing.T) {
	h := newHouse(t)
	h.people.SetFault(func(string) error { return pbx.Errorf(pbx.Unavailable, "away") })
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"people":     func() error { _, err := h.listPeople(ctx, nil); return err },
		"person":     func() error { _, err := h.getPerson(ctx, &personPath{"x"}); return err },
		"change":     func() error { _, err := h.changePerson(ctx, &personChange{ID: "x"}); return err },
		"delete":     func() error { _, err := h.deletePerson(ctx, &personPath{"x"}); return err },
		"extensions": func() error { _, err := h.listExtensions(ctx, nil); return err },
		"extension":  func() error { _, err := h.changeExtension(ctx, &extensionChange{Number: "101"}); return err },
		"devices":    func() error { _, err := h.listDevices(ctx, nil); return err },
		"device":     func() error { _, err := h.changeDevice(ctx, &deviceChange{ID: "x"}); return err },
		"secret":     func() error { _, err := h.renewSecret(ctx, &devicePath{"x"}); return err },
		"settings":   func() error { _, err := h.changeSettings(ctx, &struct{ Body SettingsChange }{}); return err },
	} {
		if err := do(); pbx.CodeOf(err) != pbx.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.reloads != 0 || len(h.dropped)+len(h.ended) != 0 {
		t.Errorf("nothing was changed, but %d reloads, dropped %v, ended %v", h.reloads, h.dropped, h.ended)
	}
}

// Reliability row 16: no name becomes a formula or a row of its own.
func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"Anna":                    "Anna",
		"101":                     "101",
		"+436641234567":           "'+436641234567",
		"=HYPERLINK(\"x\")":       "'=HYPERLINK(\"x\")",
		"@SUM(A1)":                "'@SUM(A1)",
		"-2+3":                    "'-2+3",
		"  =1":                    "'  =1",
		"\t=1":                    "' =1",
		"a\r\nb\x1b":              "a  b ",
		"＝1":                      "'＝1",
		"O'Brien, \"x\" <script>": "O'Brien, \"x\" <script>",
	} {
		if got := cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestTextTellsNullFromNothing(t *testing.T) {
	for in, want := range map[string]Text{
		`{}`: {}, `{"extension":null}`: {Given: true}, `{"extension":""}`: {Given: true}, `{"extension":"101"}`: {true, "101"},
	} {
		var c PersonChange
		if err := json.Unmarshal([]byte(in), &c); err != nil || c.Extension != want {
			t.Errorf("%s is %+v, %v", in, c.Extension, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"extension":5}`), &PersonChange{}); err == nil {
		t.Error("a number is taken for a text")
	}
}

func TestStateOfALiveCall(t *testing.T) {
	leg := func(incoming bool, state string) pbx.LiveLeg {
		return pbx.LiveLeg{Incoming: incoming, State: state, Party: pbx.PartyInfo{Number: "102"}}
	}
	for _, tc := range []struct {
		legs     []pbx.LiveLeg
		answered bool
		want     string
	}{
		{[]pbx.LiveLeg{leg(true, "ringing")}, false, "dialling 999"},
		{[]pbx.LiveLeg{leg(true, "ringing"), leg(false, "ringing")}, false, "ringing 102"},
		{[]pbx.LiveLeg{leg(true, "talking"), leg(false, "talking")}, true, "talking 102"},
		{[]pbx.LiveLeg{leg(true, "held"), leg(false, "talking")}, true, "held 102"},
		{[]pbx.LiveLeg{leg(true, "talking")}, false, "talking 999"},
	} {
		c := pbx.LiveCall{Dialled: "999", Legs: tc.legs}
		if tc.answered {
			c.AnsweredAt = time.Now()
		}
		v := liveCall(c)
		if got := v.State + " " + v.To.Number; got != tc.want {
			t.Errorf("%+v is %s, want %s", tc.legs, got, tc.want)
		}
	}
}

// Every cause can be asked for, and nothing else.
func TestRecordFilter(t *testing.T) {
	for _, c := range pbx.Causes {
		if f, err := (RecordFilter{Cause: string(c), Open: "false"}).filter(); err != nil || f.Cause != c || *f.Open {
			t.Errorf("%s: %+v, %v", c, f, err)
		}
	}
	if _, err := (RecordFilter{Cause: "x' OR 1=1"}).filter(); err == nil || !strings.Contains(err.Error(), "query.cause") {
		t.Errorf("%v", err)
	}
}
