package sip

import (
	"fmt"
	"strconv"
	"strings"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/header"
)

// verdict is how one cause is said in SIP: the final response that refuses an
// INVITE, and the Q.850 code (RFC 3326, RFC 6432) that goes with it and into a
// BYE.
type verdict struct {
	status int
	phrase string
	q850   int
}

// verdicts has a line for each of pbx.Causes.
var verdicts = map[pbx.CauseCode]verdict{
	pbx.CauseNormal:            {480, "Normal Call Clearing", 16},
	pbx.CauseCancelled:         {487, "Request Terminated", 16},
	pbx.CauseBusy:              {486, "Busy Here", 17},
	pbx.CauseDeclined:          {603, "Decline", 21},
	pbx.CauseNoAnswer:          {480, "No Answer", 19},
	pbx.CauseUnreachable:       {480, "Temporarily Unavailable", 20},
	pbx.CauseNotInService:      {404, "Not Found", 1},
	pbx.CauseAnsweredElsewhere: {480, "Answered Elsewhere", 26},
	pbx.CauseForbidden:         {403, "Forbidden", 57},
	pbx.CauseIncompatible:      {488, "Not Acceptable Here", 88},
	pbx.CauseCongested:         {503, "Service Unavailable", 42},
	pbx.CauseMediaTimeout:      {480, "No Sound Received", 102},
	pbx.CauseNetwork:           {480, "Temporarily Unavailable", 41},
	pbx.CauseProtocol:          {400, "Bad Request", 111},
	pbx.CauseShutdown:          {503, "Service Unavailable", 41},
	pbx.CauseRestart:           {503, "Service Unavailable", 41},
	pbx.CauseLoop:              {482, "Loop Detected", 25},
	pbx.CauseFault:             {500, "Server Internal Error", 41},
}

// statusCauses reads a peer's final response. What is missing goes by its class.
var statusCauses = map[int]pbx.CauseCode{
	400: pbx.CauseProtocol,
	403: pbx.CauseDeclined,
	404: pbx.CauseNotInService,
	405: pbx.CauseIncompatible,
	406: pbx.CauseIncompatible,
	410: pbx.CauseNotInService,
	415: pbx.CauseIncompatible,
	416: pbx.CauseIncompatible,
	420: pbx.CauseIncompatible,
	421: pbx.CauseIncompatible,
	433: pbx.CauseDeclined, // anonymity disallowed (RFC 5079)
	482: pbx.CauseLoop,
	483: pbx.CauseLoop,
	484: pbx.CauseNotInService,
	485: pbx.CauseNotInService,
	486: pbx.CauseBusy,
	487: pbx.CauseCancelled,
	488: pbx.CauseIncompatible,
	493: pbx.CauseIncompatible,
	501: pbx.CauseIncompatible,
	505: pbx.CauseIncompatible,
	513: pbx.CauseIncompatible,
	600: pbx.CauseBusy,
	603: pbx.CauseDeclined,
	604: pbx.CauseNotInService,
	606: pbx.CauseIncompatible,
	607: pbx.CauseDeclined, // unwanted (RFC 8197)
	608: pbx.CauseDeclined, // rejected (RFC 8688)
}

// q850Causes reads the Q.850 codes that phones and gateways really send.
var q850Causes = map[int]pbx.CauseCode{
	1:   pbx.CauseNotInService,
	16:  pbx.CauseNormal,
	17:  pbx.CauseBusy,
	18:  pbx.CauseNoAnswer,
	19:  pbx.CauseNoAnswer,
	20:  pbx.CauseUnreachable,
	21:  pbx.CauseDeclined,
	22:  pbx.CauseNotInService,
	26:  pbx.CauseAnsweredElsewhere,
	27:  pbx.CauseUnreachable,
	28:  pbx.CauseNotInService,
	34:  pbx.CauseCongested,
	42:  pbx.CauseCongested,
	57:  pbx.CauseForbidden,
	65:  pbx.CauseIncompatible,
	79:  pbx.CauseIncompatible,
	88:  pbx.CauseIncompatible,
	102: pbx.CauseMediaTimeout,
	111: pbx.CauseProtocol,
}

// verdictOf says a cause in SIP; an unknown one is a fault of ours.
func verdictOf(c pbx.CauseCode) verdict {
	if v, ok := verdicts[c]; ok {
		return v
	}
	return verdicts[pbx.CauseFault]
}

// causeOfStatus reads the final response of a called party. A phone that rang
// and then gives up by itself was not unreachable: nobody answered.
func causeOfStatus(status int, rang bool) pbx.CauseCode {
	if c, ok := statusCauses[status]; ok {
		return c
	}
	switch {
	case (status == 408 || status == 480) && rang:
		return pbx.CauseNoAnswer
	case status >= 600:
		return pbx.CauseDeclined
	}
	// The rest (redirections we do not follow, challenges of a phone that we
	// never answer, server failures) leaves the person unreached there, and does
	// not speak for the person's other devices.
	return pbx.CauseUnreachable
}

// reasonOf is the Reason header value (RFC 3326) for a BYE, or a CANCEL; "" for
// none. A losing fork branch learns that somebody else answered, so that the
// phone does not list a missed call; a caller who gave up says nothing, because
// then it was missed.
func reasonOf(c pbx.CauseCode, cancel bool) string {
	switch {
	case cancel && c == pbx.CauseAnsweredElsewhere:
		return `SIP;cause=200;text="Call completed elsewhere"`
	case cancel:
		return ""
	}
	return verdictOf(c).reason()
}

// reason is the Reason header value with the Q.850 code.
func (v verdict) reason() string {
	return fmt.Sprintf(`Q.850;cause=%d;text="%s"`, v.q850, v.phrase)
}

// causeOfReason reads the values of Reason headers, as found in BYE, CANCEL and
// final responses; ok is false when none of them says anything we know.
func causeOfReason(values []string) (code pbx.CauseCode, ok bool) {
	for _, value := range values {
		if code, ok = causeOfOneReason(value); ok {
			return code, true
		}
	}
	return "", false
}

func causeOfOneReason(value string) (pbx.CauseCode, bool) {
	protocol, params, _ := strings.Cut(value, ";")
	text, _ := header.ParseParams(params).Get("cause")
	number, err := strconv.Atoi(text)
	if err != nil {
		return "", false
	}
	switch strings.ToUpper(strings.TrimSpace(protocol)) {
	case "Q.850":
		c, ok := q850Causes[number]
		return c, ok
	case "SIP":
		if number == 200 {
			return pbx.CauseAnsweredElsewhere, true
		}
		if number >= 300 && number < 700 {
			return causeOfStatus(number, false), true
		}
	}
	return "", false
}
