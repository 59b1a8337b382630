package pbx_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The walls of the house. These tests read the files themselves: go list would
// be answered from a cache and miss what was just written.

const module = "klapka.dev/klapka/"

// maxLines is where a file is no longer one room.
const maxLines = 450

// wall says what the packages at and below a path may import of ours, and why.
// The longest path that fits a package is its wall. "*" is everything; an entry
// covers what lies below it. Every package may import those below itself.
type wall struct {
	may []string
	why string
}

var walls = map[string]wall{
	"cmd":     {[]string{"*"}, "commands put everything together"},
	"configs": {nil, "settings are plain values; whoever needs one is handed it"},

	"pbx":           {nil, "the vocabulary imports the standard library only, so that everybody can import it"},
	"pbx/exchange":  {[]string{"pbx", "media", "webclient", "admin"}, "it wires an exchange, but knows no command line and no configuration file"},
	"pbx/event":     {[]string{"pbx"}, "the bus carries values and knows nobody"},
	"pbx/store":     {[]string{"pbx"}, "rows are the vocabulary's, not a feature's"},
	"pbx/auth":      {[]string{"pbx"}, "who somebody is does not depend on what he does"},
	"pbx/directory": {[]string{"pbx", "pbx/event"}, "the hot copy of people and devices is of the vocabulary"},
	"pbx/registry":  {[]string{"pbx", "pbx/event"}, "where a device is reached is told by events"},
	"pbx/capacity":  {[]string{"pbx", "pbx/event"}, "load is counted from events"},
	"pbx/route":     {[]string{"pbx"}, "routing is a pure function of number and time"},
	"pbx/leg":       {[]string{"pbx", "pbx/event", "media"}, "a leg knows its party and its endpoint, not the call"},
	"pbx/sip":       {[]string{"pbx", "pbx/leg", "pbx/registry", "pbx/auth", "pbx/event", "media"}, "an edge speaks its protocol and knows no feature"},
	"pbx/browser":   {[]string{"pbx", "pbx/leg", "pbx/registry", "pbx/auth", "pbx/event", "media"}, "an edge speaks its protocol and knows no feature"},
	"pbx/call": {[]string{"pbx", "pbx/leg", "pbx/route", "pbx/registry", "pbx/capacity", "pbx/event", "media"},
		"the floor moves legs for all features and knows none"},
	"pbx/program": feature(), "pbx/ringgroup": feature(), "pbx/queue": feature(), "pbx/ivr": feature(), "pbx/voicemail": feature(),
	"pbx/park": feature(), "pbx/conference": feature(), "pbx/paging": feature(), "pbx/supervision": feature(),
	"pbx/trace":   {[]string{"pbx", "pbx/event"}, "a trace is told, it does not ask"},
	"pbx/cdr":     {[]string{"pbx", "pbx/event"}, "records are a view of events"},
	"pbx/webhook": {[]string{"pbx", "pbx/event"}, "it is told by events"},
	"pbx/notify":  {[]string{"pbx", "pbx/event"}, "it is told by events"},
	"pbx/chat":    {[]string{"pbx", "pbx/call", "pbx/event", "media"}, "conversations may become calls"},
	"pbx/room":    {[]string{"pbx", "pbx/call", "pbx/event", "media"}, "video rooms may become calls"},
	"pbx/web":     {[]string{"pbx", "pbx/event", "pbx/auth"}, "shared HTTP knows no page and no feature"},
	"pbx/pbxtest": {[]string{"pbx"}, "scripted phones meet the exchange on the wire, like real ones"},

	"media":     {[]string{"media"}, "sound knows nothing of telephony"},
	"webclient": {[]string{"pbx", "pbx/auth", "pbx/web"}, "the client commands through the ports of the vocabulary"},
	"admin":     {[]string{"pbx", "pbx/auth", "pbx/web"}, "the portal commands through the ports of the vocabulary"},
}

// vocabulary is the one package that an entry does not open what lies below.
const vocabulary = "pbx"

func feature() wall {
	return wall{[]string{"pbx", "pbx/call", "pbx/capacity", "pbx/event", "media"}, "features are programs on the floor; they never import each other"}
}

// foreign are libraries that one room keeps for itself.
var foreign = []struct {
	library string
	rooms   []string
	why     string
}{
	{"github.com/emiago/sipgo", []string{"pbx/sip", "pbx/pbxtest"}, "the SIP library is a detail of the SIP edge"},
	{"github.com/pion/webrtc", []string{"media/peer"}, "peer connections are a detail of one endpoint"},
	{"gorm.io/", []string{"pbx/store"}, "rows are a detail of the store"},
	{"github.com/labstack/echo", []string{"pbx/web", "webclient", "admin"}, "HTTP is a detail of the web"},
	{"github.com/spf13/cobra", []string{"cmd"}, "the command line is a detail of the command"},
}

// source is one parsed file.
type source struct {
	path    string // from the module's root, with slashes
	dir     string
	test    bool
	ignored bool // build tag "ignore": a program of its own
	lines   int
	file    *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, top := range []string{"cmd", "configs", "pbx", "media", "webclient", "admin"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "dist"):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go"):
				return nil
			}
			s, err := parse(path)
			all = append(all, s)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func parse(path string) (source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, data, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, fmt.Errorf("%s: %w", path, err)
	}
	rel := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
	return source{
		path: rel, dir: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"),
		ignored: bytes.Contains(data, []byte("//go:build ignore")),
		lines:   bytes.Count(data, []byte("\n")), file: f,
	}, nil
}

func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

// below reports whether dir is room or lies in it.
func below(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }

// roomOf is the longest path with a wall that dir lies in.
func roomOf(dir string) string {
	best := ""
	for room := range walls {
		if below(dir, room) && len(room) > len(best) {
			best = room
		}
	}
	return best
}

// allowed judges one import of ours, path without the module.
func allowed(s source, path string) bool {
	room := roomOf(s.dir)
	// The vocabulary is one package; the rooms below it are not part of it.
	if room != vocabulary && below(path, room) || path == s.dir {
		return true
	}
	if s.test && (path == "pbx/pbxtest" || path == "media/mediatest") {
		return true
	}
	for _, may := range walls[room].may {
		whole := may != vocabulary || room == "pbx/exchange"
		if may == "*" || path == may || whole && below(path, may) {
			return true
		}
	}
	return false
}

func TestWallsBetweenRooms(t *testing.T) {
	for _, s := range sources(t) {
		room := roomOf(s.dir)
		// A package below pbx needs a wall of its own: that of the vocabulary is
		// for the vocabulary.
		if room == "" || room == vocabulary && s.dir != vocabulary {
			t.Errorf("%s: the room %s is not in the table of walls", s.path, s.dir)
			continue
		}
		for _, imp := range s.imports() {
			path, ours := strings.CutPrefix(imp, module)
			if ours && !allowed(s, path) {
				t.Errorf("%s imports %s, and %s may not: %s", s.path, path, room, walls[room].why)
			}
			if !ours && room == vocabulary && !s.test && strings.Contains(imp, ".") {
				t.Errorf("%s imports %s: %s", s.path, imp, walls[room].why)
			}
		}
	}
}

func TestLibrariesBehindTheirWalls(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.imports() {
			for _, f := range foreign {
				if strings.HasPrefix(imp, f.library) && !slices.ContainsFunc(f.rooms, func(room string) bool { return below(s.dir, room) }) {
					t.Errorf("%s imports %s: %s", s.path, imp, f.why)
				}
			}
		}
	}
}

// The walls stand: what the table forbids is found.
func TestWallsRefuse(t *testing.T) {
	for _, tc := range []struct {
		dir, imp string
		test, ok bool
	}{
		{"pbx/queue", "pbx/ivr", false, false},
		{"pbx/queue", "pbx/call", false, true},
		{"pbx/queue", "pbx/leg", false, false},
		{"pbx/call", "pbx/sip", false, false},
		{"pbx/sip/transport", "pbx/sip/header", false, true},
		{"pbx/sip/digest", "pbx/call", false, false},
		{"pbx/event", "pbx/store", false, false},
		{"pbx/store", "pbx", false, true},
		{"pbx", "pbx/event", false, false},
		{"media/rtp", "media/codec", false, true},
		{"media/rtp", "pbx", false, false},
		{"media/rtp", "pbx/pbxtest", false, false},
		{"media/rtp", "pbx/pbxtest", true, true},
		{"pbx/exchange", "configs", false, false},
		{"pbx/exchange", "pbx/sip", false, true},
		{"webclient", "pbx/call", false, false},
		{"cmd/klapka", "configs", false, true},
	} {
		if got := allowed(source{dir: tc.dir, test: tc.test}, tc.imp); got != tc.ok {
			t.Errorf("%s (test %v) imports %s: allowed %v, want %v", tc.dir, tc.test, tc.imp, got, tc.ok)
		}
	}
}

// Every package says what it is, once.
func TestEveryPackageHasOneDoc(t *testing.T) {
	docs := map[string][]string{}
	for _, s := range sources(t) {
		if s.test || s.ignored {
			continue
		}
		if _, ok := docs[s.dir]; !ok {
			docs[s.dir] = nil
		}
		if s.file.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s.path)
		}
	}
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("%s has %d package comments, want one: %v", dir, len(files), files)
		}
	}
}

func TestFilesAreOneRoom(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxLines {
			t.Errorf("%s has %d lines; at most %d", s.path, s.lines, maxLines)
		}
	}
}
