package auth

import (
	"context"
	"errors"
	"strconv"

	"klapka.dev/klapka/pbx"
)

// Store is what accounts are kept in.
type Store interface {
	pbx.People
	pbx.Transactor
}

// Accounts creates people and their phones as an administrator does: all rows of
// one action, or none.
type Accounts struct {
	store  Store
	hasher *Hasher
}

// NewAccounts works on store; hasher is shared by everything that checks
// passwords.
func NewAccounts(store Store, hasher *Hasher) *Accounts {
	return &Accounts{store: store, hasher: hasher}
}

// NewPerson is what an administrator says of somebody new. ID, PasswordHash and
// the times of User are filled in.
type NewPerson struct {
	User     pbx.User
	Number   string // of the extension; empty: none
	Password string // empty: cannot sign in
	Device   string // name of the first device; empty: none
}

// Person is somebody with what belongs to him. Secret is the SIP secret of
// Device; it cannot be had again.
type Person struct {
	User      pbx.User
	Extension pbx.Extension
	Device    pbx.Device
	Secret    string
}

// CreatePerson creates a user, and an extension and a device if wanted. Errors:
// Invalid and Conflict with the field, Unavailable, TooMany.
func (a *Accounts) CreatePerson(ctx context.Context, n NewPerson) (Person, error) {
	hash, err := a.prepare(ctx, &n)
	if err != nil {
		return Person{}, err
	}
	var p Person
	err = a.store.Within(ctx, func(tx pbx.People) error {
		p, err = create(ctx, tx, n, hash, NewSecret())
		return err
	})
	return p, err
}

// prepare checks what is cheap to check, then hashes the password: outside of
// the transaction, which should be short.
func (a *Accounts) prepare(ctx context.Context, n *NewPerson) (string, error) {
	if err := n.User.Validate(); err != nil {
		return "", err
	}
	if n.Device != "" && n.Number == "" {
		return "", pbx.FieldErrorf("number", "a device needs an extension")
	}
	if n.Password == "" {
		return "", nil
	}
	if err := CheckPassword(n.Password); err != nil {
		return "", err
	}
	return a.hasher.Hash(ctx, n.Password)
}

// create writes the rows of one person.
func create(ctx context.Context, tx pbx.People, n NewPerson, hash, secret string) (Person, error) {
	p := Person{User: n.User}
	p.User.PasswordHash = hash
	if err := tx.CreateUser(ctx, &p.User); err != nil || n.Number == "" {
		return p, err
	}
	p.Extension = pbx.Extension{Number: n.Number, UserID: p.User.ID}
	if err := tx.CreateExtension(ctx, &p.Extension); err != nil || n.Device == "" {
		return p, err
	}
	d, err := addDevice(ctx, tx, n.Number, n.Device, secret)
	p.Device, p.Secret = d, secret
	return p, err
}

// addAttempts bounds how often a user name is looked for, when others take names
// at the same time.
const addAttempts = 10

// AddDevice gives an extension a further device, with the user name "101" or,
// when that is taken, the first free of "101-2", "101-3" …. The secret is
// returned once. Errors: NotFound, Invalid, Conflict, Unavailable.
func (a *Accounts) AddDevice(ctx context.Context, extension, name string) (pbx.Device, string, error) {
	if _, err := a.store.Extension(ctx, extension); err != nil {
		return pbx.Device{}, "", err
	}
	secret := NewSecret()
	var d pbx.Device
	var err error
	for range addAttempts {
		err = a.store.Within(ctx, func(tx pbx.People) (err error) {
			d, err = addDevice(ctx, tx, extension, name, secret)
			return err
		})
		var e *pbx.Error
		if !errors.As(err, &e) || e.Code != pbx.Conflict || e.Field != "username" {
			break
		}
	}
	if err != nil {
		return pbx.Device{}, "", err
	}
	return d, secret, nil
}

func addDevice(ctx context.Context, tx pbx.People, extension, name, secret string) (pbx.Device, error) {
	settings, err := tx.Settings(ctx)
	if err != nil {
		return pbx.Device{}, err
	}
	username, err := freeUsername(ctx, tx, extension)
	if err != nil {
		return pbx.Device{}, err
	}
	d := pbx.Device{
		Extension: extension, Name: name, Username: username, HA1: HA1(username, settings.Realm, secret),
	}
	return d, tx.CreateDevice(ctx, &d)
}

// maxDevices bounds the devices of one extension.
const maxDevices = 99

func freeUsername(ctx context.Context, tx pbx.People, extension string) (string, error) {
	name := extension
	for n := 2; n <= maxDevices+1; n++ {
		_, err := tx.DeviceByUsername(ctx, name)
		if pbx.CodeOf(err) == pbx.NotFound {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		name = extension + "-" + strconv.Itoa(n)
	}
	return "", pbx.Errorf(pbx.TooMany, "extension %s has %d devices already", extension, maxDevices)
}

// ResetSecret gives a device a new SIP secret and returns it once; the old one
// is of no use any more. Errors: NotFound, Unavailable.
func (a *Accounts) ResetSecret(ctx context.Context, deviceID string) (pbx.Device, string, error) {
	secret := NewSecret()
	var d pbx.Device
	err := a.store.Within(ctx, func(tx pbx.People) error {
		settings, err := tx.Settings(ctx)
		if err != nil {
			return err
		}
		if d, err = tx.Device(ctx, deviceID); err != nil {
			return err
		}
		d.HA1 = HA1(d.Username, settings.Realm, secret)
		return tx.UpdateDevice(ctx, &d)
	})
	if err != nil {
		return pbx.Device{}, "", err
	}
	return d, secret, nil
}

// Verify is that of the Hasher.
func (a *Accounts) Verify(ctx context.Context, password, hash string) (bool, error) {
	return a.hasher.Verify(ctx, password, hash)
}

// SetPassword gives a user a new password. Errors: Invalid, NotFound,
// Unavailable, TooMany.
func (a *Accounts) SetPassword(ctx context.Context, userID, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	if _, err := a.store.User(ctx, userID); err != nil {
		return err // before the work of a hash
	}
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return a.store.Within(ctx, func(tx pbx.People) error {
		u, err := tx.User(ctx, userID)
		if err != nil {
			return err
		}
		u.PasswordHash = hash
		return tx.UpdateUser(ctx, &u)
	})
}
