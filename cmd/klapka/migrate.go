package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/store"
)

func (m *Main) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version's schema", Args: cobra.NoArgs,
		Long: `Bring the database to the schema of this version; serve does the same at its
start. It only ever goes forward: make a backup first if you may want to go back.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := m.load(c, nil)
			if err != nil {
				return err
			}
			unlock, err := lockData(cfg.DataDir)
			if err != nil {
				return err
			}
			defer unlock()
			return m.withStore(c.Context(), cfg, func(ctx context.Context, s *store.Store) error {
				_, err := fmt.Fprintf(m.Stdout, "%s: schema %d\n", s.Server(), store.Latest())
				return err
			})
		},
	}
	addSettings(c)
	return c
}

// withStore opens and migrates the database for one command.
func (m *Main) withStore(ctx context.Context, cfg *configs.Config, do func(context.Context, *store.Store) error) error {
	quiet := *cfg
	if quiet.Log.Level == "info" { // what a start tells is no news to who runs a command
		quiet.Log.Level = "warn"
	}
	s, err := store.Open(ctx, store.Options{URL: cfg.DatabaseURL, Dir: cfg.DataDir, Log: m.logger(&quiet)})
	if err != nil {
		return err
	}
	err = s.Migrate(ctx)
	if err == nil {
		err = do(ctx, s)
	}
	return errors.Join(err, s.Close())
}
