package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"klapka.dev/klapka/pbx"
)

type extensionRow struct {
	Number   string `gorm:"primaryKey"`
	Name     string
	UserID   *string // NULL: a shared phone
	Language string
	Disabled bool
	Created  time.Time `gorm:"column:created_at"`
	Updated  time.Time `gorm:"column:updated_at"`
}

func (extensionRow) TableName() string { return "extensions" }

func rowOfExtension(e *pbx.Extension) *extensionRow {
	return &extensionRow{
		Number: e.Number, Name: e.Name, UserID: nullText(e.UserID), Language: string(e.Language),
		Disabled: e.Disabled, Created: utc(e.CreatedAt), Updated: utc(e.UpdatedAt),
	}
}

func (r extensionRow) extension() pbx.Extension {
	return pbx.Extension{
		Number: r.Number, Name: r.Name, UserID: textOf(r.UserID), Language: pbx.Language(r.Language),
		Disabled: r.Disabled, CreatedAt: utc(r.Created), UpdatedAt: utc(r.Updated),
	}
}

// Extension implements pbx.Extensions.
func (c conn) Extension(ctx context.Context, number string) (pbx.Extension, error) {
	row, err := take[extensionRow](ctx, c, "number = ?", number)
	return row.extension(), missing(err, "there is no such extension")
}

// ExtensionOf implements pbx.Extensions.
func (c conn) ExtensionOf(ctx context.Context, userID string) (pbx.Extension, error) {
	row, err := take[extensionRow](ctx, c, "user_id = ?", userID)
	return row.extension(), missing(err, "this person has no extension")
}

// Extensions implements pbx.Extensions, in the order of numbers.
func (c conn) Extensions(ctx context.Context) ([]pbx.Extension, error) {
	extensions, err := list(ctx, c, extensionRow.extension, "")
	slices.SortFunc(extensions, func(a, b pbx.Extension) int { return strings.Compare(a.Number, b.Number) })
	return extensions, err
}

// CreateExtension implements pbx.Extensions. It fills in the times.
func (c conn) CreateExtension(ctx context.Context, e *pbx.Extension) error {
	if err := e.Validate(); err != nil {
		return err
	}
	row := rowOfExtension(e)
	row.Created = now()
	row.Updated = row.Created
	return c.transact(ctx, func(tx conn) error {
		if err := tx.mustHaveUser(ctx, e.UserID); err != nil {
			return err
		}
		if err := insert(ctx, tx, row); err != nil {
			return err
		}
		*e = row.extension()
		return nil
	})
}

// UpdateExtension implements pbx.Extensions. The number cannot change: calls,
// devices and habits hang on it.
func (c conn) UpdateExtension(ctx context.Context, e *pbx.Extension) error {
	if err := e.Validate(); err != nil {
		return err
	}
	return c.transact(ctx, func(tx conn) error {
		old, err := tx.Extension(ctx, e.Number)
		if err != nil {
			return err
		}
		if err := tx.mustHaveUser(ctx, e.UserID); err != nil {
			return err
		}
		row := rowOfExtension(e)
		row.Created, row.Updated = old.CreatedAt, now()
		if err := replace(ctx, tx, row, []string{"number", "created_at"}, "number = ?", e.Number); err != nil {
			return missing(err, "there is no such extension")
		}
		*e = row.extension()
		return nil
	})
}

// DeleteExtension implements pbx.Extensions. One with devices is in use.
func (c conn) DeleteExtension(ctx context.Context, number string) error {
	return c.transact(ctx, func(tx conn) error {
		devices, err := tx.DevicesOf(ctx, number)
		if err != nil {
			return err
		}
		if len(devices) > 0 {
			names := make([]string, len(devices))
			for i, d := range devices {
				names[i] = d.Username
			}
			return pbx.Errorf(pbx.Conflict, "extension %s still has devices: %s", number, strings.Join(names, ", "))
		}
		return missing(remove[extensionRow](ctx, tx, "number = ?", number), "there is no such extension")
	})
}

func (c conn) mustHaveUser(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	_, err := c.User(ctx, id)
	if pbx.CodeOf(err) == pbx.NotFound {
		return pbx.FieldErrorf("user_id", "there is no such person")
	}
	return err
}
