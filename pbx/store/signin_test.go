package store_test

import (
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

func testSetupToken(t *testing.T, s people) {
	ctx, now := t.Context(), time.Now()
	wantCode(t, s.UseSetupToken(ctx, "a", now), pbx.NotFound, "")
	must(t, s.SaveSetupToken(ctx, "a", now.Add(time.Hour)))
	must(t, s.SaveSetupToken(ctx, "b", now.Add(time.Hour)))
	wantCode(t, s.CheckSetupToken(ctx, "a", now), pbx.NotFound, "") // replaced
	must(t, s.CheckSetupToken(ctx, "b", now))
	wantCode(t, s.UseSetupToken(ctx, "b", now.Add(time.Hour)), pbx.NotFound, "") // expired
	var wins atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s.UseSetupToken(ctx, "b", now) == nil {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("the token worked %d times", wins.Load())
	}
}

func testWebSessions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u, _, _ := person(t, s, "101")
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	session := func(hash string, seen time.Duration) pbx.WebSession {
		return pbx.WebSession{
			Hash: hash, UserID: u.ID, CreatedAt: at, LastSeen: at.Add(seen), ExpiresAt: at.Add(seen + time.Hour),
			IP: "192.0.2.1", UserAgent: "Browser/1.0",
		}
	}
	a, b, c := session("a", 0), session("b", time.Minute), session("c", 2*time.Minute)
	for _, v := range []pbx.WebSession{a, b, c} {
		must(t, s.CreateWebSession(ctx, v))
	}
	wantCode(t, s.CreateWebSession(ctx, a), pbx.Conflict, "")
	ghost := session("d", 0)
	ghost.UserID = "ghost"
	wantCode(t, s.CreateWebSession(ctx, ghost), pbx.Invalid, "user_id")
	a.LastSeen, a.ExpiresAt, a.IP = at.Add(time.Hour), at.Add(2*time.Hour), "192.0.2.2"
	must(t, s.TouchWebSession(ctx, a))
	got, err := s.WebSessionsOf(ctx, u.ID)
	must(t, err)
	if !reflect.DeepEqual(got, []pbx.WebSession{a, c, b}) {
		t.Errorf("got %+v", got)
	}
	n, err := s.DeleteExpiredWebSessions(ctx, b.ExpiresAt)
	if err != nil || n != 1 {
		t.Errorf("expired: %d, %v", n, err)
	}
	must(t, s.DeleteWebSessionsOf(ctx, u.ID, "c"))
	_, err = s.WebSession(ctx, "a")
	wantCode(t, err, pbx.NotFound, "")
	if one, err := s.WebSession(ctx, "c"); err != nil || one != c {
		t.Errorf("got %+v, %v", one, err)
	}
	must(t, s.DeleteWebSession(ctx, "c"))
	wantCode(t, s.DeleteWebSession(ctx, "c"), pbx.NotFound, "")
	wantCode(t, s.TouchWebSession(ctx, c), pbx.NotFound, "")
}
