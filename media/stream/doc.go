// Package stream is one RTP stream in each direction, whatever carries it: plain
// UDP of phones, or the secure transport of browsers. A Receiver follows what
// the party sends (RFC 3550 A.1, A.3, A.8) and sees its keys (RFC 4733); a Sender
// is the one stream to the party, with numbers that go on whoever is heard.
//
// Nothing here opens a socket, logs, allocates per packet or waits.
package stream
