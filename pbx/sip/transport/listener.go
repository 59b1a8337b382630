package transport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// streamListener accepts TCP or TLS connections for sipgo: it applies the limits
// before anything is spent, does the TLS handshake away from the accept loop, so
// that a peer that never finishes it delays nobody, and knows every connection
// by its id.
type streamListener struct {
	net.Listener
	conf  *tls.Config // nil: TCP
	guard *Guard
	log   *slog.Logger
	lost  func(*streamConn)
	tap   tap

	ready  chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	nextID   uint64
	conns    map[uint64]*streamConn // from accept to close
	byRemote map[netip.AddrPort]*streamConn
	bySource map[netip.Addr]int
}

func newStreamListener(l net.Listener, conf *tls.Config, g *Guard, log *slog.Logger, lost func(*streamConn)) *streamListener {
	s := &streamListener{
		Listener: l, conf: conf, guard: g, log: log, lost: lost,
		ready: make(chan net.Conn),
		// Ids never repeat over restarts, so that a connection stored by a
		// registration of yesterday is not mistaken for one of today.
		nextID:   uint64(time.Now().UnixNano()),
		conns:    make(map[uint64]*streamConn),
		byRemote: make(map[netip.AddrPort]*streamConn),
		bySource: make(map[netip.Addr]int),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// run accepts until the listener is closed.
func (s *streamListener) run() {
	for pause := 5 * time.Millisecond; ; {
		raw, err := s.Listener.Accept()
		if s.ctx.Err() != nil {
			if err == nil {
				_ = raw.Close()
			}
			return
		}
		if err != nil {
			s.log.Warn("sip accept failed", "error", err) // no file descriptors, most likely
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
				return
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		s.admit(raw)
	}
}

// admit takes a connection in or closes it.
func (s *streamListener) admit(raw net.Conn) {
	c, ok := s.enter(raw)
	if !ok {
		_ = raw.Close()
		return
	}
	go func() {
		defer s.work.Done()
		if t, ok := c.Conn.(*tls.Conn); ok {
			if err := t.HandshakeContext(s.ctx); err != nil {
				s.log.Debug("sip tls handshake failed", "remote", c.remote, "error", err)
				_ = c.Close()
				return
			}
		}
		c.open.Store(true)
		select {
		case s.ready <- c:
		case <-s.ctx.Done():
			_ = c.Close()
		}
	}()
}

// enter registers a new connection if the limits allow it, and counts the work
// that follows: under the lock, so that Close does not miss it.
func (s *streamListener) enter(raw net.Conn) (*streamConn, bool) {
	remote := addrPort(raw.RemoteAddr())
	who := person(remote.Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || !s.guard.admitConn(remote, s.bySource[who], len(s.conns)) {
		return nil, false
	}
	s.nextID++
	s.work.Add(1)
	c := &streamConn{Conn: raw, raw: raw, id: s.nextID, remote: remote, listener: s, began: time.Now()}
	// From here on the peer has this long for the handshake and its first whole
	// message together.
	_ = raw.SetDeadline(c.began.Add(s.guard.limits.FirstMessage))
	if ws, ok := raw.(*socketConn); ok {
		c.secure = ws.secure
	}
	if s.conf != nil {
		c.Conn = tls.Server(raw, s.conf)
	}
	s.conns[c.id] = c
	s.byRemote[remote] = c
	s.bySource[who]++
	return c, true
}

// left forgets a connection that was closed.
func (s *streamListener) left(c *streamConn) {
	s.mu.Lock()
	delete(s.conns, c.id)
	if s.byRemote[c.remote] == c {
		delete(s.byRemote, c.remote)
	}
	who := person(c.remote.Addr())
	if s.bySource[who]--; s.bySource[who] <= 0 {
		delete(s.bySource, who)
	}
	s.mu.Unlock()
	if c.open.Load() {
		s.lost(c)
	}
}

// find returns the live connection of a peer; id 0 means any.
func (s *streamListener) find(remote netip.AddrPort, id uint64) *streamConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byRemote[remote]
	if c == nil || !c.open.Load() || id != 0 && c.id != id {
		return nil
	}
	return c
}

// Accept implements net.Listener for sipgo. A nil in the queue is taken without
// being returned: whoever put it there knows then that sipgo is done with what
// came before.
func (s *streamListener) Accept() (net.Conn, error) {
	for {
		select {
		case c := <-s.ready:
			if c != nil {
				return c, nil
			}
		case <-s.ctx.Done():
			return nil, net.ErrClosed
		}
	}
}

// Close stops accepting and closes every connection.
func (s *streamListener) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	err := s.Listener.Close()
	s.mu.Lock()
	open := make([]*streamConn, 0, len(s.conns))
	for _, c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	s.work.Wait()
	return err
}
