//go:build libopus

package codec

import (
	"errors"
	"fmt"

	lib "gopkg.in/hraban/opus.v2"
)

// opusComplexity is dearer here for the same sound: C is faster.
const opusComplexity = 8

type libEncoder struct {
	e *lib.Encoder
}

func newOpusEncoder(s opusSettings) (opusEncoder, error) {
	p := &libEncoder{}
	return p, p.reset(s)
}

// reset makes another encoder, for this binding cannot clear one.
func (p *libEncoder) reset(s opusSettings) error {
	e, err := lib.NewEncoder(s.rate, 1, lib.AppVoIP)
	if err != nil {
		return fmt.Errorf("codec: Opus encoder: %w", err)
	}
	loss := 0
	if s.fec {
		loss = expectedLoss
	}
	err = errors.Join(e.SetBitrate(s.bitrate), e.SetComplexity(opusComplexity), e.SetInBandFEC(s.fec), e.SetPacketLossPerc(loss), e.SetDTX(s.dtx))
	if err != nil {
		return fmt.Errorf("codec: Opus encoder: %w", err)
	}
	p.e = e
	return nil
}

func (p *libEncoder) encode(dst []byte, pcm []int16) (int, error) {
	n, err := p.e.Encode(pcm, dst)
	if errors.Is(err, lib.ErrBufferTooSmall) {
		return 0, ErrShortBuffer
	}
	return n, err
}

type libDecoder struct {
	d    *lib.Decoder
	rate int
}

func newOpusDecoder(rate int) (opusDecoder, error) {
	p := &libDecoder{rate: rate}
	return p, p.reset()
}

func (p *libDecoder) reset() (err error) {
	if p.d, err = lib.NewDecoder(p.rate, 1); err != nil {
		return fmt.Errorf("codec: Opus decoder: %w", err)
	}
	return nil
}

func (p *libDecoder) decode(dst []int16, payload []byte) (int, error) {
	n, err := p.d.Decode(payload, dst)
	if err != nil {
		return 0, fmt.Errorf("%w: Opus: %w", ErrUnknown, err)
	}
	return n, nil
}

func (p *libDecoder) conceal(dst []int16) error { return p.d.DecodePLC(dst) }

func (p *libDecoder) recover(dst []int16, next []byte) error {
	if err := p.d.DecodeFEC(next, dst); err != nil {
		return fmt.Errorf("%w: Opus: %w", ErrUnknown, err)
	}
	return nil
}
