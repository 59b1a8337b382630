package rtp

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// keyLife is how long the key of before is still understood after a change:
// packets sent before the answer arrived are still under way.
const keyLife = 2 * time.Second

// maxForged is how many packets of strangers are tried in a second, since each
// costs the check of a tag.
const maxForged = 50

// replayWindow is how far back packets may come late; what came twice is dropped.
const replayWindow = 128

// tagRoom is what encryption adds at most: tag, index of SRTCP and identifier.
const tagRoom = 40

// profiles are the library's names of suites.
var profiles = map[string]srtp.ProtectionProfile{
	sdp.AES128CM80: srtp.ProtectionProfileAes128CmHmacSha1_80,
	sdp.AES128CM32: srtp.ProtectionProfileAes128CmHmacSha1_32,
	sdp.AES256CM80: srtp.ProtectionProfileAes256CmHmacSha1_80,
	sdp.AES256CM32: srtp.ProtectionProfileAes256CmHmacSha1_32,
	sdp.AES128GCM:  srtp.ProtectionProfileAeadAes128Gcm,
	sdp.AES256GCM:  srtp.ProtectionProfileAeadAes256Gcm,
}

// newContext is the state of one key in one direction.
func newContext(c sdp.Crypto) (*srtp.Context, error) {
	profile, ok := profiles[c.Suite]
	if !ok {
		return nil, fmt.Errorf("rtp: crypto suite %q", c.Suite)
	}
	length, err := profile.KeyLen()
	if err != nil || len(c.Key) < length {
		return nil, fmt.Errorf("rtp: key of %d bytes for %s", len(c.Key), c.Suite)
	}
	options := []srtp.ContextOption{srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow)}
	if c.MKI != nil {
		options = append(options, srtp.MasterKeyIndicator(c.MKI))
	}
	ctx, err := srtp.CreateContext(c.Key[:length], c.Key[length:], profile, options...)
	if err != nil {
		return nil, fmt.Errorf("rtp: %s: %w", c.Suite, err)
	}
	return ctx, nil
}

// opener decrypts what one key encrypted. It is not safe for concurrent use.
type opener struct {
	key     sdp.Crypto
	context *srtp.Context
	header  rtp.Header
}

// openers are the keys that the party may use. They are guarded by their owner.
type openers struct {
	now      *opener // nil: plain RTP
	old      *opener // until oldUntil
	oldUntil time.Time
	forged   stream.Limiter
	buf      [readBuffer]byte // of RTP; of RTCP there is little
}

// change installs a key; the same one again changes nothing, as packets go on
// where they were.
func (k *openers) change(c sdp.Crypto, now time.Time) error {
	if k.now != nil && k.now.key.Same(c) || k.now == nil && c.Suite == "" {
		return nil
	}
	var next *opener
	if c.Suite != "" {
		ctx, err := newContext(c)
		if err != nil {
			return err
		}
		next = &opener{key: c, context: ctx}
	}
	k.old, k.oldUntil = k.now, now.Add(keyLife)
	k.now = next
	return nil
}

// open decrypts an RTP packet; believed is whether it comes from where the party
// is known to be. The result is valid until the next call. A packet without a
// valid tag has no effect at all.
func (k *openers) open(b []byte, believed bool, now time.Time) ([]byte, bool) {
	if k.now == nil {
		return b, true
	}
	if !believed && !k.forged.Allow(now, maxForged) {
		return nil, false
	}
	if plain, err := k.now.context.DecryptRTP(k.buf[:0], b, &k.now.header); err == nil {
		return plain, true
	}
	if k.old != nil && now.Before(k.oldUntil) {
		if plain, err := k.old.context.DecryptRTP(k.buf[:0], b, &k.old.header); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// openReport does the same for RTCP.
func (k *openers) openReport(b []byte, now time.Time) ([]byte, bool) {
	if k.now == nil {
		return b, true
	}
	if !k.forged.Allow(now, maxForged) {
		return nil, false
	}
	var h rtcp.Header
	if plain, err := k.now.context.DecryptRTCP(nil, b, &h); err == nil {
		return plain, true
	}
	if k.old != nil && now.Before(k.oldUntil) {
		if plain, err := k.old.context.DecryptRTCP(nil, b, &h); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// wire is the even port as packets leave by it, encrypted when a key is set. Keys
// may be changed from any goroutine.
type wire struct {
	conn
	mu      sync.Mutex
	key     sdp.Crypto
	context *srtp.Context // nil: plain RTP
	header  rtp.Header
	buf     [stream.MaxDatagram + tagRoom]byte
}

// change installs the key of what is sent from now on.
func (w *wire) change(c sdp.Crypto) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key.Same(c) {
		return nil
	}
	var ctx *srtp.Context
	if c.Suite != "" {
		var err error
		if ctx, err = newContext(c); err != nil {
			return err
		}
	}
	w.key, w.context = c, ctx
	return nil
}

// Send implements stream.Wire.
func (w *wire) Send(b []byte, to netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.context != nil {
		sealed, err := w.context.EncryptRTP(w.buf[:0], b, &w.header)
		if err != nil {
			return fmt.Errorf("rtp: encrypting: %w", err)
		}
		b = sealed
	}
	_, err := w.WriteToUDPAddrPort(b, to)
	return err
}

// report encrypts RTCP.
func (w *wire) report(b []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.context == nil {
		return b, nil
	}
	var h rtcp.Header
	return w.context.EncryptRTCP(nil, b, &h)
}
