package doctor

import "golang.org/x/sys/unix"

// clockIsKept asks the kernel whether something disciplines its clock. Where it
// may not be asked, the clock is somebody else's to keep.
func clockIsKept() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err != nil || state != unix.TIME_ERROR
}
