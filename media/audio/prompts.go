package audio

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"sync"
	"time"
)

// Names of the prompts that are built in, in every language of the product.
// There are also digit_0 to digit_9.
const (
	PromptNotInService = "not_in_service" // the number dialled does not exist
	PromptNotAvailable = "not_available"  // rang without answer, or nobody registered
	PromptBusy         = "busy"
	PromptFault        = "fault" // something broke on our side
	PromptGoodbye      = "goodbye"
)

// fallback is the language every prompt exists in.
const fallback = "en"

// ErrNoPrompt is wrapped when a prompt exists in no language we may use.
var ErrNoPrompt = errors.New("audio: no such prompt")

//go:embed prompts
var builtIn embed.FS

// Prompts is what the exchange says: the built-in prompts, each of which a file
// <language>/<name>.wav may replace or add to. It may be used by many goroutines.
type Prompts struct {
	own fs.FS // may be nil
	log *slog.Logger

	mu    sync.Mutex
	cache map[string]cached // by path in either file system, "own:" before ours
}

// cached is a clip, nil when it cannot be read, with the file's state when that
// was tried.
type cached struct {
	clip    *Clip
	changed time.Time
	size    int64
}

// NewPrompts makes the catalogue. own holds the replacements, such as
// os.DirFS of a directory, and may be nil; they are read again when they change.
func NewPrompts(own fs.FS, log *slog.Logger) *Prompts {
	return &Prompts{own: own, log: log, cache: make(map[string]cached)}
}

// Clip is the prompt of that name in lang, else in English. A replacement that
// cannot be read is logged and passed over. The error wraps ErrNoPrompt.
func (p *Prompts) Clip(lang, name string) (*Clip, error) {
	if !word(lang) {
		lang = fallback
	}
	if !word(name) {
		return nil, fmt.Errorf("%w: %q", ErrNoPrompt, name)
	}
	for _, l := range []string{lang, fallback} {
		file := path.Join(l, name+".wav")
		if p.own != nil {
			if c := p.load(p.own, file, "own:"+file); c != nil {
				return c, nil
			}
		}
		if c := p.load(builtIn, path.Join("prompts", file), file); c != nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoPrompt, name)
}

// word keeps names from leaving the directory: a-z, 0-9, _ and - only.
func word(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// load is the clip in a file, nil when there is none; it is read once until the
// file changes.
func (p *Prompts) load(from fs.FS, file, key string) *Clip {
	info, err := fs.Stat(from, file)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.cache[key]
	if ok && c.changed.Equal(info.ModTime()) && c.size == info.Size() {
		return c.clip
	}
	c = cached{changed: info.ModTime(), size: info.Size()}
	if c.clip, err = readClip(from, file); err != nil {
		p.log.Warn("prompt cannot be read", "file", file, "error", err)
	}
	p.cache[key] = c
	return c.clip
}

func readClip(from fs.FS, file string) (*Clip, error) {
	f, err := from.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	pcm, err := ReadWAV(f)
	if err != nil {
		return nil, err
	}
	return NewClip(pcm), nil
}
