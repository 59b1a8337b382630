package pbx

// Tab names one open page of the client: whose it is, in which browser profile,
// and which of that profile's pages. Client and Tab are chosen by the page.
type Tab struct {
	User   string // user id, from the session, never from the page
	Client string // browser profile (X-Client-Id); rings as one device
	Tab    string // page (X-Tab-Id); stays the same when the page is reloaded
}

// TabInfo is what a page is when its socket opens.
type TabInfo struct {
	Tab
	Extension string // the user's number; empty: cannot call or be called
	UserAgent string
	Remote    string // ip:port the socket comes from
	// Send hands frames to the page, in order. It must not block; what it is
	// given may still come shortly after TabLink.Close.
	Send func(BrowserFrame)
}

// Browsers is the edge of browsers as sockets and the API see it. Its commands
// act for the user named in Tab and touch legs of that user only. Errors:
// NotFound for a leg that is not his, Conflict when the leg's state forbids it
// (the message says who was faster), Invalid for faulty input, Forbidden for a
// user without an extension, and those of starting a call.
type Browsers interface {
	// Connect makes a page known; it rings from now on if Extension is set. A
	// page of the same name takes the place of the earlier one, with its legs.
	// Invalid for client and tab ids that are not 1–64 of [A-Za-z0-9_-].
	Connect(TabInfo) (TabLink, error)
	// Dial starts a call of the page to a number.
	Dial(at Tab, to string) (Dialled, error)
	// Answer takes a ringing leg to the page; the page's other legs wait.
	Answer(at Tab, leg LegID) error
	// Reject refuses a ringing leg, on behalf of the person.
	Reject(at Tab, leg LegID) error
	// Hangup ends a leg in the way its state demands.
	Hangup(at Tab, leg LegID) error
	// Digits presses keys [0-9*#A-D] for the party, one after the other.
	Digits(at Tab, leg LegID, digits string) error
	// Activate gives microphone and loudspeaker of its page to the leg; the
	// page's other legs wait, and their other sides are on hold.
	Activate(at Tab, leg LegID) error
	// Hold makes a leg wait without putting another in its place.
	Hold(at Tab, leg LegID) error
	// Continue moves a leg to another page of the user.
	Continue(at Tab, leg LegID) error
	// Place says in which page a leg of the user is; ok is false for legs that
	// are not in a browser, or ring.
	Place(leg LegID) (at Tab, ok bool)
}

// TabLink is the open socket of one page.
type TabLink interface {
	// Offer takes the page's description of its media session ms and returns the
	// answer. A new ms is a new session; a known one goes on, after an ICE
	// restart. It takes some milliseconds. Errors: NotFound when why is "ice" and
	// the session is not known here: the page makes a new one; Invalid for a
	// description that cannot be used; TooMany.
	Offer(ms, sdp string, why OfferReason) (answer string, err error)
	// Pong says that the page lives; due every ten seconds. Offers count too.
	Pong()
	// Close says that the socket is gone. Legs are kept for the grace. It is
	// idempotent, and without effect when the page has come back since.
	Close()
}

// OfferReason is why a page offers.
type OfferReason string

// The reasons.
const (
	OfferNew OfferReason = "new" // a media session begins
	OfferICE OfferReason = "ice" // the way to the exchange changed (RFC 8445 §2.4)
)

// Dialled is a call that was started.
type Dialled struct {
	Call CallID
	Leg  LegID
}

// BrowserFrame is one message of the browser edge to a page. BrowserFrames lists
// them all.
type BrowserFrame interface{ browserFrame() }

// BrowserFrames returns a zero value of every frame there is, for documents.
func BrowserFrames() []BrowserFrame { return []BrowserFrame{RingFrame{}, RingStopFrame{}, LegFrame{}} }

// BrowserPeer is the other side of a leg as its user sees it.
type BrowserPeer struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// RingFrame says that a leg rings at every page of the browser.
type RingFrame struct {
	T    string      `json:"t" enum:"ring"`
	Leg  LegID       `json:"leg"`
	Call CallID      `json:"call"`
	From BrowserPeer `json:"from"`
}

// RingStopFrame says that a leg rings no longer.
type RingStopFrame struct {
	T      string    `json:"t" enum:"ring.stop"`
	Leg    LegID     `json:"leg"`
	Reason CauseCode `json:"reason"` // answered_elsewhere, cancelled, declined …; normal: answered in this page
	By     string    `json:"by"`     // tab id of the user's page that answered, else empty
}

// LegFrame is the state of one of the user's legs in a browser; every page of
// the user gets it.
type LegFrame struct {
	T     string       `json:"t" enum:"leg.changed"`
	Leg   LegID        `json:"leg"`
	Call  CallID       `json:"call"`
	State BrowserState `json:"state" enum:"dialling,ringing,up,ended"`
	// Active: it has microphone and loudspeaker of its page.
	Active bool `json:"active"`
	// Detached: its page is gone, and another may continue until the grace ends.
	Detached bool   `json:"detached"`
	Tab      string `json:"tab"`             // id of the page it is in
	Cause    *Cause `json:"cause,omitempty"` // of the end
}

// BrowserState is how far a leg of a browser has got.
type BrowserState string

// The states; a leg that rings at a browser has RingFrame instead.
const (
	BrowserDialling BrowserState = "dialling" // dialled, nobody is alerted yet
	BrowserRinging  BrowserState = "ringing"  // dialled, the other side is alerted
	BrowserUp       BrowserState = "up"
	BrowserEnded    BrowserState = "ended"
)

func (RingFrame) browserFrame()     {}
func (RingStopFrame) browserFrame() {}
func (LegFrame) browserFrame()      {}
