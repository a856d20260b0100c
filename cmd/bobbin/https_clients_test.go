package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/acme/acmetest"
)

// The clients that people use, over TLS. curl and openssl are in https_test.go.

func TestNodeSpeaksHTTPS(t *testing.T) {
	t.Parallel()
	made, _ := pair(t, t.TempDir())
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, folder(t, map[string][]byte{"some": some, "large": large}))
	// One agent, few sockets, many requests, one of them with a body, and one for
	// a file that no socket takes at once.
	out := tool(t, "node", "-e", `
		const https = require('https'), crypto = require('crypto');
		const agent = new https.Agent({ keepAlive: true, maxSockets: 4, ca: require('fs').readFileSync(process.argv[2]) });
		const sockets = new Set();
		const ask = (name, method, body) => new Promise((resolve, reject) => {
			const r = https.request(process.argv[1] + name, { agent, method }, (answer) => {
				const sum = crypto.createHash('sha256'), { authorized } = answer.socket, spoken = answer.socket.getProtocol();
				answer.on('data', (d) => sum.update(d));
				answer.on('end', () => resolve([answer.statusCode, authorized, spoken, sum.digest('hex')].join(' ')));
			});
			r.on('socket', (s) => sockets.add(s));
			r.on('error', reject);
			r.end(body);
		});
		(async () => {
			const got = await Promise.all(Array.from({ length: 32 }, () => ask('some', 'GET')));
			console.log([...new Set(got)].join('\n'));
			console.log(await ask('large', 'GET'));
			console.log((await ask('some', 'POST', 'x'.repeat(10000))).slice(0, 8), sockets.size);
			agent.destroy();
		})();
	`, p.url, made.CA)
	reports(t, out, fmt.Sprintf("^200 true TLSv1.3 %x\n200 true TLSv1.3 %x\n405 true 4\n$", sha256.Sum256(some), sha256.Sum256(large)))
}

func TestBrowserSpeaksHTTPS(t *testing.T) {
	t.Parallel()
	made, _ := pair(t, t.TempDir())
	c, err := tls.LoadX509KeyPair(made.Pair.Cert, made.Pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, busy(t))
	reports(t, chromium(t, p.url, "--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(key[:])), busyShows)
}

// TestByteByByteThroughAPipe has every byte of a client come by itself, those of its
// handshake and those of its requests.
func TestByteByByteThroughAPipe(t *testing.T) {
	t.Parallel()
	made, roots := pair(t, t.TempDir())
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, folder(t, map[string][]byte{"some": some}))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			config := &tls.Config{RootCAs: roots, MinVersion: version, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			for _, again := range []bool{false, true} { // by a ticket
				client := nethttp.Client{Transport: &nethttp.Transport{
					TLSClientConfig: config,
					DialContext:     func(context.Context, string, string) (net.Conn, error) { return bytewise{p.dialTLS()}, nil },
				}}
				for range 2 {
					answer, err := client.Get(p.url + "some")
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(answer.Body)
					answer.Body.Close()
					if err != nil || !bytes.Equal(got, some) || answer.TLS.DidResume != again || answer.TLS.Version != version {
						t.Errorf("again %v: %d bytes, %v, resumed %v", again, len(got), err, answer.TLS.DidResume)
					}
				}
				client.CloseIdleConnections()
			}
		})
	}
}

// bytewise is a connection that sends a byte at a time.
type bytewise struct{ net.Conn }

func (b bytewise) Write(p []byte) (int, error) {
	for i := range p {
		if n, err := b.Conn.Write(p[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(p), nil
}

// dialTLS opens a connection to where HTTPS is spoken, of which nothing is left when
// the test is over.
func (p *program) dialTLS() net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.tlsHost())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(2 * time.Minute)) // or a mistake would hang the test
	return c
}

// asks opens a connection over TLS and asks once.
func (p *program) asks(roots *x509.CertPool) *tls.Conn {
	p.t.Helper()
	c := tls.Client(p.dialTLS(), &tls.Config{RootCAs: roots, ServerName: "localhost"})
	say(p.t, c, get)
	answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != 200 {
		p.t.Fatalf("%v, %v", answer, err)
	}
	return c
}

// TestAnIdleConnectionEndsByTLS has it ended for all reasons that there are.
func TestAnIdleConnectionEndsByTLS(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, limit string
		when        func(p *program, roots *x509.CertPool)
	}{
		{"nobody has asked for long", "IdleTimeout=200ms", func(*program, *x509.CertPool) {}},
		{"the program ends", "IdleTimeout=1h", func(p *program, _ *x509.CertPool) { p.signal(syscall.SIGTERM) }},
		{"others need the room", "Conns=1", func(p *program, roots *x509.CertPool) { p.asks(roots) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			made, roots := pair(t, t.TempDir())
			p := start(t, "", "--limit", row.limit, "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key)
			c := p.asks(roots)
			row.when(p, roots)
			if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil { // which would be an unexpected end
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

// TestACertificateIsObtainedAndFoundAgain asks Let's Encrypt's ACME server for tests,
// which comes to look by tls-alpn-01, and has nobody to ask after a restart.
func TestACertificateIsObtainedAndFoundAgain(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort(free(t)).Port()
	ca := acmetest.Pebble(t, time.Hour, 0, at)
	roots, kept := ca.Issuer(t), filepath.Join(t.TempDir(), "kept")
	var first *x509.Certificate
	for _, says := range []string{"certificate obtained", "certificate found"} {
		p := start(t, "", "-p", fmt.Sprint(at), "--tls", "auto", "--domain", "a.example", "--acme-email", "me@a.example",
			"--acme-server", ca.Directory, "--acme-ca", ca.CA, "--acme-folder", kept)
		p.waits(says, 1)
		c := tls.Client(p.dialTLS(), &tls.Config{RootCAs: roots, ServerName: "a.example"})
		say(t, c, get)
		if answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != 200 {
			t.Fatalf("%v, %v", answer, err)
		}
		got := c.ConnectionState().PeerCertificates[0]
		if first != nil && !got.Equal(first) {
			t.Error("after a restart, there is another certificate")
		}
		first = got
		c.Close()
		for tries := 0; ; tries++ { // it is served first and kept then
			if _, err := os.Stat(filepath.Join(kept, "a.example")); err == nil {
				break
			} else if tries == 3000 {
				t.Fatal(err)
			}
			<-time.After(10 * time.Millisecond)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		ca.Stop()
	}
}
