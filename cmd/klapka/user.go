package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/store"
)

// userCommand manages people from the command line: what the portal does, for
// scripts and for who locked himself out. It may be used while the exchange runs.
func (m *Main) userCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "user", Short: "People: list, add, password, device, enable, disable",
		Long: `People, by their extension number or e-mail address. It can be used while the
exchange runs, which notices within seconds. Passwords are read from standard
input, never from the command line, where other users of the machine see them.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(m.userListCommand(), m.userAddCommand(), m.userPasswordCommand(), m.userDeviceCommand(),
		m.userSwitchCommand("enable", "Let a person sign in and his phones register again", false),
		m.userSwitchCommand("disable", "Keep a person from signing in and his phones from registering", true))
	return c
}

// people is what the user commands work on.
type people struct {
	store    *store.Store
	accounts *auth.Accounts
}

// userAction makes a command that works on people.
func (m *Main) userAction(c *cobra.Command, do func(ctx context.Context, p people, args []string) error) *cobra.Command {
	addSettings(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := m.load(c, nil)
		if err != nil {
			return err
		}
		return m.withStore(c.Context(), cfg, func(ctx context.Context, s *store.Store) error {
			if _, err := auth.EnsureSettings(ctx, s, pbx.Settings{Realm: cfg.SIPRealm}); err != nil {
				return err
			}
			return do(ctx, people{s, auth.NewAccounts(s, auth.NewHasher(1))}, args)
		})
	}
	return c
}

func (m *Main) userListCommand() *cobra.Command {
	return m.userAction(&cobra.Command{Use: "list", Short: "List everybody", Args: cobra.NoArgs},
		func(ctx context.Context, p people, _ []string) error {
			users, err := p.store.Users(ctx)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "NUMBER\tNAME\tE-MAIL\tROLE\tSTATE") // w keeps its error for Flush
			for _, u := range users {
				ext, err := p.store.ExtensionOf(ctx, u.ID)
				if err != nil && pbx.CodeOf(err) != pbx.NotFound {
					return err
				}
				state := "active"
				if u.Disabled {
					state = "disabled"
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", ext.Number, u.Name(), u.Email, u.Role, state)
			}
			return w.Flush()
		})
}

func (m *Main) userAddCommand() *cobra.Command {
	var n auth.NewPerson
	var role, language string
	c := &cobra.Command{
		Use: "add NUMBER", Short: "Add a person with an extension and a first phone", Args: cobra.ExactArgs(1),
		Long: `Add a person with an extension and a first phone. The password for the web is
read from standard input; an empty line means that he cannot sign in. The secret
of the phone is printed, once.`,
		Example: "  printf '%s\\n' \"$PASSWORD\" | klapka user add 107 --first-name Eva --last-name Malá --email eva@example.com",
	}
	m.userAction(c, func(ctx context.Context, p people, args []string) error {
		password, err := m.readLine()
		if err != nil {
			return err
		}
		n.Number, n.Password, n.Device = args[0], password, "Phone"
		n.User.Role, n.User.Language = pbx.Role(role), pbx.Language(language)
		made, err := p.accounts.CreatePerson(ctx, n)
		if err != nil {
			return err
		}
		return m.showSecret(made.Device, made.Secret)
	})
	f := c.Flags()
	f.StringVar(&n.User.FirstName, "first-name", "", "first name")
	f.StringVar(&n.User.LastName, "last-name", "", "last name")
	f.StringVar(&n.User.Email, "email", "", "e-mail address, with which he signs in")
	f.StringVar(&role, "role", string(pbx.RoleUser), "user, supervisor or administrator")
	f.StringVar(&language, "language", string(pbx.English), "en, de or cs")
	return c
}

func (m *Main) userPasswordCommand() *cobra.Command {
	return m.userAction(&cobra.Command{Use: "password WHO", Short: "Set a password, read from standard input", Args: cobra.ExactArgs(1)},
		func(ctx context.Context, p people, args []string) error {
			u, err := p.find(ctx, args[0])
			if err != nil {
				return err
			}
			password, err := m.readLine()
			if err != nil {
				return err
			}
			if err := p.accounts.SetPassword(ctx, u.ID, password); err != nil {
				return err
			}
			// Whoever knew the old one is signed out.
			if err := p.store.DeleteWebSessionsOf(ctx, u.ID, ""); err != nil {
				return err
			}
			_, err = fmt.Fprintf(m.Stdout, "%s has a new password and is signed out everywhere\n", u.Name())
			return err
		})
}

func (m *Main) userDeviceCommand() *cobra.Command {
	var name string
	c := &cobra.Command{Use: "device NUMBER", Short: "Add a further phone to an extension and print its secret", Args: cobra.ExactArgs(1)}
	m.userAction(c, func(ctx context.Context, p people, args []string) error {
		d, secret, err := p.accounts.AddDevice(ctx, args[0], name)
		if err != nil {
			return err
		}
		return m.showSecret(d, secret)
	})
	c.Flags().StringVar(&name, "name", "Phone", "what the phone is called")
	return c
}

func (m *Main) userSwitchCommand(use, short string, disabled bool) *cobra.Command {
	return m.userAction(&cobra.Command{Use: use + " WHO", Short: short, Args: cobra.ExactArgs(1)},
		func(ctx context.Context, p people, args []string) error {
			u, err := p.find(ctx, args[0])
			if err != nil {
				return err
			}
			err = p.store.Within(ctx, func(tx pbx.People) error { return switchPerson(ctx, tx, u.ID, disabled) })
			if err == nil && disabled {
				err = p.store.DeleteWebSessionsOf(ctx, u.ID, "")
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(m.Stdout, "%s is %sd\n", u.Name(), use)
			return err
		})
}

// switchPerson disables or enables a user and his extension together.
func switchPerson(ctx context.Context, tx pbx.People, id string, disabled bool) error {
	u, err := tx.User(ctx, id)
	if err != nil {
		return err
	}
	u.Disabled = disabled
	if err := tx.UpdateUser(ctx, &u); err != nil {
		return err
	}
	ext, err := tx.ExtensionOf(ctx, id)
	if pbx.CodeOf(err) == pbx.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	ext.Disabled = disabled
	return tx.UpdateExtension(ctx, &ext)
}

// find returns a person by number or e-mail address.
func (p people) find(ctx context.Context, who string) (pbx.User, error) {
	if strings.Contains(who, "@") {
		return p.store.UserByEmail(ctx, strings.ToLower(who))
	}
	ext, err := p.store.Extension(ctx, who)
	if err != nil {
		return pbx.User{}, err
	}
	if ext.UserID == "" {
		return pbx.User{}, pbx.Errorf(pbx.NotFound, "extension %s belongs to nobody", who)
	}
	return p.store.User(ctx, ext.UserID)
}

// readLine reads a password from standard input.
func (m *Main) readLine() (string, error) {
	line, err := bufio.NewReader(m.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (m *Main) showSecret(d pbx.Device, secret string) error {
	_, err := fmt.Fprintf(m.Stdout, "SIP user name  %s\nSIP secret     %s\n\nThe secret cannot be shown again.\n", d.Username, secret)
	return err
}
