package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Lifetimes. Browsers refuse server certificates that are valid for longer than 398
// days.
const (
	caDays   = 3650
	leafDays = 365
	selfDays = 30
)

// early is how much before now a certificate becomes valid, for clients whose clocks
// are slow.
const early = time.Hour

// Self makes a self-signed certificate for names and addresses. Browsers warn of it;
// Fingerprint lets users verify it.
func Self(now time.Time, names ...string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := leaf(now, names, selfDays)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: made}, nil
}

// Fingerprint returns the SHA-256 of a certificate in the notation of browsers.
func Fingerprint(c *tls.Certificate) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(c.Certificate[0])), " ", ":")
}

// leaf returns the template of a server certificate.
func leaf(now time.Time, names []string, days int) (*x509.Certificate, error) {
	if len(names) == 0 {
		return nil, errors.New("a certificate needs at least one name")
	}
	c, err := template(now, names[0], days)
	if err != nil {
		return nil, err
	}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			c.IPAddresses = append(c.IPAddresses, ip.AsSlice())
			continue
		}
		if !isName(name) {
			return nil, fmt.Errorf("%q is neither a host name nor an address", name)
		}
		c.DNSNames = append(c.DNSNames, name)
	}
	return c, nil
}

// isName reports whether s is a valid host name or wildcard.
func isName(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(s) <= 253
}

func template(now time.Time, name string, days int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-early),
		NotAfter:              now.AddDate(0, 0, days),
		BasicConstraintsValid: true,
	}, nil
}

// CAKey is the name of the file with the authority's private key, in the folder of Make.
const CAKey = "ca-key.pem"

// Other files that Make writes.
const (
	caFile     = "ca.pem"
	certSuffix = ".pem"
	keySuffix  = "-key.pem"
)

// Their types in PEM.
const (
	certKind = "CERTIFICATE"
	keyKind  = "PRIVATE KEY"
)

// Made is the result of Make.
type Made struct {
	CA    string // the file of the authority's certificate, to be trusted
	New   bool   // the authority is new
	Pair  Pair
	Until time.Time
}

// Make writes a certificate for names and addresses into a folder. An authority in
// the same folder signs it; Make creates the authority if it is missing. A system
// that trusts the authority trusts all that it signs, so its key must stay private.
//
// The files are named after the first name. It is an error if these are the names of
// the authority's files or of another name's files.
func Make(now time.Time, folder string, names ...string) (*Made, error) {
	c, err := leaf(now, names, leafDays)
	if err != nil {
		return nil, err
	}
	m := &Made{CA: filepath.Join(folder, caFile), Pair: pairOf(folder, names[0]), Until: c.NotAfter}
	if err := m.Pair.mayBeWritten(names[0]); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	ca, caKey, err := readCA(now, folder)
	if errors.Is(err, os.ErrNotExist) {
		m.New = true
		ca, caKey, err = makeCA(now, folder)
	}
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	if err := writeKey(m.Pair.Key, key); err != nil {
		return nil, err
	}
	return m, writeCert(m.Pair.Cert, der, 0o644)
}

// pairOf returns the file names for a name.
func pairOf(folder, name string) Pair {
	base := filepath.Join(folder, strings.ReplaceAll(strings.ReplaceAll(name, "*", "_"), ":", "-"))
	return Pair{base + certSuffix, base + keySuffix}
}

// mayBeWritten returns an error if writing a pair would overwrite something else.
// Some file systems ignore case, so "CA" is refused everywhere. The certificate of
// "a-key" would have the file name of the key of "a": an existing file of the other
// kind shows that.
func (p Pair) mayBeWritten(name string) error {
	for _, path := range []string{p.Cert, p.Key} {
		for _, own := range []string{caFile, CAKey} {
			if strings.EqualFold(filepath.Base(path), own) {
				return fmt.Errorf("the file for %q would be %s, which belongs to the authority: put another name first", name, path)
			}
		}
	}
	for path, kind := range map[string]string{p.Cert: certKind, p.Key: keyKind} {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(text); block == nil || block.Type != kind {
			return fmt.Errorf("%s exists and is not a %s: put another name first, or remove the file", path, strings.ToLower(kind))
		}
	}
	return nil
}

func makeCA(now time.Time, folder string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	c, err := template(now, "bobbin development CA of "+host, caDays)
	if err != nil {
		return nil, nil, err
	}
	c.IsCA, c.MaxPathLenZero = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if err := writeKey(filepath.Join(folder, CAKey), key); err != nil {
		return nil, nil, err
	}
	if err := writeCert(filepath.Join(folder, caFile), der, 0o644); err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

func readCA(now time.Time, folder string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	cert, key := filepath.Join(folder, caFile), filepath.Join(folder, CAKey)
	_, noCert := os.Lstat(cert)
	_, noKey := os.Lstat(key)
	if (noCert == nil) != (noKey == nil) {
		return nil, nil, fmt.Errorf("only one of %s and %s exists: restore the other, or remove this one to make a new authority", cert, key)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("%s and %s: %w", cert, key, explain(err))
	}
	k, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, fmt.Errorf("%s is not an authority made by bobbin", cert)
	}
	if now.After(pair.Leaf.NotAfter) {
		return nil, nil, fmt.Errorf("%s has expired: remove it and %s to make a new authority", cert, key)
	}
	return pair.Leaf, k, nil
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, keyKind, der, 0o600)
}

func writeCert(path string, der []byte, mode os.FileMode) error {
	return writePEM(path, certKind, der, mode)
}

// writePEM writes to a temporary file first, so that readers never see half a file,
// or a key before its permissions are set.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // created with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	if err == nil {
		err = f.Chmod(mode)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
