// Package account is who is behind a SIP request: it finds the device that
// credentials belong to and checks them.
package account

import "klapka.dev/klapka/pbx"

// People is who has which device, answered from memory so that phones work on
// while the database is away; the directory is one.
type People interface {
	// DeviceByUsername finds a device by its SIP user name.
	DeviceByUsername(username string) (dev pbx.Device, ok bool)
	// Usable reports whether the device and its extension are enabled.
	Usable(dev pbx.Device) bool
	// Party is how the extension is shown: the store's name, never the one the
	// phone claims.
	Party(number, device string) pbx.PartyInfo
}

// Account is an authenticated device and who it is shown as.
type Account struct {
	Device pbx.Device
	Party  pbx.PartyInfo
}
