package socket

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/session"
)

// Bounds of one socket.
const (
	maxFrame     = 64 << 10 // of the page
	queued       = 512      // frames it may be behind
	helloWithin  = 10 * time.Second
	pingEvery    = 10 * time.Second
	silence      = 25 * time.Second // without a word from the page
	writeWithin  = 5 * time.Second
	closeWithin  = time.Second
	checkEvery   = 30 * time.Second // whether the sign-in still counts
	framesPerSec = 5
	framesBurst  = 30
)

// closeCode is the WebSocket status for a reason (RFC 6455 §7.4.2: 4000–4999 are
// ours).
//
//exhaustive:enforce
var closeCode = map[ByeReason]websocket.StatusCode{
	ByeSignedOut:  4401,
	ByeShutdown:   websocket.StatusGoingAway,
	ByeSlow:       4408,
	ByeSuperseded: 4409,
	ByeChanged:    4410,
	ByeUnexpected: websocket.StatusPolicyViolation,
}

// conn is the socket of one page.
type conn struct {
	hub   *Hub
	ws    *websocket.Conn
	who   session.Identity
	info  pbx.TabInfo // without Tab and Send, which come with the greeting
	tab   pbx.Tab
	queue chan []byte
	bye   chan ByeReason // holds the first reason
	heard atomic.Int64   // Unix milliseconds of the last word of the page
	link  pbx.TabLink    // nil without a browser edge
}

// send queues a frame; it never waits.
func (c *conn) send(data []byte) {
	select {
	case c.queue <- data:
	default:
		c.end(ByeSlow)
	}
}

// end closes the socket soon, for the first reason given.
func (c *conn) end(why ByeReason) {
	select {
	case c.bye <- why:
	default:
	}
}

// serveHTTP makes a socket of a request; it returns when that is over.
func (h *Hub) serveHTTP(w http.ResponseWriter, r *http.Request) error {
	who := web.Who(r.Context())
	if err := h.enter(who.User.ID); err != nil {
		return err
	}
	defer h.exit(who.User.ID)
	ws, err := websocket.Accept(w, r, nil) // refuses pages of another origin than Host
	if err != nil {
		h.o.Log.Debug("no socket", "user", who.User.ID, "error", err)
		return nil // answered already
	}
	defer func() { _ = ws.CloseNow() }() // when all went well it is closed
	ws.SetReadLimit(maxFrame)
	c := &conn{
		hub: h, ws: ws, who: who, queue: make(chan []byte, queued), bye: make(chan ByeReason, 1),
		info: pbx.TabInfo{Extension: who.Extension.Number, UserAgent: web.From(r.Context()).UserAgent, Remote: r.RemoteAddr},
	}
	c.serve(r.Context())
	return nil
}

// enter counts a socket of a user.
func (h *Hub) enter(user string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return pbx.Errorf(pbx.Unavailable, "the exchange is being stopped")
	case h.users[user] >= perUser:
		return pbx.Errorf(pbx.TooMany, "%d pages are open already; close one", perUser)
	}
	h.users[user]++
	h.serving.Add(1)
	return nil
}

func (h *Hub) exit(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[user]--; h.users[user] == 0 {
		delete(h.users, user)
	}
	h.serving.Done()
}

// serve runs the socket until one side ends it.
func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	hello, err := c.readHello(ctx)
	if err != nil {
		cancel()
		c.farewell(ByeUnexpected)
		return
	}
	c.tab = pbx.Tab{User: c.who.User.ID, Client: hello.ClientID, Tab: hello.TabID}
	c.hub.join(c, hello.Resume.Value)
	defer c.hub.leave(c)
	if c.hub.o.Browsers != nil && !c.connect() {
		cancel()
		c.farewell(ByeUnexpected)
		return
	}
	var work sync.WaitGroup
	work.Go(func() { c.check(ctx) })
	work.Go(func() { defer cancel(); c.read(ctx) })
	c.write(ctx)
	cancel()
	work.Wait()
	if c.link != nil {
		c.link.Close()
	}
}

// connect makes the page known to the browser edge.
func (c *conn) connect() bool {
	info := c.info
	info.Tab, info.Send = c.tab, c.pass
	link, err := c.hub.o.Browsers.Connect(info)
	if err != nil {
		c.hub.o.Log.Debug("the browser edge refused a page", "user", c.tab.User, "error", err)
		return false
	}
	c.link = link
	return true
}

// pass hands a frame of the browser edge to the page. It is called with locks of
// the edge held, so it only queues.
func (c *conn) pass(f pbx.BrowserFrame) {
	c.send(c.hub.encode(f))
	leg, ok := f.(pbx.LegFrame)
	if !ok {
		return
	}
	select {
	case c.hub.moved <- leg.Call:
	default: // the hub looks at every call once in a while anyway
	}
}

// readHello reads the first frame; the end of the hub ends the wait.
func (c *conn) readHello(ctx context.Context) (HelloFrame, error) {
	ctx, cancel := context.WithTimeout(ctx, helloWithin)
	defer cancel()
	go func() {
		select {
		case <-c.hub.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	var hello HelloFrame
	_, data, err := c.ws.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &hello)
	}
	if err == nil && (hello.T != "hello" || !validID(hello.ClientID) || !validID(hello.TabID)) {
		err = errors.New("not a greeting")
	}
	c.heard.Store(time.Now().UnixMilli())
	return hello, err
}

// validID reports whether a page may be called that.
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		alnum := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !alnum && b != '-' && b != '_' {
			return false
		}
	}
	return true
}

// read takes the page's frames until the socket or ctx ends.
func (c *conn) read(ctx context.Context) {
	allowed := rate.NewLimiter(framesPerSec, framesBurst)
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil {
			return
		}
		c.heard.Store(time.Now().UnixMilli())
		if !allowed.Allow() || !c.take(data) {
			c.end(ByeUnexpected)
			// The writer says why and closes; what still comes is not read.
			<-ctx.Done()
			return
		}
	}
}

// take acts upon one frame; false says that it makes no sense.
func (c *conn) take(data []byte) bool {
	var f MediaOfferFrame // the others have nothing but t
	if err := json.Unmarshal(data, &f); err != nil {
		return false
	}
	switch f.T {
	case "pong":
		if c.link != nil {
			c.link.Pong()
		}
	case "echo":
		c.send(c.hub.encode(EchoFrame{"echo"}))
	case "media.offer":
		c.offer(f)
	default:
		return false
	}
	return true
}

// offer passes a media description on and the answer back.
func (c *conn) offer(f MediaOfferFrame) {
	if c.link == nil {
		c.send(c.hub.encode(MediaRefusedFrame{"media.refused", f.MS, pbx.Unavailable}))
		return
	}
	answer, err := c.link.Offer(f.MS, f.SDP, f.Why)
	if err != nil {
		c.hub.o.Log.Info("media offer refused", "user", c.tab.User, "tab", c.tab.Tab, "error", err)
		c.send(c.hub.encode(MediaRefusedFrame{"media.refused", f.MS, pbx.CodeOf(err)}))
		return
	}
	c.send(c.hub.encode(MediaAnswerFrame{"media.answer", f.MS, answer}))
}
