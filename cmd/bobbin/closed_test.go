package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestASiteMayBeClosed asks for two pages, and for one of the server's own.
func TestASiteMayBeClosed(t *testing.T) {
	site := folder(t, map[string][]byte{"index.html": []byte("<p>open"), "a.txt": []byte("a")})
	page := filepath.Join(t.TempDir(), "closed.html")
	if err := os.WriteFile(page, []byte("<h1>Back on Monday</h1>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		flags  []string
		from   string // in X-Forwarded-For, from a trusted proxy
		status int
		says   string
	}{
		{"a client at no address of the list is refused", []string{"--allow", "10.0.0.0/8"}, "192.0.2.1", 403, "does not answer to this address"},
		{"a client at one of them is served", []string{"--allow", "10.0.0.0/8,192.0.2.0/24"}, "192.0.2.1", 200, "a"},
		{"an address that is denied is refused", []string{"--deny", "192.0.2.1"}, "192.0.2.1", 403, "does not answer to this address"},
		{"all others are served", []string{"--deny", "192.0.2.1"}, "192.0.2.2", 200, "a"},
		{"the address of the proxy is not the client's", []string{"--deny", "127.0.0.1,::1"}, "192.0.2.2", 200, "a"},
		{"a site that is worked on says so", []string{"--maintenance"}, "192.0.2.1", 503, "this site is being worked on, and will be back"},
		{"or in words of its own", []string{"--maintenance=" + page}, "192.0.2.1", 503, "<h1>Back on Monday</h1>"},
		{"and is closed to those who may not see it", []string{"--maintenance", "--allow", "10.0.0.0/8"}, "192.0.2.1", 403, "does not answer to this address"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "", append(row.flags, "--trust", "127.0.0.1,::1", "--health", "/healthz", site)...)
			for path, status := range map[string]int{"a.txt": row.status, "healthz": 200} {
				q, err := nethttp.NewRequest("GET", p.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("X-Forwarded-For", row.from)
				answer, err := nethttp.DefaultClient.Do(q)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				if answer.StatusCode != status {
					t.Errorf("/%s is %d, not %d: %s", path, answer.StatusCode, status, body)
				}
				if path == "a.txt" && !strings.Contains(string(body), row.says) {
					t.Errorf("/%s says %q, without %q", path, body, row.says)
				}
				if wait := answer.Header.Get("Retry-After"); status == 503 && wait != "120" {
					t.Errorf("a client is asked to come back in %q seconds", wait)
				}
			}
			p.signal(syscall.SIGTERM)
			p.ends(exitOK)
		})
	}
}

// TestMaintenanceBeginsAndEndsBySIGHUP writes a configuration file twice.
func TestMaintenanceBeginsAndEndsBySIGHUP(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "bobbin.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	p := start(t, "", "--config", config, folder(t, map[string][]byte{"a.txt": []byte("a")}))
	status := func() int {
		t.Helper()
		answer, err := nethttp.Get(p.url + "a.txt")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for i, row := range []struct {
		text   string
		status int
	}{{`maintenance = "on"`, 503}, {``, 200}} {
		write(row.text)
		p.signal(syscall.SIGHUP)
		p.waits("SIGHUP: reloaded", i+1)
		if got := status(); got != row.status {
			t.Errorf("with %q it answers %d, not %d", row.text, got, row.status)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestClientsShowCertificates connects without one, with one of the authority, and with one
// of another authority.
func TestClientsShowCertificates(t *testing.T) {
	t.Parallel()
	made, roots := pair(t, t.TempDir())
	ours, theirs := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "clients.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, "--tls-client-ca", file)
	for _, row := range []struct {
		name   string
		certs  []tls.Certificate
		served bool
	}{
		{"a client without a certificate is refused", nil, false},
		{"a client of the authority is served", []tls.Certificate{ours.client(t)}, true},
		{"a client of another authority is refused", []tls.Certificate{theirs.client(t)}, false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			client := trusting(roots)
			config := client.Transport.(*nethttp.Transport).TLSClientConfig
			config.MinVersion, config.MaxVersion = version, version
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(row.certs) == 0 {
					return new(tls.Certificate), nil
				}
				return &row.certs[0], nil // whatever the server asks for
			}
			answer, err := client.Get(p.url + "bench")
			if err == nil {
				answer.Body.Close()
			}
			if served := err == nil && answer.StatusCode == 200; served != row.served {
				t.Errorf("%s, by %s: %v", row.name, tls.VersionName(version), err)
			}
			client.CloseIdleConnections()
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// An authority signs certificates of clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clients"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = signed(t, template, nil)
	return a
}

// client returns a certificate of a client.
func (a *authority) client(t *testing.T) tls.Certificate {
	t.Helper()
	cert, key := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// signed makes a certificate with a new key, signed by an authority or by itself.
func signed(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
