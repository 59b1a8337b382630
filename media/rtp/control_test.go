package rtp_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx/pbxtest"
)

// report sends an RTCP packet of the phone's, from its RTCP port.
func (p *phone) report(to media.Endpoint, packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		p.Fatal(err)
	}
	addr := netip.AddrPortFrom(to.Local().Addr(), to.Local().Port()+1)
	if _, err := p.rtcp.WriteTo(b, net.UDPAddrFromAddrPort(addr)); err != nil {
		p.Error(err)
	}
}

// last is the latest packet of a type that reached the phone.
func last[T rtcp.Packet](p *phone) (found T, ok bool) {
	for _, compound := range p.control() {
		for _, packet := range compound {
			if v, is := packet.(T); is {
				found, ok = v, true
			}
		}
	}
	return found, ok
}

// What the reports say is what the network did: loss, jitter and the round trip.
func TestReportsSayWhatTheNetworkDid(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		lost := uint64(0)
		w.net.Capture(func(p pbxtest.Packet) {
			if p.Lost && p.From == alice.addr {
				lost++
			}
		})
		link := pbxtest.Link{Delay: 30 * time.Millisecond, Jitter: 12 * time.Millisecond, Loss: 0.05}
		w.net.SetLinkBetween(alice.addr.Addr(), a.Local().Addr(), link)
		w.net.SetLinkBetween(a.Local().Addr(), alice.addr.Addr(), pbxtest.Link{Delay: 50 * time.Millisecond})
		alice.talk(a, 1000)
		time.Sleep(16 * time.Second)
		s := a.Stats()
		if lost == 0 || s.PacketsLost != lost || s.PacketsReceived != 1000-lost {
			t.Errorf("%d lost and %d received, but the network lost %d of 1000", s.PacketsLost, s.PacketsReceived, lost)
		}
		// The mean difference of two values uniform in 12 ms is 4 ms.
		if s.Jitter < 2*time.Millisecond || s.Jitter > 6*time.Millisecond {
			t.Errorf("jitter %v, want about 4 ms", s.Jitter)
		}
		r, ok := last[*rtcp.ReceiverReport](alice)
		if !ok || len(r.Reports) != 1 {
			t.Fatal("no report after the last packet")
		}
		if got := r.Reports[0]; uint64(got.TotalLost) != lost || got.SSRC != alice.send.SSRC ||
			got.LastSequenceNumber != 1<<16+uint32(alice.send.SequenceNumber-1) {
			t.Errorf("reported %+v, want %d lost", got, lost)
		}
		sender, ok := last[*rtcp.SenderReport](alice)
		if !ok || uint64(sender.PacketCount) > s.PacketsSent || sender.OctetCount != 160*sender.PacketCount {
			t.Errorf("sender report %+v, %d packets sent", sender, s.PacketsSent)
		}
		alice.report(a, &rtcp.ReceiverReport{SSRC: alice.send.SSRC, Reports: []rtcp.ReceptionReport{
			{SSRC: 1, TotalLost: 99}, // somebody else's stream
			{SSRC: sender.SSRC, TotalLost: 17, Jitter: 80},
		}})
		time.Sleep(time.Second)
		if s := a.Stats(); s.RemoteLost != 17 || s.RemoteJitter != 10*time.Millisecond || s.RoundTrip != 0 {
			t.Errorf("the party's report became %+v", s)
		}
	})
}

// The round trip is the time since our report less what the party kept it
// (RFC 3550 §6.4.1).
func TestRoundTrip(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		w.net.SetLink(pbxtest.Link{Delay: 70 * time.Millisecond})
		a.Hear(a)
		for range 1000 {
			alice.talk(a, 1)
			if _, ok := last[*rtcp.SenderReport](alice); ok {
				break
			}
		}
		sr, ok := last[*rtcp.SenderReport](alice)
		if !ok {
			t.Fatal("no sender report in 20 s")
		}
		time.Sleep(500*time.Millisecond - frame)
		alice.report(a, &rtcp.SenderReport{SSRC: alice.send.SSRC, NTPTime: 77 << 16, Reports: []rtcp.ReceptionReport{
			{SSRC: sr.SSRC, LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 65536 / 2},
		}})
		time.Sleep(time.Second)
		if trip := a.Stats().RoundTrip; trip < 119*time.Millisecond || trip > 141*time.Millisecond {
			t.Errorf("round trip %v, want 140 ms less at most a frame", trip)
		}
		time.Sleep(16 * time.Second)
		r, _ := last[*rtcp.ReceiverReport](alice)
		if r.Reports[0].LastSenderReport != 77 || r.Reports[0].Delay < 65536 {
			t.Errorf("the party's sender report is returned as %+v", r.Reports[0])
		}
	})
}

// Reports come about every 5 s, at uneven times, with a name that says nothing
// (RFC 7022), and the last one says good-bye.
func TestReportsBeginGoOnAndEnd(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		time.Sleep(10 * time.Minute)
		n := len(alice.control())
		if n < 90 || n > 150 {
			t.Errorf("%d reports in 10 minutes, want about 120", n)
		}
		a.Close()
		control := alice.control()
		final := control[len(control)-1]
		bye, ok := final[len(final)-1].(*rtcp.Goodbye)
		if len(control) != n+1 || !ok {
			t.Fatalf("the end was told by %v", final)
		}
		name, ok := last[*rtcp.SourceDescription](alice)
		if !ok || name.Chunks[0].Source != bye.Sources[0] || len(name.Chunks[0].Items[0].Text) < 16 {
			t.Errorf("name: %+v", name)
		}
		a.Close()
		time.Sleep(time.Minute)
		if got := len(alice.control()); got != n+1 {
			t.Errorf("%d reports after the end", got-n-1)
		}
	})
}

// RTCP goes where the description says (RFC 3605), and to where the party's
// reports come from once they do.
func TestWhereReportsGo(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice, other := w.endpoint(nil), w.phone("10.0.1.1:4000"), w.phone("10.0.1.1:7000")
		s := alice.session()
		s.RemoteRTCP = addrPort("10.0.1.1:7001")
		w.connect(a, s)
		time.Sleep(10 * time.Second)
		if len(other.control()) == 0 || len(alice.control()) != 0 {
			t.Errorf("%d reports where they were asked for, %d beside", len(other.control()), len(alice.control()))
		}
		alice.talk(a, 1)
		alice.report(a, &rtcp.ReceiverReport{SSRC: alice.send.SSRC})
		time.Sleep(10 * time.Second)
		if len(alice.control()) == 0 {
			t.Error("no report went to where the party's came from")
		}
	})
}

// A party's good-bye, reports cut short and reports of nobody end nothing.
func TestReportsThatSayNothing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		alice.talk(a, 5)
		alice.report(a, &rtcp.ReceiverReport{SSRC: alice.send.SSRC}, &rtcp.Goodbye{Sources: []uint32{alice.send.SSRC}})
		alice.report(a, &rtcp.Goodbye{Sources: []uint32{alice.send.SSRC}})
		alice.report(a, &rtcp.PictureLossIndication{SenderSSRC: alice.send.SSRC})
		alice.talk(a, 5)
		if got := alice.packets(); len(got) != 10 {
			t.Errorf("%d of 10 packets came back", len(got))
		}
		if got := a.Stats().Ignored; got != 2 {
			t.Errorf("%d ignored, want the two that do not begin with a report", got)
		}
	})
}
