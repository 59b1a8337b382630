package pbxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"klapka.dev/klapka/pbx"
)

// pick returns the first value of a map for which keep holds.
func pick[V any](m map[string]V, what string, keep func(V) bool) (V, error) {
	for _, v := range m {
		if keep(v) {
			return v, nil
		}
	}
	var none V
	return none, absent(what)
}

// User implements pbx.Users.
func (p *People) User(ctx context.Context, id string) (u pbx.User, err error) {
	err = p.do(ctx, "User", func(r *peopleRows) (err error) {
		u, err = pick(r.users, "person", func(u pbx.User) bool { return u.ID == id })
		return err
	})
	return u, err
}

// UserByEmail implements pbx.Users.
func (p *People) UserByEmail(ctx context.Context, email string) (u pbx.User, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	err = p.do(ctx, "UserByEmail", func(r *peopleRows) (err error) {
		u, err = pick(r.users, "person", func(u pbx.User) bool { return email != "" && u.Email == email })
		return err
	})
	return u, err
}

// Users implements pbx.Users.
func (p *People) Users(ctx context.Context) (all []pbx.User, err error) {
	err = p.do(ctx, "Users", func(r *peopleRows) error {
		all = slices.SortedFunc(maps.Values(r.users), func(a, b pbx.User) int {
			key := func(u pbx.User) string { return strings.ToLower(u.LastName + "\n" + u.FirstName) }
			return cmp.Or(strings.Compare(key(a), key(b)), strings.Compare(a.ID, b.ID))
		})
		return nil
	})
	return all, err
}

// CreateUser implements pbx.Users.
func (p *People) CreateUser(ctx context.Context, u *pbx.User) error {
	return p.saveUser(ctx, "CreateUser", u, true)
}

// UpdateUser implements pbx.Users.
func (p *People) UpdateUser(ctx context.Context, u *pbx.User) error {
	return p.saveUser(ctx, "UpdateUser", u, false)
}

func (p *People) saveUser(ctx context.Context, method string, u *pbx.User, create bool) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return p.do(ctx, method, func(r *peopleRows) error {
		v := *u
		v.UpdatedAt = storeNow()
		v.CreatedAt = v.UpdatedAt
		if create {
			v.ID = cmp.Or(v.ID, pbx.NewID())
		} else if old, ok := r.users[v.ID]; ok {
			v.CreatedAt = old.CreatedAt
		} else {
			return absent("person")
		}
		for id, other := range r.users {
			if create && id == v.ID {
				return taken("")
			}
			if v.Email != "" && id != v.ID && other.Email == v.Email {
				return taken("email")
			}
		}
		r.users[v.ID], *u = v, v
		return nil
	})
}

// DeleteUser implements pbx.Users.
func (p *People) DeleteUser(ctx context.Context, id string) error {
	return p.do(ctx, "DeleteUser", func(r *peopleRows) error {
		for _, e := range r.extensions {
			if e.UserID == id {
				return pbx.Errorf(pbx.Conflict, "this person still has extension %s", e.Number)
			}
		}
		if _, ok := r.users[id]; !ok {
			return absent("person")
		}
		delete(r.users, id)
		return nil
	})
}

// Extension implements pbx.Extensions.
func (p *People) Extension(ctx context.Context, number string) (e pbx.Extension, err error) {
	err = p.do(ctx, "Extension", func(r *peopleRows) (err error) {
		e, err = pick(r.extensions, "extension", func(e pbx.Extension) bool { return e.Number == number })
		return err
	})
	return e, err
}

// ExtensionOf implements pbx.Extensions.
func (p *People) ExtensionOf(ctx context.Context, userID string) (e pbx.Extension, err error) {
	err = p.do(ctx, "ExtensionOf", func(r *peopleRows) (err error) {
		e, err = pick(r.extensions, "extension", func(e pbx.Extension) bool { return userID != "" && e.UserID == userID })
		return err
	})
	return e, err
}

// Extensions implements pbx.Extensions.
func (p *People) Extensions(ctx context.Context) (all []pbx.Extension, err error) {
	err = p.do(ctx, "Extensions", func(r *peopleRows) error {
		all = slices.SortedFunc(maps.Values(r.extensions), func(a, b pbx.Extension) int {
			return strings.Compare(a.Number, b.Number)
		})
		return nil
	})
	return all, err
}

// CreateExtension implements pbx.Extensions.
func (p *People) CreateExtension(ctx context.Context, e *pbx.Extension) error {
	return p.saveExtension(ctx, "CreateExtension", e, true)
}

// UpdateExtension implements pbx.Extensions.
func (p *People) UpdateExtension(ctx context.Context, e *pbx.Extension) error {
	return p.saveExtension(ctx, "UpdateExtension", e, false)
}

func (p *People) saveExtension(ctx context.Context, method string, e *pbx.Extension, create bool) error {
	if err := e.Validate(); err != nil {
		return err
	}
	return p.do(ctx, method, func(r *peopleRows) error {
		v := *e
		v.UpdatedAt = storeNow()
		v.CreatedAt = v.UpdatedAt
		old, exists := r.extensions[v.Number]
		switch {
		case create && exists:
			return taken("number")
		case !create && !exists:
			return absent("extension")
		case !create:
			v.CreatedAt = old.CreatedAt
		}
		if v.UserID != "" {
			if _, ok := r.users[v.UserID]; !ok {
				return pbx.FieldErrorf("user_id", "there is no such person")
			}
		}
		for number, other := range r.extensions {
			if v.UserID != "" && number != v.Number && other.UserID == v.UserID {
				return taken("user_id")
			}
		}
		r.extensions[v.Number], *e = v, v
		return nil
	})
}

// DeleteExtension implements pbx.Extensions.
func (p *People) DeleteExtension(ctx context.Context, number string) error {
	return p.do(ctx, "DeleteExtension", func(r *peopleRows) error {
		if of := r.devicesOf(number); len(of) > 0 {
			return pbx.Errorf(pbx.Conflict, "extension %s still has devices: %s", number, of[0].Username)
		}
		if _, ok := r.extensions[number]; !ok {
			return absent("extension")
		}
		delete(r.extensions, number)
		return nil
	})
}
