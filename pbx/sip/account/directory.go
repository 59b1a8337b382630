package account

import (
	"context"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// DirectoryOptions say where devices and people are looked up; a zero duration
// means its default.
type DirectoryOptions struct {
	Devices    pbx.Devices
	Extensions pbx.Extensions
	Users      pbx.Users

	TTL     time.Duration // how long an entry is used without asking again; 30 s
	Timeout time.Duration // how long to wait for the store when nothing is known; 3 s
}

// Directory is a cache of devices, extensions and users. While the store is away
// it answers with what it had, however old; what it never had is Unavailable.
// All methods may be called from any goroutine.
type Directory struct {
	o          DirectoryOptions
	devices    *cache[pbx.Device]
	extensions *cache[pbx.Extension]
	users      *cache[pbx.User]
}

// NewDirectory makes an empty cache.
func NewDirectory(o DirectoryOptions) *Directory {
	if o.TTL <= 0 {
		o.TTL = 30 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	return &Directory{
		o:          o,
		devices:    newCache(o, o.Devices.DeviceByUsername),
		extensions: newCache(o, o.Extensions.Extension),
		users:      newCache(o, o.Users.User),
	}
}

// Device finds a device by its SIP user name. Errors: NotFound, Unavailable.
func (d *Directory) Device(ctx context.Context, username string) (pbx.Device, error) {
	return d.devices.get(ctx, username)
}

// Account completes a device. What cannot be read now is left out: a name is no
// reason to refuse a call.
func (d *Directory) Account(ctx context.Context, dev pbx.Device) Account {
	a := Account{Device: dev}
	a.Extension, _ = d.extensions.get(ctx, dev.Extension)
	if a.Extension.UserID != "" {
		a.User, _ = d.users.get(ctx, a.Extension.UserID)
	}
	return a
}

// Warm reads every device, so that all of them can be authenticated should the
// store go away later.
func (d *Directory) Warm(ctx context.Context) error {
	devs, err := d.o.Devices.Devices(ctx)
	if err != nil {
		return err
	}
	for _, dev := range devs {
		d.devices.put(dev.Username, dev)
		d.Account(ctx, dev)
	}
	return nil
}

// Invalidate has everything looked up again at its next use: somebody changed
// something in the store.
func (d *Directory) Invalidate() {
	d.devices.invalidate()
	d.extensions.invalidate()
	d.users.invalidate()
}

const (
	missing    = 5 * time.Second        // how long "no such thing" is believed
	maxMissing = 10000                  // how many of those are remembered
	impatience = 500 * time.Millisecond // how long a lookup may take when there is an older answer
	respite    = 3 * time.Second        // how long a store that failed is left alone
)

// cache remembers what a lookup returned.
type cache[T any] struct {
	ttl, timeout time.Duration
	load         func(context.Context, string) (T, error)

	mu    sync.Mutex
	items map[string]item[T]
	none  map[string]time.Time // looked up and not there, until
	away  time.Time            // the store is not asked until then
}

type item[T any] struct {
	val   T
	until time.Time
}

func newCache[T any](o DirectoryOptions, load func(context.Context, string) (T, error)) *cache[T] {
	return &cache[T]{
		ttl: o.TTL, timeout: o.Timeout, load: load,
		items: make(map[string]item[T]), none: make(map[string]time.Time),
	}
}

// get returns the value for a key, from memory or the store.
func (c *cache[T]) get(ctx context.Context, key string) (T, error) {
	now := time.Now()
	c.mu.Lock()
	have, ok := c.items[key]
	away := now.Before(c.away)
	absent := now.Before(c.none[key])
	c.mu.Unlock()
	var zero T
	switch {
	case ok && (away || now.Before(have.until)):
		return have.val, nil
	case absent:
		return zero, pbx.Errorf(pbx.NotFound, "no such entry")
	case away:
		return zero, pbx.Errorf(pbx.Unavailable, "the store is away")
	}
	wait := c.timeout
	if ok {
		wait = impatience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	val, err := c.load(ctx, key)
	return c.loaded(key, val, err, have, ok)
}

// loaded stores the outcome of a lookup and decides what it means for who asked.
func (c *cache[T]) loaded(key string, val T, err error, have item[T], ok bool) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var zero T
	switch {
	case err == nil:
		c.items[key] = item[T]{val, now.Add(c.ttl)}
		delete(c.none, key)
		return val, nil
	case pbx.CodeOf(err) == pbx.NotFound:
		delete(c.items, key)
		if len(c.none) >= maxMissing {
			clear(c.none)
		}
		c.none[key] = now.Add(missing)
		return zero, err
	}
	c.away = now.Add(respite)
	if ok {
		return have.val, nil
	}
	return zero, pbx.Errorf(pbx.Unavailable, "the store is away: %v", err)
}

func (c *cache[T]) put(key string, val T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items[key] = item[T]{val, time.Now().Add(c.ttl)}
	delete(c.none, key)
}

// invalidate keeps the values for when the store is away, but believes none.
func (c *cache[T]) invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, it := range c.items {
		it.until = time.Time{}
		c.items[k] = it
	}
	clear(c.none)
}
