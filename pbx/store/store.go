// Package store keeps the exchange's rows through gorm: in one SQLite file by
// default, in PostgreSQL when a URL is given. The same code serves both; what
// differs is in sqlite.go, postgres.go and errors.go.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// DefaultTimeout is how long one call of a method may take: short enough that
// also on a busy machine a caller hears within five seconds that the database is
// away.
const DefaultTimeout = 3500 * time.Millisecond

// Options say where the rows are.
type Options struct {
	URL     string        // postgres://…; empty: SQLite
	Dir     string        // directory of klapka.db when URL is empty
	Timeout time.Duration // bound of each method; 0: DefaultTimeout
	Log     *slog.Logger  // nil: silence
}

// Store is the exchange's database. Its methods may be called by any number of
// goroutines; none waits longer than Options.Timeout, save Migrate.
type Store struct {
	conn
	pool    *sql.DB
	version string
	log     *slog.Logger
}

// conn is a place where statements run: the pool, where each has its own time
// limit, or one transaction, whose statements share one end.
type conn struct {
	db      *gorm.DB
	timeout time.Duration
	until   time.Time // zero outside transactions
}

// Open connects to the database and makes sure that this program knows its
// schema; it does not change it (see Migrate). Errors: Invalid when the options
// or the credentials are wrong, Unavailable when the database is away, Conflict
// when it was written by a newer program.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	connect := openSQLite
	if o.URL != "" {
		connect = openPostgres
	}
	pool, dialector, err := connect(o)
	if err != nil {
		return nil, err
	}
	s := &Store{pool: pool, log: o.Log}
	if err := s.start(ctx, dialector, o.Timeout); err != nil {
		_ = pool.Close()
		return nil, err
	}
	return s, nil
}

// start makes first contact. The ping comes first because gorm asks SQLite for
// its version without a context.
func (s *Store) start(ctx context.Context, dialector gorm.Dialector, timeout time.Duration) error {
	pingCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.pool.PingContext(pingCtx); err != nil {
		return translate(err)
	}
	db, err := gorm.Open(dialector, &gorm.Config{
		DisableAutomaticPing:   true,
		SkipDefaultTransaction: true,
		NowFunc:                now,
		Logger:                 slowLog{s.log},
	})
	if err != nil {
		return translate(err)
	}
	s.conn = conn{db: db, timeout: timeout}
	if s.version, err = s.serverVersion(ctx); err != nil {
		return err
	}
	return s.refuseNewer(ctx)
}

// Close ends all connections.
func (s *Store) Close() error {
	if err := s.pool.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// Ping fails with Unavailable when the database does not answer.
func (s *Store) Ping(ctx context.Context) error {
	return s.run(ctx, func(db *gorm.DB) error { return db.Exec("SELECT 1").Error })
}

// Server names the database and its version, e.g. "PostgreSQL 17.5".
func (s *Store) Server() string { return s.version }

func (s *Store) serverVersion(ctx context.Context) (string, error) {
	name, query := "SQLite ", "SELECT sqlite_version()"
	if s.db.Name() == "postgres" {
		name, query = "PostgreSQL ", "SHOW server_version"
	}
	var v string
	err := s.run(ctx, func(db *gorm.DB) error { return db.Raw(query).Scan(&v).Error })
	return name + v, err
}

// Within implements pbx.Transactor.
func (s *Store) Within(ctx context.Context, change func(pbx.People) error) error {
	return s.transact(ctx, func(tx conn) error { return change(tx) })
}

// limit bounds ctx by the time limit, or by the end of the running transaction.
func (c conn) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if !c.until.IsZero() {
		return context.WithDeadline(ctx, c.until)
	}
	return context.WithTimeout(ctx, c.timeout)
}

// run gives f a database bound to ctx and the time limit, and translates its
// error.
func (c conn) run(ctx context.Context, f func(*gorm.DB) error) error {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	return translate(f(c.db.WithContext(ctx)))
}

// transact runs f in a transaction, or in a savepoint of the running one. An
// error of f comes back as it was.
func (c conn) transact(ctx context.Context, f func(conn) error) error {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	until, _ := ctx.Deadline()
	var inner error
	err := c.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		inner = f(conn{db: db, timeout: c.timeout, until: until})
		return inner
	})
	if inner != nil {
		return inner
	}
	return translate(err)
}

var (
	_ pbx.People      = (*Store)(nil)
	_ pbx.Transactor  = (*Store)(nil)
	_ pbx.WebSessions = (*Store)(nil)
	_ pbx.CallRecords = (*Store)(nil)
	_ pbx.Ledger      = (*Store)(nil)
	_ pbx.People      = conn{}
)
