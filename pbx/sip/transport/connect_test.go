package transport

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
)

// After a restart of ours a phone registered over TCP is called by a connection
// of our own, to where it registered from and nowhere else.
func TestReachAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *lab
		l = newLab(t, Options{Net: TCP, Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return l.net.Dial(ctx, netip.AddrPortFrom(serverAddr.Addr(), 0), to)
		}}, nil)
		defer l.close()
		listener, err := l.net.Listen(addr("10.0.0.7:5060"))
		if err != nil {
			t.Fatal(err)
		}
		said := make(chan string, 2)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c := &caller{t, conn, bufio.NewReader(conn)}
			time.Sleep(time.Minute) // it need not speak first
			said <- c.message()
		}()
		es := Edges{l.edge}
		b := pbx.Binding{Edge: "tcp", Contact: "sip:101@10.0.0.7;transport=tcp", Remote: addr("10.0.0.7:41000"), ConnID: 7}
		f, err := es.Reach(t.Context(), b)
		if err != nil || f.Remote != addr("10.0.0.7:5060") || f.ConnID == 0 {
			t.Fatalf("%v, %v", f, err)
		}
		if again, err := es.Reach(t.Context(), b); err != nil || again != f {
			t.Errorf("a second time: %v, %v", again, err)
		}
		time.Sleep(time.Minute)
		tx, err := l.edge.Request(t.Context(), f, options("sip:101@10.0.0.7"))
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Terminate()
		if got := <-said; !strings.HasPrefix(got, "OPTIONS sip:101@10.0.0.7") {
			t.Errorf("the phone heard %q", got)
		}
		for name, change := range map[string]func(*pbx.Binding){
			"a third party": func(b *pbx.Binding) { b.Contact = "sip:101@10.0.0.99" },
			"a name":        func(b *pbx.Binding) { b.Contact = "sip:101@phone.example" },
			"no listener":   func(b *pbx.Binding) { b.Contact = "sip:101@10.0.0.7:9" },
			"another edge":  func(b *pbx.Binding) { b.Edge = "tls" },
		} {
			c := b
			change(&c)
			if f, err := es.Reach(t.Context(), c); !errors.Is(err, ErrFlowGone) {
				t.Errorf("%s: %v, %v", name, f, err)
			}
		}
		_ = listener.Close()
	})
}
