package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"klapka.dev/klapka/pbx/exchange"
)

// addressesName is the file that says where a running exchange listens.
const addressesName = "addresses.json"

// published is the content of that file.
type published struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
	exchange.Addresses
}

// publishAddresses writes where the exchange listens, whole or not at all. The
// file stands there from ready to the end.
func publishAddresses(dir string, a exchange.Addresses) (remove func(), err error) {
	data, err := json.MarshalIndent(published{os.Getpid(), version, a}, "", "  ")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, addressesName)
	if err := os.WriteFile(name+".new", append(data, '\n'), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(name) }, nil // a stale file names a dead pid
}
