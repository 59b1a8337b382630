package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/exchange"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitLocked = 3
	exitForced = 130
)

// version is set by -ldflags "-X main.version=…".
var version = "development"

// Main is the program without its process: what it would take from there is in
// its fields, so that a test can boot it.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Signals        <-chan os.Signal
}

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error
}

// Error implements error.
func (e exitError) Error() string { return e.err.Error() }

// Unwrap lets errors.As see what is inside.
func (e exitError) Unwrap() error { return e.err }

// errReported ends the program with exitFailed when everything was said already.
var errReported = errors.New("")

// Run executes one command line and returns the exit code.
func (m *Main) Run(args []string) int {
	root := m.command()
	root.SetArgs(args)
	root.SetIn(m.Stdin)
	root.SetOut(m.Stdout)
	root.SetErr(m.Stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	// If standard error is gone, the exit code still tells.
	_, _ = io.WriteString(m.Stderr, complaint(err))
	return codeOf(err)
}

// complaint is the error as people read it, each fault on its own line.
func complaint(err error) string {
	var faults configs.Faults
	var plain *pbx.Error
	switch {
	case errors.As(err, &plain):
		return "klapka: " + plain.Message + "\n" // a sentence for people
	case errors.As(err, &faults) && len(faults) > 1:
		return fmt.Sprintf("klapka: the configuration has %d faults:\n%s\n", len(faults), err)
	case err.Error() == "":
		return ""
	}
	return "klapka: " + err.Error() + "\n"
}

func codeOf(err error) int {
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	var faults configs.Faults
	if errors.As(err, &faults) {
		return exitUsage
	}
	return exitFailed
}

func (m *Main) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "klapka",
		Short: "A telephone exchange in one program",
		Long: `Klapka is a telephone exchange in one program.

Every setting can stand in a file (--config, or klapka.yaml in the working
directory), in the environment or on the command line; the last one wins.

Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 the data
directory is in use, 130 stopped at once by a second signal.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{exitUsage, err} })
	root.AddCommand(m.serveCommand(), m.migrateCommand(), m.userCommand(), m.seedCommand(), m.doctorCommand(), m.versionCommand(), m.openapiCommand())
	usageErrors(root)
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return root
}

// usageErrors gives wrong arguments their exit code, all the way down.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exitError{exitUsage, fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}

func (m *Main) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(m.Stdout, "klapka "+version)
			return err
		},
	}
}

// openapiCommand is for the build of the pages, hence hidden.
func (m *Main) openapiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the description of the API", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			doc, err := exchange.Document(version)
			if err == nil {
				_, err = m.Stdout.Write(append(doc, '\n'))
			}
			return err
		},
	}
}
