package convert

// A window of 8 buckets of 25 packets is 4 s of speech: long enough to remember
// the last congestion, short enough to follow a foreign clock.
const (
	spreadBuckets = 8
	spreadPackets = 25
)

// spread follows how far apart the fastest and the slowest packets of late are.
// Transit times are arrival less timestamp, in timestamp units, of any origin.
type spread struct {
	known   bool
	origin  uint32
	buckets [spreadBuckets]bucket
	at      int // bucket being filled
}

type bucket struct {
	count    int
	min, max int32
}

// add takes the transit time of a packet and returns it counted from the origin.
func (s *spread) add(transit uint32) int32 {
	if !s.known {
		*s = spread{known: true, origin: transit}
	}
	v := int32(transit - s.origin)
	b := &s.buckets[s.at]
	if b.count == spreadPackets {
		s.at = (s.at + 1) % spreadBuckets
		b = &s.buckets[s.at]
		*b = bucket{}
	}
	if b.count == 0 {
		b.min, b.max = v, v
	}
	b.min, b.max = min(b.min, v), max(b.max, v)
	b.count++
	return v
}

// bounds are the least and the greatest transit time of the window.
func (s *spread) bounds() (least, most int32) {
	least, most = s.buckets[s.at].min, s.buckets[s.at].max
	for i := range s.buckets {
		if b := &s.buckets[i]; b.count > 0 {
			least, most = min(least, b.min), max(most, b.max)
		}
	}
	return least, most
}
