package exchange

import (
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// listen counts the packets that reach a phone's port for sound for a while, and
// says how loud the loudest sample in them was.
func (r *rig) listen(addr string, d time.Duration) (packets int, peak int) {
	r.t.Helper()
	conn, err := r.net.ListenPacket(netip.MustParseAddrPort(addr))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 1500)
	pcm := make([]int16, 1500)
	alaw, err := codec.New(sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return packets, peak
		}
		if n < 12 || buf[1]&0x7f != 8 {
			continue
		}
		packets++
		k, err := alaw.Decode(pcm, buf[12:n])
		if err != nil {
			r.t.Fatal(err)
		}
		for _, s := range pcm[:k] {
			peak = max(peak, int(s), -int(s))
		}
	}
}

// Y-94: who is held hears music, who holds hears nothing, and after the call is
// resumed there is no music any more.
func TestMusicOnHold(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		call.Reinvite(sdpAt(annaRTP, "a=sendonly"))
		time.Sleep(time.Second)
		if n, peak := r.listen(pavelRTP, 4*time.Second); n < 195 || n > 205 || peak < 1000 {
			t.Errorf("who is held heard %d packets in 4 s, %d at the loudest", n, peak)
		}
		if n, _ := r.listen(annaRTP, 4*time.Second); n != 0 {
			t.Errorf("who holds heard %d packets", n)
		}
		call.Reinvite(sdpAt(annaRTP))
		time.Sleep(time.Second)
		if n, _ := r.listen(pavelRTP, 4*time.Second); n != 0 {
			t.Errorf("after the call was resumed %d packets of music came", n)
		}
		call.Bye()
		in.ExpectBye()
	})
}
