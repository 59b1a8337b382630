// Package route turns a dialled number into a Target: pure functions over what
// the exchange knows.
package route

import (
	"strings"

	"klapka.dev/klapka/pbx"
)

// Plan is what numbers mean inside one exchange.
type Plan struct {
	// IsExtension reports whether the number is an extension in service.
	IsExtension func(number string) bool
	// Codes are feature codes and what they lead to, e.g. "*43" → echo.
	Codes map[string]pbx.Target
}

// DefaultCodes are the codes an exchange starts with.
func DefaultCodes() map[string]pbx.Target {
	return map[string]pbx.Target{
		"*43": {Kind: pbx.TargetEcho},
	}
}

// Internal decides where a number dialled by one of our own phones leads. A
// number nobody has leads to the announcement that says so.
func (p Plan) Internal(dialled string) pbx.Target {
	number := Normalize(dialled)
	if t, ok := p.Codes[number]; ok {
		return t
	}
	if number != "" && p.IsExtension(number) {
		return pbx.Target{Kind: pbx.TargetExtension, ID: number}
	}
	return pbx.Target{Kind: pbx.TargetAnnouncement, ID: string(pbx.CauseNotInService)}
}

// Normalize drops what people and phone books put between digits (RFC 3966
// §5.1.1): spaces, hyphens, dots, slashes and brackets. Anything else stays, so
// that a name is not turned into a number.
func Normalize(dialled string) string {
	s := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '/', '(', ')', '\u00a0':
			return -1
		}
		return r
	}, dialled)
	for _, r := range s {
		if (r < '0' || r > '9') && r != '*' && r != '#' && r != '+' {
			return strings.TrimSpace(dialled)
		}
	}
	return s
}
