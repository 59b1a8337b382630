package auth_test

import (
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
)

// TestAllows is the table of who may do what (Y-05, Y-12, Y-19): user,
// supervisor, administrator.
func TestAllows(t *testing.T) {
	table := map[auth.Permission][3]bool{
		auth.OwnAccount:   {true, true, true},
		auth.OwnCalls:     {true, true, true},
		auth.SeePeople:    {true, true, true},
		auth.Monitor:      {false, true, true},
		auth.ManageCalls:  {false, true, true},
		auth.SeeRecords:   {false, true, true},
		auth.SeeTrace:     {false, false, true},
		auth.ManagePeople: {false, false, true},
		auth.ManageSystem: {false, false, true},
	}
	for _, p := range auth.Permissions {
		row, ok := table[p]
		if !ok {
			t.Errorf("%s has no row", p)
		}
		for i, role := range []pbx.Role{pbx.RoleUser, pbx.RoleSupervisor, pbx.RoleAdministrator} {
			if auth.Allows(role, p) != row[i] {
				t.Errorf("%s may %s: %v", role, p, !row[i])
			}
		}
		for _, nobody := range []pbx.Role{"", "root"} {
			if auth.Allows(nobody, p) {
				t.Errorf("%q may %s", nobody, p)
			}
		}
	}
	if len(table) != len(auth.Permissions) || auth.Allows(pbx.RoleAdministrator, "fly") {
		t.Error("the set of permissions is not closed")
	}
}
