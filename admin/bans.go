package admin

import (
	"context"
	"net/netip"
	"time"

	"klapka.dev/klapka/pbx"
)

// Ban is an address that SIP does not listen to.
type Ban struct {
	Address string    `json:"address"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
}

// BanInput is an address to ban.
type BanInput struct {
	Address string `json:"address" minLength:"1" maxLength:"64" doc:"IP address."`
	Seconds int    `json:"seconds,omitempty" minimum:"60" maximum:"31536000" default:"3600"`
	Reason  string `json:"reason,omitempty" maxLength:"100" default:"manual"`
}

type (
	bansOutput struct {
		Body []Ban `nullable:"false"`
	}
	banPath struct {
		Address string `path:"address" maxLength:"64"`
	}
)

func (a API) listBans(context.Context, *struct{}) (*bansOutput, error) {
	all := a.Bans.Bans()
	out := &bansOutput{Body: make([]Ban, len(all))}
	for i, b := range all {
		out.Body[i] = Ban{b.Address.String(), b.Reason, b.Since.UTC(), b.Until.UTC()}
	}
	return out, nil
}

func (a API) ban(_ context.Context, in *struct{ Body BanInput }) (*bansOutput, error) {
	ip, err := address(in.Body.Address, "address")
	if err != nil {
		return nil, err
	}
	if err := a.Bans.Ban(ip, time.Duration(in.Body.Seconds)*time.Second, in.Body.Reason); err != nil {
		return nil, err
	}
	return a.listBans(context.Background(), nil)
}

func (a API) unban(_ context.Context, in *banPath) (*struct{}, error) {
	ip, err := address(in.Address, "path.address")
	if err != nil {
		return nil, err
	}
	return nil, a.Bans.Unban(ip)
}

func address(s, name string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" {
		return ip, pbx.FieldErrorf(name, "this is not an IP address")
	}
	return ip.Unmap(), nil
}
