// Package session is who is signed in with a browser: sign-in by number or
// e-mail, the cookie's life, the throttle in front of the password, and the list
// of a person's sign-ins, each of which can be ended. It knows no HTTP.
package session
