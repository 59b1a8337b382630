package sdp

import "errors"

// What can be wrong with a description. The errors returned wrap these with what
// was seen.
var (
	// ErrTooLarge: longer than 64 KiB, more than 64 streams, or more than 128
	// formats in one stream.
	ErrTooLarge = errors.New("sdp: description is too large")
	// ErrInsecure: the policy demands encryption, or the stream does, and no crypto
	// suite is in common.
	ErrInsecure = errors.New("sdp: no encryption in common")
	// ErrNoAudio: no audio stream over RTP with a port in use.
	ErrNoAudio = errors.New("sdp: no usable audio stream")
	// ErrNoCodec: there is such a stream, but no payload format in common.
	ErrNoCodec = errors.New("sdp: no codec in common")
)
