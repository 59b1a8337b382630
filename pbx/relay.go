package pbx

import "time"

// RelayServer is a server that helps a browser to reach us, as RTCIceServer has
// it (W3C webrtc §4.2.2): TURN with a credential, or STUN without.
type RelayServer struct {
	URLs       []string
	Username   string
	Credential string
}

// Relays knows the servers that help browsers; both results are empty where
// there are none.
type Relays interface {
	// Servers are those a user may use until the time given. Host is the name
	// under which his browser reaches us.
	Servers(user, host string) (list []RelayServer, until time.Time)
}
