package event

import (
	"os"
	"sync/atomic"
)

// SeqLeap is the distance between the numbers of two runs.
const SeqLeap = seqLeap

// MaxQueued is how many history events wait in memory for a full disk.
const MaxQueued = maxQueued

// FaultyDisk is the real disk with refusals and counts.
type FaultyDisk struct {
	Err   atomic.Pointer[error] // returned by every write and creation while set
	Short atomic.Int64          // bytes of a refused write that reach the disk all the same
	Syncs atomic.Int64          // syncs of files
}

// OpenOn opens a bus whose journal is written to d.
func OpenOn(o Options, d *FaultyDisk) (*Bus, error) { return open(o, d) }

func (d *FaultyDisk) fail() error {
	if err := d.Err.Load(); err != nil {
		return *err
	}
	return nil
}

func (d *FaultyDisk) create(path string) (file, error) {
	if err := d.fail(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return &faultyFile{File: f, disk: d}, err
}

func (d *FaultyDisk) syncDir(string) error { return nil }

type faultyFile struct {
	*os.File
	disk *FaultyDisk
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.fail(); err != nil {
		n, _ := f.File.WriteAt(p[:min(int(f.disk.Short.Load()), len(p))], off)
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultyFile) Sync() error {
	f.disk.Syncs.Add(1)
	return nil
}

// MaxRecent is how many events of the journal's end are in memory.
const MaxRecent = maxRecent
