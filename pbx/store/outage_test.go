package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/store"
)

// patience is the time within which a caller must have heard that the database
// is away.
const patience = 5 * time.Second

// TestDatabaseHangs: a server that stops answering costs every caller less than
// five seconds, also when more callers wait than the pool has connections, and
// is used again once it answers.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	url, server := pbxtest.StartPostgres(t)
	s, err := store.Open(t.Context(), store.Options{URL: url})
	must(t, err)
	defer func() { _ = s.Close() }()
	must(t, s.Migrate(t.Context()))
	person(t, s, "101")
	server.Pause()
	begun := time.Now()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := everyKindOfCall(s, i)
			if pbx.CodeOf(err) != pbx.Unavailable {
				t.Errorf("call %d: got %v, want unavailable", i, err)
			}
			if took := time.Since(begun); took > patience {
				t.Errorf("call %d took %v", i, took)
			}
		})
	}
	wg.Wait()
	server.Resume()
	wantSoon(t, s)
}

// everyKindOfCall reads, writes and opens transactions in turn.
func everyKindOfCall(s *store.Store, i int) error {
	ctx := context.Background()
	switch i % 5 {
	case 0:
		return s.Ping(ctx)
	case 1:
		_, err := s.DeviceByUsername(ctx, "101")
		return err
	case 2:
		u := pbx.User{FirstName: "Late", Role: pbx.RoleUser, Language: pbx.Czech}
		return s.CreateUser(ctx, &u)
	case 3:
		return s.Apply(ctx, fmt.Sprint(i), 0, 1, func(pbx.LedgerTx) error { return nil })
	}
	_, err := s.CallRecords(ctx, pbx.CallFilter{})
	return err
}

// wantSoon waits until the store reads the person again.
func wantSoon(t *testing.T, s *store.Store) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err = s.DeviceByUsername(t.Context(), "101"); err == nil {
			return
		}
	}
	t.Fatalf("the database is back, the store is not: %v", err)
}

// TestDatabaseRestarts: a server that is away is reported at once, and a record
// refused meanwhile is stored once after it returned.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel()
	url, server := pbxtest.StartPostgres(t)
	s, err := store.Open(t.Context(), store.Options{URL: url})
	must(t, err)
	defer func() { _ = s.Close() }()
	must(t, s.Migrate(t.Context()))
	person(t, s, "101")
	server.Stop()
	save := func(tx pbx.LedgerTx) error { return tx.SaveCall(fullCall("c", noon)) }
	begun := time.Now()
	wantCode(t, s.Apply(t.Context(), "calls", 0, 1, save), pbx.Unavailable, "")
	_, err = store.Open(t.Context(), store.Options{URL: url})
	wantCode(t, err, pbx.Unavailable, "")
	if took := time.Since(begun); took > patience {
		t.Errorf("two refusals took %v", took)
	}
	server.Start()
	wantSoon(t, s)
	must(t, s.Apply(t.Context(), "calls", 0, 1, save))
	wantCode(t, s.Apply(t.Context(), "calls", 0, 1, save), pbx.Conflict, "")
	if got, err := s.CallRecords(t.Context(), pbx.CallFilter{}); err != nil || len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// TestSQLiteLocked: while another program holds the file, reading goes on and
// writing gives up in time.
func TestSQLiteLocked(t *testing.T) {
	t.Parallel()
	o := sqliteBackend().fresh(t)
	s, err := store.Open(t.Context(), o)
	must(t, err)
	defer func() { _ = s.Close() }()
	must(t, s.Migrate(t.Context()))
	u, _, _ := person(t, s, "101")
	other, err := store.Open(t.Context(), o)
	must(t, err)
	defer func() { _ = other.Close() }()
	must(t, other.DB().Transaction(func(*gorm.DB) error { // immediate: holds the write lock
		begun := time.Now()
		wantCode(t, s.UpdateUser(t.Context(), &u), pbx.Unavailable, "")
		if took := time.Since(begun); took > patience {
			t.Errorf("the refusal took %v", took)
		}
		_, err := s.User(t.Context(), u.ID)
		return err
	}))
	must(t, s.UpdateUser(t.Context(), &u))
}

// TestCallerGivesUp: a cancelled context ends a call at once.
func TestCallerGivesUp(t *testing.T) {
	s := sqliteBackend().open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Users(ctx)
	wantCode(t, err, pbx.Unavailable, "")
}

// TestClosed: a closed store refuses instead of crashing.
func TestClosed(t *testing.T) {
	s := sqliteBackend().open(t)
	must(t, s.Close())
	_, err := s.Users(t.Context())
	wantCode(t, err, pbx.Unavailable, "")
}

// TestWrongOptions: faults a retry cannot cure are told apart from an outage.
func TestWrongOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, o := range []store.Options{
		{}, {URL: "mysql://x"}, {URL: "postgres://u:secret@%zz/"}, {Dir: file},
	} {
		_, err := store.Open(t.Context(), o)
		wantCode(t, err, pbx.Invalid, "")
		if text := err.Error(); len(text) == 0 || strings.Contains(text, "secret") {
			t.Errorf("message: %q", text)
		}
	}
	_, server := pbxtest.StartPostgres(t)
	_, err := store.Open(t.Context(), store.Options{URL: server.URL("nothing")})
	wantCode(t, err, pbx.Invalid, "database.url")
}

// TestSQLiteFiles: others on the machine cannot read the database, whatever its
// directory is called, and what was stored is there after a restart.
func TestSQLiteFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data #1 ?x=y&100%", "demo")
	o := store.Options{Dir: dir}
	s, err := store.Open(t.Context(), o)
	must(t, err)
	must(t, s.Migrate(t.Context()))
	person(t, s, "101")
	wantMode(t, dir, 0o700)
	for _, name := range []string{"klapka.db", "klapka.db-wal", "klapka.db-shm"} {
		wantMode(t, filepath.Join(dir, name), 0o600)
	}
	must(t, s.Close())
	must(t, os.Chmod(filepath.Join(dir, "klapka.db"), 0o644)) // as a careless restore leaves it
	s, err = store.Open(t.Context(), o)
	must(t, err)
	defer func() { _ = s.Close() }()
	wantMode(t, filepath.Join(dir, "klapka.db"), 0o600)
	if _, err := s.DeviceByUsername(t.Context(), "101"); err != nil {
		t.Error(err)
	}
}

func wantMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != mode {
		t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), mode)
	}
}

// TestVirtualTime: a store opened in a synctest bubble works there.
func TestVirtualTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Dir: dir})
		must(t, err)
		must(t, s.Migrate(t.Context()))
		begun := time.Now()
		u, _, _ := person(t, s, "101")
		time.Sleep(24 * time.Hour)
		must(t, s.UpdateUser(t.Context(), &u))
		if got := u.UpdatedAt.Sub(begun); got < 24*time.Hour {
			t.Errorf("updated after %v", got)
		}
		must(t, s.Close())
	})
}
