package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/certs"
)

// pair makes a certificate for localhost in a folder, and a pool that trusts it.
func pair(t *testing.T, folder string) (*certs.Made, *x509.CertPool) {
	t.Helper()
	made, err := certs.Make(time.Now(), folder, "localhost", "127.0.0.1", "::1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(made.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return made, roots
}

// trusting is a client that trusts an authority, and follows no redirect.
func trusting(roots *x509.CertPool) *nethttp.Client {
	return &nethttp.Client{
		Transport:     &nethttp.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
		CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse },
	}
}

// free is a port that was free just now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestHTTPSServesAndPlainHTTPIsSentThere(t *testing.T) {
	t.Parallel()
	made, roots := pair(t, t.TempDir())
	plain := free(t)
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, "--hsts", "--redirect-http", plain, "--host", "example.com")
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatalf("it is at %s", p.url)
	}
	client := trusting(roots)
	answer, err := client.Get(p.url + "bench")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "Hello, World!" || answer.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("%q, %v, %v", body, answer.Header, err)
	}
	_, port, _ := net.SplitHostPort(p.tlsHost())
	for _, row := range []struct{ host, want string }{
		{"example.com", "https://example.com:" + port + "/a%20b?c=d"},
		{"example.com:8081", "https://example.com:" + port + "/a%20b?c=d"},
		{"[::1]", "https://[::1]:" + port + "/a%20b?c=d"},
		{"[::1]:8081", "https://[::1]:" + port + "/a%20b?c=d"},
		{"127.0.0.1:8081", "https://127.0.0.1:" + port + "/a%20b?c=d"},
	} {
		q, err := nethttp.NewRequest("POST", "http://"+plain+"/a%20b?c=d", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host = row.host
		answer, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != nethttp.StatusPermanentRedirect || answer.Header.Get("Location") != row.want || answer.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %d to %s", row.host, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	client.CloseIdleConnections()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// tlsHost is where it listens, for net.Dial.
func (p *program) tlsHost() string {
	return strings.TrimSuffix(strings.TrimPrefix(p.url, "https://"), "/")
}

func TestWhoSpeaksPlainHTTPToHTTPSIsTold(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--tls", "self")
	c, err := net.Dial("tcp", p.tlsHost())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
	say(t, c, get)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "write https://") {
		t.Errorf("%q, %v", answer, err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestACertificateOfItsOwnHasTheFingerprintThatIsShown(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--tls", "self", "--domain", "dev.example")
	c, err := tls.Dial("tcp", p.tlsHost(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cert := c.ConnectionState().PeerCertificates[0]
	shown := certs.Fingerprint(&tls.Certificate{Certificate: [][]byte{cert.Raw}})
	if !strings.Contains(p.first, " fingerprint="+shown+"\n") {
		t.Errorf("%s is not in %q", shown, p.first)
	}
	for _, name := range []string{"dev.example", "localhost", "127.0.0.1"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	c.Close()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestCertificatesAreReplacedWhileClientsAsk asks on new connections all the time,
// while the certificate is replaced again and again, and is wrong now and then.
func TestCertificatesAreReplacedWhileClientsAsk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	made, roots := pair(t, folder)
	p := start(t, "", "-v", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key)
	ctx, stop := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	serials := make(map[string]bool)
	var mu sync.Mutex
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				client := trusting(roots)
				for range 5 {
					asked.Add(1)
					answer, err := client.Get(p.url + "bench")
					if err != nil {
						failed.Add(1)
						t.Error(err)
						return
					}
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					mu.Lock()
					serials[answer.TLS.PeerCertificates[0].SerialNumber.String()] = true
					mu.Unlock()
				}
				client.CloseIdleConnections()
			}
		})
	}
	const times = 5
	for n := range times {
		if _, err := certs.Make(time.Now(), folder, "localhost", "127.0.0.1", "::1"); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		p.waits("certificates until ", n+1)
		key, err := os.ReadFile(made.Pair.Key)
		if err == nil {
			err = os.WriteFile(made.Pair.Key, []byte("junk"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		p.waits("SIGHUP: not reloaded, the old configuration stays in use", n+1)
		if err := os.WriteFile(made.Pair.Key, key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for !t.Failed() {
		mu.Lock()
		n := len(serials)
		mu.Unlock()
		if n >= 2 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	stop()
	clients.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests have failed", failed.Load(), asked.Load())
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestABurstOfHandshakesHasAnEnd(t *testing.T) {
	var end burstEnd
	for i, row := range []struct {
		name       string
		handshakes uint64
		want       bool
	}{
		{"a few are none", burst - 1, false},
		{"nor if nothing follows", burst - 1, false},
		{"many have just come", 5000, false},
		{"and come", 9000, false},
		{"now they do not", 9000, true},
		{"it is over once", 9000, false},
		{"few follow", 9000 + burst - 1, false},
		{"and add up to a burst that has an end", 9000 + burst, true},
		{"many again", 20_000, false},
		{"a few more are no reason to wait", 20_500, true},
	} {
		if got := end.now(row.handshakes); got != row.want {
			t.Errorf("row %d, %s: %v", i, row.name, got)
		}
	}
}

func TestCertMakesWhatServes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs")
	code, out, complaint := try([]string{"cert", "--folder", folder, "localhost", "*.dev.example"}, "", nil)
	for _, want := range []string{"localhost.pem", "--tls-key", "security add-trusted-cert", "ca.pem", "trusts this authority"} {
		if code != exitOK || complaint != "" || !strings.Contains(strings.ToLower(out), want) {
			t.Errorf("%d, %q: %s is not in %q", code, complaint, want, out)
		}
	}
	if _, again, _ := try([]string{"cert", "--folder", folder}, "", nil); strings.Contains(again, "add-trusted-cert") {
		t.Errorf("the authority was made once more: %q", again)
	}
	if code, _, complaint := try([]string{"cert", "--folder", folder, "a b"}, "", nil); code != exitUsage || !strings.Contains(complaint, `"a b"`) {
		t.Errorf("%d, %q", code, complaint)
	}
	if code, _, complaint := try([]string{"cert", "--folder", folder, "ca"}, "", nil); code != exitUsage || !strings.Contains(complaint, "put another name first") {
		t.Errorf("%d, %q", code, complaint)
	}
	if code, out, complaint := try([]string{"config", "test", "--tls-cert", filepath.Join(folder, "localhost.pem"), "--tls-key", filepath.Join(folder, "localhost-key.pem")}, "", nil); code != exitOK {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
}

// TestCurlSpeaksHTTPS and openssl, too.
func TestCurlSpeaksHTTPS(t *testing.T) {
	t.Parallel()
	made, _ := pair(t, t.TempDir())
	content := strings.Repeat("0123456789", 100_000)
	session := filepath.Join(t.TempDir(), "session")
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, folder(t, map[string][]byte{"a.txt": []byte(content)}))
	for _, row := range []struct {
		name    string
		command string
		want    string
	}{
		{"TLS 1.3", "curl -sS --tlsv1.3 --cacert CA https://HOST/a.txt", content},
		{"TLS 1.2", "curl -sS --tls-max 1.2 --cacert CA https://HOST/a.txt", content},
		{"a range", "curl -sS -r 5-9 --cacert CA https://HOST/a.txt", "56789"},
		{"many requests", "curl -sS --cacert CA https://HOST/a.txt https://HOST/a.txt", content + content},
		{"a first time with TLS 1.3", "openssl s_client -connect HOST -tls1_3 -CAfile CA -verify_return_error -ign_eof -sess_out SESSION3", "New, TLSv1.3"},
		{"and another", "openssl s_client -connect HOST -tls1_3 -CAfile CA -verify_return_error -ign_eof -sess_in SESSION3", "Reused, TLSv1.3"},
		{"a first time with TLS 1.2", "openssl s_client -connect HOST -tls1_2 -CAfile CA -verify_return_error -ign_eof -sess_out SESSION2", "New, TLSv1.2"},
		{"and another with that", "openssl s_client -connect HOST -tls1_2 -CAfile CA -verify_return_error -ign_eof -sess_in SESSION2", "Reused, TLSv1.2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := strings.Fields(strings.NewReplacer("HOST", p.tlsHost(), "CA ", made.CA+" ", "SESSION", session).Replace(row.command))
			if _, err := exec.LookPath(args[0]); err != nil {
				t.Skipf("%s is not installed", args[0])
			}
			cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
			cmd.Stdin = strings.NewReader(fmt.Sprintf("GET /a.txt HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p.tlsHost()))
			out, err := cmd.Output()
			if args[0] == "openssl" && strings.Contains(string(out), row.want) && strings.Contains(string(out), content) {
				return // which says a lot more
			}
			if err != nil || string(out) != row.want {
				t.Errorf("%.100q, %v", out, err)
			}
		})
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}
