package e2e

import (
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// lossyHost is a host with a bad connection to the exchange.
func (n *wan) lossyHost(t *testing.T, l pbxtest.Link) (*pbxtest.NetNS, netip.Addr) {
	t.Helper()
	here, there := n.addresses()
	h := pbxtest.NewNetNS(t)
	h.PlugLossy(here, there, l, 1)
	h.Via(there.Addr())
	return h, here.Addr()
}

// Of a phone's packets 5 % are lost and others late and out of order: nobody
// hangs up, and the record tells how much was lost each way.
func TestHeavyLoss(t *testing.T) {
	n := newWAN(t, 4)
	hostA, atA := n.lossyHost(t, pbxtest.Link{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.05})
	hostB, _, atB := n.host(t)
	a, b := n.phoneAt(t, hostA, atA, "101", 440), n.phoneAt(t, hostB, atB, "102", 620)
	a.calls(b)
	time.Sleep(15 * time.Second)
	for _, p := range []*phone{a, b} {
		if len(p.Events("CALL_CLOSED")) != 0 {
			t.Fatalf("phone %s was hung up", p.number)
		}
	}
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	for _, l := range n.records(1)[0].Legs {
		q := l.Quality
		lost := float64(q.PacketsLost) / float64(q.PacketsLost+q.PacketsReceived)
		switch l.Party.Extension {
		case "101":
			if lost < 0.02 || lost > 0.1 {
				t.Errorf("the record of the bad leg says %.1f %% lost, want about 5: %+v", 100*lost, q)
			}
			if q.RemoteLost == 0 {
				t.Errorf("the record says that the phone lost nothing: %+v", q)
			}
		case "102":
			if q.PacketsLost != 0 {
				t.Errorf("the record of the good leg says %d lost", q.PacketsLost)
			}
		}
	}
}

// With 1 % loss and jitter on the way to a transcoder, what is missing is
// concealed: the other phone hears no gap of over 60 ms.
func TestConcealment(t *testing.T) {
	n := newWAN(t, 5)
	hostA, atA := n.lossyHost(t, pbxtest.Link{Delay: 20 * time.Millisecond, Jitter: 15 * time.Millisecond, Loss: 0.01})
	hostB, _, atB := n.host(t)
	a := n.phoneAt(t, hostA, atA, "101", 440, codecs("pcma"))
	b := n.phoneAt(t, hostB, atB, "102", 620, codecs("opus/48000/2"))
	a.calls(b)
	const talk = 12 * time.Second
	time.Sleep(talk)
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	b.hearsTone(a.hz, talk-time.Second)
	for _, l := range n.records(1)[0].Legs {
		if l.Party.Extension == "101" && l.Quality.PacketsLost == 0 {
			t.Errorf("nothing was lost: %+v", l.Quality)
		}
	}
}
