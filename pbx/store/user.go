package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"klapka.dev/klapka/pbx"
)

type userRow struct {
	ID           string `gorm:"primaryKey"`
	FirstName    string
	LastName     string
	Email        *string // NULL when empty, so that it can be unique
	Mobile       string
	Role         string
	Language     string
	PasswordHash string
	Disabled     bool
	Created      time.Time `gorm:"column:created_at"`
	Updated      time.Time `gorm:"column:updated_at"`
}

func (userRow) TableName() string { return "users" }

func rowOfUser(u *pbx.User) *userRow {
	return &userRow{
		ID: u.ID, FirstName: u.FirstName, LastName: u.LastName, Email: nullText(u.Email), Mobile: u.Mobile,
		Role: string(u.Role), Language: string(u.Language), PasswordHash: u.PasswordHash, Disabled: u.Disabled,
		Created: utc(u.CreatedAt), Updated: utc(u.UpdatedAt),
	}
}

func (r userRow) user() pbx.User {
	return pbx.User{
		ID: r.ID, FirstName: r.FirstName, LastName: r.LastName, Email: textOf(r.Email), Mobile: r.Mobile,
		Role: pbx.Role(r.Role), Language: pbx.Language(r.Language), PasswordHash: r.PasswordHash,
		Disabled: r.Disabled, CreatedAt: utc(r.Created), UpdatedAt: utc(r.Updated),
	}
}

// User implements pbx.Users.
func (c conn) User(ctx context.Context, id string) (pbx.User, error) {
	row, err := take[userRow](ctx, c, "id = ?", id)
	return row.user(), missing(err, "there is no such person")
}

// UserByEmail implements pbx.Users; upper and lower case do not matter.
func (c conn) UserByEmail(ctx context.Context, email string) (pbx.User, error) {
	row, err := take[userRow](ctx, c, "email = ?", strings.ToLower(strings.TrimSpace(email)))
	return row.user(), missing(err, "nobody has this e-mail address")
}

// Users implements pbx.Users, in the order of last and first names.
func (c conn) Users(ctx context.Context) ([]pbx.User, error) {
	users, err := list(ctx, c, userRow.user, "")
	// Sorted here, because the databases order letters differently.
	slices.SortFunc(users, func(a, b pbx.User) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(a.LastName), strings.ToLower(b.LastName)),
			strings.Compare(strings.ToLower(a.FirstName), strings.ToLower(b.FirstName)),
			strings.Compare(a.ID, b.ID))
	})
	return users, err
}

// CreateUser implements pbx.Users. It fills in an empty ID and the times.
func (c conn) CreateUser(ctx context.Context, u *pbx.User) error {
	if err := u.Validate(); err != nil {
		return err
	}
	row := rowOfUser(u)
	row.ID = cmp.Or(u.ID, pbx.NewID())
	row.Created = now()
	row.Updated = row.Created
	if err := insert(ctx, c, row); err != nil {
		return err
	}
	*u = row.user()
	return nil
}

// UpdateUser implements pbx.Users.
func (c conn) UpdateUser(ctx context.Context, u *pbx.User) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return c.transact(ctx, func(tx conn) error {
		old, err := tx.User(ctx, u.ID)
		if err != nil {
			return err
		}
		row := rowOfUser(u)
		row.Created, row.Updated = old.CreatedAt, now()
		if err := replace(ctx, tx, row, []string{"id", "created_at"}, "id = ?", u.ID); err != nil {
			return missing(err, "there is no such person")
		}
		*u = row.user()
		return nil
	})
}

// DeleteUser implements pbx.Users. A person with an extension is in use.
func (c conn) DeleteUser(ctx context.Context, id string) error {
	return c.transact(ctx, func(tx conn) error {
		switch e, err := tx.ExtensionOf(ctx, id); pbx.CodeOf(err) {
		case "":
			return pbx.Errorf(pbx.Conflict, "this person still has extension %s", e.Number)
		case pbx.NotFound:
		default:
			return err
		}
		return missing(remove[userRow](ctx, tx, "id = ?", id), "there is no such person")
	})
}
