//go:build linux

package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Ng speaks rtpengine's control protocol: a cookie and a bencoded dictionary per
// datagram.
type Ng struct {
	conn   *net.UDPConn
	cookie string // of this connection: rtpengine answers one it has seen as it did then
	next   int
}

// NewNg opens the control connection.
func NewNg(at netip.Addr, server netip.AddrPort) (*Ng, error) {
	c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)), net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, fmt.Errorf("rtpengine's control: %w", err)
	}
	return &Ng{conn: c, cookie: strconv.FormatUint(rand.Uint64(), 36)}, nil
}

// Close closes it.
func (g *Ng) Close() { _ = g.conn.Close() }

// Ping reports whether rtpengine answers.
func (g *Ng) Ping() error {
	_, err := g.ask("command", "ping")
	return err
}

// Connect makes a call between two addresses and returns where they are to send
// their sound.
func (g *Ng) Connect(call int, caller, callee netip.AddrPort) (Ends, error) {
	id := "call" + strconv.Itoa(call)
	offer, err := g.ask("call-id", id, "command", "offer", "from-tag", "a", "ICE", "remove",
		"sdp", description(caller.Addr(), caller.Port()))
	if err != nil {
		return Ends{}, err
	}
	answer, err := g.ask("call-id", id, "command", "answer", "from-tag", "a", "to-tag", "b", "ICE", "remove",
		"sdp", description(callee.Addr(), callee.Port()))
	if err != nil {
		return Ends{}, err
	}
	return Ends{Caller: soundAt(answer), Callee: soundAt(offer)}, nil
}

// Delete ends a call.
func (g *Ng) Delete(call int) error {
	_, err := g.ask("call-id", "call"+strconv.Itoa(call), "command", "delete", "from-tag", "a", "delete-delay", "0")
	return err
}

// ask sends a command and returns the description of the answer, if there is one.
func (g *Ng) ask(pairs ...string) (string, error) {
	g.next++
	cookie := g.cookie + "-" + strconv.Itoa(g.next)
	request := append([]byte(cookie+" "), dictionary(pairs)...)
	answer := make([]byte, 8<<10)
	if _, err := g.conn.Write(request); err != nil {
		return "", fmt.Errorf("rtpengine: %w", err)
	}
	_ = g.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		n, err := g.conn.Read(answer)
		if err != nil {
			return "", fmt.Errorf("rtpengine: %w", err)
		}
		body, ours := bytes.CutPrefix(answer[:n], []byte(cookie+" "))
		if !ours {
			continue // of a command that was given up
		}
		if result := field(string(body), "result"); result != "ok" && result != "pong" {
			return "", fmt.Errorf("rtpengine: %s %s", result, field(string(body), "error-reason"))
		}
		return field(string(body), "sdp"), nil
	}
}

// dictionary bencodes names and values, which alternate.
func dictionary(pairs []string) []byte {
	b := []byte("d")
	for _, s := range pairs {
		b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
	}
	return append(b, 'e')
}

// field finds the string value of a name in a bencoded dictionary.
func field(dict, name string) string {
	_, rest, ok := strings.Cut(dict, strconv.Itoa(len(name))+":"+name)
	if !ok {
		return ""
	}
	length, value, ok := strings.Cut(rest, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(value) {
		return ""
	}
	return value[:n]
}
