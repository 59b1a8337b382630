package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"klapka.dev/klapka/media/crowd"
)

// Bounds of connections, so that strangers who hold them keep nobody out.
const (
	maxLines      = 4000
	linesPerPlace = 100
	proveTime     = 10 * time.Second // until the first good credential
	idleTime      = 11 * time.Minute // browsers refresh what they hold every few minutes
	writeTime     = 5 * time.Second
)

var errNotSpoken = errors.New("turn: neither STUN nor channel data")

// door is the gate before a listener for TCP or TLS.
type door struct {
	*crowd.Listener
	gate gate
}

func newDoor(l net.Listener, g gate) *door {
	return &door{crowd.Limit(l, maxLines, linesPerPlace), g}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &line{Conn: c, gate: d.gate, in: bufio.NewReaderSize(c, 2*maxMessage), prove: time.Now().Add(proveTime)}, nil
}

// line is one connection. It is read a message at a time.
type line struct {
	net.Conn
	gate   gate
	in     *bufio.Reader
	prove  time.Time // by when a credential is due
	proven bool
	rest   []byte // of a message that did not fit
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		b, err := l.message()
		if err != nil {
			return 0, err
		}
		v := l.gate.judge(b, l.RemoteAddr())
		l.proven = l.proven || v.proven
		if v.answer == nil {
			l.rest = b
		} else if _, err := l.Write(v.answer); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// message reads one whole message (RFC 8656 §3.1 and §12.5).
func (l *line) message() ([]byte, error) {
	by := l.prove
	if l.proven {
		by = time.Now().Add(idleTime)
	}
	if err := l.SetReadDeadline(by); err != nil {
		return nil, err
	}
	head, err := l.in.Peek(4)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	if head[0] < 4 {
		size += 20
	} else {
		size = 4 + (size+3)/4*4
	}
	if !spoken(head) || size > maxMessage {
		return nil, errNotSpoken
	}
	b := make([]byte, size)
	_, err = io.ReadFull(l.in, b)
	return b, err
}

// Write implements net.Conn. Whoever does not read is let go.
func (l *line) Write(b []byte) (int, error) {
	if err := l.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(b)
	if err != nil {
		_ = l.Close()
	}
	return n, err
}
