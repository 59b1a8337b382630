package pbx

import (
	"context"
	"time"
)

// Role is what a user may do. Roles are ordered: each may do what the ones
// before it may.
type Role string

// The roles.
const (
	RoleUser          Role = "user"
	RoleSupervisor    Role = "supervisor"
	RoleAdministrator Role = "administrator"
)

// Valid reports whether r is a known role.
func (r Role) Valid() bool {
	return r == RoleUser || r == RoleSupervisor || r == RoleAdministrator
}

// User is a person who may sign in. A user has at most one extension.
type User struct {
	ID           string
	FirstName    string
	LastName     string
	Email        string // lower case, unique when not empty
	Mobile       string // E.164 or empty
	Role         Role
	Language     Language
	PasswordHash string // argon2id in PHC form; empty: cannot sign in
	Disabled     bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Name is the display name: first and last name, whichever are set.
func (u User) Name() string {
	switch {
	case u.FirstName == "":
		return u.LastName
	case u.LastName == "":
		return u.FirstName
	}
	return u.FirstName + " " + u.LastName
}

// Users is the port to stored users. Errors: NotFound, Conflict (e-mail taken,
// or still in use), Invalid with the field, Unavailable.
type Users interface {
	User(ctx context.Context, id string) (User, error)
	UserByEmail(ctx context.Context, email string) (User, error)
	Users(ctx context.Context) ([]User, error)
	CreateUser(ctx context.Context, u *User) error
	UpdateUser(ctx context.Context, u *User) error
	DeleteUser(ctx context.Context, id string) error
}
