package stream

import "time"

// Limiter bounds what is taken in a second. The zero value is ready to use; it
// is not safe for concurrent use.
type Limiter struct {
	window time.Time
	count  int
}

// Allow reports whether one more is within perSecond.
func (l *Limiter) Allow(now time.Time, perSecond int) bool {
	if now.Sub(l.window) >= time.Second {
		*l = Limiter{window: now}
	}
	l.count++
	return l.count <= perSecond
}
