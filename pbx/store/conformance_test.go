package store_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend opens an empty database of one kind, migrated or not.
type backend struct {
	name  string
	fresh func(t *testing.T) store.Options
}

func (b backend) empty(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), b.fresh(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (b backend) open(t *testing.T) *store.Store {
	t.Helper()
	s := b.empty(t)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// onBoth runs f on SQLite and on a PostgreSQL server of the test's own.
func onBoth(t *testing.T, f func(*testing.T, backend)) {
	t.Run("SQLite", func(t *testing.T) { f(t, sqliteBackend()) })
	t.Run("PostgreSQL", func(t *testing.T) {
		_, server := pbxtest.StartPostgres(t)
		f(t, backend{"postgres", func(*testing.T) store.Options {
			return store.Options{URL: server.NewDatabase()}
		}})
	})
}

func sqliteBackend() backend {
	return backend{"sqlite", func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} }}
}

// peopleCases is the part that also the stand-in for other rooms' tests must
// pass.
func peopleCases() map[string]func(*testing.T, people) {
	return map[string]func(*testing.T, people){
		"users are kept":          testUsers,
		"users are checked":       testUserFaults,
		"extensions are kept":     testExtensions,
		"extensions are checked":  testExtensionFaults,
		"devices are kept":        testDevices,
		"devices are checked":     testDeviceFaults,
		"what is in use stays":    testInUse,
		"settings are fixed once": testSettings,
		"several rows or none":    testWithin,
		"one name, one device":    testUsernameRace,
		"set-up token works once": testSetupToken,
	}
}

// TestStandIn holds pbxtest.People to the behaviour of the databases.
func TestStandIn(t *testing.T) {
	for name, test := range peopleCases() {
		t.Run(name, func(t *testing.T) { test(t, pbxtest.NewPeople()) })
	}
}

// TestConformance holds both databases to the same behaviour.
func TestConformance(t *testing.T) {
	cases := map[string]func(*testing.T, *store.Store){
		"server names itself":       testServer,
		"sign-ins are kept":         testWebSessions,
		"many rows at once":         testBulk,
		"bindings are kept":         testBindings,
		"call records are kept":     testCallRecord,
		"call records are filtered": testCallFilters,
		"call records are paged":    testCallPages,
		"hostile text is harmless":  testHostileText,
		"each event counts once":    testApply,
		"one writer wins":           testApplyRace,
		"writers take turns":        testWriters,
		"changes show in revision":  testRevision,
	}
	for name, test := range peopleCases() {
		cases[name] = func(t *testing.T, s *store.Store) { test(t, s) }
	}
	migrations := map[string]func(*testing.T, backend){
		"older databases are upgraded":   testUpgrade,
		"released schemas stay":          testFrozenSchema,
		"newer databases are refused":    testNewerRefused,
		"several programs start at once": testMigrateTogether,
	}
	onBoth(t, func(t *testing.T, b backend) {
		for name, test := range cases {
			t.Run(name, func(t *testing.T) { test(t, b.open(t)) })
		}
		for name, test := range migrations {
			t.Run(name, func(t *testing.T) { test(t, b) })
		}
	})
}

func testServer(t *testing.T, s *store.Store) {
	if s.Server() == "" {
		t.Error("the server has no name")
	}
	t.Log(s.Server())
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// wantCode fails the test unless err has the code; field may be empty.
func wantCode(t *testing.T, err error, code pbx.ErrorCode, field string) {
	t.Helper()
	if pbx.CodeOf(err) != code {
		t.Fatalf("got %q (%v), want %q", pbx.CodeOf(err), err, code)
	}
	if field == "" {
		return
	}
	if got := fieldOf(err); got != field {
		t.Fatalf("got field %q in %v, want %q", got, err, field)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person makes a user with extension and one device.
func person(t *testing.T, s pbx.People, number string) (pbx.User, pbx.Extension, pbx.Device) {
	t.Helper()
	ctx := context.Background()
	u := pbx.User{FirstName: "Number", LastName: number, Role: pbx.RoleUser, Language: pbx.Czech}
	must(t, s.CreateUser(ctx, &u))
	e := pbx.Extension{Number: number, UserID: u.ID}
	must(t, s.CreateExtension(ctx, &e))
	d := pbx.Device{Extension: number, Name: "desk phone", Username: number, HA1: ha1}
	must(t, s.CreateDevice(ctx, &d))
	return u, e, d
}
