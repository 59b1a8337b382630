package account

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
)

func TestParty(t *testing.T) {
	a := Account{
		Device:    pbx.Device{ID: "d", Extension: "101"},
		Extension: pbx.Extension{Number: "101", Language: "de"},
		User:      pbx.User{ID: "u", FirstName: "Anna", LastName: "Klapková", Language: "cs"},
	}
	want := pbx.PartyInfo{Number: "101", Name: "Anna Klapková", Extension: "101", User: "u", Device: "d", Language: "cs"}
	if got := a.Party(); got != want {
		t.Errorf("%+v", got)
	}
	a.Extension.Name = "Reception"
	if got := a.Party(); got.Name != "Reception" {
		t.Errorf("the extension's own name comes first: %+v", got)
	}
	a.User = pbx.User{}
	if got := a.Party(); got.Language != "de" || got.User != "" {
		t.Errorf("a shared phone: %+v", got)
	}
}

func TestDisabled(t *testing.T) {
	if (Account{}).Disabled() || !(Account{Device: pbx.Device{Disabled: true}}).Disabled() ||
		!(Account{Extension: pbx.Extension{Disabled: true}}).Disabled() {
		t.Error("a device counts as disabled when it or its extension is")
	}
}

// lookups is a table whose lookups can be counted, delayed and made to fail.
type lookups struct {
	rows  map[string]string
	err   error
	hang  time.Duration
	count int
}

func (l *lookups) load(ctx context.Context, key string) (string, error) {
	l.count++
	select {
	case <-time.After(l.hang):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if l.err != nil {
		return "", l.err
	}
	if v, ok := l.rows[key]; ok {
		return v, nil
	}
	return "", pbx.Errorf(pbx.NotFound, "no %s", key)
}

func TestCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookups{rows: map[string]string{"101": "a"}}
		c := newCache(DirectoryOptions{TTL: 30 * time.Second, Timeout: 3 * time.Second}, l.load)
		get := func(key, want string, code pbx.ErrorCode, within time.Duration, asks int) {
			t.Helper()
			begun, before := time.Now(), l.count
			got, err := c.get(t.Context(), key)
			if got != want || pbx.CodeOf(err) != code {
				t.Errorf("%s: %q, %v", key, got, err)
			}
			if d := time.Since(begun); d > within {
				t.Errorf("%s: took %v", key, d)
			}
			if n := l.count - before; n != asks {
				t.Errorf("%s: asked %d times, want %d", key, n, asks)
			}
		}
		get("101", "a", "", 0, 1)
		get("101", "a", "", 0, 0)
		get("999", "", pbx.NotFound, 0, 1)
		get("999", "", pbx.NotFound, 0, 0) // strangers do not wear the database out
		time.Sleep(6 * time.Second)
		l.rows["999"] = "new"
		get("999", "new", "", 0, 1)
		time.Sleep(30 * time.Second)
		l.hang = time.Hour
		get("101", "a", "", impatience, 1)
		get("101", "a", "", 0, 0) // it is left alone for a while
		get("102", "", pbx.Unavailable, 0, 0)
		time.Sleep(respite)
		get("102", "", pbx.Unavailable, 3*time.Second, 1)
		l.hang, l.err = 0, errors.New("connection refused")
		time.Sleep(respite)
		get("101", "a", "", 0, 1)
		l.err = nil
		time.Sleep(respite)
		l.rows["101"] = "b"
		get("101", "b", "", 0, 1)
		l.rows["101"] = "c"
		c.invalidate()
		get("101", "c", "", 0, 1)
		delete(l.rows, "101")
		c.invalidate()
		get("101", "", pbx.NotFound, 0, 1)
		l.err = errors.New("away")
		c.invalidate()
		get("101", "", pbx.Unavailable, 0, 1) // what was deleted does not come back
	})
}

// What strangers ask for is not remembered without limit.
func TestUnknownNamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookups{}
		c := newCache(DirectoryOptions{TTL: time.Second, Timeout: time.Second}, l.load)
		var s suspects
		s.tries = make(map[string]tries)
		for i := range 3 * maxMissing {
			_, _ = c.get(t.Context(), fmt.Sprint(i))
			s.failed(fmt.Sprint(i))
		}
		if len(c.none) > maxMissing || len(s.tries) > maxSuspect {
			t.Errorf("%d names, %d suspects", len(c.none), len(s.tries))
		}
	})
}
