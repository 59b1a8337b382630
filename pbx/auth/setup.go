package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"klapka.dev/klapka/pbx"
)

// SetupLife is how long a set-up token is valid. Each start makes a new one.
const SetupLife = 24 * time.Hour

// DefaultRealm is the digest realm of an exchange that was not given one.
const DefaultRealm = "klapka"

// EnsureSettings returns the stored settings; at the first start it stores want,
// with the default realm and language where want has none. Realm and Demo are
// then fixed.
func EnsureSettings(ctx context.Context, store pbx.SettingsStore, want pbx.Settings) (pbx.Settings, error) {
	have, err := store.Settings(ctx)
	if pbx.CodeOf(err) != pbx.NotFound {
		return have, err
	}
	if want.Realm == "" {
		want.Realm = DefaultRealm
	}
	if want.Language == "" {
		want.Language = pbx.English
	}
	if err := store.SaveSettings(ctx, want); err != nil {
		return pbx.Settings{}, err
	}
	return store.Settings(ctx) // another program may have been first
}

// FirstAdministrator is what the person who sets the exchange up says.
type FirstAdministrator struct {
	FirstName, LastName string
	Email               string
	Password            string
	Number              string // of the extension
	Language            pbx.Language
	Company             string // empty: stays as it is
}

// NewSetupToken makes the token of the set-up link, in place of every earlier
// one. It fails with Conflict when there is an administrator.
func (a *Accounts) NewSetupToken(ctx context.Context) (token string, expires time.Time, err error) {
	if err := refuseSecondSetup(ctx, a.store); err != nil {
		return "", time.Time{}, err
	}
	token, expires = rand.Text(), time.Now().Add(SetupLife)
	if err := a.store.SaveSetupToken(ctx, tokenHash(token), expires); err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// CompleteSetup creates the first administrator with extension, and uses the
// token up. Errors: Conflict when there is an administrator, Forbidden for a
// wrong, used or expired token, Invalid with the field (the token then stays
// valid), Unavailable, TooMany.
func (a *Accounts) CompleteSetup(ctx context.Context, token string, f FirstAdministrator) (Person, error) {
	if err := refuseSecondSetup(ctx, a.store); err != nil {
		return Person{}, err
	}
	hash := tokenHash(token)
	if err := forbidden(a.store.CheckSetupToken(ctx, hash, time.Now())); err != nil {
		return Person{}, err // before the work of a password hash
	}
	n, err := f.person()
	if err != nil {
		return Person{}, err
	}
	password, err := a.prepare(ctx, &n)
	if err != nil {
		return Person{}, err
	}
	var p Person
	err = a.store.Within(ctx, func(tx pbx.People) error {
		if err := forbidden(tx.UseSetupToken(ctx, hash, time.Now())); err != nil {
			return err
		}
		if err := refuseSecondSetup(ctx, tx); err != nil {
			return err
		}
		if p, err = create(ctx, tx, n, password, ""); err != nil {
			return err
		}
		return nameCompany(ctx, tx, f)
	})
	return p, err
}

func (f FirstAdministrator) person() (NewPerson, error) {
	switch {
	case f.Password == "":
		return NewPerson{}, pbx.FieldErrorf("password", "an administrator needs a password")
	case f.Number == "":
		return NewPerson{}, pbx.FieldErrorf("number", "an administrator needs an extension")
	}
	return NewPerson{
		User: pbx.User{
			FirstName: f.FirstName, LastName: f.LastName, Email: f.Email,
			Role: pbx.RoleAdministrator, Language: f.Language,
		},
		Number: f.Number, Password: f.Password,
	}, nil
}

// nameCompany stores what the first administrator says of his company. Callers
// then hear his language too.
func nameCompany(ctx context.Context, tx pbx.People, f FirstAdministrator) error {
	if f.Company == "" {
		return nil
	}
	settings, err := tx.Settings(ctx)
	if err != nil {
		return err
	}
	settings.Company, settings.Language = f.Company, f.Language
	return tx.SaveSettings(ctx, settings)
}

func refuseSecondSetup(ctx context.Context, users pbx.Users) error {
	all, err := users.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Role == pbx.RoleAdministrator {
			return pbx.Errorf(pbx.Conflict, "the exchange is set up already")
		}
	}
	return nil
}

func forbidden(err error) error {
	if pbx.CodeOf(err) == pbx.NotFound {
		return pbx.Errorf(pbx.Forbidden, "this set-up link is not valid, or no longer; a new one is printed at each start")
	}
	return err
}

// tokenHash needs no salt and no cost: the token has 130 random bits.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
