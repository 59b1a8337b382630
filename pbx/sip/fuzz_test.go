package sip

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// FuzzIncoming throws bytes at an edge with a call in progress. In the bytes,
// ~CALL~, ~OURS~ and ~THEIRS~ stand for the Call-ID and tags of that call, so
// that its dialog is reached. Nothing may panic, and once everybody hung up
// nothing may stay behind (the bubble itself fails on a goroutine that does).
func FuzzIncoming(f *testing.F) {
	head := "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKfuzz\r\nMax-Forwards: 70\r\n"
	inDialog := head + "From: <sip:101@192.0.2.1>;tag=~THEIRS~\r\nTo: <sip:102@192.0.2.1>;tag=~OURS~\r\nCall-ID: ~CALL~\r\n"
	alone := head + "From: \"A\" <sip:101@192.0.2.1>;tag=a\r\nTo: <sip:102@192.0.2.1>\r\nCall-ID: fuzz\r\n"
	for _, seed := range []string{
		"INVITE sip:102@192.0.2.1 SIP/2.0\r\n" + alone + "CSeq: 1 INVITE\r\nContact: <sip:101@192.0.2.101>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
		"INVITE sip:102@192.0.2.1 SIP/2.0\r\n" + alone + "CSeq: 1 INVITE\r\nProxy-Authorization: Digest username=\"101\"\r\nReplaces: a;to-tag=~OURS~\r\n\r\n",
		"INVITE sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 9 INVITE\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--",
		"UPDATE sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 9 UPDATE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
		"INFO sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 9 INFO\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=100\r\n",
		"BYE sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 9 BYE\r\nReason: Q.850;cause=16;text=\"x\"\r\n\r\n",
		"ACK sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 1 ACK\r\n\r\n",
		"CANCEL sip:102@192.0.2.1 SIP/2.0\r\n" + alone + "CSeq: 1 CANCEL\r\n\r\n",
		"OPTIONS sip:192.0.2.1 SIP/2.0\r\n" + alone + "CSeq: 1 OPTIONS\r\n\r\n",
		"REFER sip:102@192.0.2.1 SIP/2.0\r\n" + inDialog + "CSeq: 9 REFER\r\nRefer-To: <sip:x>\r\n\r\n",
		"SIP/2.0 200 OK\r\n" + head + "From: <sip:x>;tag=~OURS~\r\nTo: <sip:y>;tag=b\r\nCall-ID: ~CALL~\r\nCSeq: 1 INVITE\r\n\r\n",
		"\r\n\r\n", "x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			p := r.phone("101")
			c, l := r.answered(p)
			b = bytes.ReplaceAll(b, []byte("~CALL~"), []byte(c.ID))
			b = bytes.ReplaceAll(b, []byte("~OURS~"), []byte(l.inv.Leg))
			b = bytes.ReplaceAll(b, []byte("~THEIRS~"), []byte(c.InviteMessage().FromTag()))
			go obey(l)
			p.SendRaw(b)
			time.Sleep(time.Second)
			l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
			l.sig.Release()
			for len(r.legs) > 0 {
				other := <-r.legs
				other.sig.Release()
			}
			r.settle()
			if n := r.stack.Counts().Panics.Load() + r.udp.Counts().Panics.Load(); n != 0 {
				t.Fatalf("%d panics", n)
			}
			if n := r.stack.Usages(); n != 0 {
				t.Fatalf("%d usages left", n)
			}
			close(l.inputs)
		})
	})
}

// obey answers whatever a leg is asked.
func obey(l *fakeLeg) {
	for in := range l.inputs {
		if in.Kind == leg.InOffered {
			l.sig.AnswerOffer([]byte(answerSDP))
		}
	}
}
