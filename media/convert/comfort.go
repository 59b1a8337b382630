package convert

import "math"

// comfort is the noise of a room in which nobody speaks (RFC 3389): its level is
// as told, its colour that of most rooms, falling with frequency.
type comfort struct {
	level float64 // root of the mean square; 0: none was told
	last  float64
	seed  uint32
}

// told reads a comfort noise payload (RFC 3389 §3): the level in -dBov, then what
// we do not make use of.
func (c *comfort) told(payload []byte) {
	if len(payload) > 0 {
		c.level = math.MaxInt16 / math.Sqrt2 * math.Pow(10, -float64(payload[0]&0x7F)/20)
	}
}

// fill makes noise, or silence when no level was ever told.
func (c *comfort) fill(pcm []int16) {
	if c.level < 1 {
		clear(pcm)
		return
	}
	if c.seed == 0 {
		c.seed = 0x9E3779B9
	}
	const keep = 0.6 // of the sample before
	scale := c.level * math.Sqrt(3*(1-keep*keep))
	for i := range pcm {
		c.seed ^= c.seed << 13 // xorshift: noise needs to be cheap, not good
		c.seed ^= c.seed >> 17
		c.seed ^= c.seed << 5
		c.last = keep*c.last + scale*(float64(c.seed)/(1<<31)-1)
		pcm[i] = int16(min(max(c.last, math.MinInt16), math.MaxInt16))
	}
}
