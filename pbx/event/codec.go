package event

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"time"

	"klapka.dev/klapka/pbx"
)

// A line of the journal is eight hex digits of CRC-32C over the JSON, a space,
// the JSON and a line feed. The sum is what tells a line that was being written
// when the machine died from one that was finished.
const (
	sumLen  = 8
	jsonAt  = sumLen + 1
	maxLine = 1 << 20 // bytes; a longer one was not written by us

	// maxSeq is far above what can be reached; a number above it is damage, and
	// would make the numbering overflow if it were believed.
	maxSeq = 1 << 62
)

var errCorrupt = errors.New("damaged line")

// header is the first line of every segment: where the order stood when the
// segment was begun, so that earlier segments may go.
type header struct {
	Format int       `json:"format"` // 1
	Epoch  uint64    `json:"epoch"`
	First  uint64    `json:"first"`            // no event in this segment has a lower number
	Prev   uint64    `json:"prev"`             // number of the last event before it, 0: none
	PrevAt time.Time `json:"prev_at,omitzero"` // its time
}

// encoder turns values into lines in one reused buffer.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// line encodes v; the result is valid until the next call.
func (e *encoder) line(v any) ([]byte, error) {
	e.buf.Reset()
	e.buf.WriteString("00000000 ")
	if err := e.json.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	b := e.buf.Bytes()
	if len(b) > maxLine {
		return nil, fmt.Errorf("encode: %d bytes are more than a line may have", len(b))
	}
	putSum(b[:sumLen], checksum(b[jsonAt:len(b)-1]))
	return b, nil
}

// payload checks a line without its line feed and returns its JSON.
func payload(line []byte) ([]byte, error) {
	if len(line) <= jsonAt || line[sumLen] != ' ' {
		return nil, errCorrupt
	}
	var want [sumLen]byte
	putSum(want[:], checksum(line[jsonAt:]))
	if !bytes.Equal(want[:], line[:sumLen]) {
		return nil, errCorrupt
	}
	return line[jsonAt:], nil
}

func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

func putSum(dst []byte, sum uint32) {
	raw := [4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
	hex.Encode(dst, raw[:])
}

// envelope is an event whose body is still undecoded. Format is only set in a
// header line.
type envelope struct {
	Format int             `json:"format"`
	Epoch  uint64          `json:"epoch"`
	Seq    uint64          `json:"seq"`
	At     time.Time       `json:"at"`
	Kind   string          `json:"kind"`
	Call   pbx.CallID      `json:"call"`
	Leg    pbx.LegID       `json:"leg"`
	Bridge pbx.BridgeID    `json:"bridge"`
	Body   json.RawMessage `json:"body"`
}

// decodeEnvelope reads the line of an event; header lines give Format != 0.
func decodeEnvelope(line []byte) (envelope, error) {
	var env envelope
	b, err := payload(line)
	if err != nil {
		return env, err
	}
	if err := json.Unmarshal(b, &env); err != nil {
		return env, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if env.Format == 0 && (env.Seq == 0 || env.Seq > maxSeq || env.Epoch > maxSeq) {
		return env, errCorrupt
	}
	return env, nil
}

func decodeHeader(line []byte) (header, error) {
	var h header
	b, err := payload(line)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return h, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if h.Format != 1 || h.First == 0 || h.First > maxSeq || h.Prev >= h.First || h.Epoch > maxSeq {
		return h, errCorrupt
	}
	return h, nil
}

// decoder knows the type of every kind of body.
type decoder map[string]reflect.Type

func newDecoder() decoder {
	d := make(decoder)
	for _, b := range pbx.EventBodies() {
		d[b.Kind()] = reflect.TypeOf(b)
	}
	return d
}

// event completes an envelope. A kind it does not know is what a newer version
// wrote.
func (d decoder) event(env envelope) (pbx.Event, error) {
	e := pbx.Event{
		Epoch: env.Epoch, Seq: env.Seq, At: env.At.UTC(), Kind: env.Kind,
		Call: env.Call, Leg: env.Leg, Bridge: env.Bridge,
	}
	t, ok := d[env.Kind]
	if !ok {
		return e, fmt.Errorf("unknown kind of event %q", env.Kind)
	}
	body := reflect.New(t)
	if err := json.Unmarshal(env.Body, body.Interface()); err != nil {
		return e, fmt.Errorf("body of %s: %w", env.Kind, err)
	}
	e.Body = body.Elem().Interface().(pbx.EventBody)
	return e, nil
}
