package http

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// certificate is one for localhost that signs itself, made once.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

// secured serves over loopback, in plain text and over TLS, until the test ends.
func secured(t *testing.T, config Config) (plain, secure string) {
	config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	more, err := s.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), more[0].Addr().String()
}

// trusting is what a client needs to know.
func trusting() *tls.Config {
	pool := x509.NewCertPool()
	cert, _ := x509.ParseCertificate(certificate().Certificate[0])
	pool.AddCert(cert)
	return &tls.Config{RootCAs: pool}
}

// scheme answers with how it was asked.
func scheme(w *Response, r *Request) error {
	state := r.TLS()
	if state == nil {
		return w.Text("plain")
	}
	return w.Text(tls.VersionName(state.Version) + ", " + state.NegotiatedProtocol)
}

func TestHTTPSByOthersClients(t *testing.T) {
	t.Run("HTTP/2", func(t *testing.T) { httpsByOthersClients(t, "h2") })
	t.Run("without it", func(t *testing.T) { httpsByOthersClients(t, "http/1.1") })
}

// httpsByOthersClients is TestHTTPSByOthersClients for clients that choose one of two protocols.
func httpsByOthersClients(t *testing.T, protocol string) {
	aside := Blocking(10, scheme)
	plain, secure := secured(t, Config{NoHTTP2: protocol != "h2", Handler: func(w *Response, r *Request) error {
		switch r.Path() {
		case "/scheme":
			return scheme(w, r)
		case "/aside":
			return aside(w, r)
		}
		return site(w, r)
	}})
	large := strings.Repeat("x", 200_000)
	clients := []struct {
		name    string
		version string
		get     func(t *testing.T, url, body string) string
	}{
		{"net/http", "TLS 1.3", goClient(trusting())},
		{"net/http with TLS 1.2", "TLS 1.2", func() func(*testing.T, string, string) string {
			c := trusting()
			c.MaxVersion = tls.VersionTLS12
			return goClient(c)
		}()},
		{"curl", "TLS 1.3", func(t *testing.T, url, body string) string { return curl(t, url, body) }},
		{"curl with TLS 1.2", "TLS 1.2", func(t *testing.T, url, body string) string { return curl(t, url, body, "--tls-max", "1.2") }},
	}
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			for _, row := range []struct{ url, body, want string }{
				{"https://" + secure + "/", "", "hello"},
				{"https://" + secure + "/scheme", "", client.version + ", " + protocol},
				{"https://" + secure + "/aside", "", client.version + ", " + protocol},
				{"http://" + plain + "/scheme", "", "plain"},
				{"http://" + plain + "/aside", "", "plain"},
				{"https://" + secure + "/large", "", large},
				{"https://" + secure + "/file", "", strings.ReplaceAll(large, "x", "f")},
				{"https://" + secure + "/echo", large, large},
				{"https://" + secure + "/streaming/large", "", large},
				{"https://" + secure + "/blocking/echo", large, large},
				{"https://" + secure + "/streaming/known", "", "helloworld"},
				{"http://" + secure + "/", "", "400 Bad Request: this is HTTPS, and the request came in plain HTTP: write https://\n"},
			} {
				if got := client.get(t, row.url, row.body); got != row.want {
					t.Errorf("%s: %.100q, and not %.100q", row.url, got, row.want)
				}
			}
		})
	}
}

// goClient asks by the client of net/http, which would rather speak HTTP/2.
func goClient(config *tls.Config) func(t *testing.T, url, body string) string {
	c := &nethttp.Client{Transport: &nethttp.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
	return func(t *testing.T, url, body string) string {
		ask := func() (*nethttp.Response, error) { return c.Get(url) }
		if body != "" {
			ask = func() (*nethttp.Response, error) { return c.Post(url, "text/plain", strings.NewReader(body)) }
		}
		r, err := ask()
		if err != nil {
			t.Error(err)
			return ""
		}
		defer r.Body.Close()
		p, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		return string(p)
	}
}

// tool skips what needs a program that is not here.
func tool(t *testing.T, name string) {
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
}

// authorityFile writes the certificate to a file.
func authorityFile(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "cert.pem")
	p := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate().Certificate[0]})
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func curl(t *testing.T, url, body string, flags ...string) string {
	tool(t, "curl")
	flags = append(flags, "--silent", "--show-error", "--max-time", "20", "--cacert", authorityFile(t), url)
	if body != "" {
		flags = append(flags, "--data-binary", "@-")
	}
	c := exec.Command("curl", flags...)
	c.Stdin = strings.NewReader(body)
	p, err := c.CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	return string(p)
}

// TestHTTPSByOpenSSL asks by hand what other clients do not do.
func TestHTTPSByOpenSSL(t *testing.T) {
	tool(t, "openssl")
	_, secure := secured(t, Config{Handler: site})
	const get, last = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	session := filepath.Join(t.TempDir(), "session")
	rows := []struct {
		name  string
		flags string
		say   []string
		want  string // a pattern
	}{
		{"TLS 1.3", "-tls1_3", []string{get, last}, `(?s)TLSv1\.3, Cipher is.*hello.*hello`},
		{"TLS 1.2", "-tls1_2", []string{get, last}, `(?s)TLSv1\.2, Cipher is.*hello.*hello`},
		{"our end is one by TLS", "-tls1_3 -msg", []string{last}, `(?s)hello.*<<< TLS 1\.3, Alert.*warning close_notify`},
		{"a ticket is given", "-tls1_2 -sess_out " + session, []string{last}, `(?s)New, .*hello`},
		{"and taken", "-tls1_2 -sess_in " + session, []string{last}, `(?s)Reused, .*hello`},
		{"keys are renewed", "-tls1_3", []string{get, "K\n", get, "k\n", last}, `(?s)hello.*KEYUPDATE.*hello.*KEYUPDATE.*hello`},
		{"HTTP/2 is agreed upon", "-alpn http/1.1,h2", []string{"Q\n"}, `(?s)ALPN protocol: h2`},
		{"HTTP/1.1 is, where it is all that is offered", "-alpn http/1.1", []string{last}, `(?s)ALPN protocol: http/1\.1.*hello`},
		{"what is before TLS 1.2 is refused", "-tls1_1 -cipher DEFAULT:@SECLEVEL=0", nil, `alert protocol version`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			flags := append([]string{"s_client", "-connect", secure, "-servername", "localhost", "-CAfile", authorityFile(t)}, strings.Fields(row.flags)...)
			c := exec.Command("openssl", flags...)
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			c.Stdout, c.Stderr = &out, &out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for _, text := range row.say {
				time.Sleep(200 * time.Millisecond) // it reads a letter as a command if a line begins with it
				io.WriteString(in, text)
			}
			over := time.AfterFunc(10*time.Second, func() { c.Process.Kill() })
			c.Wait() // its status means nothing
			over.Stop()
			in.Close()
			if !regexp.MustCompile(row.want).Match(out.Bytes()) {
				t.Errorf("it said\n%s", out.String())
			}
		})
	}
}

func TestListenTLSNeedsACertificate(t *testing.T) {
	for _, config := range []*tls.Config{nil, {}} {
		s, err := NewServer(Config{Handler: hello, TLS: config})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ListenTLS("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "Config.TLS") {
			t.Errorf("%v: %v", config, err)
		}
	}
}

func TestSpeaking(t *testing.T) {
	rows := []struct {
		name        string
		given, want string
		h2          bool
	}{
		{"nothing becomes ours", "", "h2 http/1.1", true},
		{"what is given stays", "http/1.1", "http/1.1", true},
		{"so does HTTP/2 alone", "h2", "h2", true},
		{"others' stay beside it", "h2 http/1.1 acme-tls/1", "h2 http/1.1 acme-tls/1", true},
		{"without HTTP/2, nothing becomes HTTP/1.1", "", "http/1.1", false},
		{"HTTP/1.1 stays", "http/1.1", "http/1.1", false},
		{"others' stay beside it, without HTTP/2", "http/1.1 acme-tls/1", "http/1.1 acme-tls/1", false},
		{"HTTP/2 is taken out", "h2 http/1.1 acme-tls/1", "http/1.1 acme-tls/1", false},
		{"even alone", "h2", "http/1.1", false},
	}
	for _, row := range rows {
		given := &tls.Config{NextProtos: strings.Fields(row.given)}
		got := speaking(given, row.h2)
		if strings.Join(got.NextProtos, " ") != row.want {
			t.Errorf("%s: %q", row.name, got.NextProtos)
		}
		if strings.Join(given.NextProtos, " ") != row.given {
			t.Errorf("%s: what was given has become %q", row.name, given.NextProtos)
		}
		if row.given == row.want && got != given {
			t.Errorf("%s: it is a copy", row.name)
		}
	}
	if speaking(nil, false) != nil {
		t.Error("nothing must stay nothing")
	}
}

// TestPlainHTTPWhereTLSIsSpoken looks at the first bytes of several languages.
func TestPlainHTTPWhereTLSIsSpoken(t *testing.T) {
	rows := []struct {
		name   string
		say    string
		served bool
	}{
		{"a request is answered", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		{"one that has only begun, too", "G", true},
		{"and a body is no reason to cut the answer off", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", true},
		{"HEAD is answered without a body", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		{"HTTP/2 without TLS begins like a request", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", true},
		{"small letters are no method", "get / HTTP/1.1\r\n\r\n", false},
		{"SSH is not ours", "SSH-2.0-client\r\n", false},
		{"nor is a proxy's word", "\r\n\r\n\x00\r\nQUIT\n", false},
		{"nor are zeros", "\x00\x00\x00\x00", false},
	}
	for _, row := range rows {
		k := sim.New(1)
		config := Config{Handler: site, TLS: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
		var logged []string
		config.ErrorHandler = func(w *Response, r *Request, f Failure) error {
			if _, err := w.Hold(); err == nil {
				t.Errorf("%s: the answer of an ErrorHandler can be held", row.name)
				return err
			}
			w.reset()
			w.SetStatus(f.Status).Add("X-Logged", w.Header("X-Logged")+"yes")
			return w.HTML("<p>" + f.Reason)
		}
		config.Middleware = func(next Handler) Handler {
			return func(w *Response, r *Request) error {
				w.Add("X-Logged", "yes")
				w.OnAnswer(func(status Status, _ int64) {
					logged = append(logged, fmt.Sprint(r.RemoteAddr().Addr(), " ", string(r.LineBytes()), " ", int(status)))
				})
				return next(w, r)
			}
		}
		err := stage(t, k, config, func(s *Server, c *sim.Script, _ *sim.Wire) {
			listeners, err := s.ListenTLS(":443")
			if err != nil {
				t.Error(err)
				return
			}
			w, err := k.DialPort(443)
			if err != nil {
				t.Error(err)
				return
			}
			c.Send(w, []byte(row.say))
			heard, err := c.ReceiveAll(w)
			w.CloseWrite()
			listeners[0].Close()
			if !row.served {
				if err == nil || len(heard) > 0 || len(logged) > 0 {
					t.Errorf("%s: got %q, %v, logged %q", row.name, heard, err, logged)
				}
				return
			}
			line, _, _ := strings.Cut(row.say, "\r\n")
			if len(logged) != 1 || logged[0] != "10.0.0.1 "+line+" 400" {
				t.Errorf("%s: logged %q", row.name, logged)
			}
			if strings.HasPrefix(row.say, "HEAD ") {
				if _, body, _ := strings.Cut(string(heard), "\r\n\r\n"); body != "" || !bytes.HasPrefix(heard, []byte("HTTP/1.1 400 ")) {
					t.Errorf("%s: got %q", row.name, heard)
				}
				return
			}
			answer, err := nethttp.ReadResponse(bufio.NewReader(bytes.NewReader(heard)), nil)
			if err != nil {
				t.Errorf("%s: got %q, %v", row.name, heard, err)
				return
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != 400 || !answer.Close || answer.Header.Get("Date") == "" || answer.Header.Get("X-Logged") != "yes" || !strings.HasPrefix(string(body), "<p>this is HTTPS") {
				t.Errorf("%s: got %q, %v", row.name, heard, err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}
