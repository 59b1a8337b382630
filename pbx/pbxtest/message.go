package pbxtest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Message is a SIP message as text: nothing is checked or normalised, so that a
// script can also send what no library would.
type Message struct {
	Start   string // request or status line, without CRLF
	Headers []Header
	Body    []byte
}

// Header is one header line.
type Header struct{ Name, Value string }

// compact are the one-letter header names (RFC 3261 §7.3.3) that a phone meets.
var compact = map[string]string{
	"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
	"c": "content-type", "k": "supported",
}

func headerKey(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if long, ok := compact[name]; ok {
		return long
	}
	return name
}

// ParseMessage reads one message; Content-Length is believed only as far as
// there are bytes.
func ParseMessage(b []byte) (*Message, error) {
	head, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		return nil, errors.New("no empty line after the headers")
	}
	lines := strings.Split(string(head), "\r\n")
	m := &Message{Start: lines[0]}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("header line %q has no colon", line)
		}
		m.Headers = append(m.Headers, Header{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	if n, err := strconv.Atoi(m.Get("Content-Length")); err == nil && n >= 0 && n < len(body) {
		body = body[:n]
	}
	m.Body = bytes.Clone(body)
	return m, nil
}

// Bytes is the message as it goes onto the wire, with the Content-Length of its
// body unless one was set.
func (m *Message) Bytes() []byte {
	if m.Get("Content-Length") != "" {
		return m.bare()
	}
	whole := m.clone()
	whole.Add("Content-Length", strconv.Itoa(len(m.Body)))
	return whole.bare()
}

// bare is the message with the headers it has.
func (m *Message) bare() []byte {
	var b bytes.Buffer
	b.WriteString(m.Start + "\r\n")
	for _, h := range m.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	return b.Bytes()
}

// String is the message as text, for failures.
func (m *Message) String() string { return string(m.Bytes()) }

// Get is the first value of a header, under its long or compact name; "" when
// there is none.
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if headerKey(h.Name) == headerKey(name) {
			return h.Value
		}
	}
	return ""
}

// All are all values of a header, in order.
func (m *Message) All(name string) []string {
	var out []string
	for _, h := range m.Headers {
		if headerKey(h.Name) == headerKey(name) {
			out = append(out, h.Value)
		}
	}
	return out
}

// Add appends a header line.
func (m *Message) Add(name, value string) { m.Headers = append(m.Headers, Header{name, value}) }

// Set replaces the first header of that name, or appends one.
func (m *Message) Set(name, value string) {
	for i, h := range m.Headers {
		if headerKey(h.Name) == headerKey(name) {
			m.Headers[i].Value = value
			return
		}
	}
	m.Add(name, value)
}

// Remove takes all headers of that name away.
func (m *Message) Remove(name string) {
	kept := m.Headers[:0:0]
	for _, h := range m.Headers {
		if headerKey(h.Name) != headerKey(name) {
			kept = append(kept, h)
		}
	}
	m.Headers = kept
}

// Status is the status code of a response, 0 of a request.
func (m *Message) Status() int {
	rest, ok := strings.CutPrefix(m.Start, "SIP/2.0 ")
	if !ok {
		return 0
	}
	code, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(code)
	return n
}

// Phrase is the reason phrase of a response.
func (m *Message) Phrase() string {
	parts := strings.SplitN(m.Start, " ", 3)
	if m.Status() == 0 || len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// Method is the method of a request, or of the request a response answers.
func (m *Message) Method() string {
	if m.Status() != 0 {
		_, method, _ := strings.Cut(m.Get("CSeq"), " ")
		return strings.TrimSpace(method)
	}
	method, _, _ := strings.Cut(m.Start, " ")
	return method
}

// URI is the request URI.
func (m *Message) URI() string {
	parts := strings.SplitN(m.Start, " ", 3)
	if m.Status() != 0 || len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// CSeq is the sequence number.
func (m *Message) CSeq() uint32 {
	number, _, _ := strings.Cut(m.Get("CSeq"), " ")
	n, _ := strconv.ParseUint(number, 10, 32)
	return uint32(n)
}

// Branch is the branch of the topmost Via.
func (m *Message) Branch() string { return param(m.Get("Via"), "branch") }

// ToTag and FromTag are the dialog's tags.
func (m *Message) ToTag() string { return param(m.Get("To"), "tag") }

// FromTag is the tag of From.
func (m *Message) FromTag() string { return param(m.Get("From"), "tag") }

// clone copies the headers too.
func (m *Message) clone() *Message {
	return &Message{Start: m.Start, Headers: append([]Header(nil), m.Headers...), Body: m.Body}
}

// param is a parameter of a header value, outside of <>.
func param(value, name string) string {
	if i := strings.LastIndexByte(value, '>'); i >= 0 {
		value = value[i+1:]
	}
	for _, p := range strings.Split(value, ";")[1:] {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

// addrSpec is the URI in a From, To, Contact or Route value.
func addrSpec(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}
