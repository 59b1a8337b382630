package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// P12: a phone behind NAT that does not ask for rport is answered where its
// request came from, by our handlers and by the stack's own answers alike.
func TestP12AnswersGoToTheSourceWithoutRport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, func(e *Edge) {
			e.Handle(sip.INVITE, func(_ context.Context, f Flow, req *sip.Request, tx sip.ServerTransaction) {
				if f.Remote != phoneAddr || req.Source() != phoneAddr.String() {
					t.Errorf("flow %v, source %s", f, req.Source())
				}
				<-tx.Done()
			})
		})
		defer l.close()
		p := l.peer(phoneAddr)
		p.send(request("OPTIONS", "UDP 192.168.1.2:5060", "1"))
		got := p.expect("SIP/2.0 200 OK")
		if !strings.Contains(got, "received=10.0.0.7") || !strings.Contains(got, "rport=40022") {
			t.Errorf("the answer's Via lacks the source: %q", got)
		}
		p.send(request("INVITE", "UDP 192.168.1.2:5060;received=9.9.9.9;rport=9", "2"))
		p.expect("SIP/2.0 100 Trying")
		p.send(request("CANCEL", "UDP 192.168.1.2:5060", "2"))
		p.expect("SIP/2.0 200 OK")
		p.expect("SIP/2.0 487")
	})
}

// P8: junk and thousands of sources leave nothing behind in the stack.
func TestP8ThePoolDoesNotGrowWithSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		defer l.close()
		for i := range 2000 {
			p := l.peer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060))
			if i%2 == 0 {
				p.send("x")
			} else {
				p.send(request("OPTIONS", "UDP 10.1.1.1:5060", fmt.Sprint("p8", i)))
				p.expect("SIP/2.0 200 OK")
			}
			_ = p.conn.Close()
		}
		if n := l.edge.ua.TransportLayer().Pool("udp").Size(); n > 2 {
			t.Errorf("%d entries in the stack's pool", n)
		}
		if n := l.edge.guard.counts.Junk.Load(); n != 1000 {
			t.Errorf("%d datagrams counted as junk, want 1000", n)
		}
	})
}

// P6: a request to a peer that was never heard leaves from the listener.
func TestP6RequestsLeaveFromTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Advertise: netip.MustParseAddrPort("192.0.2.1:6060")}, nil)
		defer l.close()
		p := l.peer(phoneAddr)
		tx, err := l.edge.Request(t.Context(), Flow{Edge: l.edge, Remote: phoneAddr}, options("sip:102@10.0.0.7"))
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, from, _ := p.conn.ReadFrom(buf)
		if from.String() != serverAddr.String() {
			t.Errorf("sent from %s", from)
		}
		got := string(buf[:n])
		if !strings.Contains(got, "Via: SIP/2.0/UDP 192.0.2.1:6060;branch=z9hG4bK") || !strings.Contains(got, ";rport") {
			t.Errorf("Via: %q", got)
		}
		p.send(answer(got, "200 OK"))
		res := <-tx.Responses()
		if res.StatusCode != 200 {
			t.Errorf("got %d", res.StatusCode)
		}
		tx.Terminate()
	})
}

// P13: a response of more than 1300 bytes is sent.
func TestP13LongResponsesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, func(e *Edge) {
			e.Handle(sip.INFO, func(_ context.Context, _ Flow, req *sip.Request, tx sip.ServerTransaction) {
				_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", []byte(strings.Repeat("x", 5000))))
			})
		})
		defer l.close()
		p := l.peer(phoneAddr)
		p.send(request("INFO", "UDP 10.0.0.7:40022", "13"))
		if got := p.expect("SIP/2.0 200 OK"); len(got) < 5000 {
			t.Errorf("%d bytes", len(got))
		}
	})
}

// P4: a handler that panics costs a 500, not the process.
func TestP4PanicsAreContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, func(e *Edge) {
			e.Handle(sip.INFO, func(context.Context, Flow, *sip.Request, sip.ServerTransaction) { panic("boom") })
			e.Handle(sip.MESSAGE, func(_ context.Context, _ Flow, req *sip.Request, tx sip.ServerTransaction) {
				_ = tx.Respond(sip.NewResponseFromRequest(req, 202, "Accepted", nil))
				panic("after the answer")
			})
		})
		defer l.close()
		p := l.peer(phoneAddr)
		p.send(request("INFO", "UDP 10.0.0.7:40022", "4a"))
		p.expect("SIP/2.0 500")
		p.send(request("MESSAGE", "UDP 10.0.0.7:40022", "4b"))
		p.expect("SIP/2.0 202")
		if got := p.read(); got != "" {
			t.Errorf("a second answer: %q", got)
		}
		if n := l.edge.Counts().Panics.Load(); n != 2 {
			t.Errorf("%d panics counted", n)
		}
	})
}

// P11: trouble at the socket never ends the listener; what does not parse
// neither.
func TestP11NothingStopsTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		defer l.close()
		p := l.peer(phoneAddr)
		_ = l.edge.packet.PacketConn.SetReadDeadline(time.Now()) // every read fails for a while
		time.Sleep(3 * time.Second)
		_ = l.edge.packet.PacketConn.SetReadDeadline(time.Time{})
		time.Sleep(2 * time.Second)
		p.send("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nCSeq: nonsense\r\n\r\n")
		p.send(request("OPTIONS", "UDP 10.0.0.7:40022", "11"))
		p.expect("SIP/2.0 200 OK")
	})
}

// Requests on a foreign or closed edge fail at once.
func TestRequestsOnAClosedEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		l.close()
		if _, err := l.edge.Request(t.Context(), Flow{Edge: l.edge, Remote: phoneAddr}, options("sip:1@h")); err == nil {
			t.Error("sent on a closed edge")
		}
		if err := l.edge.Send(Flow{Remote: phoneAddr}, options("sip:1@h")); err == nil {
			t.Error("sent on a flow of nobody")
		}
		if err := l.edge.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("second close: %v", err)
		}
	})
}

// Requests that were read but not yet handled when the edge is closed find a
// dead socket; the stack must not open one of its own for them, nor for ours.
func TestCloseUnderLoad(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, Options{}, func(e *Edge) {
				e.Handle(sip.INVITE, func(_ context.Context, _ Flow, _ *sip.Request, tx sip.ServerTransaction) { <-tx.Done() })
			})
			p := l.peer(phoneAddr)
			for i := range 40 {
				p.send(request([]string{"OPTIONS", "INVITE"}[i%2], "UDP 10.0.0.7", fmt.Sprint(i)))
			}
			go func() { _, _ = l.edge.Request(t.Context(), Flow{Edge: l.edge, Remote: phoneAddr}, options("sip:1@h")) }()
			l.close()
		})
	}
}

// A second 2xx of a fork, or a repeated one, reaches the stray handler.
func TestStrayResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stray := make(chan int, 1)
		l := newLab(t, Options{}, func(e *Edge) {
			e.HandleStray(func(_ *Edge, res *sip.Response) { stray <- res.StatusCode })
		})
		defer l.close()
		p := l.peer(phoneAddr)
		p.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKnone\r\nFrom: <sip:a@h>;tag=1\r\n" +
			"To: <sip:b@h>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
		if got := <-stray; got != 200 {
			t.Errorf("got %d", got)
		}
	})
}

// options is an outgoing OPTIONS without Via.
func options(to string) *sip.Request {
	var u sip.Uri
	if err := sip.ParseUri(to, &u); err != nil {
		panic(err)
	}
	req := sip.NewRequest(sip.OPTIONS, u)
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "klapka", Host: "10.0.0.1"}}
	from.Params.Add("tag", "t")
	call := sip.CallIDHeader("out")
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: u})
	req.AppendHeader(&call)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	return req
}

// answer turns a request into a response.
func answer(req, status string) string {
	lines := []string{"SIP/2.0 " + status}
	for _, l := range strings.Split(req, "\r\n")[1:] {
		name, _, _ := strings.Cut(l, ":")
		switch name {
		case "Via", "From", "To", "Call-ID", "CSeq":
			lines = append(lines, l)
		}
	}
	return strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
}
