package pbxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"klapka.dev/klapka/pbx"
)

// devicesOf lists the devices of an extension, or all for "".
func (r *peopleRows) devicesOf(extension string) []pbx.Device {
	all := slices.SortedFunc(maps.Values(r.devices), func(a, b pbx.Device) int {
		return cmp.Or(
			strings.Compare(a.Extension, b.Extension),
			cmp.Compare(len(a.Username), len(b.Username)),
			strings.Compare(a.Username, b.Username))
	})
	return slices.DeleteFunc(all, func(d pbx.Device) bool { return extension != "" && d.Extension != extension })
}

// Device implements pbx.Devices.
func (p *People) Device(ctx context.Context, id string) (d pbx.Device, err error) {
	err = p.do(ctx, "Device", func(r *peopleRows) (err error) {
		d, err = pick(r.devices, "device", func(d pbx.Device) bool { return d.ID == id })
		return err
	})
	return d, err
}

// DeviceByUsername implements pbx.Devices.
func (p *People) DeviceByUsername(ctx context.Context, username string) (d pbx.Device, err error) {
	err = p.do(ctx, "DeviceByUsername", func(r *peopleRows) (err error) {
		d, err = pick(r.devices, "device", func(d pbx.Device) bool { return d.Username == username })
		return err
	})
	return d, err
}

// DevicesOf implements pbx.Devices.
func (p *People) DevicesOf(ctx context.Context, extension string) (all []pbx.Device, err error) {
	err = p.do(ctx, "DevicesOf", func(r *peopleRows) error {
		if extension != "" {
			all = r.devicesOf(extension)
		}
		return nil
	})
	return all, err
}

// Devices implements pbx.Devices.
func (p *People) Devices(ctx context.Context) (all []pbx.Device, err error) {
	err = p.do(ctx, "Devices", func(r *peopleRows) error {
		all = r.devicesOf("")
		return nil
	})
	return all, err
}

// CreateDevice implements pbx.Devices.
func (p *People) CreateDevice(ctx context.Context, d *pbx.Device) error {
	return p.saveDevice(ctx, "CreateDevice", d, true)
}

// UpdateDevice implements pbx.Devices.
func (p *People) UpdateDevice(ctx context.Context, d *pbx.Device) error {
	return p.saveDevice(ctx, "UpdateDevice", d, false)
}

func (p *People) saveDevice(ctx context.Context, method string, d *pbx.Device, create bool) error {
	if err := d.Validate(); err != nil {
		return err
	}
	return p.do(ctx, method, func(r *peopleRows) error {
		v := *d
		v.UpdatedAt = storeNow()
		v.CreatedAt = v.UpdatedAt
		if create {
			v.ID = cmp.Or(v.ID, pbx.NewID())
		} else if old, ok := r.devices[v.ID]; ok {
			v.CreatedAt = old.CreatedAt
		} else {
			return absent("device")
		}
		if _, ok := r.extensions[v.Extension]; !ok {
			return pbx.FieldErrorf("extension", "there is no such extension")
		}
		for id, other := range r.devices {
			if id != v.ID && other.Username == v.Username {
				return taken("username")
			}
		}
		r.devices[v.ID], *d = v, v
		return nil
	})
}

// DeleteDevice implements pbx.Devices.
func (p *People) DeleteDevice(ctx context.Context, id string) error {
	return p.do(ctx, "DeleteDevice", func(r *peopleRows) error {
		if _, ok := r.devices[id]; !ok {
			return absent("device")
		}
		delete(r.devices, id)
		return nil
	})
}
