// Package turn relays the sound of browsers whose network lets them reach us in
// no other way (TURN, RFC 8656), over UDP, TCP or TLS. It is no relay to
// anywhere: each of its relays leads to the exchange's own port for browsers, and
// every other address is refused, whatever form it comes in.
//
// Nobody is served without a credential, which the exchange gives to people who
// are signed in, and which soon expires.
//
//	browser ── UDP, TCP, TLS ──► gate ──► library ──► relay ──► WebRTC port
//	                              └ 403                └ own port only
package turn
