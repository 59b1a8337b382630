package transport

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// The bounds of one WebSocket.
const (
	maxSocketMessage = 64 << 10 // bytes
	socketPing       = 25 * time.Second
	socketPong       = 10 * time.Second // … must be back by then
	socketHandOver   = 5 * time.Second  // until the edge takes a new one
)

// subprotocol is what a SIP client must ask for (RFC 7118 §4).
const subprotocol = "sip"

// SocketOptions make Sockets.
type SocketOptions struct {
	// Origins are the pages of other hosts that may open a socket, as
	// "softphone.example.com" or "https://*.example.com". Pages of the host that is
	// asked always may, and so may programs, which have no origin.
	Origins []string
	Log     *slog.Logger
}

// Sockets take SIP over WebSocket (RFC 7118) in from a web server and are the
// Listener of a WS edge. The library's own listener is not used: it upgrades in
// its accept loop, where one idle peer keeps out all others (P9), and does not
// answer pings (P10).
type Sockets struct {
	o    SocketOptions
	new  chan net.Conn
	done chan struct{}
	once sync.Once
}

// NewSockets makes the listener of a WS edge.
func NewSockets(o SocketOptions) *Sockets {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Sockets{o: o, new: make(chan net.Conn), done: make(chan struct{})}
}

// ServeHTTP makes a socket of a request and stays until it is closed.
func (s *Sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, "no address", http.StatusBadRequest)
		return
	}
	if !offers(r, subprotocol) {
		http.Error(w, "this is SIP over WebSocket: ask for the subprotocol sip", http.StatusBadRequest)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, OriginPatterns: s.o.Origins, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		s.o.Log.Debug("no sip socket", "remote", remote, "error", err)
		return // answered already
	}
	ws.SetReadLimit(maxSocketMessage)
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		local = s.Addr()
	}
	c := &socketConn{ws: ws, local: local, remote: net.TCPAddrFromAddrPort(unmap(remote)), secure: r.TLS != nil, closed: make(chan struct{})}
	defer func() { _ = c.Close() }()
	late := time.NewTimer(socketHandOver)
	defer late.Stop()
	select {
	case s.new <- c:
	case <-late.C:
		return
	case <-s.done:
		return
	}
	c.watch()
}

// offers reports whether a request asks for a subprotocol.
func offers(r *http.Request, name string) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		if slices.ContainsFunc(strings.Split(line, ","), func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), name) }) {
			return true
		}
	}
	return false
}

// Accept implements net.Listener.
func (s *Sockets) Accept() (net.Conn, error) {
	select {
	case c := <-s.new:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *Sockets) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr implements net.Listener. The web server listens, perhaps at several
// addresses: the edge is told one to name.
func (s *Sockets) Addr() net.Addr { return &net.TCPAddr{} }

// socketConn is one WebSocket as a stream that holds whole messages: each frame
// is one (RFC 7118 §5), and each Write is one.
type socketConn struct {
	ws            *websocket.Conn
	local, remote net.Addr
	secure        bool
	once          sync.Once
	closed        chan struct{}
	in            []byte // of the reading goroutine

	mu          sync.Mutex
	read, write time.Time // deadlines
}

// errNotOneMessage says that a frame does not hold one whole message.
var errNotOneMessage = errors.New("transport: a frame must be one SIP message")

// Read implements net.Conn.
func (c *socketConn) Read(b []byte) (int, error) {
	for len(c.in) == 0 {
		ctx, cancel := c.until(&c.read)
		_, frame, err := c.ws.Read(ctx)
		cancel()
		if err != nil {
			return 0, err
		}
		if c.in, err = oneMessage(frame); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

// oneMessage is a frame as a stream carries it: with its length, which browsers
// may leave out (RFC 7118 §5.2), and without anything that would be read as the
// beginning of another message.
func oneMessage(frame []byte) ([]byte, error) {
	if len(bytes.Trim(frame, "\r\n")) == 0 {
		return frame, nil // a keepalive
	}
	frame = bytes.TrimLeft(frame, "\r\n")
	head := headerEnd(frame)
	if head == 0 {
		return nil, errNotOneMessage
	}
	body := len(frame) - head
	switch n, given, ok := contentLength(frame[:head]); {
	case !ok, given && n > body:
		return nil, errNotOneMessage
	case given:
		return frame[:head+n], nil
	}
	out := append(bytes.Clone(frame[:head-2]), "Content-Length: "+strconv.Itoa(body)+"\r\n\r\n"...)
	return append(out, frame[head:]...), nil
}

// Write implements net.Conn.
func (c *socketConn) Write(b []byte) (int, error) {
	ctx, cancel := c.until(&c.write)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// until is a context that ends at a deadline; the zero one never comes.
func (c *socketConn) until(deadline *time.Time) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if deadline.IsZero() {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadlineCause(context.Background(), *deadline, os.ErrDeadlineExceeded)
}

// watch pings until the socket is closed: a laptop that was shut says nothing, and
// routers forget connections on which nothing moves.
func (c *socketConn) watch() {
	tick := time.NewTicker(socketPing)
	defer tick.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), socketPong)
		err := c.ws.Ping(ctx)
		cancel()
		if err != nil {
			return
		}
	}
}

// Close implements net.Conn. It does not wait for the peer to agree.
func (c *socketConn) Close() (err error) {
	c.once.Do(func() {
		close(c.closed)
		err = c.ws.CloseNow()
	})
	return err
}

// LocalAddr implements net.Conn.
func (c *socketConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *socketConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn. It counts from the next Read and Write on.
func (c *socketConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *socketConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = t
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *socketConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write = t
	return nil
}
