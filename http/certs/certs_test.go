package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T, folder string, names ...string) *Made {
	t.Helper()
	m, err := Make(time.Now(), folder, names...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatIsMadeIsTrustedByWhoTrustsTheAuthority(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	m := made(t, folder, "localhost", "127.0.0.1", "::1", "*.example.com")
	if !m.New {
		t.Error("the authority was there already")
	}
	again := made(t, folder, "other.example")
	if again.New {
		t.Error("another authority was made")
	}
	text, err := os.ReadFile(m.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	for path, names := range map[string][]string{
		m.Pair.Cert:     {"localhost", "127.0.0.1", "::1", "a.example.com"},
		again.Pair.Cert: {"other.example"},
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if _, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.Verify(x509.VerifyOptions{DNSName: "example.org", Roots: roots}); err == nil {
			t.Errorf("%s is good for every name", path)
		}
	}
	for _, key := range []string{m.Pair.Key, filepath.Join(folder, "ca-key.pem")} {
		if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v, %v", key, info.Mode(), err)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"a b"}, {"-a"}, {"a..b"}, {"a.*.b"}, {"http://a"}, {"localhost", "300.1.2.3:80"}} {
		if _, err := Self(time.Now(), names...); err == nil {
			t.Errorf("%q have a certificate", names)
		}
	}
}

func TestSelf(t *testing.T) {
	c, err := Self(time.Now(), "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if f := Fingerprint(c); len(f) != 32*3-1 || strings.Trim(f, "0123456789ABCDEF:") != "" {
		t.Errorf("the fingerprint is %q", f)
	}
	s := Of(c)
	if got, err := s.Get(&tls.ClientHelloInfo{ServerName: "other"}); got != c || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if changed, err := s.Reload(); changed || err != nil || s.Slow() {
		t.Errorf("%v, %v", changed, err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	p, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, p, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// hello is what a client says that speaks TLS 1.3.
func hello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
	}
}

func TestAClientGetsTheCertificateOfItsName(t *testing.T) {
	folder := t.TempDir()
	a, b := made(t, folder, "a.example"), made(t, folder, "*.b.example")
	s, err := Load(time.Now, a.Pair, b.Pair)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a.example": "a.example", "x.b.example": "*.b.example", "other": "a.example", "": "a.example"} {
		c, err := s.Get(hello(name))
		if err != nil || c.Leaf.DNSNames[0] != want {
			t.Errorf("%q gets %v, %v", name, c.Leaf.DNSNames, err)
		}
	}
	if left := time.Until(s.Expires()); left < 360*24*time.Hour || left > 366*24*time.Hour {
		t.Errorf("it expires in %v", left)
	}
}

func TestWhatIsReplacedIsSeenAndWhatIsWrongIsNot(t *testing.T) {
	folder := t.TempDir()
	a, b := made(t, folder, "a.example"), made(t, folder, "b.example")
	p := Pair{filepath.Join(folder, "cert"), filepath.Join(folder, "key")}
	copyFile(t, a.Pair.Cert, p.Cert)
	copyFile(t, a.Pair.Key, p.Key)
	s, err := Load(time.Now, p)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		c, err := s.Get(hello(""))
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.DNSNames[0]
	}
	if changed, err := s.Reload(); changed || err != nil {
		t.Errorf("nothing has changed: %v, %v", changed, err)
	}
	copyFile(t, b.Pair.Cert, p.Cert) // and the key comes later
	if changed, err := s.Reload(); changed || err == nil || !strings.Contains(err.Error(), "the key does not match the certificate") || name() != "a.example" {
		t.Errorf("%v, %v, %s", changed, err, name())
	}
	copyFile(t, b.Pair.Key, p.Key)
	if changed, err := s.Reload(); !changed || err != nil || name() != "b.example" {
		t.Errorf("%v, %v, %s", changed, err, name())
	}
	os.Remove(p.Cert)
	if changed, err := s.Reload(); changed || err == nil || name() != "b.example" {
		t.Errorf("%v, %v, %s", changed, err, name())
	}
	copyFile(t, b.Pair.Cert, p.Cert)
	s.state.Load().now = func() time.Time { return time.Now().AddDate(2, 0, 0) }
	if changed, err := s.Reload(); changed || err == nil || !strings.Contains(err.Error(), " expired on ") {
		t.Errorf("%v, %v", changed, err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	folder := t.TempDir()
	a, b := made(t, folder, "a.example"), made(t, folder, "b.example")
	junk := filepath.Join(folder, "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		pairs []Pair
		says  string
	}{
		{"nothing", nil, "no certificate given"},
		{"a file that is not there", []Pair{{"/no/such/file", a.Pair.Key}}, "/no/such/file"},
		{"a key that is not there", []Pair{{a.Pair.Cert, "/no/such/file"}}, "/no/such/file"},
		{"another's key", []Pair{{a.Pair.Cert, b.Pair.Key}}, "the key does not match the certificate"},
		{"the wrong way round", []Pair{{a.Pair.Key, a.Pair.Cert}}, "are swapped"},
		{"no certificate", []Pair{{junk, a.Pair.Key}}, "failed to find any PEM data"},
		{"the second of two", []Pair{a.Pair, {b.Pair.Cert, a.Pair.Key}}, b.Pair.Cert},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := Load(time.Now, row.pairs...); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

func TestAuthoritiesThatAreNone(t *testing.T) {
	for name, spoil := range map[string]func(folder string){
		"another's key": func(folder string) {
			other := t.TempDir()
			made(t, other, "a")
			copyFile(t, filepath.Join(other, "ca-key.pem"), filepath.Join(folder, "ca-key.pem"))
		},
		"a certificate that may not sign": func(folder string) {
			m := made(t, t.TempDir(), "a")
			copyFile(t, m.Pair.Cert, filepath.Join(folder, "ca.pem"))
			copyFile(t, m.Pair.Key, filepath.Join(folder, "ca-key.pem"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			made(t, folder, "a")
			spoil(folder)
			if _, err := Make(time.Now(), folder, "b"); err == nil {
				t.Error("it has signed")
			}
		})
	}
}

// TestWhatMakeWritesIsNeverAnothersFile: the authority's key above all.
func TestWhatMakeWritesIsNeverAnothersFile(t *testing.T) {
	rows := []struct {
		name  string
		first string // is made before
		then  string
		ok    bool
	}{
		{"a name may be made again", "a.example", "a.example", true},
		{"the authority's name is refused", "a.example", "ca", false},
		{"that of its key, too", "a.example", "ca-key", false},
		{"on disks that tell no case apart these are the same", "a.example", "CA", false},
		{"and so is this", "a.example", "Ca-Key", false},
		{"the authority's name is refused before there is one", "", "ca", false},
		{"what only begins so is free", "a.example", "ca.example", true},
		{"a certificate in place of a key is refused", "a", "a-key", false},
		{"a key in place of a certificate is refused", "a-key", "a", false},
		{"a wildcard is a file of its own", "a.example", "*.a.example", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "certs")
			if row.first != "" {
				made(t, folder, row.first)
			}
			before := contents(t, folder)
			_, err := Make(time.Now(), folder, row.then, "localhost")
			if (err == nil) != row.ok {
				t.Errorf("%q after %q: %v", row.then, row.first, err)
			}
			after := contents(t, folder)
			for name, text := range before {
				if after[name] != text && (!row.ok || strings.HasPrefix(name, "ca")) {
					t.Errorf("%s is another", name)
				}
			}
			if !row.ok && len(after) != len(before) {
				t.Errorf("something was written: there were %d files, there are %d", len(before), len(after))
			}
		})
	}
}

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	list, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, file := range list {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name()] = string(text)
	}
	return all
}

func TestHalfAnAuthorityIsNotReplaced(t *testing.T) {
	for _, lost := range []string{"ca.pem", "ca-key.pem"} {
		folder := t.TempDir()
		made(t, folder, "a")
		if err := os.Remove(filepath.Join(folder, lost)); err != nil {
			t.Fatal(err)
		}
		before := contents(t, folder)
		if _, err := Make(time.Now(), folder, "a"); err == nil || !strings.Contains(err.Error(), lost) {
			t.Errorf("without %s: %v", lost, err)
		}
		if after := contents(t, folder); !maps.Equal(before, after) {
			t.Errorf("without %s another was made", lost)
		}
	}
}

func TestRSAIsSlow(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c, err := leaf(time.Now(), []string{"a"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !Of(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}).Slow() {
		t.Error("it is not")
	}
}

// TestReplaceTakesOverCertificatesAndTheirFiles has handshakes, and further calls of Reload, find those of
// the other store.
func TestReplaceTakesOverCertificatesAndTheirFiles(t *testing.T) {
	folder := t.TempDir()
	a, b := made(t, folder, "a.example"), made(t, folder, "b.example")
	p := Pair{filepath.Join(folder, "cert"), filepath.Join(folder, "key")}
	copyFile(t, b.Pair.Cert, p.Cert)
	copyFile(t, b.Pair.Key, p.Key)
	s, err := Load(time.Now, a.Pair)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		pairs   []Pair
		changed bool
		has     string
	}{
		{"the same", []Pair{a.Pair}, false, "a.example"},
		{"another", []Pair{p}, true, "b.example"},
		{"the same in another file", []Pair{b.Pair}, true, "b.example"},
		{"two", []Pair{p, a.Pair}, true, "b.example"},
	} {
		other, err := Load(time.Now, row.pairs...)
		if err != nil {
			t.Fatal(err)
		}
		changed := s.Replace(other)
		if c, err := s.Get(hello("")); err != nil || c.Leaf.DNSNames[0] != row.has || changed != row.changed {
			t.Errorf("%s: %s, changed %v, %v", row.name, c.Leaf.DNSNames[0], changed, err)
		}
	}
	copyFile(t, a.Pair.Cert, p.Cert)
	copyFile(t, a.Pair.Key, p.Key)
	if changed, err := s.Reload(); !changed || err != nil || s.Covers("b.example") {
		t.Errorf("its new file is not read: %v, %v", changed, err)
	}
	if self, err := Self(time.Now(), "c.example"); err != nil || !s.Replace(Of(self)) || !s.Covers("c.example") {
		t.Errorf("a certificate without a file is not taken: %v", err)
	}
	if changed, err := s.Reload(); changed || err != nil || !s.Covers("c.example") {
		t.Errorf("%v, %v", changed, err)
	}
}
