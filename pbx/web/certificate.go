package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// Browsers refuse server certificates that are valid for longer.
	selfSignedLife = 825 * 24 * time.Hour
	// A self-signed certificate is made anew this long before it ends.
	selfSignedRenew = 30 * 24 * time.Hour
	// How often a file is asked whether it changed.
	certificateLook = 5 * time.Second
)

// Certificates hands out the server's certificate, for HTTPS and SIP over TLS
// alike. A file that changes is read again, so that renewing needs no restart; a
// faulty one is logged and the last good one stays.
type Certificates struct {
	log             *slog.Logger
	cert, key       string
	selfSigned      bool
	names           []string
	mu              sync.Mutex
	current         *tls.Certificate
	looked, changed time.Time
}

// NewCertificates reads the pair of PEM files, or, when cert is empty, the
// self-signed pair in dir, which it makes when there is none. Names are host
// names for the latter.
func NewCertificates(cert, key, dir string, names []string, log *slog.Logger) (*Certificates, error) {
	c := &Certificates{log: log, cert: cert, key: key, names: names}
	if cert == "" {
		c.selfSigned = true
		c.cert, c.key = filepath.Join(dir, "tls", "self-signed.crt"), filepath.Join(dir, "tls", "self-signed.key")
		if err := c.renew(); err != nil {
			return nil, fmt.Errorf("self-signed certificate: %w", err)
		}
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Get is for tls.Config.GetCertificate.
func (c *Certificates) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		c.refresh()
	}
	return c.current, nil
}

// Expires is when the certificate in use ends.
func (c *Certificates) Expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf.NotAfter
}

// refresh renews and reads again what needs it. c.mu is held.
func (c *Certificates) refresh() {
	if c.selfSigned {
		if err := c.renew(); err != nil {
			c.log.Error("the self-signed certificate could not be renewed", "error", err)
		}
	}
	if info, err := os.Stat(c.cert); err != nil || info.ModTime().Equal(c.changed) {
		return // unchanged, or away for a moment while it is being replaced
	}
	if err := c.load(); err != nil {
		c.log.Error("the new certificate cannot be used; the old one stays", "error", err)
		return
	}
	c.log.Info("certificate loaded", "file", c.cert, "expires", c.current.Leaf.NotAfter)
}

// load reads the pair. c.mu is held, or c is not shared yet.
func (c *Certificates) load() error {
	info, err := os.Stat(c.cert)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.cert, c.key, err)
	}
	c.current, c.changed = &pair, info.ModTime()
	return nil
}

// renew makes the self-signed pair unless there is one that lasts.
func (c *Certificates) renew() error {
	if pair, err := tls.LoadX509KeyPair(c.cert, c.key); err == nil && time.Until(pair.Leaf.NotAfter) > selfSignedRenew {
		return nil
	}
	cert, key, err := selfSigned(c.names)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.cert), 0o700); err != nil {
		return err
	}
	if err := replaceFile(c.key, key); err != nil {
		return err
	}
	return replaceFile(c.cert, cert)
}

// selfSigned makes a certificate for names, localhost and every address of the
// machine, as PEM.
func selfSigned(names []string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Klapka, self-signed"},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(selfSignedLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     ownNames(names),
		IPAddresses:  ownAddresses(),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return cert, key, nil
}

func ownNames(names []string) []string {
	out := append([]string{"localhost"}, names...)
	if host, err := os.Hostname(); err == nil && !slices.Contains(out, host) {
		out = append(out, host)
	}
	return out
}

func ownAddresses() []net.IP {
	out := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out // the names are still good
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p.Addr().AsSlice())
		}
	}
	return out
}

// replaceFile writes name so that readers see the old content or the new.
func replaceFile(name string, data []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
