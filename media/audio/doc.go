// Package audio is sound that is kept: files, tones, the prompts the exchange
// speaks, and the player that lets a party hear them.
//
//	file or tone → PCM → Clip (frames encoded once per codec) → Player → Sink
//
// Clips are immutable and shared by all calls; a Player belongs to one playing.
package audio
