package socket

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Reliability row 31: who may open a socket, how many, and what he may send.
func TestSocketsAreGuarded(t *testing.T) {
	run(t, func(r *rig) {
		cookie := r.signIn("101")
		for name, tc := range map[string]struct {
			cookie string
			change func(*http.Request)
			status int
		}{
			"nobody":         {"", nil, 401},
			"a made-up one":  {"xxxx", nil, 401},
			"another origin": {cookie, func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") }, 403},
			"a null origin":  {cookie, func(q *http.Request) { q.Header.Set("Origin", "null") }, 403},
		} {
			if p, status := r.dial(tc.cookie, tc.change); p != nil || status != tc.status {
				t.Errorf("%s: %d", name, status)
			}
		}
		for name, first := range map[string]string{
			"no greeting": `{"t":"pong"}`, "no JSON": `{{`, "no ids": `{"t":"hello"}`,
			"odd ids": `{"t":"hello","client_id":"a b","tab_id":"x","resume":null}`, "a bomb": strings.Repeat("x", maxFrame+1),
		} {
			p, _ := r.dial(cookie, nil)
			go p.read()
			_ = p.ws.Write(context.Background(), websocket.MessageText, []byte(first))
			if code := <-p.code; code != websocket.StatusPolicyViolation && code != websocket.StatusMessageTooBig {
				t.Errorf("%s: closed with %d", name, code)
			}
		}
		silent, _ := r.dial(cookie, nil)
		go silent.read()
		start := time.Now()
		if <-silent.code; time.Since(start) != helloWithin {
			t.Errorf("silence is borne for %s", time.Since(start))
		}
		for i := range perUser {
			r.open(cookie, fmt.Sprint("tab", i), nil)
		}
		if p, status := r.dial(cookie, nil); p != nil || status != 429 {
			t.Errorf("one more: %d", status)
		}
		r.open(r.signIn("102"), "x", nil)
	})
}

// Nonsense and floods end the socket.
func TestNonsenseEndsTheSocket(t *testing.T) {
	run(t, func(r *rig) {
		for _, f := range []string{`{"t":"hello"}`, `{"t":"x"}`, `nonsense`, `[]`} {
			p := r.open(r.signIn("101"), "a", nil)
			_ = p.ws.Write(context.Background(), websocket.MessageText, []byte(f))
			if code := <-p.code; code != websocket.StatusPolicyViolation {
				t.Errorf("%s: %d", f, code)
			}
		}
		p := r.open(r.signIn("101"), "a", nil)
		for range framesBurst + 1 {
			p.say(PongFrame{"pong"})
		}
		if code := <-p.code; code != websocket.StatusPolicyViolation {
			t.Errorf("a flood: %d", code)
		}
	})
}
