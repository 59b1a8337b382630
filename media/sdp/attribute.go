package sdp

import (
	"strings"
	"time"
)

func (p *parser) attribute(name, value string) {
	switch d := Direction(name); d {
	case SendRecv, SendOnly, RecvOnly, Inactive:
		p.scope().direction = d
		return
	}
	switch name {
	case "ptime":
		p.scope().ptime = milliseconds(value)
		return
	case "maxptime":
		p.scope().maxPTime = milliseconds(value)
		return
	}
	if p.stream == nil {
		return
	}
	switch name {
	case "rtpmap":
		p.stream.addRTPMap(value)
	case "fmtp":
		p.stream.addFmtp(value)
	case "crypto":
		if c, ok := parseCrypto(value); ok && len(p.stream.Crypto) < maxCrypto {
			p.stream.Crypto = append(p.stream.Crypto, c)
		}
	case "rtcp":
		port, rest, _ := strings.Cut(value, " ")
		p.stream.RTCPPort = number(port, 65535)
		p.stream.RTCPHost = connection(rest)
	}
}

// addRTPMap reads "101 telephone-event/8000/1".
func (s *stream) addRTPMap(value string) {
	format, enc := cutSpace(value)
	pt, ok := digits(format, 127)
	if !ok || enc == "" {
		return
	}
	name, rest, _ := strings.Cut(enc, "/")
	rate, channels, _ := strings.Cut(rest, "/")
	c := Codec{Name: strings.ToUpper(strings.TrimSpace(name)), PT: uint8(pt), ClockRate: 8000, Channels: 1}
	if c.Name == "" {
		return
	}
	if n := number(rate, 1<<20); n > 0 {
		c.ClockRate = n
	}
	if n := number(channels, 255); n > 0 {
		c.Channels = n
	}
	if s.rtpmap == nil {
		s.rtpmap = make(map[uint8]Codec)
	}
	s.rtpmap[c.PT] = c
}

// addFmtp reads "101 0-15"; of several for one format the first counts.
func (s *stream) addFmtp(value string) {
	format, params := cutSpace(value)
	pt, ok := digits(format, 127)
	if !ok {
		return
	}
	if s.fmtp == nil {
		s.fmtp = make(map[uint8]string)
	}
	if _, there := s.fmtp[uint8(pt)]; !there {
		s.fmtp[uint8(pt)] = params
	}
}

// connection is the host of "IN IP4 192.0.2.1/127", tolerating that the words
// before it are missing.
func connection(value string) string {
	f := strings.Fields(value)
	if len(f) == 0 {
		return ""
	}
	host, _, _ := strings.Cut(f[len(f)-1], "/") // the suffix is a multicast TTL
	return strings.Trim(host, "[]")
}

func cutSpace(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// digits is the whole of s as a number up to limit.
func digits(s string, limit int) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n <= limit
}

// number is the number s begins with, 0 when there is none or it is above limit.
func number(s string, limit int) int {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if n, ok := digits(s[:end], limit); ok {
		return n
	}
	return 0
}

// milliseconds reads a packet time; fractions, as some write, are cut off.
func milliseconds(s string) time.Duration {
	return time.Duration(number(s, 10_000)) * time.Millisecond
}
