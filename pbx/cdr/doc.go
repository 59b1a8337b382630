// Package cdr keeps the call records: who called whom, what rang, who answered,
// how it ended and how it sounded. A record is a view of the call's events and of
// nothing else, so that it is the same whoever was killed, away or restarted
// meanwhile.
package cdr
