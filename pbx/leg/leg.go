package leg

import "klapka.dev/klapka/pbx"

// Leg is one party at one endpoint.
type Leg struct {
	id pbx.LegID
}

// ID is the leg's id; edges use it as their local tag.
func (l *Leg) ID() pbx.LegID { return l.id }

// Post puts one input into the leg's mailbox. It never blocks and may be called
// from any goroutine, also after the leg is dead.
func (l *Leg) Post(in Input) {}
