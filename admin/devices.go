package admin

import (
	"cmp"
	"context"

	"klapka.dev/klapka/pbx"
)

// Device is one phone with an account of its own.
type Device struct {
	ID         string `json:"id"`
	Extension  string `json:"extension"`
	Name       string `json:"name"`
	Username   string `json:"username" doc:"What it signs in as."`
	Disabled   bool   `json:"disabled"`
	Encryption string `json:"encryption" enum:"off,prefer,require" doc:"SRTP with keys by SDES."`
	Registered bool   `json:"registered" doc:"The exchange knows where it is."`
}

// DeviceInput is a phone to create.
type DeviceInput struct {
	Extension string `json:"extension" minLength:"1" maxLength:"10"`
	Name      string `json:"name,omitempty" maxLength:"100"`
	Disabled  bool   `json:"disabled,omitempty"`

	Encryption string `json:"encryption,omitempty" enum:"off,prefer,require" doc:"Off when left out."`
}

// DeviceChange is what is to be changed; what is left out stays.
type DeviceChange struct {
	Extension *string `json:"extension,omitempty" maxLength:"10"`
	Name      *string `json:"name,omitempty" maxLength:"100"`
	Disabled  *bool   `json:"disabled,omitempty"`

	Encryption *string `json:"encryption,omitempty" enum:"off,prefer,require"`
}

// DeviceSecret is what a phone has to be told. The secret is in the answer to its
// making, and nowhere else.
type DeviceSecret struct {
	Device Device `json:"device"`
	Secret string `json:"secret"`
	Server string `json:"server" doc:"Where it registers."`
}

type (
	devicePath struct {
		ID string `path:"id" maxLength:"64"`
	}
	deviceChange struct {
		ID   string `path:"id" maxLength:"64"`
		Body DeviceChange
	}
	devicesOutput struct {
		Body []Device `nullable:"false"`
	}
	deviceOutput       struct{ Body Device }
	deviceSecretOutput struct{ Body DeviceSecret }
)

// registered is the set of devices that are reached somewhere.
func (a API) registered() map[string]bool {
	known := map[string]bool{}
	for _, b := range a.Registrations.All() {
		known[b.Device] = true
	}
	return known
}

// encryptionOff is how the API says what is stored as nothing.
const encryptionOff = "off"

func encryptionOf(word string) pbx.Encryption {
	if word == encryptionOff {
		return pbx.EncryptionOff
	}
	return pbx.Encryption(word)
}

func deviceOf(d pbx.Device, registered bool) Device {
	return Device{
		ID: d.ID, Extension: d.Extension, Name: d.Name, Username: d.Username, Disabled: d.Disabled,
		Encryption: cmp.Or(string(d.Encryption), encryptionOff), Registered: registered,
	}
}

func (a API) secret(d pbx.Device, secret string) DeviceSecret {
	return DeviceSecret{Device: deviceOf(d, false), Secret: secret, Server: a.Server()}
}

func (a API) listDevices(ctx context.Context, _ *struct{}) (*devicesOutput, error) {
	devices, err := a.Store.Devices(ctx)
	if err != nil {
		return nil, err
	}
	known := a.registered()
	out := &devicesOutput{Body: make([]Device, len(devices))}
	for i, d := range devices {
		out.Body[i] = deviceOf(d, known[d.ID])
	}
	return out, nil
}

func (a API) getDevice(ctx context.Context, in *devicePath) (*deviceOutput, error) {
	d, err := a.Store.Device(ctx, in.ID)
	return &deviceOutput{deviceOf(d, a.registered()[d.ID])}, err
}

func (a API) createDevice(ctx context.Context, in *struct{ Body DeviceInput }) (*deviceSecretOutput, error) {
	d, secret, err := a.Accounts.AddDevice(ctx, in.Body.Extension, in.Body.Name)
	if pbx.CodeOf(err) == pbx.NotFound {
		return nil, pbx.FieldErrorf("extension", "there is no such extension")
	}
	if encryption := encryptionOf(in.Body.Encryption); err == nil && (in.Body.Disabled || encryption != pbx.EncryptionOff) {
		d.Disabled, d.Encryption = in.Body.Disabled, encryption
		err = a.Store.UpdateDevice(ctx, &d)
	}
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	return &deviceSecretOutput{a.secret(d, secret)}, nil
}

func (a API) changeDevice(ctx context.Context, in *deviceChange) (*deviceOutput, error) {
	var before, d pbx.Device
	err := a.Store.Within(ctx, func(tx pbx.People) (err error) {
		if before, err = tx.Device(ctx, in.ID); err != nil {
			return err
		}
		d = before
		set(&d.Extension, in.Body.Extension)
		set(&d.Name, in.Body.Name)
		set(&d.Disabled, in.Body.Disabled)
		if in.Body.Encryption != nil {
			d.Encryption = encryptionOf(*in.Body.Encryption)
		}
		return tx.UpdateDevice(ctx, &d)
	})
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	// One that moved registers again, for its new number.
	if d.Disabled || d.Extension != before.Extension {
		a.Registrations.Drop(d.ID)
	}
	return &deviceOutput{deviceOf(d, a.registered()[d.ID])}, nil
}

func (a API) deleteDevice(ctx context.Context, in *devicePath) (*struct{}, error) {
	if err := a.Store.DeleteDevice(ctx, in.ID); err != nil {
		return nil, err
	}
	a.changed(ctx)
	a.Registrations.Drop(in.ID)
	return nil, nil
}

func (a API) renewSecret(ctx context.Context, in *devicePath) (*deviceSecretOutput, error) {
	d, secret, err := a.Accounts.ResetSecret(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	a.Registrations.Drop(d.ID)
	return &deviceSecretOutput{a.secret(d, secret)}, nil
}
