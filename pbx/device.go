package pbx

import (
	"context"
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
	CreatedAt time.Time
	UpdatedAt time.Time
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
