package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// ErrWAV is wrapped by every error about a file that is not sound we can read.
var ErrWAV = errors.New("audio: not a usable WAV file")

// maxWAV bounds a file in memory: twelve minutes of 48 kHz mono.
const maxWAV = 64 << 20

// Format tags of the fmt chunk.
const (
	tagPCM        = 1
	tagALaw       = 6
	tagMuLaw      = 7
	tagExtensible = 0xFFFE
)

// wavFormat is the fmt chunk.
type wavFormat struct {
	tag, channels, bits uint16
	rate                uint32
}

// ReadWAV reads 16-bit PCM, A-law or µ-law with one or two channels at 8 to 48
// kHz. A file whose writer was killed, with lengths of zero or beyond its end,
// is read as far as it goes. The error wraps ErrWAV or is r's own.
func ReadWAV(r io.Reader) (PCM, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return PCM{}, err
	}
	if len(b) > maxWAV {
		return PCM{}, fmt.Errorf("%w: longer than %d MiB", ErrWAV, maxWAV>>20)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return PCM{}, fmt.Errorf("%w: no RIFF header", ErrWAV)
	}
	format, data, err := chunks(b[12:])
	if err != nil {
		return PCM{}, err
	}
	return format.decode(data)
}

// chunks finds the format and the sound in what follows the RIFF header.
func chunks(b []byte) (f wavFormat, data []byte, err error) {
	for len(b) >= 8 {
		id, size := string(b[:4]), uint64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if id == "data" && f.rate != 0 {
			if size == 0 || size > uint64(len(b)) {
				size = uint64(len(b))
			}
			return f, b[:size], nil
		}
		if size > uint64(len(b)) {
			break
		}
		if id == "fmt " {
			if f, err = parseFormat(b[:size]); err != nil {
				return f, nil, err
			}
		}
		b = b[min(size+size%2, uint64(len(b))):] // chunks are padded to even length
	}
	if f.rate == 0 {
		return f, nil, fmt.Errorf("%w: no format", ErrWAV)
	}
	return f, nil, fmt.Errorf("%w: no sound", ErrWAV)
}

func parseFormat(b []byte) (f wavFormat, err error) {
	if len(b) < 16 {
		return f, fmt.Errorf("%w: format of %d bytes", ErrWAV, len(b))
	}
	f = wavFormat{
		tag:      binary.LittleEndian.Uint16(b),
		channels: binary.LittleEndian.Uint16(b[2:]),
		rate:     binary.LittleEndian.Uint32(b[4:]),
		bits:     binary.LittleEndian.Uint16(b[14:]),
	}
	if f.tag == tagExtensible && len(b) >= 26 {
		f.tag = binary.LittleEndian.Uint16(b[24:]) // the sub-format's first two bytes
	}
	if f.channels < 1 || f.channels > 2 {
		return f, fmt.Errorf("%w: %d channels", ErrWAV, f.channels)
	}
	if f.rate < 8000 || f.rate > 48000 {
		return f, fmt.Errorf("%w: %d Hz", ErrWAV, f.rate)
	}
	return f, nil
}

func (f wavFormat) decode(data []byte) (PCM, error) {
	p := PCM{Rate: int(f.rate), Channels: int(f.channels)}
	switch {
	case f.tag == tagPCM && f.bits == 16:
		p.Samples = make([]int16, len(data)/2)
		for i := range p.Samples {
			p.Samples[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
		}
	case (f.tag == tagALaw || f.tag == tagMuLaw) && f.bits == 8:
		name := sdp.PCMA
		if f.tag == tagMuLaw {
			name = sdp.PCMU
		}
		law, err := codec.New(sdp.Codec{Name: name, ClockRate: 8000})
		if err != nil {
			return PCM{}, err
		}
		p.Samples = make([]int16, len(data))
		if _, err := law.Decode(p.Samples, data); err != nil {
			return PCM{}, err
		}
	default:
		return PCM{}, fmt.Errorf("%w: format %d with %d bits", ErrWAV, f.tag, f.bits)
	}
	p.Samples = p.Samples[:len(p.Samples)/p.Channels*p.Channels]
	return p, nil
}

// WriteWAV writes p as 16-bit PCM. The error is w's.
func WriteWAV(w io.Writer, p PCM) error {
	size := 2 * len(p.Samples)
	b := make([]byte, 0, 44+size)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(36+size))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, tagPCM)
	b = le.AppendUint16(b, uint16(p.Channels))
	b = le.AppendUint32(b, uint32(p.Rate))
	b = le.AppendUint32(b, uint32(2*p.Rate*p.Channels)) // bytes per second
	b = le.AppendUint16(b, uint16(2*p.Channels))        // bytes per sample of all channels
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(size))
	for _, s := range p.Samples {
		b = le.AppendUint16(b, uint16(s))
	}
	_, err := w.Write(b)
	return err
}
