package peer

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media/stream"
)

var errNotConnected = errors.New("peer: not connected")

// wire is our stream to the browser: a track of one SSRC whose payload type may
// be another agreed one with each packet, so that the far party's codec is passed
// on as it is.
type wire struct {
	open   atomic.Bool // the way is encrypted and known
	writer atomic.Pointer[webrtc.TrackLocalWriter]
	header rtp.Header // of Send
}

// Send implements stream.Wire.
func (w *wire) Send(b []byte, _ netip.AddrPort) error {
	var p stream.Packet
	writer := w.writer.Load()
	if writer == nil || !w.open.Load() || !p.Parse(b) {
		return errNotConnected
	}
	w.header = rtp.Header{
		Version: 2, Marker: p.Marker, PayloadType: p.PayloadType, SequenceNumber: p.Seq, Timestamp: p.Timestamp, SSRC: p.SSRC,
	}
	_, err := (*writer).WriteRTP(&w.header, p.Payload)
	return err
}

// Bind implements webrtc.TrackLocal.
func (w *wire) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if codec.MimeType == webrtc.MimeTypePCMA || codec.MimeType == webrtc.MimeTypePCMU {
			writer := c.WriteStream()
			w.writer.Store(&writer)
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (w *wire) Unbind(webrtc.TrackLocalContext) error {
	w.writer.Store(nil)
	return nil
}

// ID implements webrtc.TrackLocal.
func (w *wire) ID() string { return "audio" }

// RID implements webrtc.TrackLocal.
func (w *wire) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (w *wire) StreamID() string { return "klapka" }

// Kind implements webrtc.TrackLocal.
func (w *wire) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
