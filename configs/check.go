package configs

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// check finds what is wrong between settings, and what the file system refuses.
func (l *loader) check() {
	l.checkPorts()
	l.checkFiles()
	l.checkForwards()
	c := l.config
	for _, u := range c.TURNServers {
		if c.TURNSecret == "" && strings.HasPrefix(u, "turn") {
			l.fault(c.Origin("turn.servers"), "turn.servers", "turn.secret is missing, without which nobody may use them")
			break
		}
	}
	if c.Registrations.MinExpires > c.Registrations.MaxExpires {
		l.fault(c.Origin("registrations.min_expires"), "registrations.min_expires",
			"%s is longer than registrations.max_expires, %s", c.Registrations.MinExpires, c.Registrations.MaxExpires)
	}
	if c.Limits.Ban > c.Limits.BanMax {
		l.fault(c.Origin("limits.ban"), "limits.ban", "%s is longer than limits.ban_max, %s", c.Limits.Ban, c.Limits.BanMax)
	}
	if c.Limits.Messages > c.Limits.KnownMessages {
		l.fault(c.Origin("limits.messages"), "limits.messages", "strangers would be allowed more than known phones (limits.known_messages is %d)", c.Limits.KnownMessages)
	}
}

// listener is a group of places to listen on, for the search for collisions.
type listener struct {
	path string
	at   []netip.AddrPort
}

// checkPorts finds two listeners of one protocol on one port. The fault is
// reported where the stronger of the two settings stands.
func (l *loader) checkPorts() {
	c := l.config
	tcp := []listener{
		{"http.listen", c.HTTP}, {"https.listen", c.HTTPS}, {"sip.tcp", c.SIPTCP}, {"sip.tls", c.SIPTLS},
		{"webrtc.tcp", c.WebRTCTCP}, {"turn.tcp", c.TURNTCP}, {"turn.tls", c.TURNTLS},
	}
	udp := []listener{{"sip.udp", c.SIPUDP}, {"webrtc.udp", c.WebRTCUDP}, {"turn.udp", c.TURNUDP}}
	for _, group := range [][]listener{tcp, udp} {
		for i, a := range group {
			for _, b := range group[i+1:] {
				l.checkPair(a, b)
			}
		}
	}
	for _, u := range udp {
		for _, at := range u.at {
			if at.Port() >= c.RTPPorts.First && at.Port() <= c.RTPPorts.Last && sameHost(at.Addr(), c.RTPListen) {
				path, other := l.stronger("rtp.ports", u.path)
				l.fault(c.Origin(path), path, "port %d is in %s and in rtp.ports (see %s)", at.Port(), u.path, other)
			}
		}
	}
}

func (l *loader) checkPair(a, b listener) {
	for _, x := range a.at {
		for _, y := range b.at {
			if overlap(x, y) {
				path, other := l.stronger(b.path, a.path)
				l.fault(l.config.Origin(path), path, "port %d is taken by %s too", y.Port(), other)
			}
		}
	}
}

// stronger orders two settings: first the one that was set more deliberately.
func (l *loader) stronger(a, b string) (path, other string) {
	if l.config.Origin(b).Kind > l.config.Origin(a).Kind {
		return b, a
	}
	return a, b
}

func (l *loader) checkFiles() {
	c := l.config
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		path, _ := l.stronger("tls.certificate", "tls.key")
		l.fault(c.Origin(path), path, "tls.certificate and tls.key belong together; one is missing")
	}
	l.checkReadable("tls.certificate", c.TLSCertificate, false)
	l.checkReadable("tls.key", c.TLSKey, false)
	l.checkReadable("prompts.dir", c.PromptsDir, true)
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		l.fault(c.Origin("data.dir"), "data.dir", "%s is not a directory", c.DataDir)
	}
}

func (l *loader) checkReadable(key, name string, dir bool) {
	if name == "" {
		return
	}
	if err := readable(name, dir); err != nil {
		l.fault(l.config.Origin(key), key, "%s", err)
	}
}

func readable(name string, dir bool) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	case dir && !info.IsDir():
		return errors.New(name + " is not a directory")
	case !dir && info.IsDir():
		return errors.New(name + " is a directory")
	}
	return nil
}
