package transport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/sip/header"
)

// ErrUnsafe says that a message we were about to send would not have been read
// as it was meant: a header with a line break or NUL, or an address that ends
// early.
var ErrUnsafe = errors.New("transport: unsafe message")

// Sanitize is the one place every message passes before it is serialised, because
// sipgo writes what it is given (P16). Display names come from people and
// databases: control characters in them become spaces, quotes and backslashes
// are escaped (names that are escaped already stay as they are). Anything else
// with CR, LF or NUL in it is refused with ErrUnsafe, since no right meaning can
// be guessed.
func Sanitize(msg sip.Message) error {
	switch m := msg.(type) {
	case *sip.Request:
		if err := safeURI("Request-URI", m.Recipient.String()); err != nil {
			return err
		}
		if !isToken([]byte(m.Method)) || m.Method == "" {
			return fmt.Errorf("%w: method %q", ErrUnsafe, m.Method)
		}
		return sanitizeHeaders(m.Headers(), true)
	case *sip.Response:
		m.Reason = oneLine(m.Reason)
		return sanitizeHeaders(m.Headers(), false)
	}
	return fmt.Errorf("%w: %T", ErrUnsafe, msg)
}

// sanitizeHeaders checks every header; strict also looks into addresses, which
// in a response are what the peer sent.
func sanitizeHeaders(hs []sip.Header, strict bool) error {
	for _, h := range hs {
		var uri *sip.Uri
		switch h := h.(type) {
		case *sip.FromHeader:
			h.DisplayName, uri = header.EscapeDisplay(h.DisplayName), &h.Address
		case *sip.ToHeader:
			h.DisplayName, uri = header.EscapeDisplay(h.DisplayName), &h.Address
		case *sip.ContactHeader:
			h.DisplayName, uri = header.EscapeDisplay(h.DisplayName), &h.Address
		case *sip.ReferredByHeader:
			h.DisplayName, uri = header.EscapeDisplay(h.DisplayName), &h.Address
		case *sip.RouteHeader:
			uri = &h.Address
		}
		if strict && uri != nil {
			if err := safeURI(h.Name(), uri.String()); err != nil {
				return err
			}
		}
		if !isToken([]byte(h.Name())) || h.Name() == "" || hasBreak(h.Value()) {
			return fmt.Errorf("%w: header %q", ErrUnsafe, h.Name())
		}
	}
	return nil
}

// safeURI refuses what would end the URI where it stands between < and >, or in
// the request line.
func safeURI(where, uri string) error {
	for i := 0; i < len(uri); i++ {
		if c := uri[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return fmt.Errorf("%w: %s %q", ErrUnsafe, where, uri)
		}
	}
	return nil
}

func hasBreak(s string) bool { return strings.ContainsAny(s, "\r\n\x00") }

// oneLine replaces control characters by spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
