// Package doctor looks at a machine through the eyes of an exchange that is to
// run on it: each check says in a sentence what it found and how to mend it.
// It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"io"
	"net/netip"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/exchange"
)

// Level says how bad a finding is.
type Level int

// The levels. Only Broken makes the exchange fail.
const (
	Fine    Level = iota
	Warning       // it runs, but somebody will notice
	Broken        // it does not start, or calls fail
)

// String is the word in the report.
func (l Level) String() string { return [...]string{"ok", "warn", "FAIL"}[l] }

// Finding is what one check has to say. Mend is a sentence of what to do; empty
// when it is Fine.
type Finding struct {
	Level Level
	Check string
	Text  string
	Mend  string
}

// Patient is what is looked at.
type Patient struct {
	Config *configs.Config
	// Running says that an exchange has this data directory: then its ports are
	// taken, and rightly.
	Running bool
	// Network opens sockets as the exchange would.
	Network exchange.Network
}

// Examine runs every check, in the order in which things go wrong.
func Examine(ctx context.Context, p Patient) []Finding {
	var all []Finding
	for _, check := range []func(context.Context, Patient) []Finding{
		dataDirectory, diskSpace, database, listeners, rtpPorts, certificate, prompts,
		socketBuffers, fileDescriptors, clock, exposure,
	} {
		all = append(all, check(ctx, p)...)
	}
	return all
}

// Report writes the findings for people and returns how many are Broken.
func Report(w io.Writer, all []Finding) (broken int, err error) {
	warnings := 0
	for _, f := range all {
		if _, err := fmt.Fprintf(w, "%-4s  %s: %s\n", f.Level, f.Check, f.Text); err != nil {
			return 0, err
		}
		if f.Mend != "" {
			if _, err := fmt.Fprintf(w, "      → %s\n", f.Mend); err != nil {
				return 0, err
			}
		}
		switch f.Level {
		case Broken:
			broken++
		case Warning:
			warnings++
		case Fine:
		}
	}
	_, err = fmt.Fprintf(w, "\n%d checks, %d broken, %d warnings\n", len(all), broken, warnings)
	return broken, err
}

func fine(check, format string, args ...any) []Finding {
	return []Finding{{Fine, check, fmt.Sprintf(format, args...), ""}}
}

func warning(check, mend, format string, args ...any) []Finding {
	return []Finding{{Warning, check, fmt.Sprintf(format, args...), mend}}
}

func broken(check, mend, format string, args ...any) []Finding {
	return []Finding{{Broken, check, fmt.Sprintf(format, args...), mend}}
}

// group is one setting with the places it listens on.
type group struct {
	name, setting string
	packet        bool
	at            []netip.AddrPort
}

func groups(c *configs.Config) []group {
	return []group{
		{"HTTP", "http.listen", false, c.HTTP}, {"HTTPS", "https.listen", false, c.HTTPS},
		{"SIP over UDP", "sip.udp", true, c.SIPUDP}, {"SIP over TCP", "sip.tcp", false, c.SIPTCP},
		{"SIP over TLS", "sip.tls", false, c.SIPTLS}, {"WebRTC", "webrtc.udp", true, c.WebRTCUDP},
	}
}
