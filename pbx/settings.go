package pbx

import "context"

// Settings are the company's own choices, one row per exchange. Realm is fixed
// at the first start: every stored digest depends on it.
type Settings struct {
	Company  string
	Realm    string
	Language Language // for callers whose own language is unknown
	Demo     bool     // a demo store: known passwords, so loopback only
}

// SettingsStore is the port to the settings.
type SettingsStore interface {
	Settings(ctx context.Context) (Settings, error)
	// SaveSettings stores all fields but Realm and Demo, which never change
	// after they were first written.
	SaveSettings(ctx context.Context, s Settings) error
}
