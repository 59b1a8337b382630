package socket

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"klapka.dev/klapka/pbx"
)

// join adds a greeted socket and brings its page up to date in one step, so that
// nothing is missed between. An older socket of the same page makes room.
func (h *Hub) join(c *conn, from *Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for o := range h.conns {
		if o.tab == c.tab {
			o.end(ByeSuperseded)
		}
	}
	if ext := c.who.Extension.Number; ext != "" && h.o.Browsers != nil {
		if h.online[ext] == nil {
			h.online[ext] = &presence{}
			h.publish(h.projector.SetOnline(ext, true, time.Now().UTC()))
		}
		h.online[ext].pages++
	}
	h.greet(c, from)
	h.conns[c] = struct{}{}
	if h.closed {
		c.end(ByeShutdown)
	}
}

func (h *Hub) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	if p := h.online[c.who.Extension.Number]; p != nil {
		p.pages--
		p.left = time.Now()
	}
}

// write sends what is queued, and pings, until the socket ends.
func (c *conn) write(ctx context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case why := <-c.bye: // before anything that is still queued
			c.farewell(why)
			return
		default:
		}
		select {
		case why := <-c.bye:
			c.farewell(why)
			return
		case <-ctx.Done():
			return
		case data := <-c.queue:
			if !c.put(ctx, data) {
				return
			}
		case now := <-ping.C:
			quiet := now.Sub(time.UnixMilli(c.heard.Load()))
			if quiet > silence || !c.put(ctx, c.hub.encode(PingFrame{"ping"})) {
				return
			}
		}
	}
}

func (c *conn) put(ctx context.Context, data []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, data) == nil
}

// farewell says why and closes. A page that does not read is not waited for.
func (c *conn) farewell(why ByeReason) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	// Whoever does not get this one gets the status code, or a dead line.
	_ = c.ws.Write(ctx, websocket.MessageText, c.hub.encode(ByeFrame{"bye", why}))
	stop := context.AfterFunc(ctx, func() { _ = c.ws.CloseNow() })
	defer stop()
	_ = c.ws.Close(closeCode[why], string(why))
}

// check ends the socket when its sign-in no longer counts, or its user is not
// who he was. A database that is away ends nothing.
func (c *conn) check(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		now, err := c.hub.o.Sessions.Refresh(ctx, c.who)
		switch {
		case pbx.CodeOf(err) == pbx.Unauthorized:
			c.end(ByeSignedOut)
		case err != nil:
		case now.User.Role != c.who.User.Role || now.Extension.Number != c.who.Extension.Number:
			c.hub.renew(c.tab.User)
			c.end(ByeChanged)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// renew makes a user's pages start from a snapshot.
func (h *Hub) renew(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renewed[user] = h.seq + 1
}
