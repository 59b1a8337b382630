package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// migrationTable lists the migrations that were run.
const migrationTable = "schema_migrations"

// migrationLock is the key of the advisory lock under which PostgreSQL is
// migrated: "klapka" in ASCII.
const migrationLock = 0x6b6c61706b61

// step is one version of the schema. Once released its text is never changed:
// what follows is written as a further step, with plain ALTER TABLE, because
// gorm's own ALTERs rebuild SQLite tables and lose rows by cascade.
type step struct {
	version int
	name    string
	schema  string
}

// steps returns every version, the oldest first.
func steps() []step {
	return []step{
		{1, "people", schema0001},
		{2, "history", schema0002},
		{3, "signin", schema0003},
		{4, "encryption", schema0004},
	}
}

// Latest is the version of the schema this program works with.
func Latest() int { return len(steps()) }

func (s step) id() string { return fmt.Sprintf("%04d_%s", s.version, s.name) }

// migration splits the text, because not every driver takes several statements
// at once, and fills in the one type the databases name differently.
func (s step) migration() *gormigrate.Migration {
	return &gormigrate.Migration{ID: s.id(), Migrate: func(tx *gorm.DB) error {
		moment := "datetime"
		if tx.Name() == "postgres" {
			moment = "timestamptz"
		}
		for statement := range strings.SplitSeq(strings.ReplaceAll(s.schema, "{time}", moment), ";") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if err := tx.Exec(statement).Error; err != nil {
				return fmt.Errorf("schema %s: %w", s.id(), err)
			}
		}
		return nil
	}}
}

// Migrate brings the schema to the version of this program, in one transaction:
// all of it or nothing. Several programs may do so at once. It takes as long as
// ctx allows.
func (s *Store) Migrate(ctx context.Context) error { return s.migrateTo(ctx, Latest()) }

func (s *Store) migrateTo(ctx context.Context, version int) error {
	var migrations []*gormigrate.Migration
	for _, st := range steps()[:version] {
		migrations = append(migrations, st.migration())
	}
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if tx.Name() == "postgres" {
			if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", migrationLock).Error; err != nil {
				return err
			}
		}
		return gormigrate.New(tx, &gormigrate.Options{
			TableName:                 migrationTable,
			IDColumnName:              "id",
			IDColumnSize:              100,
			ValidateUnknownMigrations: true,
		}, migrations).Migrate()
	})
	if errors.Is(err, gormigrate.ErrUnknownPastMigration) {
		return s.refuseNewer(ctx)
	}
	if err != nil {
		return translate(err)
	}
	s.log.InfoContext(ctx, "database ready", "server", s.version, "schema", version)
	return nil
}

// Version is the version of the schema as stored; 0 before the first Migrate.
func (s *Store) Version(ctx context.Context) (int, error) {
	var ids []string
	err := s.run(ctx, func(db *gorm.DB) error {
		if !db.Migrator().HasTable(migrationTable) {
			return db.Exec("SELECT 1").Error // HasTable tells nothing about a database that is away
		}
		return db.Table(migrationTable).Pluck("id", &ids).Error
	})
	if err != nil {
		return 0, err
	}
	version := 0
	for _, id := range ids {
		number, _, _ := strings.Cut(id, "_")
		n, err := strconv.Atoi(number)
		if err != nil {
			return 0, pbx.Errorf(pbx.Conflict, "the database holds a migration %q that is not Klapka's", id)
		}
		version = max(version, n)
	}
	return version, nil
}

// refuseNewer keeps an older program from writing rows it does not understand.
func (s *Store) refuseNewer(ctx context.Context) error {
	version, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if version > Latest() {
		return pbx.Errorf(pbx.Conflict,
			"the database was written by a newer Klapka (schema %d, this program knows %d): install the newer program",
			version, Latest())
	}
	return nil
}
