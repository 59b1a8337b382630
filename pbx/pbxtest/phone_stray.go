package pbxtest

import "time"

// Stray is the next message that belongs to no call and no transaction of the
// phone; ok is false when none comes within d.
func (p *Phone) Stray(d time.Duration) (m *Message, ok bool) {
	select {
	case m = <-p.strays:
		return m, true
	case <-time.After(d):
		return nil, false
	}
}
