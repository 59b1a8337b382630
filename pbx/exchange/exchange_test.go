package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
)

func options(t *testing.T) Options {
	return Options{
		Version: "test", Log: slog.New(slog.DiscardHandler), DataDir: t.TempDir(), Realm: "klapka",
		HTTP:      []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		RTPListen: netip.MustParseAddr("127.0.0.1"), RTPPorts: PortRange{20000, 20099},
		RingTime: 30 * time.Second, ShutdownGrace: time.Second,
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// The exchange takes its ports in New, is ready once it runs, and frees
// everything at the end of the context.
func TestStartAndStop(t *testing.T) {
	x, err := New(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + x.Addresses().HTTP[0].String()
	if code := get(t, base+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("before Run: /readyz %d", code)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	<-x.Ready()
	for _, path := range []string{"/readyz", "/healthz", "/", "/admin/", "/metrics"} {
		if code := get(t, base+path); code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(x.opts.DataDir, "klapka.db")); err != nil {
		t.Error(err)
	}
}

// A demo is for this machine only, unless that is said in so many words.
func TestDemoListensOnLoopbackOnly(t *testing.T) {
	o := options(t)
	o.Demo = true
	o.SIPUDP = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:0")}
	_, err := New(t.Context(), o)
	if pbx.CodeOf(err) != pbx.Forbidden || !strings.Contains(err.Error(), "0.0.0.0:0") {
		t.Errorf("a demo on every address gave %v", err)
	}
	o.DemoAnywhere = true
	if err := o.demoIsSafe(); err != nil {
		t.Error(err)
	}
}
