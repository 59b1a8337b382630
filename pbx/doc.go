// Package pbx is the vocabulary of the exchange: one file per noun (extension,
// device, target, cause, event …) and the ports that the rooms below it
// implement. It imports nothing but the standard library, and every other room
// may import it.
package pbx
