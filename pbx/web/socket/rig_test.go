package socket

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/pbx/web/session"
)

// rig is a hub with a real bus and a real server on an in-memory network, in
// virtual time.
type rig struct {
	t        *testing.T
	bus      *event.Bus
	hub      *Hub
	people   *pbxtest.People
	sessions *session.Manager
	store    *pbxtest.WebSessions
	edge     *edge
	listener *pipes
	book     []pbx.PartyInfo
	mu       sync.Mutex
	calls    []pbx.LiveCall
	cookies  map[string]string
	stop     func()
}

type passwords struct{ *pbxtest.People }

func (passwords) Verify(_ context.Context, password, hash string) (bool, error) {
	return hash != "" && password == hash, nil
}

func (p passwords) SetPassword(ctx context.Context, id, password string) error {
	u, err := p.User(ctx, id)
	if err == nil {
		u.PasswordHash = password
		err = p.UpdateUser(ctx, &u)
	}
	return err
}

// run runs test within a bubble of virtual time; 101 is a user, 102 too, 103 a
// supervisor.
func run(t *testing.T, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, people: pbxtest.NewPeople(), store: pbxtest.NewWebSessions(), edge: &edge{}, listener: newPipes(), cookies: map[string]string{}}
		log := slog.New(slog.DiscardHandler)
		bus, err := event.Open(event.Options{Dir: t.TempDir(), Log: log})
		if err != nil {
			t.Fatal(err)
		}
		r.bus = bus
		for number, role := range map[string]pbx.Role{"101": pbx.RoleUser, "102": pbx.RoleUser, "103": pbx.RoleSupervisor} {
			r.add(number, role)
		}
		r.book = []pbx.PartyInfo{{Number: "101", Name: "Anna"}, {Number: "102", Name: "Pavel"}, {Number: "103", Name: "Emily"}}
		r.sessions = session.New(session.Options{
			Store: struct {
				*pbxtest.People
				*pbxtest.WebSessions
			}{r.people, r.store}, Passwords: passwords{r.people}, Log: log,
		})
		r.hub = New(Options{Bus: bus, Picture: r.picture, Directory: r, Sessions: r.sessions, Browsers: r.edge, Log: log})
		server := web.New(web.Options{Log: log, Metrics: prometheus.NewRegistry(), Sessions: r.sessions})
		r.hub.Register(server)
		server.Serve(r.listener, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.hub.Run(ctx); close(done) }()
		r.stop = sync.OnceFunc(func() { cancel(); <-done })
		test(r)
		r.stop()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (r *rig) add(number string, role pbx.Role) {
	u := pbx.User{ID: "u" + number, LastName: number, Role: role, Language: pbx.English, PasswordHash: "pass"}
	if err := r.people.CreateUser(r.t.Context(), &u); err != nil {
		r.t.Fatal(err)
	}
	if err := r.people.CreateExtension(r.t.Context(), &pbx.Extension{Number: number, UserID: u.ID}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) Numbers() []pbx.PartyInfo    { return r.book }
func (r *rig) DeviceName(id string) string { return id }

func (r *rig) picture() live.Picture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return live.Picture{At: time.Now().UTC(), Calls: r.calls}
}

// signIn returns a cookie's value.
func (r *rig) signIn(number string) string {
	r.t.Helper()
	cookie, _, err := r.sessions.SignIn(r.t.Context(), number, "pass", session.From{IP: "127.0.0.1"})
	if err != nil {
		r.t.Fatal(err)
	}
	return cookie
}

// publish puts an event into the order and waits until it is worked off.
func (r *rig) publish(call pbx.CallID, leg pbx.LegID, body pbx.EventBody) {
	r.bus.Publish(pbx.Event{Call: call, Leg: leg, Body: body})
	synctest.Wait()
}

// ring starts a call of 101 that rings at 102.
func (r *rig) ring(call pbx.CallID) {
	from := pbx.PartyInfo{Number: "101", Name: "Anna", Extension: "101"}
	to := pbx.PartyInfo{Number: "102", Name: "Pavel", Extension: "102"}
	r.publish(call, "", pbx.CallStarted{From: from, Dialled: "102"})
	r.publish(call, pbx.LegID(call+"a"), pbx.LegStarted{Incoming: true, Party: from})
	r.publish(call, pbx.LegID(call+"b"), pbx.LegStarted{Party: to})
	r.publish(call, pbx.LegID(call+"b"), pbx.LegRinging{})
}

func (r *rig) hangUp(call pbx.CallID) {
	r.publish(call, "", pbx.CallEnded{Cause: pbx.Cause{Code: pbx.CauseCancelled}})
}

// page is one open socket.
type page struct {
	t    *testing.T
	ws   *websocket.Conn
	got  chan map[string]any
	code chan websocket.StatusCode
	conn net.Conn
}

// dial opens a socket without greeting; status is that of the HTTP answer.
func (r *rig) dial(cookie string, change func(*http.Request)) (*page, int) {
	r.t.Helper()
	p := &page{t: r.t, got: make(chan map[string]any, 5000), code: make(chan websocket.StatusCode, 1)}
	h := http.Header{"Cookie": {"klapka_session=" + cookie}, "Origin": {"http://pbx.test"}}
	req := &http.Request{Header: h}
	if change != nil {
		change(req)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		p.conn = r.listener.dial()
		return p.conn, nil
	}}}
	ws, resp, err := websocket.Dial(r.t.Context(), "ws://pbx.test/api/socket", &websocket.DialOptions{HTTPClient: client, HTTPHeader: h})
	if err != nil {
		if resp == nil {
			r.t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	ws.SetReadLimit(-1)
	p.ws = ws
	return p, http.StatusSwitchingProtocols
}

// read takes what comes until the end.
func (p *page) read() {
	for {
		_, data, err := p.ws.Read(context.Background())
		if err != nil {
			p.code <- websocket.CloseStatus(err)
			return
		}
		var f map[string]any
		if err := json.Unmarshal(data, &f); err != nil {
			p.t.Errorf("%s: %v", data, err)
		}
		if f["t"] == "ping" {
			p.say(PongFrame{"pong"})
			continue
		}
		p.got <- f
	}
}

func (p *page) say(f any) {
	data, err := json.Marshal(f)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = p.ws.Write(context.Background(), websocket.MessageText, data) // the other side may have gone
}

// open opens and greets.
func (r *rig) open(cookie, tab string, from *Position) *page {
	r.t.Helper()
	p, status := r.dial(cookie, nil)
	if p == nil {
		r.t.Fatalf("no socket: %d", status)
	}
	go p.read()
	p.say(HelloFrame{T: "hello", ClientID: "browser", TabID: tab, Resume: web.Nullable[Position]{Value: from}})
	synctest.Wait()
	return p
}

// heard returns the frames since the last time.
func (p *page) heard() []map[string]any {
	synctest.Wait()
	var all []map[string]any
	for {
		select {
		case f := <-p.got:
			all = append(all, f)
		default:
			return all
		}
	}
}

// kinds are the t of frames.
func kinds(frames []map[string]any) []string {
	out := []string{}
	for _, f := range frames {
		out = append(out, f["t"].(string))
	}
	return out
}

func (p *page) close() {
	_ = p.ws.CloseNow() // a page that is gone says nothing
	synctest.Wait()
	<-p.code
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn, 100), done: make(chan struct{})} }

func (l *pipes) dial() net.Conn {
	a, b := net.Pipe()
	l.conns <- loopback{b}
	return a
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// loopback gives a pipe an address.
type loopback struct{ net.Conn }

func (loopback) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000} }

// edge is a pbx.Browsers that notes what it is told.
type edge struct {
	pbx.Browsers
	mu    sync.Mutex
	links []*link
	tab   string
}

type link struct {
	info          pbx.TabInfo
	mu            sync.Mutex
	pongs, closed int
}

func (e *edge) Connect(i pbx.TabInfo) (pbx.TabLink, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &link{info: i}
	e.links = append(e.links, l)
	return l, nil
}

func (e *edge) Place(leg pbx.LegID) (pbx.Tab, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return pbx.Tab{Tab: e.tab}, e.tab != "" && leg == "ca"
}

func (l *link) Offer(ms, sdp string, _ pbx.OfferReason) (string, error) {
	if sdp == "bad" {
		return "", pbx.Errorf(pbx.NotFound, "no session %s", ms)
	}
	return "answer to " + sdp, nil
}

func (l *link) told() (pongs, closed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pongs, l.closed
}

func (l *link) Pong()  { l.mu.Lock(); defer l.mu.Unlock(); l.pongs++ }
func (l *link) Close() { l.mu.Lock(); defer l.mu.Unlock(); l.closed++ }
