package peer

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggers hands our log to the WebRTC library. Strangers can cause most of what
// it has to say, so nothing of it is above debug, and its traces are left out.
type loggers struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return logger{l.log.With("webrtc", scope)}
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
