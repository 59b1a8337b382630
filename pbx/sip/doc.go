// Package sip is the SIP edge of the exchange: it turns what telephones say on
// the wire into inputs of legs, and what legs want into requests and responses.
//
// Beneath it, the library sipgo parses, transports and keeps transactions;
// everything above a transaction is ours. A usage is the wire side of one leg:
// the INVITE usage of one dialog (RFC 5057), found again by our own local tag,
// which is the leg's id. Whatever happens to a usage (requests, responses,
// timers, verbs of its leg) runs one after the other through its queue, so that
// nothing here needs a lock and no verb of a leg ever waits for the network.
//
// The package knows nothing of calls: offer and answer are passed to the leg as
// they are, a caller is who proved to be a device, and who is dialled is the
// business of the host.
package sip
