package configs

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Sources are where Load looks, weakest first.
type Sources struct {
	// File is the configuration file; empty: none.
	File string
	// Environ is os.Environ() or the like.
	Environ []string
	// Flags holds the flags that were given, by Key.Flag.
	Flags map[string]string
	// Defaults replaces the table's defaults, by Key.Path.
	Defaults map[string]string
}

// Load reads the configuration. Its error is either that of reading the file or
// Faults.
func Load(s Sources) (*Config, error) {
	l := &loader{config: &Config{origins: map[string]Origin{}}}
	l.keys = l.config.keys()
	for _, k := range l.keys {
		def := k.Default
		if d, ok := s.Defaults[k.Path]; ok {
			def = d
		}
		l.set(k, def, Origin{})
	}
	if s.File != "" {
		data, err := os.ReadFile(s.File)
		if err != nil {
			return nil, fmt.Errorf("the configuration file cannot be read: %w", err)
		}
		l.file(s.File, data)
	}
	l.environment(s.Environ)
	l.flags(s.Flags)
	// Relations between settings are judged even when some are faulty: those
	// keep their default, which is in order.
	l.check()
	if len(l.faults) > 0 {
		slices.SortStableFunc(l.faults, func(a, b Fault) int {
			return cmp.Or(cmp.Compare(a.Origin.Kind, b.Origin.Kind), cmp.Compare(a.Origin.Line, b.Origin.Line))
		})
		return nil, l.faults
	}
	return l.config, nil
}

// loader collects values and faults.
type loader struct {
	config *Config
	keys   []Key
	faults Faults
}

func (l *loader) fault(o Origin, path, format string, args ...any) {
	l.faults = append(l.faults, Fault{Origin: o, Path: path, Text: fmt.Sprintf(format, args...)})
}

// set parses one value; what is wrong becomes a fault and the field stays.
func (l *loader) set(k Key, s string, o Origin) {
	if err := k.value.Set(s); err != nil {
		l.fault(o, k.Path, "%s", err)
		return
	}
	l.config.origins[k.Path] = o
}

func (l *loader) environment(environ []string) {
	byName := map[string]Key{}
	var names []string
	for _, k := range l.keys {
		byName[k.Env()] = k
		names = append(names, k.Env())
	}
	for _, e := range environ {
		name, val, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "KLAPKA_") {
			continue
		}
		o := Origin{Kind: FromEnvironment, Name: name}
		if k, ok := byName[name]; ok {
			l.set(k, val, o)
			continue
		}
		// Others may own variables with our prefix (Kubernetes makes some for
		// a service called klapka), so only what looks like a slip is one.
		for _, n := range names {
			if editDistance(name, n) <= 2 {
				l.fault(o, "", "there is no such setting; did you mean %s?", n)
				break
			}
		}
	}
}

func (l *loader) flags(given map[string]string) {
	for _, k := range l.keys {
		if v, ok := given[k.Flag()]; ok {
			l.set(k, v, Origin{Kind: FromFlag, Name: "--" + k.Flag()})
		}
	}
}
