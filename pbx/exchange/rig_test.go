package exchange

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// rig is a whole exchange with its demo company on a network in memory and in
// virtual time.
type rig struct {
	t      *testing.T
	net    *pbxtest.Net
	x      *Exchange
	dir    string
	stop   context.CancelFunc
	ended  chan error
	phones []*pbxtest.Phone
	level  slog.Level
	http   []netip.AddrPort
	more   func(*Options) // nil: nothing
	log    slog.Handler   // nil: what is at least level, to stderr
}

var sipAddr = netip.MustParseAddrPort("10.0.0.1:5060")

// inVirtualTime runs story with a running exchange and checks afterwards that
// nothing is left of any call.
func inVirtualTime(t *testing.T, story func(r *rig)) { seeded(t, 1, story) }

// seeded is inVirtualTime on a network whose accidents are those of seed.
func seeded(t *testing.T, seed uint64, story func(r *rig)) { prepared(t, seed, func(*rig) {}, story) }

// prepared is seeded with an exchange that is told more before it starts.
func prepared(t *testing.T, seed uint64, prepare, story func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: pbxtest.NewNet(seed), dir: t.TempDir(), level: slog.LevelError}
		prepare(r)
		r.start()
		story(r)
		r.nothingLeft()
		for _, p := range r.phones {
			p.Close()
		}
		r.end()
		r.net.Close()
		synctest.Wait()
	})
}

func (r *rig) options() Options {
	log := r.log
	if log == nil {
		log = slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: r.level})
	}
	o := Options{
		Version: "test", DataDir: r.dir, Realm: "klapka", Network: r.net, Demo: true, DemoAnywhere: true,
		Log:       slog.New(log),
		SIPUDP:    []netip.AddrPort{sipAddr},
		SIPTCP:    []netip.AddrPort{sipAddr},
		HTTP:      r.http,
		RTPListen: sipAddr.Addr(), RTPPorts: PortRange{20000, 20999},
		RingTime: 30 * time.Second, MediaTimeout: time.Minute, ShutdownGrace: 10 * time.Second,
	}
	if r.more != nil {
		r.more(&o)
	}
	return o
}

func (r *rig) start() {
	r.t.Helper()
	x, err := New(r.t.Context(), r.options())
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.x, r.stop, r.ended = x, cancel, make(chan error, 1)
	go func() { r.ended <- x.Run(ctx) }()
	<-x.Ready()
}

func (r *rig) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
}

// phone is a registered phone of a demo extension.
func (r *rig) phone(number, addr string) *pbxtest.Phone {
	r.t.Helper()
	p := r.unregistered(number, addr)
	if m := p.Register(); m.Status() != 200 {
		r.t.Fatalf("%s: REGISTER got %d", number, m.Status())
	}
	return p
}

func (r *rig) unregistered(number, addr string) *pbxtest.Phone {
	r.t.Helper()
	conn, err := r.net.ListenPacket(netip.MustParseAddrPort(addr))
	if err != nil {
		r.t.Fatal(err)
	}
	p := pbxtest.NewPhone(r.t, conn, sipAddr, number, "klapka-demo-"+number)
	r.phones = append(r.phones, p)
	return p
}

// nothingLeft fails when, a minute after the story, anything of a call remains.
func (r *rig) nothingLeft() {
	r.t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	if n := r.x.calls.Counts(); n.Calls != 0 || n.Legs != 0 {
		r.t.Errorf("left behind: %d calls, %d legs: %+v", n.Calls, n.Legs, r.x.calls.Calls())
	}
	if n := r.x.stack.Usages(); n != 0 {
		r.t.Errorf("left behind: %d dialogs", n)
	}
}

// record waits for the database to catch up and returns the newest call record.
func (r *rig) record() pbx.CallRecord {
	r.t.Helper()
	records := r.records()
	if len(records) == 0 {
		r.t.Fatal("no call record")
	}
	return records[0]
}

func (r *rig) records() []pbx.CallRecord {
	r.t.Helper()
	synctest.Wait() // whatever the last message caused has been published
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.x.bus.Drain(ctx); err != nil {
		r.t.Fatal(err)
	}
	list, err := r.x.store.CallRecords(ctx, pbx.CallFilter{})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// outcome describes a record in a line: who ended it and why, and each leg.
func outcome(c pbx.CallRecord) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s→%s %s by %s", c.From.Number, c.Dialled, c.Cause.Code, c.Cause.By)
	if !c.AnsweredAt.IsZero() {
		fmt.Fprintf(&b, ", answered by %s", c.AnsweredBy.Number)
	}
	slices.SortStableFunc(c.Legs, func(a, b pbx.LegRecord) int {
		return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Party.Number, b.Party.Number), cmp.Compare(a.Cause.Code, b.Cause.Code))
	})
	for _, l := range c.Legs {
		fmt.Fprintf(&b, "; %s %s", l.Party.Number, l.Cause.Code)
	}
	return b.String()
}

func (r *rig) wantOutcome(want string) {
	r.t.Helper()
	if got := outcome(r.record()); got != want {
		r.t.Errorf("the record says\n  %s\nwant\n  %s", got, want)
	}
}

// sdpAt is a phone's description with sound at addr; extra lines go to the
// stream.
func sdpAt(addr string, extra ...string) string {
	a := netip.MustParseAddrPort(addr)
	lines := append([]string{
		"v=0", "o=- 1 1 IN IP4 " + a.Addr().String(), "s=-", "c=IN IP4 " + a.Addr().String(), "t=0 0",
		fmt.Sprintf("m=audio %d RTP/AVP 8 0 101", a.Port()), "a=rtpmap:101 telephone-event/8000",
	}, extra...)
	return strings.Join(lines, "\r\n") + "\r\n"
}
