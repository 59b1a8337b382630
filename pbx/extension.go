package pbx

import (
	"context"
	"strings"
	"time"
)

// Extension is an internal number. It usually belongs to a user and rings that
// user's devices.
type Extension struct {
	Number    string // 2 to 10 digits, unique
	Name      string // shown when no user is attached, or overrides the user's name
	UserID    string // empty: a shared phone, e.g. in a corridor
	Language  Language
	Disabled  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Validate trims the name and reports the first field that cannot be stored, as
// an Invalid error. An empty language means the person's or the company's.
func (e *Extension) Validate() error {
	e.Name = strings.TrimSpace(e.Name)
	switch {
	case !digitsOnly(e.Number, 2, 10):
		return FieldErrorf("number", "an extension has 2 to 10 digits")
	case e.Language != "" && !e.Language.Valid():
		return FieldErrorf("language", "%q is not one of our languages", string(e.Language))
	}
	return checkName("name", e.Name)
}

// Extensions is the port to stored extensions. Errors: NotFound, Conflict
// (number taken, or devices still attached), Invalid with the field,
// Unavailable.
type Extensions interface {
	Extension(ctx context.Context, number string) (Extension, error)
	ExtensionOf(ctx context.Context, userID string) (Extension, error)
	Extensions(ctx context.Context) ([]Extension, error)
	CreateExtension(ctx context.Context, e *Extension) error
	UpdateExtension(ctx context.Context, e *Extension) error
	DeleteExtension(ctx context.Context, number string) error
}
