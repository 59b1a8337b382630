package store

import (
	"database/sql"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// Bounds of the pool. Idle connections are given back, and none grows old, so
// that a moved server address is noticed.
const (
	postgresConns    = 16
	postgresIdle     = 8
	postgresIdleTime = 5 * time.Minute
	postgresLifetime = time.Hour
)

func openPostgres(o Options) (*sql.DB, gorm.Dialector, error) {
	if !strings.HasPrefix(o.URL, "postgres://") && !strings.HasPrefix(o.URL, "postgresql://") {
		return nil, nil, pbx.FieldErrorf("database.url", "a database URL begins with postgres://")
	}
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		// Its text may quote parts of the URL, and with it a password.
		return nil, nil, pbx.FieldErrorf("database.url", "this is not a valid PostgreSQL URL")
	}
	// The pool also connects on its own behalf, where no caller's context ends
	// the attempt.
	if config.ConnectTimeout == 0 || config.ConnectTimeout > o.Timeout {
		config.ConnectTimeout = o.Timeout
	}
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "klapka"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresIdle)
	pool.SetConnMaxIdleTime(postgresIdleTime)
	pool.SetConnMaxLifetime(postgresLifetime)
	return pool, postgres.New(postgres.Config{Conn: pool}), nil
}
