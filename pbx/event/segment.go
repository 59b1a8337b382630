package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const segmentSuffix = ".jsonl"

// segment is one file of the journal. Its name is the lowest sequence number it
// may hold.
type segment struct {
	first uint64
	prev  uint64 // number of the last event before it, as far as known
	path  string
	size  int64 // bytes that were written completely; nothing beyond is read
}

// segmentPath names the segment that begins with the given number.
func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// tail is where the order stood when the journal was last written.
type tail struct {
	epoch uint64
	floor uint64    // no event was given a higher number, as far as is known
	last  uint64    // number of the last event written, 0: none
	at    time.Time // its time
	empty bool      // the newest segment holds no event
}

// listSegments finds the segments in dir, oldest first. Other files are left
// alone.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var list []segment
	for _, entry := range entries {
		digits, ok := strings.CutSuffix(entry.Name(), segmentSuffix)
		if !ok || len(digits) != 20 || !entry.Type().IsRegular() {
			continue
		}
		first, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || first == 0 || first > maxSeq {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		s := segment{first: first, prev: first - 1, path: filepath.Join(dir, entry.Name()), size: info.Size()}
		if h, err := readHeader(s.path); err == nil {
			s.prev = h.Prev
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return list, nil
}

// recoverTail finds where the order stood, reading from the newest segment
// backwards until one can say. What was being written when the process died is
// cut off the newest one.
func (j *journal) recoverTail(segments []segment) (tail, error) {
	var t tail
	for i := len(segments) - 1; i >= 0; i-- {
		s := &segments[i]
		data, err := os.ReadFile(s.path)
		if err != nil {
			return t, fmt.Errorf("journal: %w", err)
		}
		event, end := lastEvent(data)
		if i == len(segments)-1 {
			j.cut(s, end)
			t.empty = event.Seq == 0
			t.floor = s.first - 1
		}
		h, err := firstHeader(data)
		t.epoch = max(t.epoch, event.Epoch, h.Epoch)
		t.last, t.at = h.Prev, h.PrevAt.UTC()
		if event.Seq > 0 {
			t.last, t.at = event.Seq, event.At.UTC()
			t.floor = max(t.floor, event.Seq)
		}
		if err == nil || event.Seq > 0 {
			break
		}
	}
	return t, nil
}

// lastEvent searches data backwards for the last undamaged event, and returns
// it with the offset behind the last undamaged line of any sort.
func lastEvent(data []byte) (envelope, int) {
	end, good := bytes.LastIndexByte(data, '\n')+1, 0
	for end > 0 {
		start := bytes.LastIndexByte(data[:end-1], '\n') + 1
		env, err := decodeEnvelope(data[start : end-1])
		if err == nil && good == 0 {
			good = end
		}
		if err == nil && env.Format == 0 {
			return env, good
		}
		end = start
	}
	return envelope{}, good
}

// readHeader reads the header of the segment at path.
func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	line := make([]byte, 512)
	n, err := io.ReadFull(f, line)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return header{}, fmt.Errorf("journal: %w", err)
	}
	return firstHeader(line[:n])
}

func firstHeader(data []byte) (header, error) {
	line, _, ok := bytes.Cut(data, []byte{'\n'})
	if !ok {
		return header{}, errCorrupt
	}
	return decodeHeader(line)
}

// cut removes what follows the last undamaged line. A disk that refuses is no
// obstacle: readers pass over damage.
func (j *journal) cut(s *segment, end int) {
	if int64(end) == s.size {
		return
	}
	j.log.Warn("journal: the last line was not finished; cutting it off",
		"file", s.path, "at", end, "bytes", s.size-int64(end))
	j.stats.corrupt.Add(1)
	if err := os.Truncate(s.path, int64(end)); err != nil {
		j.fault("cut off the last line", err)
		return
	}
	s.size = int64(end)
}

// prune removes segments that hold nothing above the given number. The newest
// always stays: it tells the next start where the order stood.
func (j *journal) prune(below uint64) {
	j.mu.Lock()
	var gone []segment
	for len(j.segments) > 1 && j.segments[1].prev <= below {
		gone = append(gone, j.segments[0])
		j.segments = slices.Delete(j.segments, 0, 1)
	}
	j.mu.Unlock()
	for _, s := range gone {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			j.fault("remove a segment that everybody has read", err)
		}
	}
}
