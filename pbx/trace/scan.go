package trace

import "bytes"

// methodOf reads the method of a request; request is false for a response.
func methodOf(raw []byte) (method string, request bool) {
	if bytes.HasPrefix(raw, []byte("SIP/2.0 ")) {
		return "", false
	}
	m, _, _ := bytes.Cut(raw[:min(len(raw), 32)], []byte(" "))
	return string(m), true
}

// notOfCalls lists the requests that belong to no call. OPTIONS within a dialog
// says nothing of a call either.
func notOfCalls(method string) bool {
	switch method {
	case "REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH", "MESSAGE":
		return true
	}
	return false
}

// callID finds the Call-ID (RFC 3261 §20.8) without reading anything else; nil
// when there is none.
func callID(raw []byte) []byte {
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			return nil // the end of the header section
		}
		if v, ok := valueOf(line, "call-id", "i"); ok {
			return v
		}
	}
	return nil
}

// valueOf returns the value of a header line that has one of the names.
func valueOf(line []byte, long, short string) ([]byte, bool) {
	// Most lines are told by their first letter.
	if c := line[0] | 0x20; c != long[0] && c != short[0] {
		return nil, false
	}
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		return nil, false
	}
	name := bytes.TrimRight(line[:i], " \t")
	if !bytes.EqualFold(name, []byte(long)) && !bytes.EqualFold(name, []byte(short)) {
		return nil, false
	}
	return bytes.TrimSpace(line[i+1:]), true
}
