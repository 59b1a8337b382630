package leg

import "sync"

// mailboxLimit bounds what a peer can pile up on a leg that is slow to act; a
// leg that gets there is flooded and is ended.
const mailboxLimit = 1024

// mailbox is a serialised queue that borrows a goroutine while it has mail.
type mailbox struct {
	mu      sync.Mutex
	queue   []Input
	running bool
	flooded bool
}

// post appends in and, if nobody is at work, starts drain on a goroutine of its
// own. It reports false when the box is full.
func (b *mailbox) post(in Input, drain func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= mailboxLimit {
		if b.flooded {
			return false
		}
		b.flooded = true
		in = Input{Kind: CmdEnd, Cause: floodCause}
	}
	b.queue = append(b.queue, in)
	if !b.running {
		b.running = true
		go drain()
	}
	return true
}

// next takes the oldest input; false means that the worker is to stop.
func (b *mailbox) next() (Input, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.queue = nil
		b.running = false
		return Input{}, false
	}
	in := b.queue[0]
	b.queue = b.queue[1:]
	return in, true
}
