// Package acmetest runs an ACME server in tests: pebble, which Let's Encrypt made for
// that purpose, where it is installed.
package acmetest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An Authority is an ACME server that runs for a test.
type Authority struct {
	Directory string         // the directory URL
	CA        string         // the file of the authority that signed the server's own certificate
	Roots     *x509.CertPool // that authority

	client  *http.Client
	root    string // the URL of the authority that signs the issued certificates
	process *process
}

// Pebble starts pebble and ends it with the test; it skips the test where pebble is
// not installed. Pebble finds every domain on this machine, at two ports; 0 stands
// for a port without a listener. Its certificates expire after life.
func Pebble(t testing.TB, life time.Duration, plain, secure uint16) *Authority {
	t.Helper()
	if _, err := exec.LookPath("pebble"); err != nil {
		t.Skip("pebble is not installed: go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1")
	}
	folder := t.TempDir()
	a := &Authority{CA: filepath.Join(folder, "own.pem"), Roots: ownCertificate(t, folder)}
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Roots}}, Timeout: 5 * time.Second}
	t.Cleanup(a.client.CloseIdleConnections)
	names := resolve(t)
	// Pebble needs its ports in advance, and other programs may take them first.
	for range 5 {
		ports := freePorts(t, 2)
		a.process = start(t, folder, names, life, plain, secure, ports)
		a.Directory = fmt.Sprintf("https://127.0.0.1:%d/dir", ports[0])
		a.root = fmt.Sprintf("https://127.0.0.1:%d/roots/0", ports[1])
		if a.listens(t, a.Directory) && a.listens(t, a.root) {
			return a
		}
	}
	t.Fatal("pebble does not start")
	return nil
}

// Stop ends pebble before the end of the test.
func (a *Authority) Stop() { a.process.stop() }

// Issuer returns the authority that signs the issued certificates.
func (a *Authority) Issuer(t testing.TB) *x509.CertPool {
	t.Helper()
	answer, err := a.client.Get(a.root)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	pool := x509.NewCertPool()
	if p, err := io.ReadAll(answer.Body); err != nil || !pool.AppendCertsFromPEM(p) {
		t.Fatalf("pebble's root is %q, %v", p, err)
	}
	return pool
}

// listens waits until pebble answers, or has ended.
func (a *Authority) listens(t testing.TB, url string) bool {
	t.Helper()
	for range 4000 {
		if answer, err := a.client.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-a.process.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatal("timeout: pebble does not answer")
	return false
}

// A process is a running pebble.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
}

func start(t testing.TB, folder, names string, life time.Duration, plain, secure uint16, ports []uint16) *process {
	t.Helper()
	const closedPort = 1 // a port without a listener
	own := filepath.Join(folder, "own.pem")
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", ports[0]),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", ports[1]),
		"certificate":             own,
		"privateKey":              own,
		"httpPort":                cmp.Or(plain, closedPort),
		"tlsPort":                 cmp.Or(secure, closedPort),
		"keyAlgorithm":            "ecdsa",
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
		"profiles":                map[string]any{"default": map[string]any{"validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "config.json")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{exec.Command("pebble", "-config", config, "-dnsserver", names), make(chan struct{})}
	p.command.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	var said strings.Builder
	p.command.Stdout, p.command.Stderr = &said, &said
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return p
}

func (p *process) stop() {
	p.command.Process.Kill() // fails if it has ended
	<-p.ended
}

// ownCertificate makes a certificate for an ACME server on loopback.
func ownCertificate(t testing.TB, folder string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, own, own, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(filepath.Join(folder, "own.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// freePorts returns ports without a listener.
func freePorts(t testing.TB, n int) (ports []uint16) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // after all are known, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).AddrPort().Port())
	}
	return ports
}

// resolve is a DNS server over TCP that resolves every name to 127.0.0.1.
func resolve(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go resolveOne(c)
		}
	}()
	return l.Addr().String()
}

// resolveOne answers one question. The answer begins with a copy of the question (RFC
// 1035 section 4).
func resolveOne(c net.Conn) {
	defer c.Close()
	defer time.AfterFunc(10*time.Second, func() { c.Close() }).Stop()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	p := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, p); err != nil || len(p) < 12 {
		return
	}
	const head, address = 12, 1
	end := head
	for end < len(p) && p[end] != 0 {
		end += 1 + int(p[end])
	}
	end += 5 // the root, type and class
	if end > len(p) {
		return
	}
	answer := append([]byte{p[0], p[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, p[head:end]...)
	if binary.BigEndian.Uint16(p[end-4:]) == address {
		answer[7] = 1
		answer = append(answer, 0xc0, head, 0, address, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1)
	}
	c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}
