package pbx

import (
	"context"
	"strings"
)

// Settings are the company's own choices, one row per exchange. Realm is fixed
// at the first start: every stored digest depends on it.
type Settings struct {
	Company  string
	Realm    string
	Language Language // for callers whose own language is unknown
	Demo     bool     // a demo store: known passwords, so loopback only
}

// Validate trims the company's name and reports the first field that cannot be
// stored, as an Invalid error. A realm is 1 to 64 visible ASCII characters that
// need no escaping in a quoted string (RFC 3261 §25.1).
func (s *Settings) Validate() error {
	s.Company = strings.TrimSpace(s.Company)
	if len(s.Realm) == 0 || len(s.Realm) > 64 {
		return FieldErrorf("realm", "a realm has 1 to 64 characters")
	}
	for i := range len(s.Realm) {
		if c := s.Realm[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return FieldErrorf("realm", "blanks, quotes, backslashes and letters beyond ASCII are not allowed")
		}
	}
	if !s.Language.Valid() {
		return FieldErrorf("language", "%q is not one of our languages", string(s.Language))
	}
	return checkName("company", s.Company)
}

// SettingsStore is the port to the settings.
type SettingsStore interface {
	Settings(ctx context.Context) (Settings, error)
	// SaveSettings stores all fields but Realm and Demo, which never change
	// after they were first written.
	SaveSettings(ctx context.Context, s Settings) error
}
