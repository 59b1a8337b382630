package socket

import (
	"encoding/json"
	"time"

	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/pbx/web/session"
)

// frame is a numbered frame as it goes over the wire, with who may see it.
type frame struct {
	seq   uint64
	at    time.Time
	data  []byte
	to    string // extension; empty: everybody
	watch bool   // those who may watch everybody see it too
}

// visible is the one place that decides who sees what.
func (f frame) visible(who session.Identity) bool {
	return f.to == "" || f.to == who.Extension.Number || f.watch && auth.Allows(who.User.Role, auth.Monitor)
}

// ring keeps the last frames.
type ring struct {
	frames [kept]frame
	n      uint64 // frames ever added
}

func (r *ring) add(f frame) {
	r.frames[r.n%kept] = f
	r.n++
}

// after returns the frames behind number seq, oldest first; ok is false when the
// frame with that number is not kept.
func (r *ring) after(seq uint64) (at time.Time, frames []frame, ok bool) {
	first := uint64(0)
	if r.n > kept {
		first = r.n - kept
	}
	for i := first; i < r.n; i++ {
		f := r.frames[i%kept]
		if f.seq == seq {
			at, ok = f.at, true
		} else if ok {
			frames = append(frames, f)
		}
	}
	return at, frames, ok
}

// publish numbers what changed and hands it to whom it concerns. h.mu is held; a
// page that does not keep up is dropped rather than waited for.
func (h *Hub) publish(changes []live.Change) {
	for _, c := range changes {
		h.seq++
		f := frame{seq: h.seq, at: time.Now(), to: c.For, watch: c.Registration != "", data: h.encode(frameOf(c, h.seq))}
		h.ring.add(f)
		for k := range h.conns {
			if f.visible(k.who) {
				k.send(f.data)
			}
		}
	}
}

// frameOf is the numbered frame that tells of a change.
func frameOf(c live.Change, seq uint64) any {
	switch {
	case c.Person != nil:
		return PersonChangedFrame{"person.changed", seq, *c.Person}
	case c.Removed != "":
		return PersonRemovedFrame{"person.removed", seq, c.Removed}
	case c.Call != nil && c.New:
		return CallNewFrame{"call.new", seq, *c.Call}
	case c.Call != nil:
		return CallChangedFrame{"call.changed", seq, *c.Call}
	case c.Ended != "":
		return CallEndedFrame{"call.ended", seq, c.Ended, live.EndCause{Code: c.Cause.Code, By: c.Cause.By}}
	}
	return RegistrationChangedFrame{"registration.changed", seq, c.Registration}
}

// encode is a frame on the wire.
func (h *Hub) encode(f any) []byte {
	data, err := json.Marshal(f)
	if err != nil { // frames are plain values
		h.o.Log.Error("a frame could not be written", "error", err)
	}
	return data
}

// greet brings a page up to date: what it missed, or everything. h.mu is held.
func (h *Hub) greet(c *conn, from *Position) {
	if missed, ok := h.missed(c, from); ok {
		for _, data := range missed {
			c.send(data)
		}
		return
	}
	c.send(h.encode(SnapshotFrame{
		T: "snapshot", Epoch: h.epoch, Seq: h.seq, Me: web.SelfOf(c.who),
		People: h.projector.People(), Calls: h.projector.Calls(c.who.Extension.Number),
	}))
}

// missed is what a page did not get since from. It is not enough when the frame
// it saw last is no longer kept, or was sent before this sign-in or with other
// rights: then the page may show what its user must not see.
func (h *Hub) missed(c *conn, from *Position) ([][]byte, bool) {
	if from == nil || from.Epoch != h.epoch || from.Seq < h.renewed[c.who.User.ID] {
		return nil, false
	}
	at, frames, ok := h.ring.after(from.Seq)
	if !ok || at.Before(c.who.Session.CreatedAt) {
		return nil, false
	}
	var missed [][]byte
	for _, f := range frames {
		if f.visible(c.who) {
			missed = append(missed, f.data)
		}
	}
	return missed, len(missed) < queued
}
