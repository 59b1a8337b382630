package doctor

import (
	"context"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	wantBuffer = 4 << 20 // bytes; holds about a tenth of a second of 10,000 packets/s and their overhead
	wantDisk   = 1 << 30
)

// writable reports whether this user may make files in dir.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// diskSpace looks at the file system of the nearest directory there is.
func diskSpace(_ context.Context, p Patient) []Finding {
	const check = "disk"
	dir := p.Config.DataDir
	if _, err := os.Stat(dir); err != nil {
		dir = "."
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return warning(check, "Look at the file system of data.dir.", "%s", err)
	}
	free := s.Bavail * uint64(s.Bsize)
	if free < wantDisk {
		return warning(check, "Make room, or move data.dir.", "%d MB are left for %s", free>>20, dir)
	}
	return fine(check, "%d GB are left", free>>30)
}

// socketBuffers asks Linux how much a UDP socket may hold while the program is
// busy; a burst of registrations after a power cut is lost otherwise.
func socketBuffers(context.Context, Patient) []Finding {
	const check = "UDP buffers"
	data, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		return fine(check, "this system does not say")
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || n < wantBuffer {
		return warning(check, "sysctl -w net.core.rmem_max="+strconv.Itoa(wantBuffer)+" (and a line in /etc/sysctl.d to keep it).",
			"a socket may hold %d kB; bursts of packets may be lost", n>>10)
	}
	return fine(check, "a socket may hold %d kB", n>>10)
}

// fileDescriptors counts what the configured number of calls takes: four sockets
// each, and what else is open.
func fileDescriptors(_ context.Context, p Patient) []Finding {
	const check = "open files"
	need := uint64(4*p.Config.Limits.Calls + p.Config.Limits.Connections + 500)
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return warning(check, "See ulimit -n.", "%s", err)
	}
	if r.Max < need {
		return warning(check, "Raise it (LimitNOFILE= in the unit, ulimit -n), or lower limits.calls or limits.connections.",
			"%d are allowed, the limits in force may take %d", r.Max, need)
	}
	return fine(check, "%d are allowed", r.Max)
}
