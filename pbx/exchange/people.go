package exchange

// Login is how one person of the demo company signs in and registers a phone.
type Login struct {
	Number   string
	Name     string
	Role     string
	Password string // of the web client
	Secret   string // of the phone
}

// Logins lists the demo company's people; empty on any other exchange.
func (x *Exchange) Logins() []Login { return x.logins }

// SetupToken is what POST /api/setup wants from the first administrator; empty
// when there is one.
func (x *Exchange) SetupToken() string { return x.setupToken }
