// Package convert makes sound of one kind into sound of another while a call
// runs: other codec, other rate, other packet time, lost packets made up and a
// foreign clock followed.
//
//	packets ─► Jitter ─► decode ─► Resampler ─► encode ─► packets
//	           in order,  or conceal             of the
//	           on time                           listener's length
//
// All of it is pure: nothing here reads a clock, starts a goroutine or locks.
package convert
