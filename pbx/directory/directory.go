// Package directory is who has which number and device, held in memory: calls
// and registrations are decided from it, so a database that is away stops
// neither. It is filled from the store, refreshed when the store changed, and
// keeps the last picture it got.
package directory

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"klapka.dev/klapka/pbx"
)

// Store is the part of the store the directory is read from.
type Store interface {
	Users(ctx context.Context) ([]pbx.User, error)
	Extensions(ctx context.Context) ([]pbx.Extension, error)
	Devices(ctx context.Context) ([]pbx.Device, error)
	Settings(ctx context.Context) (pbx.Settings, error)
	// Revision differs from the one before when any of these changed.
	Revision(ctx context.Context) (string, error)
}

// Directory answers from one immutable picture; all look-ups are lock-free.
type Directory struct {
	store Store
	log   *slog.Logger
	now   atomic.Pointer[picture]
	kick  chan struct{}
}

type picture struct {
	revision   string
	settings   pbx.Settings
	users      map[string]pbx.User
	extensions map[string]pbx.Extension
	devices    map[string]pbx.Device   // by id
	byUsername map[string]pbx.Device   // by SIP user name
	byNumber   map[string][]pbx.Device // by extension
	numbers    []pbx.PartyInfo         // of extensions in service, in order
}

// New returns an empty directory; Reload or Run fills it.
func New(store Store, log *slog.Logger) *Directory {
	d := &Directory{store: store, log: log, kick: make(chan struct{}, 1)}
	d.now.Store(&picture{settings: pbx.Settings{Language: pbx.English}})
	return d
}

// Reload reads a new picture, if anything changed. On error the old one stays.
func (d *Directory) Reload(ctx context.Context) error {
	// Read first: what changes while the rows are read is seen the next time.
	revision, err := d.store.Revision(ctx)
	if err != nil {
		return err
	}
	if old := d.now.Load(); old.devices != nil && old.revision == revision {
		return nil
	}
	return d.read(ctx, revision)
}

// Renew reads a new picture whatever the store says of changes: for who has just
// made one, and knows better than a clock that may stand still or go back. On
// error the old picture stays.
func (d *Directory) Renew(ctx context.Context) error {
	revision, err := d.store.Revision(ctx)
	if err != nil {
		return err
	}
	return d.read(ctx, revision)
}

// read makes the picture of a revision.
func (d *Directory) read(ctx context.Context, revision string) error {
	settings, err := d.store.Settings(ctx)
	if err != nil {
		return err
	}
	users, err := d.store.Users(ctx)
	if err != nil {
		return err
	}
	extensions, err := d.store.Extensions(ctx)
	if err != nil {
		return err
	}
	devices, err := d.store.Devices(ctx)
	if err != nil {
		return err
	}
	p := &picture{
		revision:   revision,
		settings:   settings,
		users:      make(map[string]pbx.User, len(users)),
		extensions: make(map[string]pbx.Extension, len(extensions)),
		devices:    make(map[string]pbx.Device, len(devices)),
		byUsername: make(map[string]pbx.Device, len(devices)),
		byNumber:   make(map[string][]pbx.Device, len(extensions)),
	}
	for _, u := range users {
		p.users[u.ID] = u
	}
	for _, e := range extensions {
		p.extensions[e.Number] = e
	}
	for _, dev := range devices {
		p.devices[dev.ID] = dev
		p.byUsername[dev.Username] = dev
		p.byNumber[dev.Extension] = append(p.byNumber[dev.Extension], dev)
	}
	p.numbers = p.list()
	d.now.Store(p)
	return nil
}

// list is every extension in service, in the order of numbers.
func (p *picture) list() []pbx.PartyInfo {
	out := make([]pbx.PartyInfo, 0, len(p.extensions))
	for n, e := range p.extensions {
		if p.serves(e) {
			out = append(out, p.party(n, ""))
		}
	}
	slices.SortFunc(out, func(a, b pbx.PartyInfo) int { return strings.Compare(a.Number, b.Number) })
	return out
}

// Changed asks for a reload soon; it never blocks.
func (d *Directory) Changed() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// Run reloads when asked and every period, so that changes made by another
// process (the command line) are seen; it ends with ctx.
func (d *Directory) Run(ctx context.Context, period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.kick:
		case <-tick.C:
		}
		err := d.Reload(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			d.log.Warn("directory not refreshed, the last one stays in use", "error", err)
		}
		failing = err != nil
	}
}

// Settings are the company's settings.
func (d *Directory) Settings() pbx.Settings { return d.now.Load().settings }

// InService reports whether number is an extension that may be called: neither it
// nor its person is disabled.
func (d *Directory) InService(number string) bool {
	p := d.now.Load()
	e, ok := p.extensions[number]
	return ok && p.serves(e)
}

func (p *picture) serves(e pbx.Extension) bool { return !e.Disabled && !p.users[e.UserID].Disabled }

// Numbers returns every extension in service as people are shown it, in the order
// of numbers. The list is the same for everybody, and must not be changed.
func (d *Directory) Numbers() []pbx.PartyInfo { return d.now.Load().numbers }

// DeviceName is how a device is called; empty when there is none with that id.
func (d *Directory) DeviceName(id string) string { return d.now.Load().devices[id].Name }

// DeviceByUsername finds the device with the SIP user name.
func (d *Directory) DeviceByUsername(username string) (dev pbx.Device, ok bool) {
	dev, ok = d.now.Load().byUsername[username]
	return dev, ok
}

// Device is the device with this id, zero when there is none.
func (d *Directory) Device(id string) pbx.Device { return d.now.Load().devices[id] }

// Usable reports whether the device and its extension are enabled.
func (d *Directory) Usable(dev pbx.Device) bool {
	return !dev.Disabled && d.InService(dev.Extension)
}

// DevicesOf returns the enabled devices of an extension in service.
func (d *Directory) DevicesOf(number string) []pbx.Device {
	p := d.now.Load()
	if !d.InService(number) {
		return nil
	}
	var out []pbx.Device
	for _, dev := range p.byNumber[number] {
		if !dev.Disabled {
			out = append(out, dev)
		}
	}
	return out
}

// Party is how an extension is shown to people; device may be "".
func (d *Directory) Party(number, device string) pbx.PartyInfo {
	return d.now.Load().party(number, device)
}

func (p *picture) party(number, device string) pbx.PartyInfo {
	info := pbx.PartyInfo{Number: number, Device: device, Language: p.settings.Language}
	e, ok := p.extensions[number]
	if !ok {
		return info
	}
	info.Extension = number
	info.Name = e.Name
	if e.Language.Valid() {
		info.Language = e.Language
	}
	if u, ok := p.users[e.UserID]; ok {
		info.User = u.ID
		if info.Name == "" {
			info.Name = u.Name()
		}
		if u.Language.Valid() {
			info.Language = u.Language
		}
	}
	return info
}
