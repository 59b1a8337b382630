// Command klapka is the telephone exchange.
//
// Exit codes: 0 done; 1 it failed; 2 the command line or the configuration is
// wrong; 3 another process holds the data directory; 130 a second signal cut an
// orderly shutdown short.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	m := &Main{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Signals: signals,
	}
	os.Exit(m.Run(os.Args[1:]))
}
