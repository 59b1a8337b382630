//go:build ignore

// Command gen writes klapka.example.yaml and the table of settings in
// docs/operating.md from the one table of settings.
package main

import (
	"log"
	"os"
	"strings"

	"klapka.dev/klapka/configs"
)

const begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"

func main() {
	if err := os.WriteFile("configs/klapka.example.yaml", []byte(configs.Example()), 0o644); err != nil {
		log.Fatal(err)
	}
	const manual = "docs/operating.md"
	data, err := os.ReadFile(manual)
	if err != nil {
		log.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		log.Fatalf("%s has lost its marks", manual)
	}
	if err := os.WriteFile(manual, []byte(before+begin+configs.Table()+end+after), 0o644); err != nil {
		log.Fatal(err)
	}
}
