// Package live is what people see change by itself: whether a line is free, and
// the calls a person is in. A Projector makes it from events, with no clock and
// no lock of its own; whoever owns it can bring it in line with the exchange at
// any time by Reset.
package live
