//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/load"
	"klapka.dev/klapka/cmd/klapka-bench/subject"
)

// relay measures calls with sound both ways.
func (b *bench) relay(ctx context.Context) error {
	b.say("\n## Relayed sound\n\nCalls between two phones, G.711 in packets of 20 ms both ways, relayed. Each packet\n" +
		"carries its stream and when it was sent; delay is from there to the kernel's receive\nstamp at the other phone. rtpengine works in user space (`--table=-1`).\n")
	ours, err := b.relayThroughKlapka(ctx)
	if err != nil {
		return err
	}
	var theirs steps
	if b.beside("rtpengine") {
		if theirs, err = b.relayThroughRtpengine(); err != nil {
			return err
		}
	}
	b.compare("CPU of 100 relayed calls, of a core", "calls at a time", "rtpengine", ours, theirs, percent)
	b.fact("memory of a relayed call, most of them at a time", ours.memory(), "rtpengine "+theirs.memory(), "")
	return nil
}

// memory is that of one call, from the run with most of them that was clean.
func (s steps) memory() string {
	st, ok := s.at(s.highest())
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%d kB", st.memory/1000)
}

// setUp is how many calls are set up per second for their sound.
const setUp = 100

// firstSound is the port of the first party.
const firstSound = 10000

// relaying is a subject with a way to set calls up.
type relaying struct {
	name string
	measured
	connect func(n int, parties *load.Parties) ([]load.Ends, error)
	hangUp  func(n int) error
}

func (b *bench) relayThroughKlapka(ctx context.Context) (s steps, err error) {
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
	most := b.relays[len(b.relays)-1]
	if err := b.introduce("Klapka", phones, min(2*most, b.devices)); err != nil {
		return nil, err
	}
	return b.talks(relaying{
		name: "Klapka", measured: x,
		connect: func(n int, parties *load.Parties) ([]load.Ends, error) {
			return phones.Connect(n, setUp, func(i int) (netip.AddrPort, netip.AddrPort) {
				return parties.At(2 * i), parties.At(2*i + 1)
			})
		},
		hangUp: func(n int) error {
			if r := phones.HangUp(2 * setUp); r.Done != n {
				return fmt.Errorf("%d of %d calls were hung up", r.Done, n)
			}
			return nil
		},
	})
}

func (b *bench) relayThroughRtpengine() (s steps, err error) {
	dir, err := b.room()
	if err != nil {
		return nil, err
	}
	r, err := subject.StartRtpengine(b.cores.Subject, b.subjectAt(), dir)
	if err != nil {
		return nil, err
	}
	defer stop(r, &err)
	control, err := load.NewNg(b.phonesAt(), r.Control())
	if err != nil {
		return nil, err
	}
	defer control.Close()
	return b.talks(relaying{
		name: "rtpengine", measured: r,
		connect: func(n int, parties *load.Parties) (out []load.Ends, err error) {
			for i := range n {
				e, err := control.Connect(i, parties.At(2*i), parties.At(2*i+1))
				if err != nil {
					return nil, err
				}
				out = append(out, e)
			}
			return out, nil
		},
		hangUp: func(n int) error {
			for i := range n {
				if err := control.Delete(i); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// talks raises the number of calls until it is too high.
func (b *bench) talks(s relaying) (out steps, err error) {
	b.say("\n**%s**\n\n| calls | packets sent | lost | worst stream | CPU for 100 calls | CPU of a packet | starved | added delay p50 | p99 | memory of a call | |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|\n", s.name)
	for i, n := range b.relays {
		if 2*n > b.devices {
			break
		}
		var st step
		for try := 0; try < tries && !st.clean; try++ {
			b.note("%s: %d relayed calls", s.name, n)
			if st, err = b.talk(s, uint32(tries*i+try+1), n); err != nil {
				return nil, fmt.Errorf("%s, %d calls: %w", s.name, n, err)
			}
		}
		if out = append(out, st); !st.clean {
			break
		}
	}
	return out, nil
}

// lead is how long sound flows before it is measured: ports are learned and the
// exchange's reports have begun.
const lead = time.Second

func (b *bench) talk(s relaying, run uint32, n int) (step, error) {
	parties, err := load.NewParties(b.partiesAt(), firstSound, 2*n)
	if err != nil {
		return step{}, err
	}
	defer parties.Close()
	before, err := s.Cost()
	if err != nil {
		return step{}, err
	}
	if err := connect(s, parties, n); err != nil {
		return step{}, err
	}
	var cost subject.Cost
	var failure error
	var took time.Duration
	h := parties.Talk(run, lead, func() {
		began := time.Now()
		cost, failure = b.costOf(s.measured, 0, func() { time.Sleep(b.seconds) })
		took = time.Since(began)
	})
	if failure != nil {
		return step{}, failure
	}
	after, err := s.Cost()
	if err != nil {
		return step{}, err
	}
	each := time.Duration(float64(cost.CPU) / took.Seconds() * 100 / float64(n)) // of a second, for 100 calls
	b.say("| %d | %d of %d | %.3f %% | %.2f %% | %s | %.1f µs | %.0f %% | %s | %s | %d kB | %s |\n", n, h.Sent, h.Wanted, 100*h.Loss(), 100*h.Worst,
		percent(each), float64(cost.CPU)/1e3/float64(max(h.Sent, 1)), 100*cost.Waited.Seconds()/took.Seconds(), short(h.P50), short(h.P99),
		(after.Memory-before.Memory)/int64(n)/1000, verdict(h.Valid(), h.Clean()))
	if h.Foreign > 0 {
		b.say("\n%d packets were heard by somebody they were not for.\n\n", h.Foreign)
	}
	if err := s.hangUp(n); err != nil {
		return step{}, err
	}
	time.Sleep(callSettle)
	return step{rate: n, each: each, memory: (after.Memory - before.Memory) / int64(n), clean: h.Clean()}, nil
}

// connect sets calls up and tells the parties where to send.
func connect(s relaying, parties *load.Parties, n int) error {
	all, err := s.connect(n, parties)
	if err != nil {
		return err
	}
	for i, e := range all {
		if err := parties.Direct(2*i, e.Caller); err != nil {
			return err
		}
		if err := parties.Direct(2*i+1, e.Callee); err != nil {
			return err
		}
	}
	return nil
}

// percent is CPU time per second as a share of a core.
func percent(d time.Duration) string { return fmt.Sprintf("%.1f %%", 100*d.Seconds()) }
