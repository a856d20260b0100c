package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// HTTP/2 in the program: its flag, its logs, its figures and its end. The clients that people use
// are in http2_clients_test.go.

// secured returns the flags of a certificate of the program's own.
func secured(t *testing.T) []string {
	t.Helper()
	made, _ := pair(t, t.TempDir())
	return []string{"--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key}
}

// TestHTTP2CanBeTakenOut offers h2 alone to each kind of listener.
func TestHTTP2CanBeTakenOut(t *testing.T) {
	t.Parallel()
	// There is no certificate yet, so no handshake succeeds; but protocols are agreed upon first.
	auto := []string{"--tls", "auto", "--domain", "localhost.example", "--acme-server", "https://127.0.0.1:1/dir", "--acme-folder", t.TempDir()}
	const refused = "no application protocol"
	for _, row := range []struct {
		name   string
		args   []string
		offers string
		says   string // in the error of the handshake; "" if it succeeds
	}{
		{"files with a certificate offer it", secured(t), "h2", ""},
		{"and not without it", append(secured(t), "--http2=off"), "h2", refused},
		{"HTTP/1.1 stays then", append(secured(t), "--http2=off"), "http/1.1", ""},
		{"so does a certificate that is generated offer it", []string{"--tls", "self"}, "h2", ""},
		{"and not without it there", []string{"--tls", "self", "--http2=off"}, "h2", refused},
		{"so does one of an ACME server", auto, "h2", "internal error"},
		{"and not without it there, too", append(auto, "--http2=off"), "h2", refused},
		{"the proof for an ACME server stays", append(auto, "--http2=off"), "acme-tls/1", "internal error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, "", row.args...)
			c := tls.Client(p.dialTLS(), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost.example", NextProtos: []string{row.offers}})
			err := c.Handshake()
			switch {
			case row.says == "" && (err != nil || c.ConnectionState().NegotiatedProtocol != row.offers):
				t.Errorf("agreed upon is %q, %v", c.ConnectionState().NegotiatedProtocol, err)
			case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)):
				t.Errorf("the handshake ends with %v, not with %q", err, row.says)
			}
		})
	}
}

// preface is what a client of HTTP/2 says first (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// TestHTTP2InPlainTextCanBeTakenOut begins with the preface.
func TestHTTP2InPlainTextCanBeTakenOut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, flag, begins string
	}{
		{"a client that knows it is answered by settings", "--http2=on", "\x00\x00"},
		{"without HTTP/2 it hears so in HTTP/1.1", "--http2=off", "HTTP/1.1 505 "},
	} {
		admin := free(t)
		p := start(t, "", row.flag, "--admin", admin)
		for _, at := range []string{p.host(), admin} {
			c, err := net.Dial("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
			say(t, c, preface)
			got := make([]byte, len(row.begins))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != row.begins {
				t.Errorf("%s, at %s: %q, %v", row.name, at, got, err)
			}
		}
	}
}

// h2Client returns a client of the standard library that speaks HTTP/2 alone, and makes no
// connection any more when over says so.
func (p *program) h2Client(over *atomic.Bool) *nethttp.Client {
	var protocols nethttp.Protocols
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	transport := &nethttp.Transport{
		Protocols:       &protocols,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if over != nil && over.Load() {
				return nil, syscall.ECONNREFUSED
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &nethttp.Client{Transport: transport, Timeout: 2 * time.Minute}
}

// gets asks for a path and returns the status and the version of the answer.
func gets(t *testing.T, client *nethttp.Client, url string) string {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %d %d", answer.Proto, answer.StatusCode, n)
}

func TestLogsHaveTheVersionOfHTTP2(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ format, want string }{
		{"common", `"GET /bench?a=b HTTP/2.0" 200 13`},
		{"combined", `"GET /bench?a=b HTTP/2.0" 200 13 "-" "Go-http-client/2.0"`},
		{"json", `"network.protocol.version":"2","http.response.status_code":200`},
	} {
		log := filepath.Join(t.TempDir(), "log")
		p := start(t, "", "--log", row.format+"="+log)
		client := p.h2Client(nil)
		for range 2 {
			if got := gets(t, client, p.url+"bench?a=b"); got != "HTTP/2.0 200 13" {
				t.Errorf("the answer is %s", got)
			}
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		text, err := os.ReadFile(log)
		if n := bytes.Count(text, []byte(row.want)); err != nil || n != 2 {
			t.Errorf("%s: %d lines have %s, %v:\n%s", row.format, n, row.want, err, text)
		}
		if n := bytes.Count(text, []byte(`"conn.id":1}`)); row.format == "json" && n != 2 {
			t.Errorf("%d lines are of connection 1:\n%s", n, text)
		}
	}
}

// TestMetricsTellOfHTTP2 asks by HTTP/2 between two scrapes: time stamps are taken from the first.
func TestMetricsTellOfHTTP2(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--tls", "self"}} {
		p := start(t, "", args...)
		scheme, _, _ := strings.Cut(p.url, ":")
		scraper := p.h2Client(nil)
		scrape := func() string {
			answer, err := scraper.Get(p.url + "-/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != 200 || answer.ProtoMajor != 2 {
				t.Fatalf("%v: %s, %v", answer.Status, text, err)
			}
			return string(text)
		}
		scrape()
		client := p.h2Client(nil)
		for range 3 {
			gets(t, client, p.url+"bench")
		}
		said := scrape()
		for _, want := range []string{
			`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",url_scheme="` + scheme + `",network_protocol_version="2"} 3`,
			`http_server_requests_total{class="2xx"} 3`,
			`bobbin_connections_accepted_total 1`,
			`bobbin_streams_reset_total 0`,
		} {
			if !strings.Contains(said, want+"\n") {
				t.Errorf("%s: there is no %s in\n%.3000s", scheme, want, said)
			}
		}
	}
}

// TestATimelineOfHTTP2 records a server whose clients ask several times at once.
func TestATimelineOfHTTP2(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--xray", folder(t, map[string][]byte{"some": some, "large": large, "small": []byte("small")}))
	client := p.h2Client(nil)
	gets(t, client, p.url+"small") // on the connection of all the others
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	const clients = 12
	for i := range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				q, _ := nethttp.NewRequestWithContext(ctx, "GET", p.url+[]string{"some", "large", "small"}[i%3], nil)
				if answer, err := client.Do(q); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			}
		})
	}
	defer all.Wait()
	defer cancel()
	code, out, said := trace(t, p.host(), "-s", "1", "-o", "-")
	if code != exitOK {
		t.Fatal(said)
	}
	f := checked(t, strings.NewReader(out))
	beside := 0
	for _, r := range f.Slices("request") {
		if r.Parent == nil {
			beside++
		}
	}
	n := len(f.Slices("request"))
	if n == 0 || f.Arrows == 0 { // a busy machine answers few in a second
		t.Errorf("there are %d requests, with %d arrows", n, f.Arrows)
	}
	t.Logf("of %d requests, %d are beside others", n, beside) // on a slow machine each may be over in its turn
	if n := len(f.Slices("connection")); n != 1 {
		t.Errorf("there are %d connections", n)
	}
}

// h2Stop has clients ask by HTTP/2 while the program stops, and returns how many requests were
// answered, how many the client has not sent because of the stop, and what happened to the others.
func h2Stop(t *testing.T, args ...string) (answered, unsent int64, lost []string) {
	t.Helper()
	p := start(t, "", args...)
	var mu sync.Mutex
	var yes, no atomic.Int64
	var over atomic.Bool
	var all sync.WaitGroup
	for range 2 { // connections
		client := p.h2Client(&over)
		for range 6 {
			all.Go(func() {
				for {
					answer, err := client.Get(p.url + "bench")
					if err == nil {
						_, err = io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
					}
					switch {
					case err == nil && answer.StatusCode == 200:
						yes.Add(1)
						continue
					case errors.Is(err, syscall.ECONNREFUSED):
						no.Add(1) // it was to be sent on a new connection
					default:
						mu.Lock()
						lost = append(lost, fmt.Sprintf("%v, %v", answer, err))
						mu.Unlock()
					}
					return
				}
			})
		}
	}
	for yes.Load() < 20 {
		<-time.After(time.Millisecond)
	}
	<-time.After(time.Duration(rand.IntN(20_000)) * time.Microsecond)
	over.Store(true) // the kernel would have them wait for a second before it refuses them
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	all.Wait()
	return yes.Load(), no.Load(), lost
}

// TestGracefulStopsLoseNoRequestOfHTTP2 stops a few programs, or as many as BOBBIN_STOPS says.
func TestGracefulStopsLoseNoRequestOfHTTP2(t *testing.T) {
	stops := 6
	if n, err := strconv.Atoi(os.Getenv("BOBBIN_STOPS")); err == nil {
		stops = n
	} else {
		t.Parallel()
	}
	perfect := canRefuse(t)
	var answered, unsent int64
	lost := 0
	for i := range stops {
		var args []string
		if i%2 == 1 {
			args = []string{"--tls", "self"}
		}
		yes, no, some := h2Stop(t, args...)
		answered, unsent, lost = answered+yes, unsent+no, lost+len(some)
		if len(some) > 0 && perfect {
			t.Errorf("stop %d: %d of %d are lost: %.500s", i, len(some), yes, strings.Join(some, "; "))
		}
	}
	t.Logf("%d stops: %d answered, %d not sent, %d lost", stops, answered, unsent, lost)
}
