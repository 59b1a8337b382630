package browser

import (
	"errors"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
)

var (
	errUnknownSession = pbx.Errorf(pbx.NotFound, "this media session is not known")
	errReplaced       = pbx.Errorf(pbx.Conflict, "this page has been opened anew")
)

// Offer implements pbx.TabLink.
func (l *link) Offer(ms, description string, why pbx.OfferReason) (string, error) {
	if !isID(ms) {
		return "", pbx.FieldErrorf("ms", "want 1 to 64 letters, digits, - or _")
	}
	l.tab.negotiating.Lock()
	defer l.tab.negotiating.Unlock()
	s, fresh, err := l.session(ms, why)
	if err != nil {
		return "", err
	}
	answer, err := negotiate(s, description)
	switch {
	case err == nil && fresh:
		return answer, l.install(s, ms)
	case err == nil:
		l.edge.mediaChanged(l.tab)
		return answer, nil
	case fresh:
		s.Close()
	}
	if errors.Is(err, peer.ErrDescription) {
		return "", pbx.FieldErrorf("sdp", "the description of the media session cannot be used: %v", err)
	}
	if errors.Is(err, media.ErrClosed) {
		return "", errUnknownSession
	}
	return "", pbx.Errorf(pbx.Unavailable, "no media session: %v", err)
}

// session finds the session of an offer, or makes one.
func (l *link) session(ms string, why pbx.OfferReason) (s Session, fresh bool, err error) {
	e, t := l.edge, l.tab
	e.mu.Lock()
	if t.link != l {
		e.mu.Unlock()
		return nil, false, errReplaced
	}
	l.heard()
	if t.session != nil && t.ms == ms && t.session.State() != peer.Closed {
		defer e.mu.Unlock()
		return t.session, false, nil
	}
	err = e.room(t)
	if why == pbx.OfferICE {
		err = errUnknownSession
	}
	e.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	// Made without the lock: it takes a while, and may call back at once.
	s, err = e.o.Sessions(func(peer.State) { e.mediaChanged(t) })
	if err != nil {
		return nil, false, pbx.Errorf(pbx.Unavailable, "no media session: %v", err)
	}
	return s, true, nil
}

// room makes sure that a user does not keep too many sessions: pages that are
// gone and have no legs make way.
func (e *Edge) room(t *tab) error {
	kept := 0
	for o := range e.users[t.id.User] {
		if o != t && o.session != nil {
			kept++
		}
	}
	for o := range e.users[t.id.User] {
		if kept < maxSessions {
			break
		}
		if o != t && o.session != nil && o.link == nil && len(o.legs) == 0 {
			e.drop(o)
			kept--
		}
	}
	if kept >= maxSessions {
		return pbx.Errorf(pbx.TooMany, "too many pages with sound at once")
	}
	return nil
}

// install puts a negotiated session in place of the one before.
func (l *link) install(s Session, ms string) error {
	e, t := l.edge, l.tab
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.link != l {
		s.Close()
		return errReplaced
	}
	old := t.session
	t.session, t.ms = s, ms
	for u := range t.legs {
		u.mount()
	}
	if old != nil {
		old.Close()
	}
	e.watch(t)
	return nil
}

// mediaChanged looks at the page's session, whichever it was that changed. One
// that failed can be mended, and one that closed replaced, until the grace ends.
func (e *Edge) mediaChanged(t *tab) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watch(t)
}
