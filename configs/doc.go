// Package configs reads the configuration of the process: where to listen,
// where to store, and the limits that must hold before anybody can sign in.
// Everything else is data and edited in the admin portal.
//
// Each setting has one name in three spellings: sip.udp in the file,
// KLAPKA_SIP_UDP in the environment, --sip-udp on the command line. A flag wins
// over a variable, a variable over the file, the file over the default. One
// table (keys.go) says all there is to say about a setting; parsing, the
// commented example, the help text and the manual are made from it. Load
// reports every fault at once, each with the line or the name it came from.
package configs
