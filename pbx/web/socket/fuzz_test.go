package socket

import (
	"encoding/json"
	"log/slog"
	"testing"
)

// Whatever a page sends, it is told one whole frame for what it asked, or
// nothing, and its words come back as they were; nothing panics.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"t":"pong"}`, `{"t":"echo"}`, `{"t":"media.offer","ms":"m1","sdp":"v=0","why":"start"}`,
		`{"t":"media.offer","ms":"\u0000\ud800","sdp":"bad"}`, `{"t":"hello"}`, `{"t":1}`, `null`, `[]`, `{`, "\xff", "",
		`{"t":"media.offer","ms":{"a":[]},"sdp":null}`, `{"T":"ECHO","t":"pong","t":"echo"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, linked := range []bool{true, false} {
			c := &conn{
				hub:   &Hub{o: Options{Log: slog.New(slog.DiscardHandler)}},
				queue: make(chan []byte, 4), bye: make(chan ByeReason, 1),
			}
			if linked {
				c.link = &link{}
			}
			understood := c.take(data)
			if n := len(c.queue); n > 1 || n == 1 && !understood {
				t.Fatalf("%d frames for %q", n, data)
			}
			if len(c.queue) == 0 {
				continue
			}
			var said, answer MediaOfferFrame
			if err := json.Unmarshal(<-c.queue, &answer); err != nil {
				t.Fatalf("the answer to %q is no frame: %v", data, err)
			}
			if json.Unmarshal(data, &said) == nil && answer.MS != said.MS && said.T == "media.offer" {
				t.Fatalf("asked about %q, answered about %q", said.MS, answer.MS)
			}
		}
	})
}
