package pbx

import (
	"context"
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
