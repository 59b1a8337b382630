package transport

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// seen collects what a tap is shown.
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) see(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	way := "received"
	switch {
	case m.Banned:
		way = "banned"
	case m.Sent:
		way = "sent"
	}
	line, _, _ := strings.Cut(string(m.Raw), "\r\n")
	s.list = append(s.list, fmt.Sprint(m.Edge, " ", way, " ", m.Remote, " ", line))
}

func (s *seen) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.list, want) {
		t.Errorf("the tap saw\n%s\nwant\n%s", strings.Join(s.list, "\n"), strings.Join(want, "\n"))
	}
}

// A tap sees what passes, and neither keepalives nor junk.
func TestTapSeesMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &seen{}
		l := newLab(t, Options{Name: "lan", Tap: s.see}, nil)
		defer l.close()
		p := l.peer(phoneAddr)
		defer p.conn.Close()
		p.send("\r\n\r\n")
		p.send("nonsense that is long enough\r\n\r\n")
		p.send(request("OPTIONS", "UDP 10.0.0.7:40022", "t1"))
		p.expect("SIP/2.0 200")
		s.want(t,
			"lan received 10.0.0.7:40022 OPTIONS sip:10.0.0.1 SIP/2.0",
			"lan sent 10.0.0.7:40022 SIP/2.0 200 OK")
	})
}

// Of a banned address only INVITEs are shown: somebody will ask why that phone
// cannot call.
func TestTapSeesInvitesOfBannedSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &seen{}
		bans := NewBans(BanOptions{})
		defer bans.Close()
		l := newLab(t, Options{Tap: s.see, Guard: NewGuard(Limits{}, bans)}, nil)
		defer l.close()
		bans.Ban(phoneAddr.Addr(), time.Minute, "test")
		p := l.peer(phoneAddr)
		defer p.conn.Close()
		p.send(request("OPTIONS", "UDP 10.0.0.7:40022", "t1"))
		p.send(request("INVITE", "UDP 10.0.0.7:40022", "t2"))
		if got := p.read(); got != "" {
			t.Errorf("a banned source got %q", got)
		}
		s.want(t, "udp banned 10.0.0.7:40022 INVITE sip:10.0.0.1 SIP/2.0")
	})
}

func TestTapSeesStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &seen{}
		l := newLab(t, Options{Net: TCP, Tap: s.see}, nil)
		defer l.close()
		c := l.dial(phoneAddr)
		defer c.conn.Close()
		c.send("\r\n\r\n" + request("OPTIONS", "TCP 10.0.0.7:40022", "t1"))
		c.line(time.Second) // the pong
		c.message()
		s.want(t,
			"tcp received 10.0.0.7:40022 OPTIONS sip:10.0.0.1 SIP/2.0",
			"tcp sent 10.0.0.7:40022 SIP/2.0 200 OK")
	})
}
