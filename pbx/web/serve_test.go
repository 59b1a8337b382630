package web

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func shutdown(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// HTTP and HTTPS answer together, the second with the self-signed certificate,
// and an orderly end answers what is under way.
func TestServeBothAndShutDown(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{})
	s, _ := newServer(t, func(o *Options) {
		o.Client = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-release
			_, _ = io.WriteString(w, "done")
		})
	})
	certs, err := NewCertificates("", "", t.TempDir(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plain, secure := listen(t), listen(t)
	s.Serve(plain, nil)
	s.Serve(secure, certs.Get)

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: poolOf(t, certs)}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, url := range []string{"http://" + plain.Addr().String(), "https://" + secure.Addr().String()} {
		resp, err := client.Get(url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", url, resp.Status)
		}
	}
	answer := make(chan string, 1)
	go func() {
		resp, err := client.Get("http://" + plain.Addr().String() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answer <- string(body)
	}()
	<-entered
	ended := make(chan struct{})
	go func() { shutdown(t, s); close(ended) }()
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("a request under way got %q", got)
	}
	<-ended
	if _, err := net.Dial("tcp", plain.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
	s.Serve(listen(t), nil) // after the end nothing is served, and nothing leaks
}

// One address cannot take every connection.
func TestConnectionsOfOneSourceAreBounded(t *testing.T) {
	in := &fakeListener{conns: make(chan net.Conn, 8), closed: make(chan struct{})}
	lim := limitConnections(in, 8, 2)
	defer func() { _ = lim.Close() }()
	var kept []net.Conn
	for _, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		in.conns <- &fakeConn{from: from}
	}
	for range 3 {
		c, err := lim.Accept()
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	if got := addrOf(kept[2].RemoteAddr()).String(); got != "192.0.2.2" {
		t.Errorf("the third one in is from %s, want the other source", got)
	}
	_ = kept[0].Close()
	_ = kept[0].Close() // closing twice frees one place only
	in.conns <- &fakeConn{from: "192.0.2.1"}
	if c, err := lim.Accept(); err != nil || addrOf(c.RemoteAddr()).String() != "192.0.2.1" {
		t.Errorf("a freed place is not given again: %v", err)
	}
}

type fakeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (f *fakeListener) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}
func (f *fakeListener) Close() error   { close(f.closed); return nil }
func (f *fakeListener) Addr() net.Addr { return &net.TCPAddr{} }

type fakeConn struct {
	net.Conn
	from string
}

func (f *fakeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.from), Port: 1} }
func (f *fakeConn) Close() error         { return nil }
