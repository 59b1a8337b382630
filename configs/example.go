package configs

import (
	"fmt"
	"strings"
)

// Example is the commented configuration file: every setting with its default.
// configs/klapka.example.yaml is this text.
func Example() string {
	var b strings.Builder
	b.WriteString(`# The configuration of Klapka. Everything here is the default: without any file
# the exchange runs just so. Each setting can also be given in the environment
# (sip.udp is KLAPKA_SIP_UDP) or on the command line (--sip-udp); the command
# line wins over the environment, and the environment over this file.
#
#   klapka serve --config klapka.yaml
`)
	section := ""
	for _, k := range Keys() {
		s, name, _ := strings.Cut(k.Path, ".")
		if s != section {
			fmt.Fprintf(&b, "\n%s:\n", s)
			section = s
		}
		for _, line := range wrap(k.Doc, 74) {
			fmt.Fprintf(&b, "  # %s\n", line)
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, quoted(k.Default))
	}
	return b.String()
}

// Table is the manual's list of settings, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| setting | variable | flag | default | meaning |\n|---|---|---|---|---|\n")
	for _, k := range Keys() {
		def := "empty"
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | `--%s` | %s | %s |\n", k.Path, k.Env(), k.Flag(), def, strings.ReplaceAll(k.Doc, "|", "\\|"))
	}
	return b.String()
}

// quoted writes a value so that YAML reads the same text back.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, ":#,[]{}&*!|>'\"%@`") {
		return `"` + s + `"`
	}
	return s
}

// wrap breaks a text into lines of at most width characters.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
