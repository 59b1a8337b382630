// Package call is the exchange's one call model: who sits where (the floor),
// what each leg is going through (sessions and their programs), where sound
// meets (bridges) and how people are rung (forks).
//
// The floor is one table under one mutex. Every change is a command, a pure
// function from the table to effects or a refusal (floor*.go); effects are posted
// to legs, sessions and the event bus in the order in which they arose. Programs
// may wait; legs and the floor never do. Every race (answer, pickup, caller gone)
// is decided by the order in which commands reach the floor, and nowhere else.
package call
