// Package peer is the sound of browsers: WebRTC peer connections behind the
// endpoint interface. It is the only room that imports pion/webrtc.
//
// A Gateway has one UDP port for everybody. A Session is the one warm connection
// of a page; a Slot is the media.Endpoint of one call. The session is a switch in
// front of its slots: the active one has microphone and loudspeaker, the others
// hear nothing and say nothing. So calls come, go, wait and move between pages
// without any negotiation.
//
//	page ◄─ICE, DTLS, SRTP─► Session ─┬─ Slot (active)  ◄─► who talks with it
//	                                  ├─ Slot (waits)
//	                                  └─ Slot (waits)
//
// Locks, in the order they may be taken: those of stream.Hearing, of a slot's
// keypad, stream.Sinks, Session.mu, stream.Sender.
package peer
