package pbxtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BaresipEvent is what the phone tells of itself.
type BaresipEvent struct {
	Type      string // such as "CALL_INCOMING"
	Direction string // "incoming" or "outgoing", of calls
	Peer      string // URI of the other side
	Param     string // what else there is: the digit, the reason of an end
	At        time.Time
}

// baresipControl is the control connection: netstrings of JSON. The phone takes
// one connection, and a second would silently replace it.
type baresipControl struct {
	p       *process
	conn    net.Conn
	answers chan baresipMessage
	mu      sync.Mutex
	events  []BaresipEvent
	seen    int           // events before this one were looked at by Expect
	grown   chan struct{} // closed and replaced when events grow
}

// baresipMessage is an answer or an event.
type baresipMessage struct {
	Response  bool   `json:"response"`
	OK        bool   `json:"ok"`
	Data      string `json:"data"`
	Event     bool   `json:"event"`
	Type      string `json:"type"`
	Direction string `json:"direction"`
	Peer      string `json:"peeruri"`
	Param     string `json:"param"`
}

// dialBaresip connects to a phone that is starting; the connection ends with the
// phone.
func dialBaresip(t testing.TB, p *process, ns *NetNS, at netip.AddrPort) *baresipControl {
	t.Helper()
	c := &baresipControl{p: p, answers: make(chan baresipMessage, 16), grown: make(chan struct{})}
	ok := eventually(baresipPatience, func() bool {
		var err error
		c.conn, err = ns.Dial("tcp", at.String(), time.Second)
		return err == nil || !p.running()
	})
	if !ok || c.conn == nil {
		t.Fatalf("%s does not listen on %v", p.name, at)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.listen()
	}()
	t.Cleanup(func() {
		_ = c.conn.Close()
		<-done
	})
	return c
}

// listen reads until the connection ends.
func (c *baresipControl) listen() {
	r := bufio.NewReader(c.conn)
	for {
		b, err := readNetstring(r)
		if err != nil {
			return
		}
		var m baresipMessage
		if err := json.Unmarshal(b, &m); err != nil {
			continue // names of peers are not escaped; no test needs those
		}
		switch {
		case m.Response:
			c.answers <- m
		case m.Event:
			c.mu.Lock()
			c.events = append(c.events, BaresipEvent{m.Type, m.Direction, m.Peer, m.Param, time.Now()})
			close(c.grown)
			c.grown = make(chan struct{})
			c.mu.Unlock()
		}
	}
}

// netstringLimit bounds one message of the phone.
const netstringLimit = 1 << 20

func readNetstring(r *bufio.Reader) ([]byte, error) {
	length, err := r.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil || n < 0 || n > netstringLimit {
		return nil, fmt.Errorf("%q is not the length of a netstring", length)
	}
	b := make([]byte, n+1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if b[n] != ',' {
		return nil, errors.New("a netstring does not end with a comma")
	}
	return b[:n], nil
}

// Command runs one of the phone's commands and returns what it says.
func (b *Baresip) Command(name, params string) string {
	b.t.Helper()
	c := b.control
	text, err := json.Marshal(map[string]string{"command": name, "params": params, "token": name})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.conn, "%d:%s,", len(text), text); err != nil {
		b.t.Fatalf("%s: %s: %v", c.p.name, name, err)
	}
	select {
	case m := <-c.answers:
		if !m.OK {
			b.t.Fatalf("%s: %s %s: %s", c.p.name, name, params, m.Data)
		}
		return m.Data
	case <-time.After(baresipPatience):
		b.t.Fatalf("%s: no answer to %s %s", c.p.name, name, params)
		return ""
	}
}

// Expect waits for the next event of a type, passing over others, and fails the
// test when it does not come.
func (b *Baresip) Expect(kind string, within time.Duration) BaresipEvent {
	b.t.Helper()
	c := b.control
	timeout := time.After(within)
	for {
		c.mu.Lock()
		grown := c.grown
		for c.seen < len(c.events) {
			e := c.events[c.seen]
			c.seen++
			if e.Type == kind {
				c.mu.Unlock()
				return e
			}
		}
		c.mu.Unlock()
		select {
		case <-grown:
		case <-timeout:
			b.t.Fatalf("%s: no %s within %v; so far: %s", c.p.name, kind, within, b.Said())
		}
	}
}

// Events are all of a type so far; of all types when kind is empty.
func (b *Baresip) Events(kind string) []BaresipEvent {
	c := b.control
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []BaresipEvent
	for _, e := range c.events {
		if kind == "" || e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// Said is all events in words, for messages.
func (b *Baresip) Said() string {
	var words []string
	for _, e := range b.Events("") {
		words = append(words, strings.TrimSpace(e.Type+" "+e.Param))
	}
	return strings.Join(words, ", ")
}
