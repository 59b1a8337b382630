// Package peertest is a browser for tests: a peer connection that offers what
// Chromium offers, says a tone, and remembers what it hears.
package peertest
