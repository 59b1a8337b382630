package pbxtest

import (
	"context"
	"maps"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// People is a pbx.People and pbx.Transactor in memory, with faults on demand. It
// is held to the same conformance suite as the real store.
type People struct {
	shared *peopleShared
	tx     *peopleRows // nil outside transactions
}

type peopleShared struct {
	mu    sync.Mutex
	rows  peopleRows
	fault func(method string) error
}

type peopleRows struct {
	users      map[string]pbx.User      // by id
	extensions map[string]pbx.Extension // by number
	devices    map[string]pbx.Device    // by id
	settings   *pbx.Settings
	token      string // hash of the set-up token
	tokenEnd   time.Time
}

// NewPeople returns an empty store.
func NewPeople() *People {
	return &People{shared: &peopleShared{rows: peopleRows{
		users: map[string]pbx.User{}, extensions: map[string]pbx.Extension{}, devices: map[string]pbx.Device{},
	}}}
}

// SetFault installs a function that is asked, with the method's name, before
// each call; an error it returns is what the call fails with. Nil removes it.
// The function must not call the store.
func (p *People) SetFault(f func(method string) error) {
	p.shared.mu.Lock()
	defer p.shared.mu.Unlock()
	p.shared.fault = f
}

func (r peopleRows) clone() *peopleRows {
	r.users, r.extensions, r.devices = maps.Clone(r.users), maps.Clone(r.extensions), maps.Clone(r.devices)
	return &r
}

// Within implements pbx.Transactor; transactions take turns.
func (p *People) Within(ctx context.Context, change func(pbx.People) error) error {
	return p.do(ctx, "Within", func(rows *peopleRows) error {
		return change(&People{shared: p.shared, tx: rows})
	})
}

// do runs f on the rows: those of the running transaction, whose owner holds the
// lock, or a copy that counts when f succeeds.
func (p *People) do(ctx context.Context, method string, f func(*peopleRows) error) error {
	if p.tx == nil {
		p.shared.mu.Lock()
		defer p.shared.mu.Unlock()
	}
	if ctx.Err() != nil {
		return pbx.Errorf(pbx.Unavailable, "the caller gave up")
	}
	if p.shared.fault != nil {
		if err := p.shared.fault(method); err != nil {
			return err
		}
	}
	if p.tx != nil {
		return f(p.tx)
	}
	rows := p.shared.rows.clone()
	if err := f(rows); err != nil {
		return err
	}
	p.shared.rows = *rows
	return nil
}

// storeNow is the present time at the resolution of a database.
func storeNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// taken is the Conflict of a unique field.
func taken(field string) error {
	return &pbx.Error{Code: pbx.Conflict, Field: field, Message: "taken already"}
}

func absent(what string) error { return pbx.Errorf(pbx.NotFound, "there is no such %s", what) }

// Settings implements pbx.SettingsStore.
func (p *People) Settings(ctx context.Context) (s pbx.Settings, err error) {
	err = p.do(ctx, "Settings", func(r *peopleRows) error {
		if r.settings == nil {
			return absent("setting")
		}
		s = *r.settings
		return nil
	})
	return s, err
}

// SaveSettings implements pbx.SettingsStore.
func (p *People) SaveSettings(ctx context.Context, s pbx.Settings) error {
	return p.do(ctx, "SaveSettings", func(r *peopleRows) error {
		if r.settings != nil {
			s.Realm, s.Demo = r.settings.Realm, r.settings.Demo
		}
		if err := s.Validate(); err != nil {
			return err
		}
		r.settings = &s
		return nil
	})
}

// SaveSetupToken implements pbx.SetupTokens.
func (p *People) SaveSetupToken(ctx context.Context, hash string, expires time.Time) error {
	return p.do(ctx, "SaveSetupToken", func(r *peopleRows) error {
		r.token, r.tokenEnd = hash, expires
		return nil
	})
}

// CheckSetupToken implements pbx.SetupTokens.
func (p *People) CheckSetupToken(ctx context.Context, hash string, now time.Time) error {
	return p.do(ctx, "CheckSetupToken", func(r *peopleRows) error { return r.checkToken(hash, now) })
}

// UseSetupToken implements pbx.SetupTokens.
func (p *People) UseSetupToken(ctx context.Context, hash string, now time.Time) error {
	return p.do(ctx, "UseSetupToken", func(r *peopleRows) error {
		if err := r.checkToken(hash, now); err != nil {
			return err
		}
		r.token = ""
		return nil
	})
}

func (r *peopleRows) checkToken(hash string, now time.Time) error {
	if r.token == "" || r.token != hash || !now.Before(r.tokenEnd) {
		return absent("token")
	}
	return nil
}

var (
	_ pbx.People     = (*People)(nil)
	_ pbx.Transactor = (*People)(nil)
)
