package admin

import (
	"context"
	"time"
)

// System is what runs here and how it is.
type System struct {
	Version       string              `json:"version"`
	StartedAt     time.Time           `json:"started_at"`
	UptimeSeconds int                 `json:"uptime_seconds"`
	Addresses     map[string][]string `json:"addresses" doc:"Where it listens, by protocol."`
	Database      string              `json:"database" enum:"sqlite,postgresql"`
	People        int                 `json:"people"`
	Extensions    int                 `json:"extensions"`
	Devices       int                 `json:"devices"`
	Registrations int                 `json:"registrations"`
	Calls         int                 `json:"calls" doc:"Running now."`
	CertificateAt *time.Time          `json:"certificate_expires_at" doc:"null: HTTPS and TLS are not used."`
	SelfSigned    bool                `json:"certificate_self_signed"`
}

type systemOutput struct{ Body System }

func (a API) getSystem(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	s, err := a.System(ctx)
	return &systemOutput{s}, err
}
