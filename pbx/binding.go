package pbx

import (
	"net/netip"
	"strconv"
	"time"
)

// Binding is one registered contact of a device (RFC 3261 §10.3): where the
// device is reached and until when.
type Binding struct {
	Device     string         `json:"device"`                // device id
	Username   string         `json:"username"`              // AOR user part
	Extension  string         `json:"extension"`             // extension number
	Contact    string         `json:"contact"`               // contact URI as registered
	InstanceID string         `json:"instance_id,omitempty"` // +sip.instance (RFC 5626 §4.1)
	RegID      int            `json:"reg_id,omitempty"`
	Path       []string       `json:"path,omitempty"` // RFC 3327, topmost first
	UserAgent  string         `json:"user_agent,omitempty"`
	CallID     string         `json:"call_id"`
	CSeq       uint32         `json:"cseq"`
	Q          float32        `json:"q"`
	Edge       string         `json:"edge"`   // name of the edge it registered through
	Remote     netip.AddrPort `json:"remote"` // source of the REGISTER: where requests go
	ConnID     uint64         `json:"conn_id,omitempty"`
	Registered time.Time      `json:"registered"`
	Expires    time.Time      `json:"expires"`
}

// Key identifies a binding within its AOR: instance and reg-id when given
// (RFC 5626 §6), else the contact URI.
func (b Binding) Key() string {
	if b.InstanceID != "" && b.RegID > 0 {
		return b.InstanceID + "#" + strconv.Itoa(b.RegID)
	}
	return b.Contact
}
