package socket

import (
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web/live"
)

// measure tells everybody whose page is open how his calls sounded since the
// last time.
func (h *Hub) measure() {
	if h.Sockets() == 0 {
		h.measured = nil
		return
	}
	now := map[pbx.LegID]pbx.Quality{}
	for _, c := range h.o.Picture().Calls {
		for _, l := range c.Legs {
			if l.State == "ringing" || l.Party.Extension == "" {
				continue
			}
			now[l.ID] = l.Quality
			sound := live.SoundOf(l.Quality.Since(h.measured[l.ID]))
			h.tell(l.Party.Extension, CallQualityFrame{"call.quality", l.ID, sound})
		}
	}
	h.measured = now
}

// tell gives a frame of the moment to the pages of an extension.
func (h *Hub) tell(extension string, f any) {
	data := h.encode(f)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		if c.who.Extension.Number == extension {
			c.send(data)
		}
	}
}
