package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

type deviceRow struct {
	ID        string `gorm:"primaryKey"`
	Extension string
	Name      string
	Username  string
	HA1MD5    string `gorm:"column:ha1_md5"`
	HA1SHA256 string `gorm:"column:ha1_sha256"`
	Disabled  bool

	Encryption string

	Created time.Time `gorm:"column:created_at"`
	Updated time.Time `gorm:"column:updated_at"`
}

func (deviceRow) TableName() string { return "devices" }

func rowOfDevice(d *pbx.Device) *deviceRow {
	return &deviceRow{
		ID: d.ID, Extension: d.Extension, Name: d.Name, Username: d.Username,
		HA1MD5: d.HA1.MD5, HA1SHA256: d.HA1.SHA256, Disabled: d.Disabled, Encryption: string(d.Encryption),
		Created: utc(d.CreatedAt), Updated: utc(d.UpdatedAt),
	}
}

func (r deviceRow) device() pbx.Device {
	return pbx.Device{
		ID: r.ID, Extension: r.Extension, Name: r.Name, Username: r.Username,
		HA1: pbx.DigestHA1{MD5: r.HA1MD5, SHA256: r.HA1SHA256}, Disabled: r.Disabled, Encryption: pbx.Encryption(r.Encryption),
		CreatedAt: utc(r.Created), UpdatedAt: utc(r.Updated),
	}
}

// sortDevices orders by extension, then "101", "101-2", "101-10".
func sortDevices(devices []pbx.Device) {
	slices.SortFunc(devices, func(a, b pbx.Device) int {
		return cmp.Or(
			strings.Compare(a.Extension, b.Extension),
			cmp.Compare(len(a.Username), len(b.Username)),
			strings.Compare(a.Username, b.Username))
	})
}

// Device implements pbx.Devices.
func (c conn) Device(ctx context.Context, id string) (pbx.Device, error) {
	row, err := take[deviceRow](ctx, c, "id = ?", id)
	return row.device(), missing(err, "there is no such device")
}

// DeviceByUsername implements pbx.Devices.
func (c conn) DeviceByUsername(ctx context.Context, username string) (pbx.Device, error) {
	row, err := take[deviceRow](ctx, c, "username = ?", username)
	return row.device(), missing(err, "there is no such device")
}

// DevicesOf implements pbx.Devices, the first device first.
func (c conn) DevicesOf(ctx context.Context, extension string) ([]pbx.Device, error) {
	devices, err := list(ctx, c, deviceRow.device, "extension = ?", extension)
	sortDevices(devices)
	return devices, err
}

// Devices implements pbx.Devices, in the order of extensions.
func (c conn) Devices(ctx context.Context) ([]pbx.Device, error) {
	devices, err := list(ctx, c, deviceRow.device, "")
	sortDevices(devices)
	return devices, err
}

// CreateDevice implements pbx.Devices. It fills in an empty ID and the times.
func (c conn) CreateDevice(ctx context.Context, d *pbx.Device) error {
	if err := d.Validate(); err != nil {
		return err
	}
	row := rowOfDevice(d)
	row.ID = cmp.Or(d.ID, pbx.NewID())
	row.Created = now()
	row.Updated = row.Created
	return c.transact(ctx, func(tx conn) error {
		if err := tx.mustHaveExtension(ctx, d.Extension); err != nil {
			return err
		}
		if err := insert(ctx, tx, row); err != nil {
			return err
		}
		*d = row.device()
		return nil
	})
}

// UpdateDevice implements pbx.Devices.
func (c conn) UpdateDevice(ctx context.Context, d *pbx.Device) error {
	if err := d.Validate(); err != nil {
		return err
	}
	return c.transact(ctx, func(tx conn) error {
		old, err := tx.Device(ctx, d.ID)
		if err != nil {
			return err
		}
		if err := tx.mustHaveExtension(ctx, d.Extension); err != nil {
			return err
		}
		row := rowOfDevice(d)
		row.Created, row.Updated = old.CreatedAt, now()
		if err := replace(ctx, tx, row, []string{"id", "created_at"}, "id = ?", d.ID); err != nil {
			return missing(err, "there is no such device")
		}
		*d = row.device()
		return nil
	})
}

// DeleteDevice implements pbx.Devices. Its registrations go with it.
func (c conn) DeleteDevice(ctx context.Context, id string) error {
	return c.transact(ctx, func(tx conn) error {
		err := tx.run(ctx, func(db *gorm.DB) error { return db.Where("device = ?", id).Delete(&bindingRow{}).Error })
		if err != nil {
			return err
		}
		return missing(remove[deviceRow](ctx, tx, "id = ?", id), "there is no such device")
	})
}

func (c conn) mustHaveExtension(ctx context.Context, number string) error {
	_, err := c.Extension(ctx, number)
	if pbx.CodeOf(err) == pbx.NotFound {
		return pbx.FieldErrorf("extension", "there is no such extension")
	}
	return err
}
