package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	seeded "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/ws"
)

// A Site is the folder that all servers serve.
type Site struct {
	Folder string
	files  map[string][]byte
}

// The files and their lengths.
var sizes = []struct {
	name string
	size int
}{{"1k.bin", 1 << 10}, {"64k.bin", 64 << 10}, {"10m.bin", 10 << 20}}

// MakeSite makes a folder with a file of each size, and one with the hello answer for
// servers that serve files only.
func MakeSite(scratch string) (*Site, error) {
	s := &Site{Folder: filepath.Join(scratch, "site"), files: make(map[string][]byte)}
	if err := os.Mkdir(s.Folder, 0o755); err != nil {
		return nil, err
	}
	s.files[HelloPath] = []byte(Hello)
	var seed [32]byte // the same bytes every time, and not compressible
	random := seeded.NewChaCha8(seed)
	for _, f := range sizes {
		body := make([]byte, f.size)
		random.Read(body)
		s.files["/"+f.name] = body
	}
	// Older than a minute: some servers distrust recent changes.
	then := time.Now().Add(-time.Hour)
	for path, body := range s.files {
		name := s.File(path)
		if err := os.WriteFile(name, body, 0o644); err != nil {
			return nil, err
		}
		if err := os.Chtimes(name, then, then); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// File returns the file for a path.
func (s *Site) File(path string) string {
	return filepath.Join(s.Folder, strings.TrimPrefix(path, "/"))
}

// Answer returns the expected answer for a request.
func (s *Site) Answer(r Request) Answer {
	if r.Protocol == WebSocket {
		return Answer{Status: http.StatusSwitchingProtocols, Body: ws.Message(r.Message)}
	}
	return Answer{Status: 200, Body: s.files[r.Path]}
}

// A Certificate is the certificate of all servers.
type Certificate struct {
	File, Key string // PEM
	Both      string // in one file, for haproxy
}

// MakeCertificate makes a self-signed one with ECDSA P-256.
func MakeCertificate(scratch string) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(30 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	shown := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	hidden := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	c := &Certificate{
		File: filepath.Join(scratch, "certificate.pem"),
		Key:  filepath.Join(scratch, "key.pem"),
		Both: filepath.Join(scratch, "both.pem"),
	}
	for name, text := range map[string][]byte{c.File: shown, c.Key: hidden, c.Both: append(shown[:len(shown):len(shown)], hidden...)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
	}
	return c, nil
}
