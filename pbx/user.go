package pbx

import (
	"context"
	"strings"
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

// Validate trims the names, lower-cases the e-mail address and reports the first
// field that cannot be stored, as an Invalid error.
func (u *User) Validate() error {
	u.FirstName, u.LastName = strings.TrimSpace(u.FirstName), strings.TrimSpace(u.LastName)
	u.Email = strings.ToLower(strings.TrimSpace(u.Email))
	u.Mobile = strings.TrimSpace(u.Mobile)
	if err := checkName("first_name", u.FirstName); err != nil {
		return err
	}
	if err := checkName("last_name", u.LastName); err != nil {
		return err
	}
	switch {
	case u.FirstName == "" && u.LastName == "":
		return FieldErrorf("last_name", "a person needs a name")
	case u.Mobile != "" && !e164(u.Mobile):
		return FieldErrorf("mobile", "write the number as +, country code and digits")
	case !u.Role.Valid():
		return FieldErrorf("role", "%q is not a role", string(u.Role))
	case !u.Language.Valid():
		return FieldErrorf("language", "%q is not one of our languages", string(u.Language))
	case u.Email != "":
		return checkEmail("email", u.Email)
	}
	return nil
}

// e164 reports whether s is an international number (ITU-T E.164 §6.2) with its
// leading +.
func e164(s string) bool {
	return strings.HasPrefix(s, "+") && digitsOnly(s[1:], 7, 15) && s[1] != '0'
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
