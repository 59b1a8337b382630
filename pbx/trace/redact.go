package trace

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// blank stands for what nobody may read.
const blank = "…"

// redact is a message for people: credentials and keys are blanked, and no
// character is left that a terminal or a page could take for a command.
func redact(raw []byte) string {
	var out strings.Builder
	secret := false // the header before this line, which folded lines belong to
	for line := range strings.SplitSeq(strings.ToValidUTF8(string(raw), "\uFFFD"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		folded := line != "" && (line[0] == ' ' || line[0] == '\t')
		if folded && secret {
			continue
		}
		line, secret = redactLine(line)
		out.WriteString(printable(line))
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// redactLine blanks one line of header or SDP; secret says that it was a header
// whose folded lines go with it.
func redactLine(line string) (clean string, secret bool) {
	if k, _, ok := strings.Cut(line, "inline:"); ok && strings.HasPrefix(line, "a=crypto:") {
		return k + "inline:" + blank, false // RFC 4568 §6.1
	}
	if strings.HasPrefix(line, "a=ice-pwd:") {
		return "a=ice-pwd:" + blank, false
	}
	if strings.HasPrefix(line, "k=") {
		return "k=" + blank, false
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return line, false
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "authorization", "proxy-authorization":
		scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
		return name + ": " + scheme + " " + username(rest) + blank, true
	}
	return withoutPasswords(line), false
}

// username keeps the user name of credentials: whose they were is half of the
// answer, and no secret.
func username(credentials string) string {
	const key = `username="`
	i := strings.Index(strings.ToLower(credentials), key)
	if i < 0 {
		return ""
	}
	user, _, ok := strings.Cut(credentials[i+len(key):], `"`)
	if !ok {
		return ""
	}
	return key + user + `", `
}

// withoutPasswords blanks the password of URIs (RFC 3261 §19.1.1).
func withoutPasswords(line string) string {
	for _, scheme := range []string{"sip:", "sips:"} {
		for from := 0; ; {
			i := strings.Index(line[from:], scheme)
			if i < 0 {
				break
			}
			from += i + len(scheme)
			user, _, ok := strings.Cut(line[from:], "@")
			name, password, has := strings.Cut(user, ":")
			if !ok || !has || password == "" || strings.ContainsAny(user, " \t<>,\"") {
				continue
			}
			line = line[:from] + name + ":" + blank + line[from+len(user):]
		}
	}
	return line
}

// printable replaces control characters and what turns the direction of text
// around.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// title is the start of a message: "INVITE", "180 Ringing".
func title(raw []byte) string {
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	if status, ok := bytes.CutPrefix(line, []byte("SIP/2.0 ")); ok {
		return printable(string(status))
	}
	method, _, _ := bytes.Cut(line, []byte(" "))
	return printable(string(method))
}

// statusOf is the status of a response; 0 for a request.
func statusOf(raw []byte) int {
	rest, ok := bytes.CutPrefix(raw, []byte("SIP/2.0 "))
	if !ok || len(rest) < 3 {
		return 0
	}
	n, err := strconv.Atoi(string(rest[:3]))
	if err != nil {
		return 0
	}
	return n
}

// header is the first value of a header, "" when there is none.
func header(raw []byte, long, short string) string {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) == 0 {
			continue
		}
		if v, ok := valueOf(line, long, short); ok {
			return string(v)
		}
	}
	return ""
}

func requestURI(raw []byte) string {
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	_, rest, _ := bytes.Cut(line, []byte(" "))
	uri, _, _ := bytes.Cut(rest, []byte(" "))
	return string(uri)
}

// userOf is the user part of the URI in an address, as written.
func userOf(address string) string {
	if i := strings.LastIndexByte(address, '<'); i >= 0 {
		address = address[i+1:]
	}
	_, rest, ok := strings.Cut(address, ":")
	user, _, at := strings.Cut(rest, "@")
	if !ok || !at {
		return ""
	}
	user, _, _ = strings.Cut(user, ":")
	return user
}
