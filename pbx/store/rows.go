package store

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// resolution is the finest time both databases keep.
const resolution = time.Microsecond

// now is the present time as it will be read back.
func now() time.Time { return utc(time.Now()) }

// utc is t as both databases give it back.
func utc(t time.Time) time.Time { return t.UTC().Truncate(resolution) }

// nullTime is t for a column that is NULL when there is no time.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = utc(t)
	return &t
}

// timeOf undoes nullTime.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return utc(*t)
}

// nullText is s for a column that is NULL when there is no text: a reference, or
// a unique column many rows leave empty.
func nullText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// textOf undoes nullText.
func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// wire makes text that came from the network storable: PostgreSQL refuses
// invalid UTF-8 and NUL, and a history that cannot be written would stop every
// later one.
func wire(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// take reads the one row of a query. What is looked for may come from the
// network: text that cannot be stored is not there, and PostgreSQL would refuse
// to compare it.
func take[R any](ctx context.Context, c conn, where string, args ...any) (R, error) {
	var row R
	for _, a := range args {
		if s, ok := a.(string); ok && wire(s) != s {
			return row, translate(gorm.ErrRecordNotFound)
		}
	}
	err := c.run(ctx, func(db *gorm.DB) error { return db.Where(where, args...).Take(&row).Error })
	return row, err
}

// list reads all rows of a query and turns each into its noun; an empty where
// takes the whole table.
func list[R, V any](ctx context.Context, c conn, noun func(R) V, where string, args ...any) ([]V, error) {
	var rows []R
	err := c.run(ctx, func(db *gorm.DB) error {
		if where != "" {
			db = db.Where(where, args...)
		}
		return db.Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = noun(r)
	}
	return values, nil
}

// insert adds one row.
func insert[R any](ctx context.Context, c conn, row *R) error {
	return c.run(ctx, func(db *gorm.DB) error { return db.Create(row).Error })
}

// replace writes all columns of row but those named, where the condition holds;
// NotFound when no row does.
func replace[R any](ctx context.Context, c conn, row *R, keep []string, where string, args ...any) error {
	return c.run(ctx, func(db *gorm.DB) error {
		res := db.Model(new(R)).Select("*").Omit(keep...).Where(where, args...).Updates(row)
		return someRow(res)
	})
}

// remove deletes the rows of a condition; NotFound when there is none.
func remove[R any](ctx context.Context, c conn, where string, args ...any) error {
	return c.run(ctx, func(db *gorm.DB) error { return someRow(db.Where(where, args...).Delete(new(R))) })
}

func someRow(res *gorm.DB) error {
	if res.Error == nil && res.RowsAffected == 0 {
		return gorm.ErrRecordNotFound
	}
	return res.Error
}

// slowStatement is the time from which a statement is worth a line in the log.
const slowStatement = 500 * time.Millisecond

// slowLog tells gorm's statements to slog when they were slow. Errors are not
// logged here: they are returned, and an outage would repeat them without end.
// Values never appear: among them are hashes.
type slowLog struct{ log *slog.Logger }

func (l slowLog) LogMode(logger.LogLevel) logger.Interface     { return l }
func (l slowLog) Info(context.Context, string, ...interface{}) {}

func (l slowLog) Warn(ctx context.Context, msg string, _ ...interface{}) { l.log.WarnContext(ctx, msg) }

func (l slowLog) Error(ctx context.Context, msg string, _ ...interface{}) {
	l.log.ErrorContext(ctx, msg)
}

func (l slowLog) Trace(ctx context.Context, begin time.Time, f func() (string, int64), err error) {
	if took := time.Since(begin); took >= slowStatement {
		text, rows := f()
		l.log.WarnContext(ctx, "slow database statement", "took", took, "rows", rows, "sql", text, "error", err)
	}
}

// ParamsFilter keeps values out of the text that Trace gets.
func (l slowLog) ParamsFilter(_ context.Context, text string, _ ...interface{}) (string, []interface{}) {
	return text, nil
}
