// Package event is the exchange's one order of what happened: the bus and its
// journal.
//
// Contract. Publish numbers an event, appends it to the journal when it is
// history (one write, synced once a second by a goroutine of the bus), and hands
// it to the subscribers; concurrent publishers are serialised, and every
// subscriber sees the same order. Publish never waits for a subscriber.
//
// A lossy subscription (screens, lamps, tests) is a bounded queue; when it
// overflows, the subscription is closed with Lagged and its owner starts again
// from a snapshot. A lossless subscription (call records, registrations,
// webhooks) reads history from the journal by cursor, at its own pace, across
// restarts and database outages, and stores the cursor in the transaction that
// stores its result.
//
// A subscriber must not publish from within its handler synchronously waiting
// for the result to come back; it may publish and go on.
package event
