// Package rtp is the sound of phones and trunks: endpoints on even port pairs
// (RTP even, RTCP one above), which relay packets to one another with rewritten
// headers (RFC 3550), convert what their party does not speak, see and send
// telephone events (RFC 4733), and encrypt where that was agreed on (SRTP with
// keys of the description, RFC 4568).
//
// The way of a packet, one call deep and without allocation, wait or log line:
//
//	socket ─► onRTP ─► ingress.accept ─► Sinks.Deliver ─► Sender.Write ─► socket
//	          (loop)   whose is it?      everybody who    own SSRC, seq
//	                   loss, jitter      hears us         and timestamps
//
// Trust nothing: packets are believed from the address that signalling named, or
// from one that proved itself in its place (latch.go); all others are counted
// and have no effect.
//
// What drives onRTP and onRTCP is in loop.go: on Linux one loop per core over the
// sockets of all endpoints (poll.go, polled.go); elsewhere, and for connections
// that are no sockets, two goroutines per endpoint.
//
// What does not depend on the socket is in media/stream. Locks, in the order they
// may be taken: those of Hearing, Sinks, ingress, Sender, wire. On the packet
// path each is held by one goroutine save in the moment of a change.
package rtp
