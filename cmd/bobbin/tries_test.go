package main

import (
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// running serves the default site in this process until the test ends.
func running(t *testing.T, args ...string) (*site, http.Servers) {
	t.Helper()
	s, o := prepared(t, append(args, "-p", "0")...)
	servers, err := s.newServers(&o, slog.New(slog.DiscardHandler), io.Discard, false)
	if err != nil {
		t.Fatal(err)
	}
	s.inspector.Show(servers)
	if _, err := o.listenAll(servers); err != nil {
		t.Fatal(err)
	}
	s.tries.aim(&o, servers[0].Loop().Limits().Conns)
	over := make(chan error, 1)
	go func() { over <- servers.Run() }()
	t.Cleanup(func() {
		s.tries.end()
		servers.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return s, servers
}

// until asks a loop again and again, until it answers yes.
func until(t *testing.T, l *eventloop.Loop, yes func() bool) {
	for answer := make(chan bool); ; {
		if err := l.Post(func() { answer <- yes() }); err != nil {
			t.Fatal(err)
		}
		if <-answer {
			return
		}
	}
}

// connections counts those of a loop, on the loop.
func connections(l *eventloop.Loop, is func(c *eventloop.ConnInfo) bool) (n int) {
	for _, c := range l.Connections(nil) {
		if is(&c) {
			n++
		}
	}
	return n
}

// TestButtonsDoWhatTheySay presses each of them, over HTTP and HTTPS, until its effect is
// seen, and then has the server stop.
func TestButtonsDoWhatTheySay(t *testing.T) {
	seen := map[string]func(l *eventloop.Loop) bool{
		"clients": func(l *eventloop.Loop) bool {
			return connections(l, func(c *eventloop.ConnInfo) bool { return c.Requests > 1 }) == tryClients
		},
		"slow": func(l *eventloop.Loop) bool {
			return connections(l, func(c *eventloop.ConnInfo) bool { return c.Full && c.Owed > 1<<20 }) == 1
		},
		"slowloris": func(l *eventloop.Loop) bool {
			return connections(l, func(c *eventloop.ConnInfo) bool {
				return c.Activity == eventloop.Reading && c.Requests == 0 && c.State == eventloop.Open
			}) == trySlow
		},
		"sleep": func(l *eventloop.Loop) bool { return l.Count(eventloop.CallbackStalled) > 0 },
		"burst": func(l *eventloop.Loop) bool { return l.Count(http.Done2xx) == tryBurst },
	}
	for _, tls := range [][]string{nil, {"--tls", "self"}} {
		for id, seen := range seen {
			t.Run(id+strings.Join(tls, ""), func(t *testing.T) {
				t.Parallel()
				s, servers := running(t, tls...)
				s.tries.lasts, s.tries.longest = time.Hour, time.Hour // until the server stops
				done := make(chan struct{}, 1)
				press := func() {
					for _, b := range s.tries.buttons() {
						if b.ID == id {
							b.Run(func() { done <- struct{}{} })
						}
					}
				}
				press()
				loop := servers[0].Loop()
				until(t, loop, func() bool {
					if seen(loop) {
						return true
					}
					if id == "sleep" && len(done) > 0 { // a watchdog that got no core saw none of the stalls
						<-done
						press()
					}
					return false
				})
				s.tries.end()
				<-done
				until(t, loop, func() bool { return len(loop.Connections(nil)) == 0 })
			})
		}
	}
}

// TestButtonsEndByThemselves presses each when its time is nearly over.
func TestButtonsEndByThemselves(t *testing.T) {
	t.Parallel()
	s, servers := running(t)
	s.tries.lasts = time.Millisecond
	loop := servers[0].Loop()
	for _, b := range s.tries.buttons() {
		done := make(chan struct{})
		b.Run(func() { close(done) })
		<-done
		until(t, loop, func() bool { return len(loop.Connections(nil)) == 0 })
	}
}

// TestButtonsEndWithTheServer presses two, and stops the program: no answer is cut off.
func TestButtonsEndWithTheServer(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	page := watchProgram(t, p)
	for _, what := range []string{"clients", "slow"} {
		page.press(what)
	}
	for {
		if f := page.next(); f.Loops[0].Open > tryClients/2 && f.Loops[0].Owed > 1<<20 {
			break
		}
	}
	p.signal(os.Interrupt)
	p.ends(exitOK)
}

// TestButtonsAimAtTheFirstListener has sites of all sorts.
func TestButtonsAimAtTheFirstListener(t *testing.T) {
	tcp := func(s string) bobbin.Address { return bobbin.Address{IP: netip.MustParseAddrPort(s)} }
	for _, row := range []struct {
		name    string
		first   bobbin.Address
		https   httpsOptions
		conns   int
		want    string
		host    string
		clients int
	}{
		{"on loopback", tcp("127.0.0.1:8080"), httpsOptions{}, 1000, "tcp 127.0.0.1:8080", "localhost", 64},
		{"on all addresses it is loopback", tcp("0.0.0.0:80"), httpsOptions{}, 1000, "tcp 127.0.0.1:80", "localhost", 64},
		{"on all addresses of IPv6, too", tcp("[::]:80"), httpsOptions{}, 1000, "tcp [::1]:80", "localhost", 64},
		{"at another address it is that one", tcp("192.0.2.1:80"), httpsOptions{}, 1000, "tcp 192.0.2.1:80", "localhost", 64},
		{"on a Unix socket it is that one", bobbin.Address{Path: "/run/site"}, httpsOptions{}, 1000, "unix /run/site", "localhost", 64},
		{"over HTTPS it asks for a name that the certificate has", tcp("127.0.0.1:443"), httpsOptions{mode: "auto", domains: []string{"a.example"}}, 1000, "tcp 127.0.0.1:443", "a.example", 64},
		{"with little room there are few clients", tcp("127.0.0.1:80"), httpsOptions{}, 100, "tcp 127.0.0.1:80", "localhost", 25},
		{"there is always one", tcp("127.0.0.1:80"), httpsOptions{}, 1, "tcp 127.0.0.1:80", "localhost", 1},
	} {
		s := newTries()
		s.aim(&options{first: row.first, https: row.https}, row.conns)
		if got := s.network + " " + s.address; got != row.want || s.host != row.host || s.most != row.clients || (s.tls != nil) != row.https.on() {
			t.Errorf("%s: %s, host %s, %d clients, TLS %v", row.name, got, s.host, s.most, s.tls != nil)
		}
	}
}

// TestStrangersDoNotHoldTheLoop asks for the two paths of the buttons without their secret.
func TestStrangersDoNotHoldTheLoop(t *testing.T) {
	s, o := prepared(t)
	httptest.Run(t, httptest.Config{Handler: defaultSite(s.xray(&o, 0))}, func(c *httptest.Client) {
		c = c.At("127.0.0.1")
		for _, path := range []string{"/-/xray/sleep", "/-/xray/large"} {
			for _, secret := range []string{"", tryField + ":", tryField + ": wrong"} {
				fields := []string{"Host: localhost"}
				if secret != "" {
					fields = append(fields, secret)
				}
				if a := c.Get(path, fields...); a.Status != 404 {
					t.Errorf("%s with %q is answered by %d", path, secret, a.Status)
				}
			}
			if a := c.Get(path, tryField+": "+s.tries.secret); a.Status != 200 {
				t.Errorf("a button's own request for %s is answered by %d", path, a.Status)
			}
		}
	})
}

// TestButtonsTakeNoRate limits clients to one request, and presses a button.
func TestButtonsTakeNoRate(t *testing.T) {
	limit, err := middleware.ParseRateLimit("1/h,1")
	if err != nil {
		t.Fatal(err)
	}
	s := newTries()
	ok := func(w *http.Response, r *http.Request) error { return w.Text("ok") }
	httptest.Run(t, httptest.Config{Handler: s.unlimited(limit)(ok)}, func(c *httptest.Client) {
		for range 10 {
			if a := c.Get("/", tryField+": "+s.secret); a.Status != 200 {
				t.Errorf("a button's request is answered by %d", a.Status)
			}
		}
		if first, second := c.Get("/").Status, c.Get("/", tryField+": wrong").Status; first != 200 || second != 429 {
			t.Errorf("a visitor's are answered by %d and %d", first, second)
		}
	})
}

// TestTryTextsAreSentences reads the words of the buttons.
func TestTryTextsAreSentences(t *testing.T) {
	for _, b := range newTries().buttons() {
		if b.ID == "" || b.Name == "" || !strings.HasSuffix(b.Text, ".") || b.Run == nil {
			t.Errorf("button %+v", b)
		}
	}
}
