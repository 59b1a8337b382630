package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// run executes one command to its end.
func run(t *testing.T, dir, stdin string, args ...string) (code int, out, complaint string) {
	t.Helper()
	p := newProgram(t, quiet(dir)...)
	p.Stdin = strings.NewReader(stdin)
	code = p.Run(args)
	return code, p.out.String(), p.err.String()
}

var setupLink = regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/setup\?token=(\S+)`)

// Without a demo there is no password anybody could know: the first start prints
// a link, which works once and is printed no more when there is an administrator.
func TestFirstStartPrintsASetupLink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	post := func(base, token string) int {
		body := `{"token":"` + token + `","first_name":"Anna","last_name":"Nová","email":"anna@example.com","password":"correct horse battery","extension":"101","language":"cs"}`
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Post(base+"/api/setup", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	stop := func(p *program) {
		p.signals <- syscall.SIGTERM
		if code := p.wait(t); code != exitOK {
			t.Errorf("exit code %d\n%s", code, p.err)
		}
	}
	first := newProgram(t, quiet(dir)...)
	first.start("serve")
	first.greeting(t, "ready")
	m := setupLink.FindStringSubmatch(first.out.String())
	if m == nil {
		t.Fatalf("no link in\n%s", first.out)
	}
	for _, step := range []struct {
		token string
		want  int
	}{{"wrong", http.StatusForbidden}, {m[2], http.StatusNoContent}, {m[2], http.StatusConflict}} {
		if code := post(m[1], step.token); code != step.want {
			t.Errorf("token %.5s…: %d, want %d", step.token, code, step.want)
		}
	}
	stop(first)

	second := newProgram(t, quiet(dir)...)
	second.start("serve")
	second.greeting(t, "ready")
	if strings.Contains(second.out.String(), "token=") {
		t.Errorf("a link is printed although there is an administrator:\n%s", second.out)
	}
	stop(second)
	if _, out, _ := run(t, dir, "", "user", "list"); !strings.Contains(out, "101     Anna Nová  anna@example.com  administrator  active") {
		t.Errorf("user list:\n%s", out)
	}
}

// The demo prints addresses and logins, and its store stays a demo without the
// flag: it never listens elsewhere by an oversight.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := newProgram(t, quiet(dir)...)
	p.start("serve", "--demo")
	p.greeting(t, "ready")
	for _, want := range []string{"101", "106", "administrator", "klapka-demo", "klapka-demo-103", "*43"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("no %s in\n%s", want, p.out)
		}
	}
	if strings.Contains(p.out.String(), "token=") {
		t.Error("a demo prints a set-up link")
	}
	p.signals <- syscall.SIGTERM
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	open := newProgram(t, append(quiet(dir), "KLAPKA_HTTP_LISTEN=0.0.0.0:0")...)
	if code := open.Run([]string{"serve"}); code != exitFailed || !strings.Contains(open.err.String(), "everybody knows") {
		t.Errorf("a demo store opens to others: %d %s", code, open.err)
	}
	if code, _, complaint := run(t, dir, "", "seed"); code != exitOK {
		t.Errorf("seeding a demo again: %d %s", code, complaint)
	}
}

func TestUserCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, step := range []struct {
		name, stdin string
		args        []string
		code        int
		want        string // in the output, or in the complaint when the code is not 0
	}{
		{"add", "correct horse battery\n", []string{"add", "107", "--first-name", "Eva", "--email", "Eva@example.com"}, exitOK, "SIP user name  107"},
		{"the same number", "\n", []string{"add", "107", "--first-name", "Ota"}, exitFailed, "taken"},
		{"a weak password", "short\n", []string{"add", "108", "--first-name", "Ota"}, exitFailed, "12"},
		{"a wrong role", "\n", []string{"add", "108", "--first-name", "Ota", "--role", "king"}, exitFailed, "role"},
		{"a second phone", "", []string{"device", "107"}, exitOK, "SIP user name  107-2"},
		{"a phone for nobody", "", []string{"device", "999"}, exitFailed, ""},
		{"a new password by e-mail", "another horse battery\n", []string{"password", "EVA@example.com"}, exitOK, "signed out everywhere"},
		{"a weak new password", "x\n", []string{"password", "107"}, exitFailed, "12"},
		{"disable", "", []string{"disable", "107"}, exitOK, "Eva is disabled"},
		{"list", "", []string{"list"}, exitOK, "disabled"},
		{"enable", "", []string{"enable", "107"}, exitOK, "Eva is enabled"},
		{"list again", "", []string{"list"}, exitOK, "active"},
		{"nobody", "", []string{"disable", "999"}, exitFailed, ""},
		{"no argument", "", []string{"password"}, exitUsage, "--help"},
	} {
		code, out, complaint := run(t, dir, step.stdin, append([]string{"user"}, step.args...)...)
		if code != exitOK {
			out = complaint
		}
		if code != step.code || !strings.Contains(out, step.want) {
			t.Errorf("%s: exit code %d, want %d with %q\n%s", step.name, code, step.code, step.want, out)
		}
	}
	if code, _, complaint := run(t, dir, "", "seed"); code != exitFailed {
		t.Errorf("a real company was seeded with the demo: %d %s", code, complaint)
	}
}
