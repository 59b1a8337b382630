package pbxtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"
)

// packetWire is UDP.
type packetWire struct {
	conn   net.PacketConn
	server net.Addr
	buf    [65536]byte
}

func (w *packetWire) send(b []byte) error {
	_, err := w.conn.WriteTo(b, w.server)
	return err
}

func (w *packetWire) receive() ([]byte, error) {
	n, _, err := w.conn.ReadFrom(w.buf[:])
	return w.buf[:n], err
}

func (w *packetWire) local() netip.AddrPort { return addrPort(w.conn.LocalAddr()) }
func (w *packetWire) transport() string     { return "UDP" }
func (w *packetWire) close() error          { return w.conn.Close() }

// streamWire is TCP or TLS: messages end where Content-Length says.
type streamWire struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex
}

func newStreamWire(conn net.Conn) *streamWire {
	return &streamWire{conn: conn, in: bufio.NewReader(conn)}
}

func (w *streamWire) send(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(b)
	return err
}

func (w *streamWire) receive() ([]byte, error) {
	var head bytes.Buffer
	length := 0
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if head.Len() == 0 && strings.TrimSpace(line) == "" {
			continue // keepalive
		}
		head.WriteString(line)
		if line == "\r\n" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		if key := textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); key == "Content-Length" || key == "L" {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	if length < 0 || length > 1<<20 {
		return nil, fmt.Errorf("content length %d", length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(w.in, body); err != nil {
		return nil, err
	}
	return append(head.Bytes(), body...), nil
}

func (w *streamWire) local() netip.AddrPort { return addrPort(w.conn.LocalAddr()) }
func (w *streamWire) transport() string {
	if _, tls := w.conn.(interface{ VerifyHostname(string) error }); tls {
		return "TLS"
	}
	return "TCP"
}
func (w *streamWire) close() error { return w.conn.Close() }

func addrPort(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}

// phoneTx is a client transaction: it retransmits over UDP until answered.
type phoneTx struct {
	phone     *Phone
	request   *Message
	call      *Call // of an INVITE
	responses chan *Message
	timer     *time.Timer
	wait      time.Duration
	spent     time.Duration
}

// begin sends a request and keeps its transaction. The transaction stays known,
// so that late and repeated responses still find their request.
func (p *Phone) begin(m *Message) *phoneTx {
	tx := &phoneTx{phone: p, request: m, responses: make(chan *Message, 256), wait: phoneT1}
	p.start(tx, m)
	return tx
}

// start (re)sends a transaction under the branch of m.
func (p *Phone) start(tx *phoneTx, m *Message) {
	p.mu.Lock()
	tx.request, tx.wait, tx.spent = m, phoneT1, 0
	p.txs[m.Branch()+m.Method()] = tx
	if p.wire.transport() == "UDP" && !p.stopped {
		tx.timer = time.AfterFunc(tx.wait, func() { tx.resend(m) })
	}
	p.mu.Unlock()
	p.Send(m)
}

func (tx *phoneTx) resend(m *Message) {
	p := tx.phone
	p.mu.Lock()
	tx.spent += tx.wait
	over := p.stopped || tx.timer == nil || tx.spent >= 64*phoneT1
	if !over {
		tx.wait *= 2
		if m.Method() != "INVITE" {
			tx.wait = min(tx.wait, phoneT2)
		}
		tx.timer = time.AfterFunc(tx.wait, func() { tx.resend(m) })
	}
	p.mu.Unlock()
	if !over {
		p.Send(m)
	}
}

// stop ends retransmission. Callers hold p.mu.
func (tx *phoneTx) stop() {
	if tx.timer != nil {
		tx.timer.Stop()
		tx.timer = nil
	}
}

func (tx *phoneTx) deliver(r *Message) {
	select {
	case tx.responses <- r:
	default:
	}
}

// final waits for a final response; nil: there was none in time.
func (tx *phoneTx) final(patience time.Duration) *Message {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case r := <-tx.responses:
			if r.Status() >= 200 {
				return r
			}
		case <-timeout.C:
			return nil
		}
	}
}
