package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"

	"klapka.dev/klapka/pbx"
)

// translate turns what gorm and the drivers say into a pbx.Error. The cause stays
// in the chain for the log.
func translate(err error) error {
	var known *pbx.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return pbx.Errorf(pbx.NotFound, "there is no such entry")
	}
	if e := fromPostgres(err); e != nil {
		return fmt.Errorf("%w (%w)", e, err)
	}
	if e := fromSQLite(err); e != nil {
		return fmt.Errorf("%w (%w)", e, err)
	}
	if away(err) {
		return fmt.Errorf("%w (%w)", unavailable(), err)
	}
	return fmt.Errorf("database: %w", err)
}

// missing replaces a NotFound by one that names what was looked for.
func missing(err error, format string, args ...any) error {
	if pbx.CodeOf(err) == pbx.NotFound {
		return pbx.Errorf(pbx.NotFound, format, args...)
	}
	return err
}

func unavailable() *pbx.Error {
	return pbx.Errorf(pbx.Unavailable, "the database does not answer; try again later")
}

// fromPostgres reads SQLSTATE (PostgreSQL manual, appendix A).
func fromPostgres(err error) *pbx.Error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return nil
	}
	switch pg.Code {
	case "23505": // unique_violation
		return taken(pg.ConstraintName)
	case "23503": // foreign_key_violation
		return inUse()
	case "28000", "28P01", "3D000": // wrong user, wrong password, no such database
		return pbx.FieldErrorf("database.url", "the server refuses: %s", pg.Message)
	case "40001", "40P01", "55P03", "57014", "25006": // lost a race, cancelled, or fallen back to a standby
		return unavailable()
	}
	// Connection exceptions, too many connections or no space, shutting down.
	if slices.Contains([]string{"08", "53", "57"}, pg.Code[:min(2, len(pg.Code))]) {
		return unavailable()
	}
	return nil
}

// fromSQLite reads result codes (sqlite.org/rescode.html): the low byte is the
// kind, the whole number the detail.
func fromSQLite(err error) *pbx.Error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return nil
	}
	switch lite.Code() {
	case 2067, 1555: // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
		_, columns, _ := strings.Cut(lite.Error(), "UNIQUE constraint failed: ")
		columns, _, _ = strings.Cut(columns, " ") // the first column of several, and no code
		return taken(strings.TrimSuffix(columns, ","))
	case 787: // SQLITE_CONSTRAINT_FOREIGNKEY
		return inUse()
	}
	switch lite.Code() & 0xff {
	case 5, 6, 7, 8, 9, 10, 13, 14: // busy, locked, no memory, read only, interrupted, i/o, full, cannot open
		return unavailable()
	}
	return nil
}

// taken names the field of a violated unique rule: PostgreSQL gives the index,
// SQLite table and column.
func taken(rule string) *pbx.Error {
	e := pbx.Errorf(pbx.Conflict, "this entry exists already")
	switch rule {
	case "users_email", "users.email":
		e.Field, e.Message = "email", "another person uses this e-mail address"
	case "extensions_pkey", "extensions.number":
		e.Field, e.Message = "number", "this number is taken"
	case "extensions_user", "extensions.user_id":
		e.Field, e.Message = "user_id", "this person has an extension already"
	case "devices_username", "devices.username":
		e.Field, e.Message = "username", "this SIP user name is taken"
	}
	return e
}

// inUse is the answer when a reference was broken between our own check, which
// names the reason, and the write.
func inUse() *pbx.Error {
	return pbx.Errorf(pbx.Conflict, "something else was changed at the same time and refers to this entry")
}

// away reports whether err means that the database could not be asked, or did
// not answer in time.
func away(err error) bool {
	for _, e := range []error{
		context.DeadlineExceeded, context.Canceled, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone,
		pgx.ErrTxClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		err.Error() == "sql: database is closed" // database/sql does not export it
}
