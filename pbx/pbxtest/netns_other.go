//go:build !linux

package pbxtest

import "errors"

// do runs f for the machine itself: only Linux has namespaces.
func (n *NetNS) do(f func()) error {
	if n != nil {
		return errors.ErrUnsupported
	}
	f()
	return nil
}
