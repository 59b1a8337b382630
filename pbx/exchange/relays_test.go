package exchange

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"klapka.dev/klapka/media/turn"
)

// Browsers are told of every relay, under the name they know us by, with a
// credential of their own that expires within the hour; STUN servers want none.
func TestRelaysAreTold(t *testing.T) {
	any, one := netip.MustParseAddrPort("[::]:3478"), netip.MustParseAddrPort("192.0.2.7:3479")
	r := &relays{
		secret: turn.NewSecret(), others: []string{"stun:stun.example.com", "turn:turn.example.com:3478?transport=udp"},
		udp: []netip.AddrPort{any}, tcp: []netip.AddrPort{one}, tls: []netip.AddrPort{any},
	}
	list, until := r.Servers("u1", "pbx.example.com")
	if len(list) != 2 || !slices.Equal(list[0].URLs, []string{"stun:stun.example.com"}) || list[0].Credential != "" {
		t.Fatalf("%+v", list)
	}
	want := []string{
		"turn:turn.example.com:3478?transport=udp", "turn:pbx.example.com:3478?transport=udp",
		"turn:192.0.2.7:3479?transport=tcp", "turns:pbx.example.com:3478?transport=tcp",
	}
	if !slices.Equal(list[1].URLs, want) || list[1].Username == "" || list[1].Credential == "" {
		t.Errorf("%+v, want %q", list[1], want)
	}
	if left := time.Until(until); left <= 0 || left > time.Hour {
		t.Errorf("good for %v", left)
	}
	if other, _ := r.Servers("u2", "pbx.example.com"); other[1].Credential == list[1].Credential {
		t.Error("two users share a credential")
	}
	r.told = []netip.Addr{netip.MustParseAddr("203.0.113.5")}
	list, _ = r.Servers("u1", "pbx.example.com")
	if !slices.Contains(list[1].URLs, "turn:203.0.113.5:3479?transport=tcp") {
		t.Errorf("behind NAT: %q", list[1].URLs)
	}
	if list, until := (&relays{}).Servers("u1", "x"); len(list) != 0 || !until.IsZero() {
		t.Errorf("without any: %+v", list)
	}
}
