// Package pionlog lets the WebRTC libraries write to our log.
package pionlog

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// Factory hands our log to the WebRTC libraries. Strangers can cause most of what
// they have to say, so nothing of it is above debug, and their traces are left out.
type Factory struct{ Log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (f Factory) NewLogger(scope string) logging.LeveledLogger {
	return logger{f.Log.With("webrtc", scope)}
}

type logger struct{ log *slog.Logger }

func (l logger) say(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(fmt.Sprintf(format, args...))
	}
}

func (logger) Trace(string)                        {}
func (logger) Tracef(string, ...any)               {}
func (l logger) Debug(string)                      {}
func (l logger) Debugf(string, ...any)             {}
func (l logger) Info(msg string)                   { l.say("%s", msg) }
func (l logger) Infof(format string, args ...any)  { l.say(format, args...) }
func (l logger) Warn(msg string)                   { l.say("%s", msg) }
func (l logger) Warnf(format string, args ...any)  { l.say(format, args...) }
func (l logger) Error(msg string)                  { l.say("%s", msg) }
func (l logger) Errorf(format string, args ...any) { l.say(format, args...) }
