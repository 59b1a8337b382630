//go:build !linux

package pbxtest

import "net/netip"

// PlugLossy fails the test: only Linux has namespaces.
func (n *NetNS) PlugLossy(_, _ netip.Prefix, _ Link, _ uint64) {
	n.t.Helper()
	n.t.Fatal("a lossy cable needs Linux")
}
