package sdp

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func local() Local {
	return Local{
		Addr: netip.MustParseAddrPort("198.51.100.10:20000"), SessionID: 4711, Version: 1,
		Codecs: DefaultCodecs(),
	}
}

// readOffers is testdata by the name of each file.
func readOffers(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.sdp")
	if err != nil || len(paths) < 15 {
		t.Fatalf("found %d offers, %v", len(paths), err)
	}
	offers := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		offers[strings.TrimSuffix(filepath.Base(path), ".sdp")] = b
	}
	return offers
}

func seed(f *testing.F) {
	f.Helper()
	for _, offer := range readOffers(f) {
		f.Add(offer)
	}
}

// Each file is an offer composed in the style of the product it is named after,
// not a capture; beside it lies what we make of it and answer. A new case is a
// new file.
func TestGolden(t *testing.T) {
	for product, offer := range readOffers(t) {
		t.Run(product, func(t *testing.T) {
			answer, s, err := Answer(offer, local())
			got := describe(s, answer, err)
			golden := filepath.Join("testdata", product+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func describe(s Session, answer []byte, err error) string {
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "remote:    %v\nrtcp:      %v\nsend:      %s\nreceive:  ", s.Remote, s.RemoteRTCP, name(s.Codec))
	for _, c := range s.Receive {
		b.WriteString(" " + name(c))
	}
	fmt.Fprintf(&b, "\nevents:    %s\nptime:     %v\ndirection: %s\nheld:      %v\n\n", name(s.Event), s.PTime, s.Direction, s.Held)
	b.WriteString(strings.ReplaceAll(string(answer), "\r\n", "\n"))
	return b.String()
}

func name(c Codec) string {
	if c.Name == "" {
		return "none"
	}
	return fmt.Sprintf("%s/%d=%d", c.Name, c.ClockRate, c.PT)
}
