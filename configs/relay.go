package configs

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// relays are URLs of STUN and TURN servers (RFC 7064 and 7065).
type relays struct{ to *[]string }

func (v relays) isList()      {}
func (v relays) Type() string { return "turn:, turns: or stun: URLs separated by commas" }
func (v relays) Set(s string) error {
	var out []string
	for _, p := range split(s) {
		if err := checkRelay(p); err != nil {
			return err
		}
		out = append(out, p)
	}
	*v.to = out
	return nil
}

func checkRelay(s string) error {
	scheme, rest, _ := strings.Cut(s, ":")
	at, query, asked := strings.Cut(rest, "?")
	switch scheme {
	case "turn", "turns":
		if asked && query != "transport=udp" && query != "transport=tcp" {
			return fmt.Errorf("%q: after ? only transport=udp or transport=tcp can stand", s)
		}
	case "stun", "stuns":
		if asked {
			return fmt.Errorf("%q: a stun: URL has no ?", s)
		}
	default:
		return fmt.Errorf("%q does not begin with turn:, turns: or stun:", s)
	}
	host := at
	if h, port, err := net.SplitHostPort(at); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q: %q is not a port", s, port)
		}
		host = h
	}
	if host == "" || strings.ContainsAny(host, "/@ \t") {
		return fmt.Errorf("%q names no server", s)
	}
	return nil
}
