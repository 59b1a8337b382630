package auth

import (
	"context"
	"strings"

	"klapka.dev/klapka/pbx"
)

// DemoPassword signs every person of the demo in. It is shorter than a person
// may choose, and printed at each start: a demo is for one's own machine.
const DemoPassword = "klapka-demo"

// demoCompany is the name of the company of the demo.
const demoCompany = "Klapka Demo"

// DemoPerson is somebody of the demo, with all it takes to be him.
type DemoPerson struct {
	Number   string
	User     pbx.User
	Password string
	Secret   string // of the device whose user name is Number
}

// DemoPeople returns the people of the demo, in the order of their numbers.
func DemoPeople() []DemoPerson {
	return []DemoPerson{
		demoPerson("101", "Anna", "Huber", pbx.RoleAdministrator, pbx.German),
		demoPerson("102", "Pavel", "Novák", pbx.RoleSupervisor, pbx.Czech),
		demoPerson("103", "Emily", "Carter", pbx.RoleUser, pbx.English),
		demoPerson("104", "Jürgen", "Köhler", pbx.RoleUser, pbx.German),
		demoPerson("105", "Zuzana", "Dvořáková", pbx.RoleUser, pbx.Czech),
		demoPerson("106", "Oliver", "Smith", pbx.RoleUser, pbx.English),
	}
}

func demoPerson(number, first, last string, role pbx.Role, language pbx.Language) DemoPerson {
	local := strings.NewReplacer("ü", "ue").Replace(strings.ToLower(first))
	return DemoPerson{
		Number: number,
		User: pbx.User{
			FirstName: first, LastName: last, Email: local + "@demo.klapka.example", Role: role, Language: language,
		},
		Password: DemoPassword,
		Secret:   "klapka-demo-" + number,
	}
}

// Seed fills a store with the demo: the company, six people, a device each. It
// may be called at every start: who is there already stays as he is. A store
// that belongs to a real company is refused with Conflict.
func Seed(ctx context.Context, store Store) error {
	settings, err := EnsureSettings(ctx, store, pbx.Settings{Company: demoCompany, Demo: true})
	if err != nil {
		return err
	}
	if !settings.Demo {
		return pbx.Errorf(pbx.Conflict, "these data belong to a real company: the demo needs a directory of its own")
	}
	absent, err := absentFrom(ctx, store)
	if err != nil || len(absent) == 0 {
		return err
	}
	// One hash for all: the password is no secret, and a start should be quick.
	hash, err := NewHasher(1).Hash(ctx, DemoPassword)
	if err != nil {
		return err
	}
	return store.Within(ctx, func(tx pbx.People) error {
		for _, p := range absent {
			n := NewPerson{User: p.User, Number: p.Number, Device: "Desk phone"}
			if _, err := create(ctx, tx, n, hash, p.Secret); err != nil {
				return err
			}
		}
		return nil
	})
}

// absentFrom lists the people of whom neither number nor e-mail is there.
func absentFrom(ctx context.Context, people pbx.People) ([]DemoPerson, error) {
	var absent []DemoPerson
	for _, p := range DemoPeople() {
		_, err := people.Extension(ctx, p.Number)
		if pbx.CodeOf(err) == pbx.NotFound {
			_, err = people.UserByEmail(ctx, p.User.Email)
		}
		switch pbx.CodeOf(err) {
		case "":
		case pbx.NotFound:
			absent = append(absent, p)
		default:
			return nil, err
		}
	}
	return absent, nil
}
