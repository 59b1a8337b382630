package admin

import (
	"context"
	"strings"
	"time"
)

// Registration is one contact of a device.
type Registration struct {
	Device       string    `json:"device" doc:"Device id."`
	Username     string    `json:"username"`
	Extension    string    `json:"extension"`
	Contact      string    `json:"contact"`
	UserAgent    string    `json:"user_agent"`
	Transport    string    `json:"transport" doc:"udp, tcp, tls or browser."`
	Edge         string    `json:"edge" doc:"Listener it came through."`
	Remote       string    `json:"remote" doc:"ip:port it is reached at."`
	Reachable    bool      `json:"reachable" doc:"false: it did not answer of late."`
	RegisteredAt time.Time `json:"registered_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

type (
	registrationsOutput struct {
		Body []Registration `nullable:"false"`
	}
	registrationPath struct {
		Device string `path:"device" maxLength:"64"`
	}
)

func (a API) listRegistrations(context.Context, *struct{}) (*registrationsOutput, error) {
	all := a.Registrations.All()
	out := &registrationsOutput{Body: make([]Registration, len(all))}
	for i, b := range all {
		out.Body[i] = Registration{
			Device: b.Device, Username: b.Username, Extension: b.Extension, Contact: b.Contact, UserAgent: b.UserAgent,
			Transport: strings.TrimRight(b.Edge, "0123456789"), // listeners are udp, udp2 …
			Edge:      b.Edge, Remote: b.Remote.String(), Reachable: a.Registrations.Reachable(b.Device, b.Key()),
			RegisteredAt: b.Registered.UTC(), ExpiresAt: b.Expires.UTC(),
		}
	}
	return out, nil
}

func (a API) dropRegistrations(ctx context.Context, in *registrationPath) (*struct{}, error) {
	if _, err := a.Store.Device(ctx, in.Device); err != nil {
		return nil, err
	}
	a.Registrations.Drop(in.Device)
	return nil, nil
}
