package transport

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/pbxtest"
)

var webAddr = netip.MustParseAddrPort("10.0.0.1:8080")

// webLab is a WS edge behind a web server on a network in memory.
func webLab(t *testing.T, limits Limits, story func(t *testing.T, net *pbxtest.Net, e *Edge)) {
	synctest.Test(t, func(t *testing.T) {
		network := pbxtest.NewNet(1)
		l, err := network.Listen(webAddr)
		if err != nil {
			t.Fatal(err)
		}
		sockets := NewSockets(SocketOptions{Origins: []string{"https://phone.example"}})
		e, err := Open(Options{Net: WS, Bind: webAddr, Listener: sockets, Guard: NewGuard(limits, nil)})
		if err != nil {
			t.Fatal(err)
		}
		e.Handle(sip.OPTIONS, func(_ context.Context, _ Flow, req *sip.Request, tx sip.ServerTransaction) {
			_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
			tx.Terminate()
		})
		server := &http.Server{Handler: sockets, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute}
		go func() { _ = server.Serve(l) }()
		e.Start()
		defer func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			_ = server.Close()
			_ = network.Close()
		}()
		story(t, network, e)
	})
}

func dialSocket(t *testing.T, network *pbxtest.Net, from string, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	ws, err := network.DialWebSocket(t.Context(), netip.MustParseAddrPort(from), "ws://10.0.0.1:8080/ws", "sip", o)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func say(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func answerOf(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, b, err := ws.Read(ctx)
	if err != nil {
		return ""
	}
	return string(b)
}

// A softphone in a page: messages without Content-Length are understood, answers
// come as one frame each on the same socket, CRLF is ponged, and a socket stays
// open over hours as long as it answers pings. P10: the library's own socket is
// broken by a ping with a payload, which ours answers.
func TestP10WebSocket(t *testing.T) {
	webLab(t, Limits{Idle: 24 * time.Hour}, func(t *testing.T, network *pbxtest.Net, _ *Edge) {
		a, b := dialSocket(t, network, "10.0.0.7:1000", nil), dialSocket(t, network, "10.0.0.8:1000", nil)
		for i, ws := range []*websocket.Conn{a, b} {
			branch := string(rune('a' + i))
			say(t, ws, strings.Replace(request("OPTIONS", "WSS x.invalid", branch), "Content-Length: 0\r\n", "", 1))
			if got := answerOf(t, ws); !strings.HasPrefix(got, "SIP/2.0 200") || !strings.Contains(got, "branch=z9hG4bK"+branch) {
				t.Fatalf("answer %q", got)
			}
		}
		say(t, a, "\r\n\r\n")
		if got := answerOf(t, a); got != "\r\n" {
			t.Errorf("keepalive was answered %q", got)
		}
		hearsA, hearsB := a.CloseRead(t.Context()), b.CloseRead(t.Context())
		time.Sleep(3 * time.Hour)
		if hearsA.Err() != nil || hearsB.Err() != nil {
			t.Fatal("a socket was closed")
		}
		_ = a.CloseNow()
		_ = b.CloseNow()
	})
}

// P7: a request of ours goes to the socket of its flow, as one frame whose Via
// says WS.
func TestP7WebSocketRequests(t *testing.T) {
	webLab(t, Limits{}, func(t *testing.T, network *pbxtest.Net, e *Edge) {
		a, b := dialSocket(t, network, "10.0.0.7:1000", nil), dialSocket(t, network, "10.0.0.8:1000", nil)
		for i, ws := range []*websocket.Conn{a, b} {
			say(t, ws, request("OPTIONS", "WS x.invalid", string(rune(0x78+i))))
			answerOf(t, ws)
		}
		said := make(chan string, 1)
		go func() { said <- answerOf(t, a) }()
		tx, err := e.Request(t.Context(), Flow{Edge: e, Remote: addr("10.0.0.7:1000")}, options("sip:abc@x.invalid;transport=ws"))
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Terminate()
		if got := <-said; !strings.HasPrefix(got, "OPTIONS sip:abc@x.invalid;transport=ws") ||
			!strings.Contains(got, "Via: SIP/2.0/WS 10.0.0.1:8080") || !strings.HasSuffix(got, "\r\n\r\n") {
			t.Errorf("the page heard %q", got)
		}
		if c := e.Contact("1", addr("10.0.0.7:1000").Addr()); c.String() != "sip:1@10.0.0.1:8080;transport=ws" {
			t.Errorf("Contact %s", c.String())
		}
		_ = a.CloseNow()
		_ = b.CloseNow()
	})
}

// Who may open a socket: one that asks for SIP, a page of ours or of a listed
// host, or a program.
func TestWebSocketAdmission(t *testing.T) {
	webLab(t, Limits{}, func(t *testing.T, network *pbxtest.Net, _ *Edge) {
		for origin, want := range map[string]bool{
			"": true, "http://10.0.0.1:8080": true, "https://phone.example": true,
			"http://phone.example": false, "https://evil.example": false, "null": false,
		} {
			o := &websocket.DialOptions{HTTPHeader: http.Header{}}
			if origin != "" {
				o.HTTPHeader.Set("Origin", origin)
			}
			ws, err := network.DialWebSocket(t.Context(), addr("10.0.0.7:0"), "ws://10.0.0.1:8080/ws", "sip", o)
			if (err == nil) != want {
				t.Errorf("origin %q: %v", origin, err)
			}
			if err == nil {
				_ = ws.CloseNow()
			}
		}
		for _, protocol := range []string{"", "xmpp"} {
			if _, err := network.DialWebSocket(t.Context(), addr("10.0.0.7:0"), "ws://10.0.0.1:8080/ws", protocol, nil); err == nil {
				t.Errorf("subprotocol %q was let in", protocol)
			}
		}
	})
}

// What ends a socket: a frame that is not one message, too long a frame, silence
// after the handshake, and no answer to pings. P9: none of them keeps others out.
func TestP9WebSocketsThatAreGivenUp(t *testing.T) {
	long := request("OPTIONS", "WS h", "l", "X-Long: "+strings.Repeat("x", 66000))
	two := strings.Replace(request("OPTIONS", "WS h", "t"), "Content-Length: 0", "Content-Length: 700", 1)
	webLab(t, Limits{}, func(t *testing.T, network *pbxtest.Net, _ *Edge) {
		silent := dialSocket(t, network, "10.0.0.6:1000", nil)
		for name, frame := range map[string]string{"junk": "hello", "long": long, "two": two, "no end": "OPTIONS sip:x SIP/2.0\r\nVia: x"} {
			ws := dialSocket(t, network, "10.0.0.7:0", nil)
			_ = ws.Write(t.Context(), websocket.MessageText, []byte(frame))
			start := time.Now()
			if got := answerOf(t, ws); got != "" || time.Since(start) > time.Second {
				t.Errorf("%s: %q after %v", name, got, time.Since(start))
			}
			_ = ws.CloseNow()
		}
		// It answers pings only while it reads.
		dead := dialSocket(t, network, "10.0.0.9:1000", nil)
		say(t, dead, request("OPTIONS", "WS h", "d"))
		answerOf(t, dead)
		time.Sleep(socketPing + socketPong + time.Second)
		if err := dead.Write(t.Context(), websocket.MessageText, []byte("\r\n\r\n")); err == nil {
			t.Error("a socket that answers no ping is kept")
		}
		if err := silent.Write(t.Context(), websocket.MessageText, []byte("\r\n\r\n")); err == nil {
			t.Error("a socket without a message is kept")
		}
	})
}

// Too many sockets of one source are refused; another one's are not.
func TestWebSocketLimit(t *testing.T) {
	webLab(t, Limits{ConnsPerSource: 2}, func(t *testing.T, network *pbxtest.Net, _ *Edge) {
		for _, from := range []string{"10.0.0.7:1", "10.0.0.7:2", "10.0.0.7:3", "10.0.0.8:1"} {
			ws := dialSocket(t, network, from, nil)
			_ = ws.Write(t.Context(), websocket.MessageText, []byte(request("OPTIONS", "WS h", from)))
			if got := answerOf(t, ws) != ""; got != (from != "10.0.0.7:3") {
				t.Errorf("%s was answered: %v", from, got)
			}
			defer func() { _ = ws.CloseNow() }()
		}
	})
}
