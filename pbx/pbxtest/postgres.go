package pbxtest

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// postgresPatience bounds each step of starting and stopping the server.
const postgresPatience = 30 * time.Second

// Postgres is a PostgreSQL server of a test's own, reached through a socket in
// its own directory.
type Postgres struct {
	t       testing.TB
	bin     string // directory of the server's programs
	dir     string
	cred    *syscall.Credential // nil: we are not root
	version string
	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{} // closed at its end
	log     bytes.Buffer  // output of the server, for a failing test
	serial  int
	resume  *time.Timer // ends a forgotten pause
}

// StartPostgres starts a PostgreSQL server that ends with the test, and returns
// the URL of an empty database. Without an installed server the test is skipped,
// or fails when KLAPKA_TEST_FULL is 1.
func StartPostgres(t testing.TB) (string, *Postgres) {
	t.Helper()
	bin := postgresPrograms()
	if bin == "" {
		if os.Getenv("KLAPKA_TEST_FULL") == "1" {
			t.Fatal("no PostgreSQL found: install the package postgresql")
		}
		t.Skip("no PostgreSQL found: install the package postgresql")
	}
	p := &Postgres{t: t, bin: bin}
	p.prepare()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of PostgreSQL:\n%s", p.log.String())
		}
	})
	p.Start()
	return p.URL("postgres"), p
}

// postgresPrograms finds the directory of the newest server installed; Debian
// keeps it off the path. "" when there is none.
func postgresPrograms() string {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(path)
}

// prepare makes the directory and the cluster. The server refuses to run as
// root; as root everything is given to the user postgres, who could not read
// t.TempDir.
func (p *Postgres) prepare() {
	p.t.Helper()
	dir, err := os.MkdirTemp("", "klapka-pg-")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p.dir = dir
	if os.Getuid() == 0 {
		p.cred = p.owner("postgres")
		if err := os.Chown(dir, int(p.cred.Uid), int(p.cred.Gid)); err != nil {
			p.t.Fatal(err)
		}
	}
	p.run("initdb", "--pgdata", p.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8",
		"--locale=C.UTF-8", "--no-sync")
	p.version = strings.TrimSpace(p.run("postgres", "--version"))
	p.t.Log(p.version)
}

func (p *Postgres) owner(name string) *syscall.Credential {
	p.t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		p.t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// command is a program of the server's, as its owner and in a directory he may
// read.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred}
	return cmd
}

func (p *Postgres) run(name string, args ...string) string {
	p.t.Helper()
	out, err := p.command(name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// Version is what the server says of itself, e.g. "postgres (PostgreSQL) 17.5".
func (p *Postgres) Version() string { return p.version }

// URL is the connection URL of a database.
func (p *Postgres) URL(database string) string {
	return "postgres:///" + database + "?host=" + url.QueryEscape(p.dir) + "&user=postgres"
}

// NewDatabase makes an empty database and returns its URL.
func (p *Postgres) NewDatabase() string {
	p.t.Helper()
	p.mu.Lock()
	p.serial++
	name := fmt.Sprintf("db%d", p.serial)
	p.mu.Unlock()
	p.run("createdb", "--host", p.dir, "--username=postgres", name)
	return p.URL(name)
}

// Start starts a stopped server and returns when it accepts connections.
// Durability is switched off: the files live no longer than the test.
func (p *Postgres) Start() {
	p.t.Helper()
	cmd := p.command("postgres", "-D", p.data(), "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	endWithParent(cmd.SysProcAttr)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	started, exited := make(chan error), make(chan struct{})
	go func() {
		// The kernel ends the server with the thread that started it, so the
		// thread must last as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // a server that was told to end fails by that
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.cmd, p.exited = cmd, exited
	p.mu.Unlock()
	for deadline := time.Now().Add(postgresPatience); ; time.Sleep(20 * time.Millisecond) {
		if p.command("pg_isready", "--quiet", "--host", p.dir).Run() == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatal("PostgreSQL did not start")
		}
	}
}

// Stop ends the server at once: its clients' connections break. A stopped one
// stays stopped.
func (p *Postgres) Stop() {
	p.t.Helper()
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.cmd = nil
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	p.endPause()
	p.signalAll(cmd.Process.Pid, syscall.SIGCONT)
	_ = cmd.Process.Signal(syscall.SIGINT) // fast shutdown
	select {
	case <-exited:
	case <-time.After(postgresPatience):
		_ = cmd.Process.Kill()
		p.t.Error("PostgreSQL did not stop")
	}
}

// maxPause ends the pause of a test that hangs: a stopped server would outlive
// it, because it does not even notice that it should end.
const maxPause = 3 * time.Minute

// Pause makes the server hang, with all its connections open: a machine that
// stopped answering. It lasts until Resume, at most three minutes.
func (p *Postgres) Pause() {
	p.t.Helper()
	pid := p.signal(syscall.SIGSTOP)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resume = time.AfterFunc(maxPause, func() { p.signalAll(pid, syscall.SIGCONT) })
}

// Resume lets it go on.
func (p *Postgres) Resume() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
	p.endPause()
}

// endPause forgets the timer of Pause.
func (p *Postgres) endPause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resume != nil {
		p.resume.Stop()
		p.resume = nil
	}
}

// signal reaches all processes of the running server and returns its pid.
func (p *Postgres) signal(s syscall.Signal) int {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		p.t.Fatal("PostgreSQL is not running")
	}
	p.signalAll(p.cmd.Process.Pid, s)
	return p.cmd.Process.Pid
}

// signalAll reaches the server and then its processes, one per connection, each
// of which leads a process group of its own.
func (p *Postgres) signalAll(pid int, s syscall.Signal) {
	_ = syscall.Kill(pid, s)
	for _, child := range childrenOf(pid) {
		_ = syscall.Kill(child, s)
	}
}
