package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

// certificateSoon is how long before its end a certificate is worth a word.
const certificateSoon = 14 * 24 * time.Hour

func dataDirectory(_ context.Context, p Patient) []Finding {
	const check = "data directory"
	dir := p.Config.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return parentOf(check, dir)
	}
	if err != nil {
		return broken(check, "Change data.dir or the rights on it.", "%s", err)
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return broken(check, "Give the directory to the user that runs the exchange (chown), or change data.dir.", "%s cannot be written: %s", dir, err)
	}
	name := f.Name()
	if err := errors.Join(f.Close(), os.Remove(name)); err != nil {
		return broken(check, "Look at the file system of data.dir.", "%s", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return warning(check, "chmod 700 "+dir, "%s can be read by other users of the machine (%s); secrets lie there", dir, info.Mode().Perm())
	}
	return fine(check, "%s can be written, by its owner only", dir)
}

// parentOf judges whether a directory that does not exist yet can be made.
func parentOf(check, dir string) []Finding {
	parent := filepath.Dir(filepath.Clean(dir))
	for {
		info, err := os.Stat(parent)
		switch {
		case err == nil && !info.IsDir():
			return broken(check, "Change data.dir.", "%s is not a directory", parent)
		case err == nil && !writable(parent):
			return broken(check, "Make "+dir+" and give it to the user that runs the exchange, or change data.dir.", "%s cannot be made in %s", dir, parent)
		case err == nil:
			return fine(check, "%s is made at the first start", dir)
		case parent == filepath.Dir(parent):
			return broken(check, "Change data.dir.", "%s", err)
		}
		parent = filepath.Dir(parent)
	}
}

// database connects as the exchange does. An SQLite file that is not there yet is
// left so.
func database(ctx context.Context, p Patient) []Finding {
	const check = "database"
	if p.Config.DatabaseURL == "" {
		if _, err := os.Stat(filepath.Join(p.Config.DataDir, "klapka.db")); err != nil {
			return fine(check, "SQLite; the file is made at the first start")
		}
	}
	s, err := store.Open(ctx, store.Options{URL: p.Config.DatabaseURL, Dir: p.Config.DataDir})
	if err != nil {
		return broken(check, mendDatabase(err), "%s", err)
	}
	// Nothing was written.
	defer func() { _ = s.Close() }()
	version, err := s.Version(ctx)
	if err != nil {
		return broken(check, mendDatabase(err), "%s", err)
	}
	if version < store.Latest() {
		return fine(check, "%s, schema %d; the next start brings it to %d", s.Server(), version, store.Latest())
	}
	return fine(check, "%s, schema %d", s.Server(), version)
}

func mendDatabase(err error) string {
	switch pbx.CodeOf(err) {
	case pbx.Unavailable:
		return "Start the database, or see that this machine may reach it (database.url)."
	case pbx.Invalid:
		return "Correct database.url: user, password or name of the database are wrong."
	case pbx.Conflict:
		return "Install the newer version of Klapka that wrote it."
	default:
		return "Look at database.url and the log of the database."
	}
}

func certificate(_ context.Context, p Patient) []Finding {
	const check = "certificate"
	c := p.Config
	if len(c.HTTPS)+len(c.SIPTLS) == 0 {
		return fine(check, "none is needed")
	}
	if c.TLSCertificate == "" {
		return warning(check, "Set tls.certificate and tls.key to a pair that browsers and phones trust.",
			"self-signed: browsers ask before they show the page, some phones refuse")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCertificate, c.TLSKey)
	if err != nil {
		return broken(check, "Put a PEM certificate and the key that belongs to it there.", "%s: %s", c.TLSCertificate, err)
	}
	const renew = "Renew it; the exchange notices the new file by itself."
	left := time.Until(pair.Leaf.NotAfter)
	day := pair.Leaf.NotAfter.Format(time.DateOnly)
	switch {
	case left < 0:
		return broken(check, renew, "ended on %s", day)
	case time.Now().Before(pair.Leaf.NotBefore):
		return broken(check, "Set the clock, or wait.", "is valid from %s only", pair.Leaf.NotBefore.Format(time.DateTime))
	case left < certificateSoon:
		return warning(check, renew, "ends on %s", day)
	}
	for _, host := range c.WebHosts {
		if err := pair.Leaf.VerifyHostname(host); err != nil {
			return warning(check, "Have it made for every name in http.hosts.", "%s", err)
		}
	}
	return fine(check, "valid until %s", day)
}

func prompts(_ context.Context, p Patient) []Finding {
	const check = "announcements"
	dir := p.Config.PromptsDir
	if dir == "" {
		return fine(check, "the built-in ones")
	}
	found := 0
	for _, lang := range pbx.Languages {
		files, err := filepath.Glob(filepath.Join(dir, string(lang), "*.wav"))
		if err == nil { // the pattern is well formed
			found += len(files)
		}
	}
	if found == 0 {
		return warning(check, "Files are looked for as <language>/<name>.wav, such as de/busy.wav.", "%s replaces none", dir)
	}
	return fine(check, "%d files of %s replace the built-in ones", found, dir)
}

func clock(context.Context, Patient) []Finding {
	const check = "clock"
	now := time.Now()
	if now.Year() < 2026 || now.Year() > 2100 {
		return broken(check, "Set the clock, and keep it with NTP (timedatectl set-ntp true).", "it says %s", now.Format(time.DateTime))
	}
	if !clockIsKept() {
		return warning(check, "Keep it with NTP (timedatectl set-ntp true): call records, certificates and one-time codes depend on it.",
			"%s, but nothing keeps it right", now.Format(time.DateTime))
	}
	return fine(check, "%s", now.Format("2006-01-02 15:04:05 MST"))
}
