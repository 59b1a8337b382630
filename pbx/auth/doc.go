// Package auth is who may do what: passwords, SIP secrets, the first
// administrator, the people of the demo, roles and their permissions.
package auth
