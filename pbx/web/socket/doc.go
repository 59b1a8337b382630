// Package socket is the event socket of the pages: one hub turns the exchange's
// events into numbered frames, keeps the last of them, and hands each to the
// pages whose user may see it.
//
// Frames with a number are the same for everybody who gets them; their numbers
// grow within an epoch, which is one run of the exchange. A page that comes back
// says what it saw last and gets what it missed; when that is no longer kept, or
// was of another epoch or another person, it gets a snapshot. Nobody waits for a
// page: one that does not read is dropped, comes back and resumes.
package socket
