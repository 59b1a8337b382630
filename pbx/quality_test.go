package pbx

import "testing"

func TestRating(t *testing.T) {
	good := Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 1000}
	for _, tt := range []struct {
		name     string
		q        Quality
		min, max float64
	}{
		{"a clean call", good, 4.3, 4.5},
		{"1 % lost on the way to us", Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 990, PacketsLost: 10}, 4.2, 4.4},
		{"10 % lost", Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 900, PacketsLost: 100}, 2.8, 3.7},
		{"10 % lost on the way to the party", Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 1000, RemoteLost: 100}, 2.8, 3.7},
		{"half of it lost", Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 500, PacketsLost: 500}, 1, 2},
		{"600 ms to and fro", Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 1000, RoundTripMS: 600}, 3.2, 4},
	} {
		got := tt.q.Rated()
		if got.MOS < tt.min || got.MOS > tt.max {
			t.Errorf("%s: MOS %.2f (R %.1f), want %.1f to %.1f", tt.name, got.MOS, got.RFactor, tt.min, tt.max)
		}
	}
	if got := (Quality{}).Rated(); got.MOS != 0 {
		t.Errorf("nothing was measured, but rated %.2f", got.MOS)
	}
}

// The two directions are told apart, and a part of a call from the whole of it.
func TestWaysOfQuality(t *testing.T) {
	before := Quality{Codec: "PCMA", PacketsSent: 1000, PacketsReceived: 900, PacketsLost: 100}
	q := Quality{Codec: "PCMA", PacketsSent: 1250, PacketsReceived: 1150, PacketsLost: 100, RemoteLost: 50, RoundTripMS: 20}
	from, to := q.Since(before).Ways()
	if from.Loss != 0 || from.MOS < 4.3 {
		t.Errorf("from the party: %+v, want no loss since", from)
	}
	if to.Loss != 0.2 || to.MOS > 3 {
		t.Errorf("to the party: %+v, want a fifth lost", to)
	}
	if from, to := (Quality{}).Ways(); from != (WayQuality{}) || to != (WayQuality{}) {
		t.Errorf("nothing was measured, but rated %+v %+v", from, to)
	}
}
