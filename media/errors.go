package media

import "errors"

// ErrNoPorts is returned when every RTP port pair is in use or draining.
var ErrNoPorts = errors.New("media: no free RTP port pair")

// ErrClosed is returned by operations on a closed endpoint.
var ErrClosed = errors.New("media: endpoint is closed")
