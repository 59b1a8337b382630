package transport

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// headerEnd returns the length of the header section with its empty line, or 0.
func headerEnd(msg []byte) int {
	i := bytes.Index(msg, []byte("\r\n\r\n"))
	if i < 0 {
		return 0
	}
	return i + 4
}

// topVia finds the value of the first Via in a header section. Its end is
// before the CRLF of its last line when it is folded.
func topVia(head []byte) (start, end int) {
	for pos := 0; pos < len(head); {
		lineEnd := bytes.Index(head[pos:], []byte("\r\n"))
		if lineEnd < 0 {
			return 0, 0
		}
		lineEnd += pos
		if colon := bytes.IndexByte(head[pos:lineEnd], ':'); pos > 0 && colon > 0 && isVia(head[pos:pos+colon]) {
			for lineEnd+2 < len(head) && (head[lineEnd+2] == ' ' || head[lineEnd+2] == '\t') {
				next := bytes.Index(head[lineEnd+2:], []byte("\r\n"))
				if next < 0 {
					return 0, 0
				}
				lineEnd += 2 + next
			}
			return pos + colon + 1, lineEnd
		}
		pos = lineEnd + 2
	}
	return 0, 0
}

func isVia(name []byte) bool {
	name = bytes.TrimRight(name, " \t")
	return bytes.EqualFold(name, []byte("via")) || bytes.EqualFold(name, []byte("v"))
}

// markSource writes the real source into a request's top Via: received and rport
// are added whether asked for or not, so that answers reach phones behind NAT
// that do not ask (P12), and whatever the sender claimed there is removed. The
// result is appended to dst; ok is false when there is no Via to answer by.
func markSource(dst, msg []byte, head int, src netip.AddrPort) (out []byte, ok bool) {
	start, end := topVia(msg[:head])
	if start == 0 {
		return dst, false
	}
	top, rest, ok := cutTop(string(bytes.ReplaceAll(msg[start:end], []byte("\r\n"), nil)))
	if !ok {
		return dst, false
	}
	sent, params, _ := strings.Cut(top, ";")
	sent, ok = normalSent(sent)
	if !ok {
		return dst, false
	}
	dst = append(dst, msg[:start]...)
	dst = append(append(dst, ' '), sent...)
	dst = strconv.AppendUint(append(dst, ";rport="...), uint64(src.Port()), 10)
	dst = src.Addr().AppendTo(append(dst, ";received="...))
	for p := range strings.SplitSeq(params, ";") {
		key, val, has := strings.Cut(p, "=")
		key, val = strings.TrimSpace(key), strings.TrimSpace(val)
		switch {
		case key == "" || strings.EqualFold(key, "rport") || strings.EqualFold(key, "received"):
			continue
		case strings.Contains(p, `"`):
			continue // sipgo mis-keys quoted parameters (P15); nobody needs them back
		}
		dst = append(append(dst, ';'), key...)
		if has {
			dst = append(append(dst, '='), val...)
		}
	}
	dst = append(dst, rest...)
	return append(dst, msg[end:]...), true
}

// cutTop splits a Via value after its first element; rest keeps the comma.
func cutTop(v string) (top, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '\\' && quoted:
			i++
		case v[i] == '"':
			quoted = !quoted
		case v[i] == ',' && !quoted:
			return v[:i], v[i:], true
		case v[i] == ';' && quoted:
			return "", "", false // not worth the ambiguity with sipgo's splitting
		}
	}
	return v, "", !quoted
}

// normalSent writes "SIP / 2.0 / UDP  host : port" the way sipgo reads it.
func normalSent(s string) (string, bool) {
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 {
		return "", false
	}
	f := strings.Fields(parts[2])
	if len(f) < 2 || !strings.EqualFold(strings.TrimSpace(parts[0]), "SIP") || strings.TrimSpace(parts[1]) != "2.0" {
		return "", false
	}
	by := strings.Join(f[1:], "")
	if !isToken([]byte(f[0])) || !isSentBy(by) {
		return "", false
	}
	return "SIP/2.0/" + f[0] + " " + by, true
}

// isSentBy checks host or host:port (RFC 3261 §25.1). It is strict because sipgo
// gives up a Via it cannot read without an error, and its parameters with it.
func isSentBy(s string) bool {
	host, port := s, "0"
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		_, err := netip.ParseAddr(host[1 : len(host)-1])
		return err == nil
	}
	return host != "" && isToken([]byte(host))
}

// viaSource reads what markSource wrote.
func viaSource(via *sip.ViaHeader) (netip.AddrPort, bool) {
	if via == nil {
		return netip.AddrPort{}, false
	}
	host, _ := via.Params.Get("received")
	port, _ := via.Params.Get("rport")
	return source(host, port)
}

func source(host, port string) (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, uint16(n)), true
}

// answerTo is where a serialised response must go: to the source that markSource
// noted in its top Via (RFC 3581 §4).
func answerTo(msg []byte) (*net.UDPAddr, bool) {
	head := headerEnd(msg)
	start, end := topVia(msg[:head])
	if start == 0 {
		return nil, false
	}
	var host, port string
	for p := range strings.SplitSeq(string(msg[start:end]), ";") {
		key, val, _ := strings.Cut(p, "=")
		switch key {
		case "received":
			host, _, _ = strings.Cut(val, ",")
		case "rport":
			port, _, _ = strings.Cut(val, ",")
		}
		if host != "" && port != "" {
			break
		}
	}
	a, ok := source(host, port)
	if !ok {
		return nil, false
	}
	return net.UDPAddrFromAddrPort(a), true
}
