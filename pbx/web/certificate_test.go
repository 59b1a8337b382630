package web

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func poolOf(t *testing.T, c *Certificates) *x509.CertPool {
	t.Helper()
	pair, err := c.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	return pool
}

func serial(t *testing.T, c *Certificates) string {
	t.Helper()
	pair, err := c.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.String()
}

func TestSelfSignedIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	discard := slog.New(slog.DiscardHandler)
	first, err := NewCertificates("", "", dir, []string{"pbx.example.com"}, discard)
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewCertificates("", "", dir, nil, discard)
	if err != nil {
		t.Fatal(err)
	}
	if serial(t, first) != serial(t, again) {
		t.Error("a second start made another certificate")
	}
	pair, _ := first.Get(nil)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "pbx.example.com"} {
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "tls", "self-signed.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is readable by others: %v %v", info.Mode(), err)
	}
}

// In virtual time: the certificate is renewed a month before it ends, without a
// restart.
func TestSelfSignedIsRenewed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, err := NewCertificates("", "", dir, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		before := serial(t, c)
		time.Sleep(selfSignedLife - selfSignedRenew - 2*time.Hour)
		if serial(t, c) != before {
			t.Error("renewed too early")
		}
		time.Sleep(3 * time.Hour)
		if serial(t, c) == before || time.Until(c.Expires()) < selfSignedRenew {
			t.Errorf("not renewed; ends in %s", time.Until(c.Expires()))
		}
	})
}

// A replaced file is used without a restart; a broken one is not, and said.
func TestReplacedCertificateIsLoaded(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	install := func(at time.Time, cert, key []byte) {
		for name, data := range map[string][]byte{keyFile: key, certFile: cert} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := func() ([]byte, []byte) {
		cert, key, err := selfSigned(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	cert, key := made()
	install(time.Now().Add(-time.Hour), cert, key)
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		c, err := NewCertificates(certFile, keyFile, dir, nil, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		first := serial(t, c)
		cert, key := made()
		install(time.Now(), cert, key)
		time.Sleep(certificateLook)
		second := serial(t, c)
		if second == first {
			t.Error("the new certificate is not used")
		}
		install(time.Now().Add(time.Minute), []byte("rubbish"), key)
		time.Sleep(certificateLook)
		if serial(t, c) != second || !strings.Contains(log.String(), "the old one stays") {
			t.Errorf("a broken file: %s", log.String())
		}
		if err := os.Remove(certFile); err != nil {
			t.Fatal(err)
		}
		time.Sleep(certificateLook)
		if serial(t, c) != second {
			t.Error("a missing file took the certificate away")
		}
	})
	if _, err := NewCertificates(certFile, keyFile, dir, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("starting without the named certificate succeeded")
	}
}

// What a phone or browser gets is a chain it can verify against itself.
func TestSelfSignedVerifies(t *testing.T) {
	c, err := NewCertificates("", "", t.TempDir(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pair, _ := c.Get(&tls.ClientHelloInfo{ServerName: "localhost"})
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: poolOf(t, c)}); err != nil {
		t.Error(err)
	}
}
