package pbx

import "context"

// People is everything an administrator keeps about people and their phones.
type People interface {
	Users
	Extensions
	Devices
	SettingsStore
	SetupTokens
}

// Transactor changes several rows of People at once.
type Transactor interface {
	// Within runs change in one transaction: all of it is stored when change
	// returns nil, else nothing. change must use the People it is given and
	// should return soon: on SQLite it keeps other writers waiting.
	Within(ctx context.Context, change func(People) error) error
}
