// Package program holds the programs every exchange has: ringing an extension,
// the echo test, and the announcements. Features with options and desks of their
// own have rooms of their own.
package program

import (
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/call"
)

// People is who has which number and device.
type People interface {
	// DevicesOf returns the enabled devices of an extension in service.
	DevicesOf(number string) []pbx.Device
	// Party is how the extension is shown.
	Party(number, device string) pbx.PartyInfo
}

// Bindings is where devices are reached now.
type Bindings interface {
	// Bindings returns the contacts of the device that have not expired.
	Bindings(device string) []pbx.Binding
}

// Browsers is in which browsers people are signed in now.
type Browsers interface {
	// Bindings returns one contact for each browser of the extension's owner that
	// can ring.
	Bindings(extension string) []pbx.Binding
}

// Catalogue finds the program of a target.
type Catalogue struct {
	People   People
	Bindings Bindings
	Browsers Browsers // nil: none
	Prompts  *audio.Prompts
	// Ringback says at which edges callers hear nothing by themselves while it
	// rings, as browsers do; phones make the tone when they are told. nil: none.
	Ringback func(edge string) bool
	RingTime time.Duration // how long an extension rings; 0: 30 s
}

// Program implements call.Programs. NotFound for a kind that is not here.
func (c *Catalogue) Program(t pbx.Target) (call.Program, error) {
	switch t.Kind {
	case pbx.TargetExtension:
		return extension{c, t.ID}, nil
	case pbx.TargetEcho:
		return call.ProgramFunc(echo), nil
	case pbx.TargetAnnouncement:
		return announcement{c.Prompts, pbx.CauseCode(t.ID)}, nil
	}
	return nil, pbx.Errorf(pbx.NotFound, "nothing answers to %s", t)
}
