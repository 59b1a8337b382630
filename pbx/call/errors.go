package call

import "klapka.dev/klapka/pbx"

// Refusals of the floor; each is a Conflict with a sentence for people.
var (
	// ErrMoved means that the lease is over: the leg has been sent elsewhere.
	ErrMoved = &pbx.Error{Code: pbx.Conflict, Message: "the call has been moved"}
	// ErrGone means that the leg has ended.
	ErrGone = &pbx.Error{Code: pbx.Conflict, Message: "the call has ended"}
	// ErrTaken means that somebody else has answered.
	ErrTaken = &pbx.Error{Code: pbx.Conflict, Message: "the call has already been answered"}
	// ErrClosed means that ringing was stopped.
	ErrClosed = &pbx.Error{Code: pbx.Conflict, Message: "the call is no longer ringing"}
	// ErrSeated means that the leg or call exists already.
	ErrSeated = &pbx.Error{Code: pbx.Conflict, Message: "the call exists already"}
	// ErrFull means that the bridge takes no further talker.
	ErrFull = &pbx.Error{Code: pbx.Conflict, Message: "two parties are talking already"}
	// ErrNoMedia means that the party cannot hear anything yet.
	ErrNoMedia = &pbx.Error{Code: pbx.Conflict, Message: "the party cannot hear anything before it is answered"}
	// ErrStopping means that the exchange takes no new calls.
	ErrStopping = &pbx.Error{Code: pbx.Unavailable, Message: "the exchange is being stopped"}
	// ErrCrowded means that the limit of concurrent calls is reached.
	ErrCrowded = &pbx.Error{Code: pbx.TooMany, Message: "too many calls at once"}
)
