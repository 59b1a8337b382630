package auth

import "klapka.dev/klapka/pbx"

// Permission is something a person may be allowed to do.
type Permission string

// The closed set of permissions.
const (
	OwnAccount   Permission = "own_account"   // own password, language and sign-ins
	OwnCalls     Permission = "own_calls"     // make, take and end own calls; own history
	SeePeople    Permission = "see_people"    // names, numbers and whether a line is free
	Monitor      Permission = "monitor"       // everybody's running calls and registrations
	ManageCalls  Permission = "manage_calls"  // move and end other people's calls
	SeeRecords   Permission = "see_records"   // everybody's call records
	SeeTrace     Permission = "see_trace"     // the messages and decisions behind a call
	ManagePeople Permission = "manage_people" // users, extensions, devices and their secrets
	ManageSystem Permission = "manage_system" // settings and bans
)

// Permissions lists every permission, for tables that must be complete.
var Permissions = [...]Permission{
	OwnAccount, OwnCalls, SeePeople, Monitor, ManageCalls, SeeRecords, SeeTrace, ManagePeople, ManageSystem,
}

// Allows reports whether a role includes a permission. Each role may do what the
// ones before it may; an unknown role or permission is refused.
func Allows(role pbx.Role, p Permission) bool {
	switch p {
	case OwnAccount, OwnCalls, SeePeople:
		return role.Valid()
	case Monitor, ManageCalls, SeeRecords:
		return role == pbx.RoleSupervisor || role == pbx.RoleAdministrator
	case SeeTrace, ManagePeople, ManageSystem:
		return role == pbx.RoleAdministrator
	}
	return false
}
