//go:build linux

package load

import (
	"bytes"
	"crypto/md5" //nolint:gosec // RFC 2617 digest, which every phone speaks
	"encoding/hex"
	"strconv"
	"strings"
)

// Realm and Secret are what every device of a measured server has: passwords
// are not what is measured.
const (
	Realm  = "klapka"
	Secret = "benchmark-secret"
)

// message is a received SIP message, looked into no further than needed. Its
// strings are copies, so that the buffer can be read into again.
type message struct {
	status  int    // of a response; 0: a request
	method  string // of a request
	uri     string // of a request
	headers []header
	body    string
}

// header is one line, with the name as it was written.
type header struct{ name, value string }

// parse reads a message (RFC 3261 §7) as the servers measured here write them:
// unfolded, with long names.
func parse(b []byte) (m message, ok bool) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return m, false
	}
	m.body = string(body)
	first, rest, _ := strings.Cut(string(head), "\r\n")
	if status, isResponse := strings.CutPrefix(first, "SIP/2.0 "); isResponse {
		code, _, _ := strings.Cut(status, " ")
		if m.status, _ = strconv.Atoi(code); m.status == 0 {
			return m, false
		}
	} else {
		m.method, m.uri, _ = strings.Cut(first, " ")
	}
	m.headers = make([]header, 0, 16)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		m.headers = append(m.headers, header{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return m, true
}

// get is the first header of a name; empty: there is none.
func (m *message) get(name string) string {
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			return h.value
		}
	}
	return ""
}

// routes are the Record-Route entries in the order of the headers.
func (m *message) routes() (out []string) {
	for _, h := range m.headers {
		if strings.EqualFold(h.name, "Record-Route") {
			for v := range strings.SplitSeq(h.value, ",") {
				out = append(out, strings.TrimSpace(v))
			}
		}
	}
	return out
}

// called is the device a request is for; -1: none of ours.
func (m *message) called() int {
	user, _, _ := strings.Cut(strings.TrimPrefix(m.uri, "sip:"), "@")
	n, err := strconv.Atoi(user)
	if err != nil {
		return -1
	}
	return n - FirstNumber
}

// contact is the URI of the Contact.
func (m *message) contact() string {
	_, v, _ := strings.Cut(m.get("Contact"), "<")
	v, _, _ = strings.Cut(v, ">")
	return v
}

// response begins a response to a request: what RFC 3261 §8.2.6 has copied, and
// our tag.
func (m *message) response(b []byte, status, tag string) []byte {
	b = append(append(append(b, "SIP/2.0 "...), status...), "\r\n"...)
	for _, h := range m.headers {
		switch strings.ToLower(h.name) {
		case "via", "record-route", "from", "call-id", "cseq":
			b = line(b, h.name, h.value)
		case "to":
			if !strings.Contains(h.value, "tag=") {
				h.value += ";tag=" + tag
			}
			b = line(b, "To", h.value)
		}
	}
	return b
}

func line(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// end finishes a message with its body, a session description or nothing.
func end(b []byte, body string) []byte {
	if body != "" {
		b = line(b, "Content-Type", "application/sdp")
	}
	b = line(b, "Content-Length", strconv.Itoa(len(body)))
	return append(append(b, "\r\n"...), body...)
}

// authorization answers a challenge (RFC 2617 §3.2.2) with qop=auth.
func authorization(challenge, user, method, uri string) string {
	nonce := quoted(challenge, `nonce="`)
	ha1 := hash(user, Realm, Secret)
	response := hash(ha1, nonce, "00000001", "0a4f113b", "auth", hash(method, uri))
	return `Digest username="` + user + `", realm="` + Realm + `", nonce="` + nonce + `", uri="` + uri +
		`", response="` + response + `", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001`
}

func hash(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// quoted is the value in s after a name with its opening quote.
func quoted(s, name string) string {
	_, v, _ := strings.Cut(s, name)
	v, _, _ = strings.Cut(v, `"`)
	return v
}
