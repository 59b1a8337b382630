package pbxtest_test

import (
	"net/netip"
	"strings"
	"testing"

	"klapka.dev/klapka/pbx/pbxtest"
)

const (
	askScenario = `<?xml version="1.0"?><scenario name="ask">
<send retrans="500"><![CDATA[

OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[from]@[local_ip]>;tag=[pid]x[call_number]
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>`
	answerScenario = `<?xml version="1.0"?><scenario name="answer">
<recv request="OPTIONS"/>
<send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]y[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>`
)

// Two sipp follow scenarios that fit, and both end well.
func TestSippAsksSipp(t *testing.T) {
	t.Parallel()
	var loopbacks pbxtest.Loopbacks
	here, there := loopbacks.Next(), loopbacks.Next()
	server := pbxtest.StartSipp(t, pbxtest.SippOptions{
		Name: "answer", At: there, Server: netip.AddrPortFrom(here, 5060), Scenario: answerScenario, Calls: 3,
	})
	client := pbxtest.RunSipp(t, pbxtest.SippOptions{
		Name: "ask", At: here, Server: netip.AddrPortFrom(there, 5060), Scenario: askScenario, Calls: 3,
		Service: "102", Keys: map[string]string{"from": "101"},
	})
	server.Wait()
	if got := client.Messages(); !strings.Contains(got, "From: <sip:101@") || !strings.Contains(got, "OPTIONS sip:102@") {
		t.Errorf("messages:\n%s", got)
	}
}
