package pbxtest

import (
	"container/heap"
	"net/netip"
	"time"
)

// packet is one datagram on its way or in a queue.
type packet struct {
	data     []byte
	from, to netip.AddrPort
	due      time.Time
	seq      uint64 // order of sending, decides between packets due at the same time
}

// transit holds the packets that are on their way, under the network's mutex.
// One timer serves all of them: with a timer for each, two packets due at the
// same instant would arrive in any order.
type transit struct {
	heap  packetHeap
	timer *time.Timer
	seq   uint64
	last  map[[2]netip.AddrPort]time.Time // when the latest in-order packet of a flow is due
}

// travel sends a packet over an imperfect link. Callers hold n.mu.
func (n *Net) travel(p *packet, l Link, overtaken bool) {
	t := &n.transit
	p.due = time.Now().Add(l.Delay)
	if l.Jitter > 0 {
		p.due = p.due.Add(time.Duration(n.rand.Int64N(int64(l.Jitter))))
	}
	flow := [2]netip.AddrPort{p.from, p.to}
	if overtaken {
		p.due = p.due.Add(holdBack)
	} else {
		if p.due.Before(t.last[flow]) {
			p.due = t.last[flow]
		}
		t.last[flow] = p.due
	}
	t.seq++
	p.seq = t.seq
	heap.Push(&t.heap, p)
	if t.heap[0] == p {
		n.wake()
	}
}

// wake sets the timer to the next packet due. Callers hold n.mu.
func (n *Net) wake() {
	t := &n.transit
	if t.timer != nil {
		t.timer.Stop()
	}
	if len(t.heap) > 0 {
		t.timer = time.AfterFunc(time.Until(t.heap[0].due), n.deliverDue)
	}
}

// deliverDue hands over everything that is due.
func (n *Net) deliverDue() {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := &n.transit
	for now := time.Now(); len(t.heap) > 0 && !t.heap[0].due.After(now); {
		n.arrive(heap.Pop(&t.heap).(*packet))
	}
	n.wake()
}

// drop loses everything on its way.
func (t *transit) drop() {
	t.heap = nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

// packetHeap orders packets by arrival.
type packetHeap []*packet

func (h packetHeap) Len() int { return len(h) }

func (h packetHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}

func (h packetHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *packetHeap) Push(p any) { *h = append(*h, p.(*packet)) }

// Pop implements heap.Interface.
func (h *packetHeap) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return p
}
