// Package account is who is behind a SIP request: it finds the device that
// credentials belong to, checks them, and keeps the people and devices in memory
// so that phones work on while the database is away.
package account

import (
	"klapka.dev/klapka/pbx"
)

// Account is an authenticated device with what belongs to it.
type Account struct {
	Device    pbx.Device
	Extension pbx.Extension // zero when it could not be read
	User      pbx.User      // zero when the extension has none, or it could not be read
}

// Party is the account as shown to people: the store's name, never the one the
// phone claims.
func (a Account) Party() pbx.PartyInfo {
	p := pbx.PartyInfo{
		Number:    a.Device.Extension,
		Name:      a.Extension.Name,
		Extension: a.Device.Extension,
		User:      a.User.ID,
		Device:    a.Device.ID,
		Language:  a.Extension.Language,
	}
	if p.Name == "" {
		p.Name = a.User.Name()
	}
	if a.User.Language != "" {
		p.Language = a.User.Language
	}
	return p
}

// Disabled reports whether the device or its extension is switched off.
func (a Account) Disabled() bool { return a.Device.Disabled || a.Extension.Disabled }
