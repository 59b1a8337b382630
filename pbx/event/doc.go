// Package event is the exchange's one order of what happened: the bus and its
// journal.
//
// Contract. Publish numbers an event, appends it to the journal when it is
// history (one write, synced within a second by a goroutine of the bus), and
// hands it to the subscribers; concurrent publishers are serialised, and every
// subscriber sees the same order. Publish never waits for a subscriber, nor for
// the disk to be synced.
//
// A lossy subscription (screens, lamps, tests) is a bounded queue; when it
// overflows, the subscription is closed with Lagged and its owner starts again
// from a snapshot. A lossless one (call records, registrations, webhooks) is a
// Follower: it reads history from the journal by cursor, at its own pace, across
// restarts and database outages, and stores the cursor in the transaction that
// stores its result. So kill -9 loses nothing, an outage only delays, and every
// event counts once.
//
// Numbers. The epoch grows by one with each Open. Within it Seq grows by one with
// each event; at each Open it leaps ahead, so that no number is ever given twice,
// not even those of events that a loss of power took from the journal after a
// follower had stored its cursor behind them. Only history is journalled, so
// there are holes in the numbers of the journal.
//
// A follower may linger, so that its ledger has few large transactions instead of
// many small ones. The last events written are kept in memory: who keeps up does
// not read the files.
//
// The journal is a directory of files, each named by the lowest number it may
// hold: a header, then one line for each event, a checksum in front of JSON. A
// line that was being written when the process died is cut off at the next Open,
// a damaged one is passed over, both with a line in the log. While the disk
// refuses (it is full), history waits in a bounded queue in memory, screens go on,
// and followers get it when it was written.
//
// A subscriber must not publish from within its handler synchronously waiting
// for the result to come back; it may publish and go on.
package event
