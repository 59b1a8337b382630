package exchange

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
)

// Login is how one person of the demo company signs in and registers a phone.
type Login struct {
	Number   string
	Name     string
	Role     string
	Password string // of the web client
	Secret   string // of the phone
}

// Logins lists the demo company's people; empty on any other exchange.
func (x *Exchange) Logins() []Login { return x.logins }

// SetupToken is what POST /api/setup wants from the first administrator; empty
// when there was one at the start.
func (x *Exchange) SetupToken() string { return x.setupToken }

// openPeople fixes what is fixed at the first start, fills a demo, and makes a
// set-up token while nobody administers the exchange.
func (x *Exchange) openPeople(ctx context.Context) error {
	if x.opts.Demo {
		if err := auth.Seed(ctx, x.store); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	settings, err := auth.EnsureSettings(ctx, x.store, pbx.Settings{Realm: x.opts.Realm})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	x.settings = settings
	// An argon2id hash takes 19 MB; more at a time than cores would gain nothing.
	x.accounts = auth.NewAccounts(x.store, auth.NewHasher(runtime.NumCPU()))
	if settings.Demo {
		for _, p := range auth.DemoPeople() {
			x.logins = append(x.logins, Login{p.Number, p.User.Name(), string(p.User.Role), p.Password, p.Secret})
		}
		return nil
	}
	x.setupToken, _, err = x.accounts.NewSetupToken(ctx)
	if pbx.CodeOf(err) == pbx.Conflict {
		return nil // somebody administers it
	}
	return err
}

// setUp creates the first administrator for POST /api/setup.
func (x *Exchange) setUp(ctx context.Context, r web.SetupRequest) error {
	_, err := x.accounts.CompleteSetup(ctx, r.Token, auth.FirstAdministrator{
		FirstName: r.FirstName, LastName: r.LastName, Email: r.Email, Password: r.Password,
		Number: r.Extension, Language: pbx.Language(r.Language), Company: r.Company,
	})
	var e *pbx.Error
	if errors.As(err, &e) && e.Field == "number" {
		return pbx.FieldErrorf("extension", "%s", e.Message) // as the request calls it
	}
	return err
}
