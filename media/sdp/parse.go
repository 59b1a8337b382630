package sdp

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of a description. Phones stay far below; what is above is an attack.
const (
	maxBytes   = 64 << 10
	maxStreams = 64
	maxFormats = 128
)

// Description is a session description as far as it was understood.
type Description struct {
	Origin string   // o= as received; unchanged means a refresh (RFC 3264 §8)
	Media  []Stream // in order, one for each m= line, also those not understood
}

// Stream is one m= line with what applies to it, be it said at the stream or at
// the session.
type Stream struct {
	Type      string    // "audio", "video", "image" …, lower case
	Port      int       // 0: rejected or not understood
	Proto     string    // "RTP/AVP" …, as received
	Formats   []string  // as received
	Codecs    []Codec   // the formats with a known meaning, in order
	Host      string    // of c=: an address, a host name, or empty
	RTCPPort  int       // RFC 3605; 0: not given
	RTCPHost  string    // RFC 3605; empty: as Host
	Direction Direction // SendRecv when not given
	PTime     time.Duration
	MaxPTime  time.Duration
	Crypto    []Crypto // keys offered that we can use, in order (RFC 4568)
}

// defaults is what may be said before the first m= line or within a stream.
type defaults struct {
	host            string
	direction       Direction
	ptime, maxPTime time.Duration
}

// parser is what is known while reading on.
type parser struct {
	out     Description
	session defaults
	stream  *stream // nil before the first m= line
}

// stream collects a Stream until its last attribute was seen; rtpmap and fmtp
// may come in any order and before c=.
type stream struct {
	Stream
	own    defaults
	rtpmap map[uint8]Codec
	fmtp   map[uint8]string
}

// Parse reads a description. Lines may end in CRLF, LF or CR, may be missing
// where the grammar demands them, and may come in any order after their m=; what
// is not understood is passed over. The error wraps ErrTooLarge.
func Parse(b []byte) (*Description, error) {
	if len(b) > maxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(b))
	}
	var p parser
	rest := strings.TrimPrefix(string(b), "\ufeff")
	for rest != "" {
		var line string
		line, rest = cutLine(rest)
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	p.finish()
	return &p.out, nil
}

// cutLine ends a line at CR as well as at LF, so that no value can ever carry
// either into something we write.
func cutLine(s string) (line, rest string) {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func (p *parser) line(line string) error {
	line = strings.TrimSpace(line)
	if len(line) < 2 {
		return nil
	}
	key, value, ok := strings.Cut(line, "=")
	if !ok || len(key) == 0 {
		return nil
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "o":
		if p.out.Origin == "" {
			p.out.Origin = value
		}
	case "m":
		return p.media(value)
	case "c":
		p.scope().host = connection(value)
	case "a":
		name, v, _ := strings.Cut(value, ":")
		p.attribute(strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(v))
	}
	return nil
}

// scope is where a line that may stand at either level belongs.
func (p *parser) scope() *defaults {
	if p.stream != nil {
		return &p.stream.own
	}
	return &p.session
}

func (p *parser) media(value string) error {
	p.finish()
	if len(p.out.Media) >= maxStreams {
		return fmt.Errorf("%w: more than %d streams", ErrTooLarge, maxStreams)
	}
	f := strings.Fields(value)
	if len(f) > maxFormats+3 {
		return fmt.Errorf("%w: %d formats", ErrTooLarge, len(f)-3)
	}
	p.stream = &stream{}
	if len(f) > 0 {
		p.stream.Type = strings.ToLower(f[0])
	}
	if len(f) > 1 {
		port, _, _ := strings.Cut(f[1], "/") // "port/count": the first one is meant
		p.stream.Port = number(port, 65535)
	}
	if len(f) > 2 {
		p.stream.Proto = f[2]
		p.stream.Formats = f[3:]
	}
	return nil
}

// finish completes the stream that was being read.
func (p *parser) finish() {
	s := p.stream
	if s == nil {
		return
	}
	p.stream = nil
	s.Host = firstOf(s.own.host, p.session.host)
	s.Direction = firstOf(s.own.direction, p.session.direction, SendRecv)
	s.PTime = firstOf(s.own.ptime, p.session.ptime)
	s.MaxPTime = firstOf(s.own.maxPTime, p.session.maxPTime)
	s.Codecs = s.codecs()
	p.out.Media = append(p.out.Media, s.Stream)
}

// codecs resolves the formats; rtpmap wins over the static meaning of a number,
// because phones exist that remap those.
func (s *stream) codecs() []Codec {
	if !strings.Contains(strings.ToUpper(s.Proto), "RTP/") {
		return nil // formats of other protocols are no payload types
	}
	var out []Codec
	var seen [128]bool
	for _, f := range s.Formats {
		n, ok := digits(f, 127)
		if !ok || seen[n] {
			continue
		}
		pt := uint8(n)
		seen[pt] = true
		c, ok := s.rtpmap[pt]
		if !ok {
			c, ok = static(pt)
		}
		if ok {
			c.Fmtp = s.fmtp[pt]
			out = append(out, c)
		}
	}
	return out
}

func firstOf[T comparable](values ...T) (v T) {
	for _, v = range values {
		var zero T
		if v != zero {
			return v
		}
	}
	return v
}
