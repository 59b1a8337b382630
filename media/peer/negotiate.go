package peer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// gatherTime bounds how long our addresses are collected; they are known, so
// that nothing is waited for in truth.
const gatherTime = 2 * time.Second

// Negotiate answers an offer of the browser: the first, or a later one on the
// same session after an ICE restart. The error wraps ErrDescription when the
// offer cannot be used; the session then goes on as it was, if it was.
func (s *Session) Negotiate(ctx context.Context, offer string) (string, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if s.State() == Closed {
		return "", media.ErrClosed
	}
	offer, err := presentable(offer)
	if err != nil {
		return "", err
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDescription, err)
	}
	answer, err := s.answer(ctx)
	if err != nil {
		return "", err
	}
	session, err := agreed(answer)
	if err != nil {
		return "", err
	}
	return answer, s.install(session)
}

func (s *Session) answer(ctx context.Context) (string, error) {
	// The preference has to be repeated: an offer reorders it.
	if err := s.sound.SetCodecPreferences(preferred()); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDescription, err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDescription, err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDescription, err)
	}
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	select {
	case <-gathered:
	case <-timer.C:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	return s.pc.LocalDescription().SDP, nil
}

// install has sound flow in what was agreed.
func (s *Session) install(n sdp.Session) error {
	if err := s.in.connect(&n); err != nil {
		return fmt.Errorf("%w: %w", ErrDescription, err)
	}
	s.out.Connect(stream.Agreement{Codec: n.Codec, Also: speech(n), Event: n.Event, Open: true})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed = n
	return nil
}

// presentable checks that an offer is one stream of sound, and leaves out the
// browser's addresses: a lite agent learns them from the checks it answers
// (RFC 8445 §2.5) and must not be made to send to addresses of a stranger's
// choice.
func presentable(offer string) (string, error) {
	d, err := sdp.Parse([]byte(offer))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDescription, err)
	}
	if len(d.Media) != 1 || d.Media[0].Type != "audio" {
		return "", fmt.Errorf("%w: want one stream of audio", ErrDescription)
	}
	var b strings.Builder
	for line := range strings.Lines(offer) {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=end-of-candidates") {
			b.WriteString(line)
		}
	}
	return b.String(), nil
}
