package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/store"
)

func (m *Main) seedCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "seed", Short: "Fill an empty database with the demo company", Args: cobra.NoArgs,
		Long: `Fill an empty database with the demo company of serve --demo. Its passwords are
known to everybody: an exchange on such a database serves this machine only. A
database that belongs to a real company is refused.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := m.load(c, map[string]string{"data.dir": demoDefaults(true)["data.dir"]})
			if err != nil {
				return err
			}
			unlock, err := lockData(cfg.DataDir)
			if err != nil {
				return err
			}
			defer unlock()
			return m.withStore(c.Context(), cfg, func(ctx context.Context, s *store.Store) error {
				if err := auth.Seed(ctx, s); err != nil {
					return err
				}
				_, err := fmt.Fprintf(m.Stdout, "%d people, 101 to 106; the web password is %s, the SIP secret of 101 is %s-101\n",
					len(auth.DemoPeople()), auth.DemoPassword, auth.DemoPassword)
				return err
			})
		},
	}
	addSettings(c)
	return c
}
