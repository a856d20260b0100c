package acme

// pebble is Let's Encrypt's own ACME server for tests.

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

// newPebble starts pebble, and ends it with the test.
func newPebble(t *testing.T, life time.Duration, at place) authority {
	if _, err := exec.LookPath("pebble"); err != nil {
		t.Skip("pebble is not installed: go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1")
	}
	folder := t.TempDir()
	roots := ownCertificate(t, folder)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 5 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	names := resolve(t)
	// Pebble must be told its ports, and others may be quicker to take them.
	for range 5 {
		ports := freePorts(t, 2)
		p := startPebble(t, folder, names, life, at, ports)
		directory := fmt.Sprintf("https://127.0.0.1:%d/dir", ports[0])
		root := fmt.Sprintf("https://127.0.0.1:%d/roots/0", ports[1])
		if p.listens(t, client, directory) && p.listens(t, client, root) {
			return authority{directory, roots, func() *x509.CertPool { return rootOf(t, client, root) }, p.stop}
		}
	}
	t.Fatal("pebble does not start")
	return authority{}
}

// A pebble is a process.
type pebble struct {
	command *exec.Cmd
	ended   chan struct{}
}

func startPebble(t *testing.T, folder, names string, life time.Duration, at place, ports []uint16) *pebble {
	const nobody = 1 // is no port that somebody listens on
	own := filepath.Join(folder, "own.pem")
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", ports[0]),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", ports[1]),
		"certificate":             own,
		"privateKey":              own,
		"httpPort":                cmp.Or(at.plain, nobody),
		"tlsPort":                 cmp.Or(at.secure, nobody),
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
	p := &pebble{exec.Command("pebble", "-config", config, "-dnsserver", names), make(chan struct{})}
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

func (p *pebble) stop() {
	p.command.Process.Kill() // unless it has ended
	<-p.ended
}

// listens waits until pebble answers, or has ended.
func (p *pebble) listens(t *testing.T, client *http.Client, url string) bool {
	up := false
	await(t, "pebble listens", func() bool {
		if a, err := client.Get(url); err == nil {
			a.Body.Close()
			up = a.StatusCode == 200
		}
		select {
		case <-p.ended:
			return true
		default:
			return up
		}
	})
	return up
}

// rootOf asks who signs the certificates.
func rootOf(t *testing.T, client *http.Client, url string) *x509.CertPool {
	a, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	pool := x509.NewCertPool()
	if p, err := io.ReadAll(a.Body); err != nil || !pool.AppendCertsFromPEM(p) {
		t.Fatalf("pebble's root is %q, %v", p, err)
	}
	return pool
}

// ownCertificate makes one for an ACME server on loopback.
func ownCertificate(t *testing.T, folder string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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

// freePorts returns ports that nobody listens on now.
func freePorts(t *testing.T, n int) (ports []uint16) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // when all are known, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).AddrPort().Port())
	}
	return ports
}

// resolve is a DNS server by TCP that finds every name at 127.0.0.1.
func resolve(t *testing.T) string {
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

// resolveOne answers one question, which is the beginning of the answer (RFC 1035
// section 4).
func resolveOne(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
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
