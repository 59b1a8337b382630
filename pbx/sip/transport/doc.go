// Package transport is the SIP edge's contact with the network: listeners
// (edges), the flows that lead back to a peer, and the guard in front of them.
//
// Underneath are sipgo's parser, transports and transactions, one user agent per
// listener, so that a message always knows where it came in. Nothing of sipgo's
// routing is trusted: whom a message goes to is decided by its Flow alone.
//
// What a peer sends passes the guard as bytes before it costs anything: bans,
// rates, size and shape. What we send passes Sanitize as a message before it is
// serialised. Handlers see neither.
package transport
