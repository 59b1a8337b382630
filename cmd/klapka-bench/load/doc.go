//go:build linux

// Package load is the traffic of klapka-bench: phones that register and call,
// parties that talk, and what they noticed. It is bounded in count and time, and
// cheap, because it shares the machine with what it measures.
package load
