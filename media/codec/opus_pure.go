//go:build !libopus

package codec

import (
	"errors"
	"fmt"

	"github.com/thesyncim/gopus"
)

// opusComplexity trades sound for time: 5 is hardly told from 10 in speech and
// costs two thirds of it.
const opusComplexity = 5

type pureEncoder struct {
	e     *gopus.Encoder
	frame int // samples its frame size is set to
}

func newOpusEncoder(s opusSettings) (opusEncoder, error) {
	e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: s.rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return nil, fmt.Errorf("codec: Opus encoder: %w", err)
	}
	p := &pureEncoder{e: e}
	return p, p.configure(s)
}

func (p *pureEncoder) configure(s opusSettings) error {
	loss := 0
	if s.fec {
		loss = expectedLoss
	}
	p.e.SetFEC(s.fec)
	p.e.SetDTX(s.dtx)
	p.e.SetVBR(!s.cbr)
	p.frame = 0
	err := errors.Join(p.e.SetBitrate(s.bitrate), p.e.SetComplexity(opusComplexity), p.e.SetPacketLoss(loss), p.e.SetSignal(gopus.SignalVoice))
	if err != nil {
		return fmt.Errorf("codec: Opus encoder: %w", err)
	}
	return nil
}

func (p *pureEncoder) reset(s opusSettings) error {
	p.e.Reset()
	return p.configure(s)
}

func (p *pureEncoder) encode(dst []byte, pcm []int16) (int, error) {
	if p.frame != len(pcm) {
		// In samples of the encoder's own rate, whatever its documentation says.
		if err := p.e.SetFrameSize(len(pcm)); err != nil {
			return 0, fmt.Errorf("codec: Opus frame of %d samples: %w", len(pcm), err)
		}
		p.frame = len(pcm)
	}
	n, err := p.e.EncodeInt16(pcm, dst)
	if errors.Is(err, gopus.ErrBufferTooSmall) {
		return 0, ErrShortBuffer
	}
	return n, err
}

type pureDecoder struct {
	d     *gopus.Decoder
	float []float32 // of recover; the library has it in no other form
}

func newOpusDecoder(rate int) (opusDecoder, error) {
	d, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(rate, 1))
	if err != nil {
		return nil, fmt.Errorf("codec: Opus decoder: %w", err)
	}
	return &pureDecoder{d: d, float: make([]float32, Samples(rate, longestOpus))}, nil
}

func (p *pureDecoder) decode(dst []int16, payload []byte) (int, error) {
	n, err := p.d.DecodeInt16(payload, dst)
	if err != nil {
		return 0, fmt.Errorf("%w: Opus: %w", ErrUnknown, err)
	}
	return n, nil
}

func (p *pureDecoder) conceal(dst []int16) error {
	_, err := p.d.DecodeInt16(nil, dst)
	return err
}

func (p *pureDecoder) recover(dst []int16, next []byte) error {
	if len(dst) > len(p.float) {
		return ErrShortBuffer
	}
	float := p.float[:len(dst)]
	n, err := p.d.DecodeWithFEC(next, float, true)
	if err != nil {
		return fmt.Errorf("%w: Opus: %w", ErrUnknown, err)
	}
	for i, v := range float[:n] {
		dst[i] = int16(min(max(v*32768, -32768), 32767))
	}
	clear(dst[n:])
	return nil
}

func (p *pureDecoder) reset() error {
	p.d.Reset()
	return nil
}
