package call

import (
	"slices"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
)

// Role is what a member of a bridge may do.
type Role string

// The roles that exist.
const (
	Talk Role = "talk" // hears and is heard
)

// seat is the floor's row of one session.
type seat struct {
	id     pbx.SessionID
	call   pbx.CallID
	person string       // whose phone it is: extension number, or what was dialled
	gen    uint64       // lease of the program now running
	move   pbx.Move     // why it is running
	hops   int          // moves without a conversation
	bridge pbx.BridgeID // where it is a member
	fork   pbx.ForkID   // the fork it owns
	branch pbx.ForkID   // the fork that rings it
	held   bool         // its party put the call on hold
	music  media.Source // what it lets the other party hear meanwhile
	early  bool         // its party was let hear before the answer
	play   media.Source // foreground sound of its program
	bed    media.Source // background sound of its program
	heard  hearing      // what it hears now, as last told
}

// member is one place in a bridge.
type member struct {
	id   pbx.SessionID
	role Role
}

// bridge is the floor's row of one place where sound meets.
type bridge struct {
	members []member
	left    *pbx.Cause // why the last member to leave left
	awaited bool       // a fork means to bring its two parties here
}

// branchState is how far one branch of a fork has got.
type branchState uint8

const (
	branchCalling branchState = iota
	branchAlerting
	branchEarly // alerting, with sound of its own
	branchOver
)

// branch is one device being rung.
type branch struct {
	id     pbx.SessionID
	person string // extension number: a decline binds the person
	state  branchState
	rang   bool
	cause  pbx.CauseCode // when over
}

// fork is the floor's row of one ringing of people.
type fork struct {
	owner    pbx.SessionID
	bridge   pbx.BridgeID // where caller and winner will meet
	branches []branch
	winner   pbx.SessionID // "": nobody yet
	filling  bool          // its owner is still adding the first branches
	closed   bool
}

// callRow is the floor's row of one call.
type callRow struct {
	caller     pbx.SessionID
	from       pbx.PartyInfo
	dialled    string
	to         pbx.Target
	startedAt  time.Time
	answeredAt time.Time
	cause      pbx.Cause
	seats      int
}

// table is everything the floor knows. Commands change it in place; they read no
// clock and do no I/O, so the same commands in the same order always lead to the
// same table.
type table struct {
	seats   map[pbx.SessionID]*seat
	bridges map[pbx.BridgeID]*bridge
	forks   map[pbx.ForkID]*fork
	calls   map[pbx.CallID]*callRow
}

func newTable() *table {
	return &table{
		seats:   map[pbx.SessionID]*seat{},
		bridges: map[pbx.BridgeID]*bridge{},
		forks:   map[pbx.ForkID]*fork{},
		calls:   map[pbx.CallID]*callRow{},
	}
}

// clone is a deep copy, for tests that try both orders of two commands.
func (t *table) clone() *table {
	c := newTable()
	for id, s := range t.seats {
		v := *s
		v.heard.from = slices.Clone(s.heard.from)
		c.seats[id] = &v
	}
	for id, b := range t.bridges {
		v := *b
		v.members = slices.Clone(b.members)
		c.bridges[id] = &v
	}
	for id, f := range t.forks {
		v := *f
		v.branches = slices.Clone(f.branches)
		c.forks[id] = &v
	}
	for id, r := range t.calls {
		v := *r
		c.calls[id] = &v
	}
	return c
}

// command is one thing asked of the floor. A refusal leaves the table as it was.
type command interface {
	apply(t *table) ([]effect, error)
}

// effect is one consequence of a command, posted in order.
type effect interface{ effect() }

type (
	// start runs a program on a session under a new lease.
	start struct {
		id   pbx.SessionID
		gen  uint64
		move pbx.Move
	}
	// revoke ends the lease of the program that ran so far.
	revoke struct {
		id  pbx.SessionID
		gen uint64
		why error
	}
	// end ends a session's leg.
	end struct {
		id    pbx.SessionID
		cause pbx.Cause
	}
	// hear changes what a session's party hears.
	hear struct {
		id pbx.SessionID
		hearing
	}
	// early lets an unanswered party hear.
	early struct{ id pbx.SessionID }
	// rung tells a fork's owner how the ringing goes.
	rung struct {
		owner  pbx.SessionID
		fork   pbx.ForkID
		ring   bool          // somebody is alerted
		winner pbx.SessionID // somebody answered
		failed pbx.CauseCode // nobody is left
	}
	// left wakes a Join.
	left struct {
		id    pbx.SessionID
		cause pbx.Cause
	}
	// joined and parted are events of a bridge.
	joined struct {
		id     pbx.SessionID
		bridge pbx.BridgeID
		role   Role
	}
	parted struct {
		id     pbx.SessionID
		bridge pbx.BridgeID
	}
	// answered and ended are events of a call.
	answered struct {
		call pbx.CallID
		by   pbx.SessionID
	}
	ended struct {
		call  pbx.CallID
		cause pbx.Cause
	}
)

func (start) effect()    {}
func (revoke) effect()   {}
func (end) effect()      {}
func (hear) effect()     {}
func (early) effect()    {}
func (rung) effect()     {}
func (left) effect()     {}
func (joined) effect()   {}
func (parted) effect()   {}
func (answered) effect() {}
func (ended) effect()    {}

// lease finds a seat and checks that gen still rules it. gen 0 is a command from
// outside the program and needs no lease.
func (t *table) lease(id pbx.SessionID, gen uint64) (*seat, error) {
	s, ok := t.seats[id]
	switch {
	case !ok:
		return nil, ErrGone
	case gen != 0 && gen != s.gen:
		return nil, ErrMoved
	}
	return s, nil
}
