// Package mediatest listens: a known tone goes in at one end of a call and must
// be found at the other, in every second, without a gap and without the tones
// that do not belong there. It works on recordings of real phones as well as on
// frames within a test.
package mediatest
