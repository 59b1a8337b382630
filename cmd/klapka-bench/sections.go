//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/load"
	"klapka.dev/klapka/cmd/klapka-bench/subject"
)

// starts is how often each start is measured; the median counts.
const starts = 3

// startup measures the time to the first SIP answer.
func (b *bench) startup(ctx context.Context) error {
	b.say("\n## Start\n\nFrom the start of the program to its first SIP answer, median of %d.\nA store that is not there yet is made, with certificate and journal.\n\n", starts)
	b.say("| store | time | memory |\n|---|---|---|\n")
	fresh := func() (string, error) { return b.room() }
	devices := func() (string, error) { return b.roomWithDevices(ctx) }
	for _, kind := range []struct {
		name string
		room func() (string, error)
		warm bool // it was started on this directory before
	}{
		{"none yet", fresh, false},
		{"empty", fresh, true},
		{fmt.Sprintf("%d devices", b.devices), devices, true},
	} {
		took, memory, err := b.starts(kind.room, kind.warm)
		if err != nil {
			return err
		}
		b.say("| %s | %s | %s |\n", kind.name, took.Round(time.Millisecond), megabytes(memory))
		b.fact("start to first SIP answer, store: "+kind.name, took.Round(time.Millisecond).String(), "–", "–")
	}
	return nil
}

func (b *bench) starts(room func() (string, error), warm bool) (time.Duration, int64, error) {
	var took []time.Duration
	var memory int64
	for range starts {
		dir, err := room()
		if err != nil {
			return 0, 0, err
		}
		if warm {
			if _, _, err := b.start(dir); err != nil {
				return 0, 0, err
			}
		}
		t, m, err := b.start(dir)
		if err != nil {
			return 0, 0, err
		}
		took, memory = append(took, t), m
		if err := os.RemoveAll(dir); err != nil {
			return 0, 0, err
		}
	}
	slices.Sort(took)
	return took[len(took)/2], memory, nil
}

func (b *bench) start(dir string) (took time.Duration, memory int64, err error) {
	x, err := b.exchange(dir)
	if err != nil {
		return 0, 0, err
	}
	defer stop(x, &err)
	c, err := x.Cost()
	return x.Started, c.Memory, err
}

// register measures registrations, and the memory that many of them take.
func (b *bench) register(ctx context.Context) error {
	b.say("\n## Registration\n\nREGISTER, 401, REGISTER with credentials, 200: one of the table. Klapka has its\n"+
		"%d devices in SQLite and journals each registration; kamailio has one password\nfor all and keeps registrations in memory.\n", b.devices)
	ours, err := b.registerWithKlapka(ctx)
	if err != nil {
		return err
	}
	var theirs steps
	if b.beside("kamailio") {
		if theirs, err = b.registerWithKamailio(); err != nil {
			return err
		}
	}
	b.compare("CPU of a registration", "registrations/s", "kamailio", ours, theirs, micros)
	return nil
}

// beside reports whether a peer is to be measured and there.
func (b *bench) beside(peer string) bool { return b.peers && subject.Version(peer) != "" }

// settle is how long a subject has for what it does after the last answer.
const settle = time.Second

func (b *bench) registerWithKlapka(ctx context.Context) (s steps, err error) {
	dir, err := b.roomWithDevices(ctx)
	if err != nil {
		return nil, err
	}
	x, err := b.exchange(dir)
	if err != nil {
		return nil, err
	}
	defer stop(x, &err)
	phones, err := load.NewPhones(b.phonesAt(), x.SIP())
	if err != nil {
		return nil, err
	}
	defer phones.Close()
	if err := b.everybody(x, phones, "Klapka"); err != nil {
		return nil, err
	}
	if err := b.idle(x); err != nil {
		return nil, err
	}
	// Right after the calm: whatever is kept in memory for a while only is not any
	// more, as it is for a phone that refreshes twice an hour.
	b.say("\n**Klapka, devices that were not seen for %v**\n\n| registrations/s | begun | failed | CPU of one | core busy | starved | p50 | p99 | |\n"+
		"|---|---|---|---|---|---|---|---|---|\n", b.calm)
	if _, err := b.pace(x, settle, b.registerRates[0], b.refresh(phones)); err != nil {
		return nil, err
	}
	return b.climb("Klapka", "registrations/s", x, settle, b.registerRates, b.refresh(phones))
}

func (b *bench) registerWithKamailio() (s steps, err error) {
	dir, err := b.room()
	if err != nil {
		return nil, err
	}
	k, err := subject.StartKamailio(b.cores.Subject, b.subjectAt(), dir)
	if err != nil {
		return nil, err
	}
	defer stop(k, &err)
	phones, err := load.NewPhones(b.phonesAt(), k.SIP())
	if err != nil {
		return nil, err
	}
	defer phones.Close()
	if err := b.everybody(k, phones, "kamailio"); err != nil {
		return nil, err
	}
	return b.climb("kamailio", "registrations/s", k, settle, b.registerRates, b.refresh(phones))
}

// refresh has all devices register again in turn.
func (b *bench) refresh(phones *load.Phones) func(n int, rate float64) *load.Result {
	return func(n int, rate float64) *load.Result { return phones.Register(b.devices, n, rate) }
}

// gentle is a rate at which everybody registers for the first time.
const gentle = 1500

// everybody registers all devices and says what that takes in memory.
func (b *bench) everybody(s measured, phones *load.Phones, name string) error {
	b.note("%s: %d devices register", name, b.devices)
	before, err := s.Cost()
	if err != nil {
		return err
	}
	if err := phones.RegisterAll(b.devices, gentle); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	time.Sleep(settle)
	after, err := s.Cost()
	if err != nil {
		return err
	}
	time.Sleep(b.calm)
	later, err := s.Cost()
	b.say("\n%s: memory %s before the first %d registrations, %s after them (at %d/s), %s after %v of calm.\n",
		name, megabytes(before.Memory), b.devices, megabytes(after.Memory), gentle, megabytes(later.Memory), b.calm)
	per := func(m int64) string { return megabytes((m - before.Memory) * 10000 / int64(b.devices)) }
	b.fact("memory of 10,000 registrations, "+name, per(later.Memory), fmt.Sprintf("%s right after them", per(after.Memory)), "")
	return err
}

// idle measures what doing nothing costs.
func (b *bench) idle(s measured) error {
	const wait = 3 * time.Second
	cost, err := b.costOf(s, wait, func() {})
	b.say("Idle with them all registered: %.1f %% of a core.\n", 100*cost.CPU.Seconds()/wait.Seconds())
	return err
}

// call measures calls without sound.
func (b *bench) call(ctx context.Context) error {
	b.say("\n## Calls\n\nINVITE, 401, INVITE with credentials, 180, 200, ACK, and BYE at once, through to a\n" +
		"registered phone: one of the table. No sound. Klapka is in the middle of two\ncalls (B2BUA) with four open ports and writes a record; " +
		"kamailio passes messages on,\nso this ratio is for orientation.\n")
	ours, err := b.callThroughKlapka(ctx)
	if err != nil {
		return err
	}
	var theirs steps
	if b.beside("kamailio") {
		if theirs, err = b.callThroughKamailio(); err != nil {
			return err
		}
	}
	b.compare("CPU of a call without sound", "calls/s", "kamailio", ours, theirs, micros)
	return nil
}

// callSettle includes what follows a call: ports drain for 2 s, the record is
// written.
const callSettle = 4 * time.Second

// pairs is how many phones call as many others.
func (b *bench) pairs() int { return min(1000, b.devices/2) }

func (b *bench) callThroughKlapka(ctx context.Context) (s steps, err error) {
	dir, err := b.roomWithDevices(ctx)
	if err != nil {
		return nil, err
	}
	x, err := b.exchange(dir)
	if err != nil {
		return nil, err
	}
	defer stop(x, &err)
	return b.calls("Klapka", x, x.SIP())
}

func (b *bench) callThroughKamailio() (s steps, err error) {
	dir, err := b.room()
	if err != nil {
		return nil, err
	}
	k, err := subject.StartKamailio(b.cores.Subject, b.subjectAt(), dir)
	if err != nil {
		return nil, err
	}
	defer stop(k, &err)
	return b.calls("kamailio", k, k.SIP())
}
