package pbx

import (
	"context"
	"strings"
	"time"
)

// Device is one phone of an extension with its own SIP account. The first
// device's SIP user name is the extension number, further ones are "101-2" ….
type Device struct {
	ID        string
	Extension string // extension number
	Name      string // "desk phone", "DECT" …
	Username  string // SIP user name and AOR user part, unique
	HA1       DigestHA1
	Disabled  bool

	Encryption Encryption // of its sound

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Encryption is whether the sound of a device is encrypted by SRTP with keys in
// the session description (SDES, RFC 4568), which is as secret as its signalling:
// use it over TLS.
type Encryption string

// The policies.
const (
	EncryptionOff     Encryption = ""        // plain RTP
	EncryptionPrefer  Encryption = "prefer"  // SRTP when the phone can
	EncryptionRequire Encryption = "require" // SRTP, or no call
)

// Validate trims the name and reports the first field that cannot be stored, as
// an Invalid error.
func (d *Device) Validate() error {
	d.Name = strings.TrimSpace(d.Name)
	switch {
	case !tokenLike(d.Username, 64):
		return FieldErrorf("username", "a SIP user name has 1 to 64 letters, digits, dots, dashes or underscores")
	case d.HA1 == DigestHA1{}:
		return FieldErrorf("ha1", "a device needs a secret")
	case d.HA1.MD5 != "" && !lowerHex(d.HA1.MD5, 32):
		return FieldErrorf("ha1", "the MD5 hash is not 32 lower-case hexadecimal digits")
	case d.HA1.SHA256 != "" && !lowerHex(d.HA1.SHA256, 64):
		return FieldErrorf("ha1", "the SHA-256 hash is not 64 lower-case hexadecimal digits")
	}
	switch d.Encryption {
	case EncryptionOff, EncryptionPrefer, EncryptionRequire:
		return checkName("name", d.Name)
	}
	return FieldErrorf("encryption", "encryption is off, prefer or require")
}

// DigestHA1 holds H(username:realm:secret) per algorithm, in lower-case hex
// (RFC 8760 §2.3). The clear secret is never stored.
type DigestHA1 struct {
	MD5    string
	SHA256 string
}

// Devices is the port to stored devices. Errors: NotFound, Conflict (user name
// taken), Invalid with the field, Unavailable.
type Devices interface {
	Device(ctx context.Context, id string) (Device, error)
	DeviceByUsername(ctx context.Context, username string) (Device, error)
	DevicesOf(ctx context.Context, extension string) ([]Device, error)
	Devices(ctx context.Context) ([]Device, error)
	CreateDevice(ctx context.Context, d *Device) error
	UpdateDevice(ctx context.Context, d *Device) error
	DeleteDevice(ctx context.Context, id string) error
}
