package peertest

import (
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// mic is a track whose packets may have any payload type, as those of a browser
// that sends digits.
type mic struct {
	mu     sync.Mutex
	ssrc   uint32
	writer webrtc.TrackLocalWriter
}

func (m *mic) write(h rtp.Header, payload []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writer != nil {
		h.SSRC = m.ssrc
		_, _ = m.writer.WriteRTP(&h, payload)
	}
}

// Bind implements webrtc.TrackLocal.
func (m *mic) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ssrc, m.writer = uint32(c.SSRC()), c.WriteStream()
	return c.CodecParameters()[0], nil
}

// Unbind implements webrtc.TrackLocal.
func (m *mic) Unbind(webrtc.TrackLocalContext) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writer = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (m *mic) ID() string { return "mic" }

// RID implements webrtc.TrackLocal.
func (m *mic) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (m *mic) StreamID() string { return "page" }

// Kind implements webrtc.TrackLocal.
func (m *mic) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
