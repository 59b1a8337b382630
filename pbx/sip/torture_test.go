package sip

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// dropped is the status of what is not answered.
const dropped = 0

// nasty builds a message of the torture tests: lines replace or, with another
// name, follow the usual ones; a line of the form "-Name" takes one away.
func nasty(start string, lines ...string) string {
	method, _, _ := strings.Cut(start, " ")
	m := []string{
		"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK" + pbx.NewID(),
		"From: <sip:101@example.com>;tag=t", "To: <sip:102@example.com>", "Call-ID: " + pbx.NewID(),
		"CSeq: 7 " + method, "Max-Forwards: 70", "Contact: <sip:101@192.0.2.101>",
	}
	name := func(line string) string { n, _, _ := strings.Cut(line, ":"); return strings.TrimSpace(n) }
	body := ""
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "\n"); ok {
			body = rest
			continue
		}
		more := strings.HasPrefix(line, "+")
		line = strings.TrimPrefix(line, "+")
		at := slices.IndexFunc(m, func(have string) bool { return strings.EqualFold(name(have), name(strings.TrimPrefix(line, "-"))) })
		switch {
		case strings.HasPrefix(line, "-"):
			m = slices.Delete(m, at, at+1)
		case at >= 0 && !more:
			m[at] = line
		default:
			m = append(m, line)
		}
	}
	return start + "\r\n" + strings.Join(m, "\r\n") + "\r\n\r\n" + body
}

// RFC 4475: requests that are odd but right are understood, requests that are
// wrong get the answer that says so or none; nothing breaks the listener. The
// names are the RFC's. INVITEs prove nothing, so that they are understood when
// they are challenged.
func TestTortureRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []int
	}{
		// §3.1.1, valid
		"wsinv": {nasty("INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0", "-To", "-From", "-Via", "-CSeq", "-Max-Forwards",
			"+TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n", "+from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8",
			"+MaX-fOrWaRdS: 0068", "+cseq: 0009\r\n  INVITE", "+Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw",
			"s :", "NewFangledHeader:   newfangled value\r\n continued newfangled value", "UnknownHeaderWithUnusualValue: ;;,,;;,;",
			"Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>"), []int{407, 481}},
		"intmeth": {nasty("!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
			"From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\";tag=_token~1'+`*%!-.",
			"extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7"), []int{501, 400, dropped}},
		"esc01":   {nasty("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0", "To: sip:%75se%72@example.com"), []int{407}},
		"escnull": {nasty("REGISTER sip:example.com SIP/2.0", "To: sip:null-%00-null@example.com", "From: sip:null-%00-null@example.com;tag=1"), []int{405}},
		"esc02":   {nasty("RE%47IST%45R sip:registrar.example.com SIP/2.0"), []int{501}},
		"lwsdisp": {nasty("OPTIONS sip:user@example.com SIP/2.0", "From: caller<sip:caller@example.com>;tag=323"), []int{200}},
		"longreq": {nasty("INVITE sip:user@example.com SIP/2.0", "To: \"I have a user name of "+strings.Repeat("extreme ", 40)+"proportion\" <sip:user@example.com:6000;unknownparam1="+strings.Repeat("very", 20)+"longvalue>",
			"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK"+strings.Repeat("longbranch", 25), "Call-ID: longreq."+strings.Repeat("really", 35)+"longcallid"), []int{407}},
		"dblreq":     {nasty("OPTIONS sip:example.com SIP/2.0", "Content-Length: 0", "\n"+nasty("INVITE sip:joe@example.com SIP/2.0")), []int{200}},
		"semiuri":    {nasty("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"), []int{200}},
		"transports": {nasty("OPTIONS sip:user@example.com SIP/2.0", "+Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKa", "+Via: SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bKb"), []int{200}},
		"mpart01":    {nasty("MESSAGE sip:kumiko@example.org SIP/2.0", "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655", "\n--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\x00\x81\r\n--7a9cbec02ceef655--"), []int{405}},

		// §3.1.2, invalid
		"badinv01":     {nasty("INVITE sip:user@example.com SIP/2.0", "-Via", "+Via: SIP/2.0/UDP 192.0.2.15;;,;,,", "Contact: \"Joe\" <sip:joe@example.org>;;;;"), []int{400, 407, dropped}},
		"clerr":        {nasty("INVITE sip:user@example.com SIP/2.0", "Content-Type: application/sdp", "Content-Length: 9999", "\n"+offerSDP), []int{400, dropped}},
		"ncl":          {nasty("INVITE sip:user@example.com SIP/2.0", "Content-Length: -999", "\n"+offerSDP), []int{400, dropped}},
		"scalar02":     {nasty("REGISTER sip:example.com SIP/2.0", "CSeq: 36893488147419103232 REGISTER", "Max-Forwards: 300", "Expires: 10000000000000000000000"), []int{400, dropped}},
		"quotbal":      {nasty("INVITE sip:user@example.com SIP/2.0", `To: "Mr. J. User <sip:j.user@example.com>`), []int{400, dropped}},
		"ltgtruri":     {nasty("INVITE <sip:user@example.com> SIP/2.0"), []int{400, dropped}},
		"lwsruri":      {nasty("INVITE sip:user@example.com; lr SIP/2.0"), []int{400, dropped}},
		"lwsstart":     {nasty("INVITE  sip:user@example.com  SIP/2.0"), []int{400, dropped}},
		"trws":         {nasty("OPTIONS sip:remote-target@example.com SIP/2.0  "), []int{200, 400, dropped}},
		"escruri":      {nasty("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"), []int{407, 400}},
		"baddate":      {nasty("INVITE sip:user@example.com SIP/2.0", "Date: Fri, 01 Jan 2010 16:00:00 EST"), []int{407, 400}},
		"regbadct":     {nasty("REGISTER sip:example.com SIP/2.0", "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"), []int{405}},
		"badaspec":     {nasty("OPTIONS sip:user@example.org SIP/2.0", `To: "Watson, Thomas" < sip:t.watson@example.org >`), []int{200, 400, dropped}},
		"baddn":        {nasty("OPTIONS sip:t.watson@example.org SIP/2.0", "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"), []int{200, 400, dropped}},
		"badvers":      {nasty("OPTIONS sip:t.watson@example.org SIP/7.0", "-Via", "+Via: SIP/7.0/UDP 192.0.2.101;branch=z9hG4bKkdjuw"), []int{505, dropped}},
		"mismatch01":   {nasty("OPTIONS sip:user@example.com SIP/2.0", "CSeq: 8 INVITE"), []int{400}},
		"mismatch02":   {nasty("NEWMETHOD sip:user@example.com SIP/2.0", "CSeq: 8 INVITE"), []int{400, 501}},
		"no colon":     {nasty("OPTIONS sip:user@example.com SIP/2.0", "this is not a header"), []int{200, 400, dropped}},
		"no end":       {"OPTIONS sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.101\r\n", []int{dropped}},
		"only a line":  {"OPTIONS sip:user@example.com SIP/2.0\r\n\r\n", []int{400, dropped}},
		"bare LF":      {strings.ReplaceAll(nasty("OPTIONS sip:user@example.com SIP/2.0"), "\r\n", "\n"), []int{dropped}},
		"bigcode":      {"SIP/2.0 4294967301 better not break the receiver\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n", []int{dropped}},
		"stray answer": {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n", []int{dropped}},

		// §3.2 and §3.3
		"badbranch": {nasty("OPTIONS sip:user@example.com SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK"), []int{200, 400, dropped}},
		"insuf":     {nasty("INVITE sip:user@example.com SIP/2.0", "-From", "-To", "-Call-ID"), []int{400, dropped}},
		"unkscm":    {nasty("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), []int{200, 416, 400, dropped}},
		"novelsc":   {nasty("INVITE soap.beep://192.0.2.103:3002 SIP/2.0"), []int{407, 416, 400, dropped}},
		"unksm2":    {nasty("REGISTER sip:example.com SIP/2.0", "To: isbn:2983792873", "From: isbn:2983792873;tag=1"), []int{405, 400, dropped}},
		"bext01":    {nasty("OPTIONS sip:user@example.com SIP/2.0", "Require: nothingSupportsThis, nothingSupportsThisEither", "Proxy-Require: noProxiesSupportThis"), []int{420}},
		"invut":     {nasty("INVITE sip:user@example.com SIP/2.0", "Content-Type: application/unknownformat", "\n<audio/>"), []int{407, 415}},
		"regaut01":  {nasty("REGISTER sip:example.com SIP/2.0", "Authorization: NoOneKnowsThisScheme opaque-data=here"), []int{405, 401}},
		"multi01": {nasty("INVITE sip:user@company.com SIP/2.0", "+CSeq: 59 INVITE", "+Call-ID: multi01.98asdh@192.0.2.1", "+From: sip:caller@example.com;tag=3413415",
			"+To: sip:user@example.com", "+Max-Forwards: 5"), []int{400}},
		"mcl01":    {nasty("OPTIONS sip:user@example.com SIP/2.0", "Content-Length: 13", "+Content-Length: 5", "\nThere's no way to know"), []int{400, dropped}},
		"bcast":    {nasty("OPTIONS sip:user@example.com SIP/2.0", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"), []int{200}}, // to where it came from
		"zeromf":   {nasty("OPTIONS sip:user@example.com SIP/2.0", "Max-Forwards: 0"), []int{200, 483}},
		"cparam01": {nasty("REGISTER sip:example.com SIP/2.0", "Contact: sip:+19725552222@gw1.example.net;unknownparam"), []int{405}},
		"sdp01":    {nasty("INVITE sip:user@example.com SIP/2.0", "Accept: text/nobodyKnowsThis", "Content-Type: application/sdp", "\n"+offerSDP), []int{407, 406}},
		"inv2543":  {nasty("INVITE sip:UserB@example.com SIP/2.0", "-Via", "+Via: SIP/2.0/UDP iftgw.example.com", "-From", "+From: <sip:+13035551111@ift.client.example.net;user=phone>", "-Max-Forwards"), []int{400, 407}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				p := r.phone("101")
				p.Secret, p.NoAck = "", true
				p.SendRaw([]byte(tt.text))
				p.Patience = time.Second
				got := r.firstAnswer(p)
				if !slices.Contains(tt.want, got) {
					t.Errorf("answered %d, want %v\n%s", got, tt.want, tt.text)
				}
				r.noLeg()
				if res := p.Request("OPTIONS", "sip:klapka"); res.Status() != 200 {
					t.Errorf("afterwards:\n%s", res)
				}
				if n := r.stack.Counts().Panics.Load() + r.udp.Counts().Panics.Load(); n != 0 {
					t.Errorf("%d panics", n)
				}
			})
		})
	}
}

// firstAnswer is the status of the next final response, dropped after a second.
func (r *rig) firstAnswer(p *pbxtest.Phone) int {
	r.t.Helper()
	for range 5 {
		m, ok := p.Stray(time.Second)
		switch {
		case !ok:
			return dropped
		case m.Status() >= 200:
			return m.Status()
		}
	}
	return dropped
}

// RFC 4475 §3.1.1.12 and .13, §3.1.2.5: answers to our INVITE with an unusual, an
// empty or a very long reason phrase mean what their number says, and one with
// numbers out of range leaves the call as it was.
func TestTortureResponses(t *testing.T) {
	for name, phrase := range map[string]string{
		"unreason": " = 2**3 * 5**2 но сто девяносто девять - простое", "noreason": "", "long": strings.Repeat("busy ", 400),
	} {
		bubble(t, func(t *testing.T, r *rig) {
			p := r.phone("102")
			l := r.call(p)
			c := p.ExpectInvite()
			l.expect(leg.InTrying)
			c.Respond(180, func(m *pbxtest.Message) { m.Add("CSeq", "9292394834772304023312 OPTIONS") }) // scalarlg
			c.Respond(486, func(m *pbxtest.Message) { m.Start = "SIP/2.0 486 " + phrase })
			in := <-l.inputs
			for in.Kind == leg.InRinging {
				in = <-l.inputs
			}
			if in.Kind != leg.InRefused || in.Cause.Code != pbx.CauseBusy {
				t.Errorf("%s: leg was told %+v", name, in)
			}
			c.ExpectAck()
			synctest.Wait()
		})
	}
}
