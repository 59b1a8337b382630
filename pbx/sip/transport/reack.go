package transport

import (
	"bytes"
	"net"
	"sync"
)

// maxAcks is how many ACKs of refusals are remembered: a busy exchange sends
// fewer in the 32 s for which a peer repeats a refusal.
const maxAcks = 8192

// acks repeats the ACK of a refused INVITE when the refusal is repeated, as
// RFC 3261 §17.1.1.2 wants it: at once. sipgo waits T2 before it does, with the
// transaction locked, and calls it an error (P26); a phone whose first ACK was
// lost goes on repeating meanwhile. So sipgo is shown each refusal once.
type acks struct {
	mu   sync.Mutex
	sent lru[string, sentAck] // by the branch, which is that of the INVITE
}

type sentAck struct {
	msg []byte // nil: refused, but not acknowledged yet
	to  net.Addr
}

func newAcks() *acks { return &acks{sent: newLRU[string, sentAck](maxAcks)} }

// note completes a refusal when b is its ACK. That of a 2xx has a branch of its
// own.
func (a *acks) note(b []byte, to net.Addr) {
	if !bytes.HasPrefix(b, []byte("ACK ")) {
		return
	}
	branch, ok := branchOf(b[:headerEnd(b)])
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if refused, known := a.sent.get(branch); known {
		*refused = sentAck{msg: bytes.Clone(b), to: to}
	}
}

// repeated reports whether head is that of a refusal that came before, and
// returns its ACK, once it was sent.
func (a *acks) repeated(head []byte) (sentAck, bool) {
	const status = len("SIP/2.0 ")
	if len(head) <= status || head[status] < '3' || !refusesInvite(head) {
		return sentAck{}, false
	}
	branch, ok := branchOf(head)
	if !ok {
		return sentAck{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ack, known := a.sent.get(branch)
	if !known {
		a.sent.put(branch, sentAck{})
		return sentAck{}, false
	}
	return *ack, true
}

// branchOf finds the branch of the top Via in a header section.
func branchOf(head []byte) (string, bool) {
	start, end := topVia(head)
	if start == 0 {
		return "", false
	}
	top, _, _ := bytes.Cut(head[start:end], []byte(","))
	for p := range bytes.SplitSeq(top, []byte(";")) {
		key, value, ok := bytes.Cut(p, []byte("="))
		if ok && bytes.EqualFold(bytes.TrimSpace(key), []byte("branch")) {
			return string(bytes.TrimSpace(value)), true
		}
	}
	return "", false
}

// refusesInvite tells the responses to an INVITE from those to its CANCEL, which
// have the same branch, by their CSeq.
func refusesInvite(head []byte) bool {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("CSeq")) {
			return bytes.HasSuffix(bytes.TrimSpace(value), []byte("INVITE"))
		}
	}
	return false
}
