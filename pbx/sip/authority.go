package sip

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Authority proves who sends a request.
type Authority interface {
	// Authenticate returns who sent an INVITE. refusal is the response to give
	// instead (a challenge, or a refusal for good) and why, in a word for the
	// event; it is empty for a challenge that nobody has failed yet. Unknown users
	// are answered like known ones with a wrong secret.
	Authenticate(ctx context.Context, flow transport.Flow, req *sip.Request) (caller pbx.PartyInfo, refusal *sip.Response, why string)
}

// Accounts is the authority of stored devices: the caller is the device whose
// credentials are right, whatever From says.
func Accounts(a *account.Authenticator) Authority { return accounts{a} }

type accounts struct{ a *account.Authenticator }

// Authenticate implements Authority.
func (a accounts) Authenticate(_ context.Context, flow transport.Flow, req *sip.Request) (pbx.PartyInfo, *sip.Response, string) {
	acc, r := a.a.Authenticate(flow, req)
	switch {
	case r == nil:
		return acc.Party, nil, ""
	case r.Reason == "challenge":
		return pbx.PartyInfo{}, r.Response(req), ""
	}
	return pbx.PartyInfo{}, r.Response(req), r.Reason
}
