package store_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

// testUpgrade opens databases as version 1 left them, brings them up to date and
// finds the same people in them.
func testUpgrade(t *testing.T, b backend) {
	ctx := t.Context()
	old := b.empty(t)
	restore(t, old, "testdata/v1."+b.name+".sql")
	if v, err := old.Version(ctx); err != nil || v != 1 {
		t.Fatalf("the fixture has version %d, %v", v, err)
	}
	must(t, old.Migrate(ctx))
	if v, err := old.Version(ctx); err != nil || v != store.Latest() {
		t.Fatalf("version %d after the upgrade, %v", v, err)
	}
	checkFixture(t, old)
	if fresh := b.open(t); !reflect.DeepEqual(schema(t, old), schema(t, fresh)) {
		t.Errorf("an upgraded schema differs from a new one:\n%s\n\n%s",
			strings.Join(schema(t, old), "\n"), strings.Join(schema(t, fresh), "\n"))
	}
	saveCalls(t, old, fullCall("first", noon)) // the new tables are of use
}

// testFrozenSchema: what version 1 creates today is what the fixture has.
func testFrozenSchema(t *testing.T, b backend) {
	old, now := b.empty(t), b.empty(t)
	restore(t, old, "testdata/v1."+b.name+".sql")
	must(t, now.MigrateTo(t.Context(), 1))
	if !reflect.DeepEqual(schema(t, old), schema(t, now)) {
		t.Errorf("a released migration was changed:\n%s\n\n%s",
			strings.Join(schema(t, old), "\n"), strings.Join(schema(t, now), "\n"))
	}
}

func restore(t *testing.T, s *store.Store, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			must(t, s.DB().Exec(statement).Error)
		}
	}
}

func checkFixture(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	settings, err := s.Settings(ctx)
	must(t, err)
	if want := (pbx.Settings{Company: "Bäckerei Žák", Realm: "baeckerei", Language: pbx.German}); settings != want {
		t.Errorf("settings: %+v", settings)
	}
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	user := pbx.User{
		ID: "u1", FirstName: "Jiří", LastName: "Žák", Email: "jiri@example.invalid", Mobile: "+420602123456",
		Role: pbx.RoleAdministrator, Language: pbx.Czech, PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		CreatedAt: created, UpdatedAt: created.Add(time.Hour),
	}
	if got, err := s.UserByEmail(ctx, user.Email); err != nil || got != user {
		t.Errorf("user: %+v, %v", got, err)
	}
	extension := pbx.Extension{Number: "101", UserID: "u1", Language: pbx.Czech, CreatedAt: created, UpdatedAt: created}
	corridor := pbx.Extension{Number: "201", Name: "Flur", Disabled: true, CreatedAt: created, UpdatedAt: created}
	if got, err := s.Extensions(ctx); err != nil || !reflect.DeepEqual(got, []pbx.Extension{extension, corridor}) {
		t.Errorf("extensions: %+v, %v", got, err)
	}
	device := pbx.Device{ID: "d1", Extension: "101", Name: "desk phone", Username: "101", HA1: ha1, CreatedAt: created, UpdatedAt: created}
	if got, err := s.DeviceByUsername(ctx, "101"); err != nil || got != device {
		t.Errorf("device: %+v, %v", got, err)
	}
}

// schema describes tables, columns and indexes, a line each.
func schema(t *testing.T, s *store.Store) []string {
	t.Helper()
	query := "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master"
	if s.DB().Name() == "postgres" {
		query = `SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
			FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
			WHERE connamespace = 'public'::regnamespace`
	}
	var lines []string
	must(t, s.DB().Raw(query).Scan(&lines).Error)
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	slices.Sort(lines)
	return lines
}

// testNewerRefused: an older program does not write rows it does not understand.
func testNewerRefused(t *testing.T, b backend) {
	o := b.fresh(t)
	s, err := store.Open(t.Context(), o)
	must(t, err)
	must(t, s.Migrate(t.Context()))
	must(t, s.DB().Exec("INSERT INTO schema_migrations (id) VALUES ('0099_future')").Error)
	err = s.Migrate(t.Context())
	wantCode(t, err, pbx.Conflict, "")
	must(t, s.Close())
	_, err = store.Open(t.Context(), o)
	wantCode(t, err, pbx.Conflict, "")
	if text := err.Error(); !strings.Contains(text, "newer") || !strings.Contains(text, "99") {
		t.Errorf("the refusal does not help: %v", err)
	}
}

// testMigrateTogether: several programs may start on one database at once.
func testMigrateTogether(t *testing.T, b backend) {
	o := b.fresh(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = s.Close() }()
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			u := pbx.User{FirstName: fmt.Sprint(i), Role: pbx.RoleUser, Language: pbx.Czech}
			if err := s.CreateUser(t.Context(), &u); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestUnmigrated: before the first migration the version is 0.
func TestUnmigrated(t *testing.T) {
	s := sqliteBackend().empty(t)
	if v, err := s.Version(t.Context()); err != nil || v != 0 {
		t.Errorf("version %d, %v", v, err)
	}
}
