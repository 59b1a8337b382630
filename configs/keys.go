package configs

import "strings"

// Key is all there is to say about one setting.
type Key struct {
	Path    string // in the file: section.name
	Type    string // what is expected, in words
	Default string // as it would be written
	Doc     string // one or more sentences
	Secret  bool   // never printed

	value value
}

// Env is the name of the setting in the environment.
func (k Key) Env() string {
	return "KLAPKA_" + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
}

// Flag is the name of the setting on the command line, without the dashes.
func (k Key) Flag() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(k.Path)
}

// Keys lists every setting in the order of the example file.
func Keys() []Key { return new(Config).keys() }

// keys is the table, bound to the fields of c.
func (c *Config) keys() []Key {
	var all []Key
	for _, part := range [][]Key{c.webKeys(), c.sipKeys(), c.mediaKeys(), c.storeKeys(), c.limitKeys(), c.operationKeys()} {
		all = append(all, part...)
	}
	for i := range all {
		all[i].Type = all[i].value.Type()
	}
	return all
}

func (c *Config) webKeys() []Key {
	return []Key{
		{Path: "http.listen", Default: ":8080", value: addrPorts{&c.HTTP},
			Doc: "Where browsers reach the exchange without encryption. \":8080\" is every address of the machine, \"\" turns it off, port 0 takes a free one. Away from the machine itself, pages are redirected to HTTPS: browsers give the microphone to nobody else."},
		{Path: "http.hosts", Default: "", value: hosts{&c.WebHosts},
			Doc: "Names under which browsers may reach the exchange, such as pbx.example.com. Empty: any name. IP addresses and localhost are always allowed. They are also written into the self-signed certificate."},
		{Path: "https.listen", Default: ":8443", value: addrPorts{&c.HTTPS},
			Doc: "Where browsers reach the exchange with encryption."},
		{Path: "tls.certificate", Default: "", value: path{&c.TLSCertificate},
			Doc: "Certificate chain (PEM) for HTTPS and SIP over TLS. Empty: a self-signed one is made in the data directory at the first start. A changed file is noticed within seconds."},
		{Path: "tls.key", Default: "", value: path{&c.TLSKey},
			Doc: "Private key (PEM) of tls.certificate."},
		{Path: "metrics.token", Default: "", Secret: true, value: text{&c.MetricsToken},
			Doc: "Bearer token that opens /metrics to other machines. Empty: only this machine may read it."},
	}
}

func (c *Config) sipKeys() []Key {
	return []Key{
		{Path: "sip.udp", Default: "0.0.0.0:5060", value: addrPorts{&c.SIPUDP},
			Doc: "Where phones reach the exchange over UDP."},
		{Path: "sip.tcp", Default: "0.0.0.0:5060", value: addrPorts{&c.SIPTCP},
			Doc: "Where phones reach the exchange over TCP."},
		{Path: "sip.tls", Default: "0.0.0.0:5061", value: addrPorts{&c.SIPTLS},
			Doc: "Where phones reach the exchange over TLS."},
		{Path: "sip.advertise", Default: "", value: addrs{&c.SIPAdvertise},
			Doc: "IP address that phones are told to send signalling to, when it differs from the machine's own (port forwarding, 1:1 NAT); at most one for IPv4 and one for IPv6."},
		{Path: "sip.advertise_for", Default: "", value: forwards{&c.SIPAdvertiseFor},
			Doc: "The same for single listeners of a machine with several networks, as listener=address or listener=address:port, for example 10.8.0.1:5060=203.0.113.7:5070."},
		{Path: "sip.stun", Default: "", value: server{&c.SIPSTUN},
			Doc: "STUN server (host or host:port) that tells at which public address phones outside see the exchange, when that changes by itself; it is asked every 25 s. Not needed with sip.advertise."},
		{Path: "sip.websocket_hosts", Default: "", value: hosts{&c.SIPPages},
			Doc: "Hosts whose web pages may telephone through SIP over WebSocket (at /ws of the web server), beside the exchange's own. Programs need not be listed."},
		{Path: "sip.realm", Default: "klapka", value: realm{&c.SIPRealm},
			Doc: "Digest realm. It is fixed in the store at the first start, because every stored secret depends on it; a later change has no effect."},
		{Path: "registrations.min_expires", Default: "60s", value: duration{&c.Registrations.MinExpires, second, day},
			Doc: "Shortest registration a device may ask for."},
		{Path: "registrations.max_expires", Default: "1h", value: duration{&c.Registrations.MaxExpires, second, day},
			Doc: "Longest registration a device gets, and what it gets when it does not ask."},
		{Path: "registrations.contacts", Default: "10", value: number{&c.Registrations.Contacts, 1, 100},
			Doc: "Registrations one device may hold at a time; the oldest gives way."},
	}
}

func (c *Config) mediaKeys() []Key {
	return []Key{
		{Path: "rtp.ports", Default: "20000-29999", value: ports{&c.RTPPorts},
			Doc: "UDP ports for the sound of phones; each party of a call takes two."},
		{Path: "rtp.listen", Default: "0.0.0.0", value: addr{&c.RTPListen},
			Doc: "Address on which sound is received."},
		{Path: "rtp.advertise", Default: "", value: addrs{&c.RTPAdvertise},
			Doc: "IP address that phones and browsers are told to send sound to, when it differs from the machine's own."},
		{Path: "webrtc.udp", Default: "0.0.0.0:8443", value: addrPorts{&c.WebRTCUDP},
			Doc: "The one UDP port for the sound of browsers."},
		{Path: "webrtc.tcp", Default: "", value: addrPorts{&c.WebRTCTCP},
			Doc: "TCP port for the sound of browsers whose network lets no UDP through."},
		{Path: "turn.udp", Default: "", value: addrPorts{&c.TURNUDP},
			Doc: "Where the built-in relay (TURN) serves browsers over UDP, usually on port 3478. It leads to the exchange's own sound and nowhere else, and only for people who are signed in."},
		{Path: "turn.tcp", Default: "", value: addrPorts{&c.TURNTCP},
			Doc: "Where the built-in relay serves browsers over TCP."},
		{Path: "turn.tls", Default: "", value: addrPorts{&c.TURNTLS},
			Doc: "Where the built-in relay serves browsers over TLS, for networks that let nothing else through; it has the certificate of HTTPS, which browsers must trust."},
		{Path: "turn.servers", Default: "", value: relays{&c.TURNServers},
			Doc: "Relays elsewhere that browsers may use, such as turn:turn.example.com:3478?transport=udp."},
		{Path: "turn.secret", Default: "", Secret: true, value: text{&c.TURNSecret},
			Doc: "Secret shared with turn.servers (static-auth-secret of coturn), of which credentials for an hour are made."},
		{Path: "prompts.dir", Default: "", value: path{&c.PromptsDir},
			Doc: "Directory with your own announcements, <language>/<name>.wav; each file found there replaces the built-in one."},
	}
}

func (c *Config) storeKeys() []Key {
	return []Key{
		{Path: "data.dir", Default: "./data", value: nonEmpty{path{&c.DataDir}},
			Doc: "Directory of everything the exchange writes. Two processes never share one."},
		{Path: "database.url", Default: "", Secret: true, value: database{&c.DatabaseURL},
			Doc: "postgres://user:password@host/name. Empty: SQLite in the data directory."},
	}
}

func (c *Config) limitKeys() []Key {
	l := &c.Limits
	return []Key{
		{Path: "limits.calls", Default: "1000", value: number{&l.Calls, 0, 1 << 20},
			Doc: "Calls at a time; more are refused as congested. 0: as many as there are ports."},
		{Path: "limits.messages", Default: "200", value: number{&l.Messages, 1, 1 << 20},
			Doc: "SIP messages per second accepted from one unknown address. This machine is no exception."},
		{Path: "limits.burst", Default: "2000", value: number{&l.Burst, 1, 1 << 20},
			Doc: "How many of them may come at once."},
		{Path: "limits.known_messages", Default: "20000", value: number{&l.KnownMessages, 1, 1 << 20},
			Doc: "SIP messages per second accepted from an address with a registered device."},
		{Path: "limits.connections", Default: "10000", value: number{&l.Connections, 1, 1 << 20},
			Doc: "TCP and TLS connections of phones in all."},
		{Path: "limits.connections_per_source", Default: "200", value: number{&l.ConnectionsPerSource, 1, 1 << 20},
			Doc: "TCP and TLS connections from one address."},
		{Path: "limits.auth_failures", Default: "10", value: number{&l.AuthFailures, 1, 10000},
			Doc: "Wrong passwords from one address within a minute before it is banned."},
		{Path: "limits.ban", Default: "1m", value: duration{&l.Ban, second, day},
			Doc: "Length of the first ban of an address; each further one is twice as long."},
		{Path: "limits.ban_max", Default: "1h", value: duration{&l.BanMax, second, 30 * day},
			Doc: "The longest ban."},
		{Path: "limits.trusted", Default: "", value: prefixes{&l.Trusted},
			Doc: "Networks that are never banned, such as 192.168.0.0/16."},
	}
}

func (c *Config) operationKeys() []Key {
	return []Key{
		{Path: "calls.ring_time", Default: "30s", value: duration{&c.RingTime, second, hour},
			Doc: "How long an extension rings before the caller hears that nobody is available."},
		{Path: "calls.media_timeout", Default: "60s", value: duration{&c.MediaTimeout, 0, day},
			Doc: "How long nothing may be heard of a phone that should be sending before its call is ended: it has lost power or network. 0 is for ever."},
		{Path: "shutdown.grace", Default: "60s", value: duration{&c.ShutdownGrace, 0, day},
			Doc: "How long running calls may go on after the first signal to stop; then they are ended. A second signal ends at once."},
		{Path: "log.level", Default: "info", value: choice{&c.Log.Level, []string{"debug", "info", "warn", "error"}},
			Doc: "The least important messages that are logged."},
		{Path: "log.format", Default: "text", value: choice{&c.Log.Format, []string{"text", "json"}},
			Doc: "text for people, json for a log collector."},
	}
}
