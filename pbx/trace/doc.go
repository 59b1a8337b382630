// Package trace remembers, for the latest calls, the SIP messages and the
// decisions taken, so that the exchange itself answers "why did my phone (not)
// ring?"; also for INVITEs that were refused and never became a call.
//
// It listens to the bus, lossily, and is handed messages by the SIP edges. It
// copies and counts when they come, and reads and words only when somebody asks.
// Its memory is bounded by calls, by messages of a call and by bytes; refused
// INVITEs have a share of their own, so that an attacker cannot push out what
// really happened.
package trace
