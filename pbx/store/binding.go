package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"klapka.dev/klapka/pbx"
)

// bindingRow is keyed by a hash of the binding's key: a contact may be longer
// than PostgreSQL's index accepts. It does not refer to the devices table,
// because a device may be deleted before the history of its registration is
// written.
type bindingRow struct {
	Device     string `gorm:"primaryKey"`
	KeyHash    string `gorm:"primaryKey"`
	Username   string
	Extension  string
	Contact    string
	InstanceID string
	RegID      int
	Path       string // JSON array
	UserAgent  string
	CallID     string
	CSeq       int64 `gorm:"column:cseq"`
	Q          float32
	Edge       string
	Remote     string
	ConnID     int64     // bits of the unsigned number
	Registered time.Time `gorm:"column:registered_at"`
	Expires    time.Time `gorm:"column:expires_at"`
}

func (bindingRow) TableName() string { return "bindings" }

func bindingKeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func rowOfBinding(b pbx.Binding) (bindingRow, error) {
	path, err := json.Marshal(b.Path)
	if err != nil {
		return bindingRow{}, fmt.Errorf("path of binding %s: %w", b.Contact, err)
	}
	remote := ""
	if b.Remote.IsValid() {
		remote = b.Remote.String()
	}
	return bindingRow{
		Device: wire(b.Device), KeyHash: bindingKeyHash(b.Key()), Username: wire(b.Username),
		Extension: wire(b.Extension), Contact: wire(b.Contact), InstanceID: wire(b.InstanceID), RegID: b.RegID,
		Path: wire(string(path)), UserAgent: wire(b.UserAgent), CallID: wire(b.CallID), CSeq: int64(b.CSeq),
		Q: float32(finite(float64(b.Q))), Edge: wire(b.Edge), Remote: remote, ConnID: int64(b.ConnID),
		Registered: utc(b.Registered), Expires: utc(b.Expires),
	}, nil
}

func (r bindingRow) binding() (pbx.Binding, error) {
	b := pbx.Binding{
		Device: r.Device, Username: r.Username, Extension: r.Extension, Contact: r.Contact,
		InstanceID: r.InstanceID, RegID: r.RegID, UserAgent: r.UserAgent, CallID: r.CallID, CSeq: uint32(r.CSeq),
		Q: r.Q, Edge: r.Edge, ConnID: uint64(r.ConnID), Registered: utc(r.Registered), Expires: utc(r.Expires),
	}
	if err := json.Unmarshal([]byte(r.Path), &b.Path); err != nil {
		return b, fmt.Errorf("path of the binding of %s: %w", r.Username, err)
	}
	if r.Remote == "" {
		return b, nil
	}
	var err error
	if b.Remote, err = netip.ParseAddrPort(r.Remote); err != nil {
		return b, fmt.Errorf("address of the binding of %s: %w", r.Username, err)
	}
	return b, nil
}
