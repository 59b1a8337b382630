// Package browser is the edge of browsers: it makes a page of the client one
// more place where a leg can be. Commands come by REST, state and media
// descriptions by the socket; both belong to pbx/web and reach this room through
// the port pbx.Browsers.
//
//	user ── client (browser profile; rings as one device, "browser:<client>")
//	          └── tab (page; has the socket and one warm media session)
//	                └── legs (calls of the page, one of them active)
//
// A media session is not a call: legs come and go in front of it without any
// negotiation. A tab whose socket closed is kept, with session and legs, for the
// grace: a reloaded page finds its calls again, and another page may continue
// them.
package browser
