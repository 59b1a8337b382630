package pbx

import "math"

// Impairment of a codec in the E-model (ITU-T G.113 appendix I): Ie is what the
// codec itself costs, Bpl how well it bears loss. Opus is rated as a wideband
// codec on the narrowband scale, which has no value of its own for it.
type impairment struct{ ie, bpl float64 }

var impairments = map[string]impairment{
	"PCMU": {0, 25.1}, // with concealment (G.711 appendix I)
	"PCMA": {0, 25.1},
	"G722": {0, 20},
	"OPUS": {0, 30},
}

// Rated returns q with RFactor and MOS filled in by the E-model (ITU-T G.107,
// simplified to codec, loss and delay) for the worse of the two directions; both
// stay 0 when nothing was measured.
func (q Quality) Rated() Quality {
	if q.PacketsReceived+q.PacketsLost == 0 && q.PacketsSent == 0 {
		return q
	}
	k, ok := impairments[q.Codec]
	if !ok {
		k = impairment{10, 10}
	}
	r := math.Min(
		rFactor(k, share(q.PacketsLost, q.PacketsReceived+q.PacketsLost), q.RoundTripMS, q.JitterMS),
		rFactor(k, share(q.RemoteLost, q.PacketsSent), q.RoundTripMS, q.RemoteJitterMS),
	)
	q.RFactor = math.Round(r*10) / 10
	q.MOS = math.Round(mos(r)*100) / 100
	return q
}

// WayQuality is one direction of a leg.
type WayQuality struct {
	Loss float64 // share of packets lost, 0–1
	MOS  float64 // 1–4.5; 0: nothing was measured
}

// Ways rates the two directions apart: from the party to us, and from us to the
// party.
func (q Quality) Ways() (from, to WayQuality) {
	k, ok := impairments[q.Codec]
	if !ok {
		k = impairment{10, 10}
	}
	rate := func(lost, all uint64, jitter float64) WayQuality {
		if all == 0 {
			return WayQuality{}
		}
		loss := share(lost, all)
		return WayQuality{loss, math.Round(mos(rFactor(k, loss, q.RoundTripMS, jitter))*100) / 100}
	}
	return rate(q.PacketsLost, q.PacketsReceived+q.PacketsLost, q.JitterMS), rate(q.RemoteLost, q.PacketsSent, q.RemoteJitterMS)
}

// Since is what was measured after before, of the same leg. Levels are the
// latest.
func (q Quality) Since(before Quality) Quality {
	grown := func(now, then uint64) uint64 { return max(now, then) - then } // late packets make loss shrink
	q.PacketsSent = grown(q.PacketsSent, before.PacketsSent)
	q.PacketsReceived = grown(q.PacketsReceived, before.PacketsReceived)
	q.PacketsLost = grown(q.PacketsLost, before.PacketsLost)
	q.RemoteLost = grown(q.RemoteLost, before.RemoteLost)
	q.Ignored = grown(q.Ignored, before.Ignored)
	return q.Rated()
}

func share(lost, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return math.Min(1, float64(lost)/float64(all))
}

// rFactor is 93.2 less delay and equipment impairments. The listener's buffer is
// taken as twice the jitter and a packet.
func rFactor(k impairment, loss, roundTrip, jitter float64) float64 {
	delay := roundTrip/2 + 2*jitter + 20
	id := 0.024 * delay
	if delay > 177.3 {
		id += 0.11 * (delay - 177.3)
	}
	ppl := 100 * loss
	ie := k.ie + (95-k.ie)*ppl/(ppl+k.bpl)
	return math.Max(0, math.Min(100, 93.2-id-ie))
}

// mos maps R to the listener's scale of 1 to 4.5 (ITU-T G.107 annex B).
func mos(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return math.Max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
