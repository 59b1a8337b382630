package store

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // registers the pure Go driver "sqlite"

	"klapka.dev/klapka/pbx"
)

// FileName is the SQLite file within Options.Dir.
const FileName = "klapka.db"

// sqliteParams: write-ahead log, so that readers and a backup never block the
// writer; immediate transactions, because one that reads first and writes later
// fails when somebody wrote in between; times as UTC text that sorts.
const sqliteParams = "?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)" +
	"&_txlock=immediate&_time_format=sqlite&_timezone=UTC"

// sqliteConns bounds the pool: readers run side by side, writers take turns.
const sqliteConns = 8

func openSQLite(o Options) (*sql.DB, gorm.Dialector, error) {
	if o.Dir == "" {
		return nil, nil, pbx.FieldErrorf("data.dir", "a data directory is needed when no database URL is given")
	}
	file, err := createPrivate(o.Dir)
	if err != nil {
		return nil, nil, pbx.FieldErrorf("data.dir", "%v", err)
	}
	// Escaped, so that a blank, ? or # in the path stays part of the path.
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+sqliteParams)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", file, err)
	}
	pool.SetMaxOpenConns(sqliteConns)
	pool.SetMaxIdleConns(sqliteConns)
	return pool, sqlite.New(sqlite.Config{Conn: pool}), nil
}

// createPrivate makes the directory (0700) and the file (0600) before SQLite
// would create it readable for others; the log files beside it inherit the mode.
// A directory that exists keeps its mode: its owner chose it.
func createPrivate(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, FileName)
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return file, os.Chmod(file, 0o600)
}
