package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/cmd/klapka/doctor"
	"klapka.dev/klapka/pbx/exchange"
)

func (m *Main) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Say what would keep the exchange from running well here", Args: cobra.NoArgs,
		Long: `Look at the configuration, the data directory, the database, the ports, the
certificate and the limits of this machine, and say how to mend what is wrong.
Nothing is changed. The exit code is 1 when something is broken.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := m.load(c, nil)
			if err != nil {
				return err
			}
			findings := doctor.Examine(c.Context(), doctor.Patient{
				Config: cfg, Running: dataIsLocked(cfg.DataDir), Network: exchange.Machine(),
			})
			broken, err := doctor.Report(m.Stdout, findings)
			if err == nil && broken > 0 {
				err = errReported
			}
			return err
		},
	}
	addSettings(c)
	return c
}

// dataIsLocked reports whether a process has the data directory, without making
// anything.
func dataIsLocked(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return false
	}
	release, err := lockData(dir)
	if err != nil {
		return true
	}
	release()
	return false
}
