package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"klapka.dev/klapka/pbx"
)

const readChunk = 64 << 10

// reader walks the journal from a place onwards, segment by segment, while it is
// being written. It belongs to one goroutine.
type reader struct {
	j     *journal
	dec   decoder
	after uint64 // events up to here are passed over

	file  *os.File
	seg   segment // the one file is open on, or was last
	off   int64   // next byte to read
	buf   []byte
	start int // unread part of buf: [start:end]
	end   int
	skip  bool // within a line too long to be one of ours
}

// newReader returns a reader of the events above after.
func (j *journal) newReader(dec decoder, after uint64) *reader {
	return &reader{j: j, dec: dec, after: after, buf: make([]byte, readChunk)}
}

// next returns up to limit events; less means that there are no more at present.
// The end of the journal comes from memory.
func (r *reader) next(limit int) ([]pbx.Event, error) {
	if recent, ok := r.j.tail.above(r.after, limit); ok {
		return recent, r.skipTo(recent)
	}
	return r.read(limit)
}

// skipTo passes over events that came from memory. The file is left, so that it
// can be removed; should the reader fall behind, it begins again with the segment
// it needs then.
func (r *reader) skipTo(events []pbx.Event) error {
	if len(events) > 0 {
		r.after = events[len(events)-1].Seq
	}
	r.seg = segment{}
	return r.close()
}

// read is next from the file.
func (r *reader) read(limit int) ([]pbx.Event, error) {
	var events []pbx.Event
	for len(events) < limit {
		line, err := r.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if e, ok := r.event(line); ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// event decodes a line; false means that it holds nothing for the reader.
func (r *reader) event(line []byte) (pbx.Event, bool) {
	env, err := decodeEnvelope(line)
	if err != nil {
		r.damaged(err)
		return pbx.Event{}, false
	}
	if env.Format != 0 || env.Seq <= r.after {
		return pbx.Event{}, false
	}
	r.after = env.Seq
	e, err := r.dec.event(env)
	if err != nil {
		r.damaged(err)
		return pbx.Event{}, false
	}
	return e, true
}

// line returns the next complete line without its line feed; it is valid until
// the next call. io.EOF means that no more has been written.
func (r *reader) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : r.start+i]
			r.start += i + 1
			if !r.skip {
				return line, nil
			}
			r.skip = false
			continue
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more of the present segment, or goes to the following one.
func (r *reader) fill() error {
	if r.file == nil {
		s, ok := r.j.segmentBehind(r.seg.first, r.after)
		if !ok {
			return io.EOF
		}
		return r.open(s)
	}
	size, newest, known := r.j.segmentSize(r.seg.first)
	if !known { // everybody else has read it and it was removed; we still have it open
		info, err := r.file.Stat()
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		size = info.Size()
	}
	if r.off < size {
		return r.load(size)
	}
	if newest {
		return io.EOF
	}
	if r.end > r.start && !r.skip {
		r.damaged(errCorrupt)
	}
	return r.close()
}

// load takes more of the present segment, which ends at size, into the buffer.
func (r *reader) load(size int64) error {
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0
	if r.end >= maxLine && !r.skip {
		r.damaged(errCorrupt)
		r.skip = true
	}
	if r.skip {
		r.end = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	room := r.buf[r.end:]
	if left := size - r.off; int64(len(room)) > left {
		room = room[:left]
	}
	got, err := r.file.ReadAt(room, r.off)
	r.off += int64(got)
	r.end += got
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("journal: %w", err)
	}
	if got == 0 { // shorter than it was: somebody cut it from outside
		r.off = size
	}
	return nil
}

// open begins a segment. One that is gone was removed after everybody had read it
// (or by somebody from outside); the next fill goes on behind it.
func (r *reader) open(s segment) error {
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		r.seg = s
		if _, _, known := r.j.segmentSize(s.first); known {
			r.damaged(err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	r.file, r.seg, r.off, r.start, r.end, r.skip = f, s, 0, 0, 0, false
	return nil
}

// close leaves the present segment; the next fill goes on with the one behind it.
func (r *reader) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (r *reader) damaged(err error) {
	r.j.stats.corrupt.Add(1)
	r.j.log.Warn("journal: passing over what cannot be read", "file", r.seg.path, "before", r.off, "err", err)
}

// segmentBehind returns the segment a reader goes on with that has left the one
// named first: the next, or a later one when all before it is at or below after.
func (j *journal) segmentBehind(first, after uint64) (s segment, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.segments {
		if c.first > first && (!ok || c.first <= after+1) {
			s, ok = c, true
		}
	}
	return s, ok
}

// segmentSize returns how far the segment named first may be read, whether it is
// the newest, and whether it is still part of the journal.
func (j *journal) segmentSize(first uint64) (size int64, newest, known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, c := range j.segments {
		if c.first == first {
			return c.size, i == len(j.segments)-1, true
		}
	}
	return 0, false, false
}
