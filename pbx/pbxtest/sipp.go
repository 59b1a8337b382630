package pbxtest

import (
	"cmp"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// sippMemory bounds the address space of one sipp.
const sippMemory = 1 << 30

// SippOptions say what a sipp does.
type SippOptions struct {
	Name     string         // for messages
	At       netip.Addr     // its own address; signalling is on port 5060 there
	Server   netip.AddrPort // where it sends what does not answer something
	Scenario string         // the XML text
	Service  string         // [service] of the scenario: who is called
	Username string         // for digest
	Secret   string
	Keys     map[string]string // further [keywords] of the scenario
	Calls    int               // runs of the scenario; 0: 1
	Rate     int               // of them per second; 0: 10
	Within   time.Duration     // for all of it; 0: 20 s
}

// Sipp is a running sipp.
type Sipp struct {
	t   testing.TB
	o   SippOptions
	dir string
	p   *process
}

// RunSipp runs a scenario to its end. The test fails when a call does not go as
// the scenario says.
func RunSipp(t testing.TB, o SippOptions) *Sipp {
	t.Helper()
	s := StartSipp(t, o)
	s.Wait()
	return s
}

// StartSipp starts a scenario; Wait judges it.
func StartSipp(t testing.TB, o SippOptions) *Sipp {
	t.Helper()
	program := NeedProgram(t, "sipp", "sip-tester")
	o.Within = cmp.Or(o.Within, 20*time.Second)
	s := &Sipp{t: t, o: o, dir: t.TempDir()}
	scenario := filepath.Join(s.dir, "scenario.xml")
	if err := os.WriteFile(scenario, []byte(o.Scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, s.arguments(scenario)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "TERM=dumb")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("errors of sipp %s:\n%s\nits messages:\n%s", o.Name, s.read("errors"), s.read("messages"))
		}
	})
	s.p = startProcess(t, "sipp "+o.Name, cmd, sippMemory)
	return s
}

func (s *Sipp) arguments(scenario string) []string {
	o := s.o
	args := []string{
		o.Server.String(), "-sf", scenario, "-i", o.At.String(), "-p", "5060",
		"-mi", o.At.String(), "-ci", o.At.String(),
		"-s", cmp.Or(o.Service, "service"), "-au", o.Username, "-ap", o.Secret,
		"-m", strconv.Itoa(cmp.Or(o.Calls, 1)), "-r", strconv.Itoa(cmp.Or(o.Rate, 10)),
		"-timeout", strconv.Itoa(int(o.Within / time.Second)), "-timeout_error",
		"-recv_timeout", strconv.Itoa(int(o.Within / time.Millisecond)),
		"-nostdin", "-skip_rlimit",
		"-trace_err", "-error_file", s.file("errors"), "-trace_msg", "-message_file", s.file("messages"),
	}
	for k, v := range o.Keys {
		args = append(args, "-key", k, v)
	}
	return args
}

func (s *Sipp) file(name string) string { return filepath.Join(s.dir, name+".log") }

func (s *Sipp) read(name string) string {
	b, err := os.ReadFile(s.file(name))
	if err != nil {
		return "none"
	}
	return string(b)
}

// Wait returns when the scenario is over; the test fails unless all went as it
// says. It may be called once.
func (s *Sipp) Wait() {
	s.t.Helper()
	// sipp bounds itself; the rest is for its winding up.
	if code := s.p.wait(s.o.Within + processPatience); code != 0 {
		s.t.Errorf("sipp %s: exit code %d", s.o.Name, code)
	}
}

// Messages are the SIP messages it sent and received, as sipp writes them.
func (s *Sipp) Messages() string { return s.read("messages") }
