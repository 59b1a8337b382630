package browser

// The port of this room is declared in the vocabulary, because pbx/web and
// webclient may not import an edge: pbx.Browsers (commands and Connect),
// pbx.TabLink (one socket) and the frames that pbx.BrowserFrames lists.
