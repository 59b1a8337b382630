package directory

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a store in memory that counts how often it is read whole.
type shelf struct {
	*pbxtest.People
	mu       sync.Mutex
	revision string
	away     bool
	reads    int
}

func (s *shelf) Revision(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return "", pbx.Errorf(pbx.Unavailable, "away")
	}
	return s.revision, nil
}

func (s *shelf) Users(ctx context.Context) ([]pbx.User, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	return s.People.Users(ctx)
}

func (s *shelf) set(revision string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision, s.away = revision, away
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stocked(t *testing.T) *shelf {
	t.Helper()
	ctx := t.Context()
	s := &shelf{People: pbxtest.NewPeople(), revision: "1"}
	must(t, s.SaveSettings(ctx, pbx.Settings{Company: "Firma", Realm: "klapka", Language: pbx.German}))
	anna := pbx.User{FirstName: "Anna", LastName: "Huber", Role: pbx.RoleUser, Language: pbx.Czech}
	must(t, s.CreateUser(ctx, &anna))
	must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "101", UserID: anna.ID}))
	must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "200", Name: "Corridor"}))
	must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "300", Name: "Closed", Disabled: true}))
	ha1 := pbx.DigestHA1{MD5: "0123456789abcdef0123456789abcdef"}
	for _, d := range []pbx.Device{
		{ID: "d1", Extension: "101", Name: "desk", Username: "101", HA1: ha1},
		{ID: "d2", Extension: "101", Name: "old", Username: "101-2", HA1: ha1, Disabled: true},
		{ID: "d3", Extension: "300", Name: "desk", Username: "300", HA1: ha1},
	} {
		must(t, s.CreateDevice(ctx, &d))
	}
	return s
}

func TestLookups(t *testing.T) {
	s := stocked(t)
	d := New(s, slog.New(slog.DiscardHandler))
	must(t, d.Reload(t.Context()))
	if p := d.Party("101", "d1"); p.Name != "Anna Huber" || p.Language != pbx.Czech || p.Extension != "101" {
		t.Errorf("101 is shown as %+v", p)
	}
	if p := d.Party("200", ""); p.Name != "Corridor" || p.Language != pbx.German {
		t.Errorf("200 is shown as %+v", p)
	}
	if p := d.Party("999", ""); p.Extension != "" || p.Number != "999" {
		t.Errorf("a number nobody has is shown as %+v", p)
	}
	if !d.InService("101") || d.InService("300") || d.InService("999") {
		t.Error("who is in service is wrong")
	}
	if devs := d.DevicesOf("101"); len(devs) != 1 || devs[0].ID != "d1" {
		t.Errorf("101 rings on %v", devs)
	}
	if devs := d.DevicesOf("300"); devs != nil {
		t.Errorf("a closed extension rings on %v", devs)
	}
	dev, ok := d.DeviceByUsername("101-2")
	if !ok || d.Usable(dev) {
		t.Errorf("a device that is switched off: %+v, %v, usable %v", dev, ok, d.Usable(dev))
	}
	if _, ok := d.DeviceByUsername("nobody"); ok {
		t.Error("an unknown device is found")
	}
}

// A change by another process is seen at the next look; while the database is
// away the last picture serves; nothing is read while nothing changes.
func TestRunFollowsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stocked(t)
		d := New(s, slog.New(slog.DiscardHandler))
		must(t, d.Reload(t.Context()))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { d.Run(ctx, 5*time.Second); close(done) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		s.mu.Lock()
		if s.reads != 1 {
			t.Errorf("read %d times although nothing changed", s.reads)
		}
		s.mu.Unlock()
		must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "102", Name: "Pavel"}))
		s.set("2", false)
		time.Sleep(6 * time.Second)
		if !d.InService("102") {
			t.Error("a new extension is not seen")
		}
		s.set("2", true)
		time.Sleep(time.Minute)
		if !d.InService("101") {
			t.Error("the directory forgot everything when the database went away")
		}
		must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "103", Name: "Emily"}))
		s.set("3", false)
		d.Changed()
		synctest.Wait()
		if !d.InService("103") {
			t.Error("a change that was announced is not seen at once")
		}
		stop()
		<-done
	})
}

// The number of somebody who was disabled is out of service like one that was
// disabled itself: his phones neither ring nor call.
func TestDisabledPersonIsOutOfService(t *testing.T) {
	s := stocked(t)
	d := New(s, slog.New(slog.DiscardHandler))
	must(t, d.Reload(t.Context()))
	dev, _ := d.DeviceByUsername("101")
	if !d.InService("101") || !d.Usable(dev) {
		t.Fatal("101 is not in service to begin with")
	}
	e, err := s.Extension(t.Context(), "101")
	must(t, err)
	u, err := s.User(t.Context(), e.UserID)
	must(t, err)
	u.Disabled = true
	must(t, s.UpdateUser(t.Context(), &u))
	must(t, d.Renew(t.Context())) // the revision says nothing of it: two changes at the same moment
	if d.InService("101") || d.Usable(dev) || len(d.DevicesOf("101")) != 0 || len(d.Numbers()) != 1 {
		t.Errorf("a disabled person's number is in service: %v", d.Numbers())
	}
}
