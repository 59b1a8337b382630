package live

import (
	"math"

	"klapka.dev/klapka/pbx"
)

// Sound is how good the sound of one party is, as both ends measured it.
type Sound struct {
	Codec       string  `json:"codec"`
	RoundTripMS float64 `json:"round_trip_ms" doc:"0: unknown"`
	From        Way     `json:"from" doc:"From the party to the exchange: how others hear him."`
	To          Way     `json:"to" doc:"From the exchange to the party: how he hears others."`
}

// Way is one direction of it.
type Way struct {
	Loss     float64 `json:"loss" doc:"Share of packets lost, 0 to 1."`
	JitterMS float64 `json:"jitter_ms"`
	MOS      float64 `json:"mos" doc:"1 to 4.5 (ITU-T G.107); 0: nothing was measured."`
}

// SoundOf shows what was measured.
func SoundOf(q pbx.Quality) Sound {
	from, to := q.Ways()
	return Sound{
		Codec: q.Codec, RoundTripMS: q.RoundTripMS,
		From: Way{rounded(from.Loss), q.JitterMS, from.MOS}, To: Way{rounded(to.Loss), q.RemoteJitterMS, to.MOS},
	}
}

func rounded(share float64) float64 { return math.Round(share*1e4) / 1e4 }
