package configs

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// yamlLine finds the line in the parser's own messages, which are its only form
// of a position.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// file reads the settings of a YAML document of two levels, section and name.
// Nodes rather than structs are read, because they carry their line.
func (l *loader) file(name string, data []byte) {
	at := func(line int) Origin { return Origin{Kind: FromFile, Name: name, Line: line} }
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file is in order
			l.yamlFault(at, err)
		}
		return
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return
	}
	if root.Kind != yaml.MappingNode {
		l.fault(at(root.Line), "", "the file must be made of sections such as \"sip:\"")
		return
	}
	l.sections(at, root)
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		l.fault(at(more.Line), "", "a second document begins here; only the first is read")
	} else if !errors.Is(err, io.EOF) {
		l.yamlFault(at, err)
	}
}

func (l *loader) yamlFault(at func(int) Origin, err error) {
	line := 0
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	l.fault(at(line), "", "this is not YAML: %s", text)
}

func (l *loader) sections(at func(int) Origin, root *yaml.Node) {
	var names []string
	for _, k := range l.keys {
		section, _, _ := strings.Cut(k.Path, ".")
		if !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, val := root.Content[i], root.Content[i+1]
		if first, twice := seen[key.Value]; twice {
			l.fault(at(key.Line), key.Value, "the section stands twice, first in line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		switch {
		case !slices.Contains(names, key.Value):
			l.fault(at(key.Line), key.Value, "there is no such section%s", didYouMean(key.Value, names))
		case val.Kind == yaml.MappingNode:
			l.section(at, key.Value, val)
		case val.Tag == "!!null": // a section with every line commented out
		default:
			l.fault(at(val.Line), key.Value, "is a section: its settings follow indented, one to a line")
		}
	}
}

func (l *loader) section(at func(int) Origin, section string, node *yaml.Node) {
	byPath := map[string]Key{}
	var names []string
	for _, k := range l.keys {
		if s, n, _ := strings.Cut(k.Path, "."); s == section {
			byPath[n] = k
			names = append(names, n)
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, val := node.Content[i], node.Content[i+1]
		path := section + "." + key.Value
		k, known := byPath[key.Value]
		first, twice := seen[key.Value]
		switch {
		case twice:
			l.fault(at(key.Line), path, "stands twice, first in line %d", first)
		case !known:
			l.fault(at(key.Line), path, "there is no such setting%s", didYouMean(key.Value, names))
		default:
			l.node(at, k, val)
		}
		seen[key.Value] = key.Line
	}
}

// node sets one setting from a scalar, or a list from a sequence of scalars.
func (l *loader) node(at func(int) Origin, k Key, n *yaml.Node) {
	o := at(n.Line)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		l.fault(o, k.Path, "has no value; write \"\" to leave it empty, or put # before the line")
	case n.Kind == yaml.ScalarNode:
		l.set(k, n.Value, o)
	case n.Kind == yaml.SequenceNode:
		if _, ok := k.value.(list); !ok {
			l.fault(o, k.Path, "is a single value, not a list")
			return
		}
		var parts []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				l.fault(at(item.Line), k.Path, "holds something that is not a text")
				return
			}
			parts = append(parts, item.Value)
		}
		l.set(k, strings.Join(parts, ","), o)
	default:
		l.fault(o, k.Path, "is a single value or a list, not a section")
	}
}
