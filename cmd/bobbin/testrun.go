package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/certs"
)

// The [[test]] tables of a configuration run on a server of their own, over the simulated
// kernel: no port is opened, and no time passes. It has the settings of the configuration but
// for its log and its limit of rates, which are for clients, and --maintenance.

// testBody is how much of a body is looked at, and testTime how long an answer may take by the
// clock of the simulated kernel.
const (
	testBody = 1 << 20
	testTime = time.Minute
)

// failedTests are the sentences of tests that have failed.
type failedTests struct {
	list []string
	of   int
}

// Error returns the first of them, for one line of a log.
func (f *failedTests) Error() string {
	if more := len(f.list) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more of %d tests fail)", f.list[0], more, f.of)
	}
	return f.list[0]
}

// runTests runs the tests of a setup. It opens the folder once more, so that nothing of the setup
// is touched. It waits for the disk.
func (c *setup) runTests() error {
	if len(c.options.tests) == 0 {
		return nil
	}
	o := c.options.rehearsed()
	o.closed.maintenance = "" // the tests are of the site that is worked on
	o.parts = withoutMaintenance(o.parts)
	if c.certs != nil {
		o.https.store = c.certs // for the names in them
	}
	s, err := prepare(&o, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	failed, err := s.test(&o)
	if err = errors.Join(err, s.close()); err != nil {
		return fmt.Errorf("the tests of %s did not run: %w", o.config, err)
	}
	if len(failed) > 0 {
		return &failedTests{failed, len(o.tests)}
	}
	return nil
}

// rehearsed returns the settings without what is for clients of the network.
func (o *options) rehearsed() options {
	alone := *o
	alone.loops, alone.verbose, alone.site.reload = 1, false, false
	alone.global.log, alone.global.rate = "off", ""
	if alone.https.port == 0 {
		alone.https.port = 443 // it does not listen yet
	}
	return alone
}

// A testKernel is the simulated kernel, with the date of today.
type testKernel struct {
	*sim.Kernel
	begun time.Time
}

// Now implements bobbin.Kernel.
func (k *testKernel) Now() time.Time { return k.begun.Add(k.Monotonic()) }

// test has a client make the requests, one after the other.
func (s *site) test(o *options) (failed []string, err error) {
	err = s.rehearse(o, func(k *testKernel, script *sim.Script) {
		for i := range o.tests {
			t := &o.tests[i]
			if wrong := t.run(k, script, o.https.on()); wrong != "" {
				failed = append(failed, fmt.Sprintf("%s: GET %s: %s", t.place, t.get, wrong))
			}
		}
	})
	return failed, err
}

// rehearse serves one client over the simulated kernel.
func (s *site) rehearse(o *options, client func(k *testKernel, script *sim.Script)) error {
	s.wrapAll(s.setup)
	k := &testKernel{sim.New(1), time.Now()}
	p := s.loops[0]
	config := http.Config{
		Handler: p.handler, Middleware: p.middleware, ErrorHandler: errorPages, Limits: o.limits,
		Log: slog.New(slog.DiscardHandler), Loop: eventloop.Config{Kernel: k, Proxies: s.setup.global.trusts()},
	}
	if o.https.on() {
		cert, err := certs.Self(time.Now(), "localhost")
		if err != nil {
			return err
		}
		config.TLS = certs.Of(cert).Config()
	}
	server, err := http.NewServer(config)
	if err != nil {
		return err
	}
	s.inspector.Show(http.Servers{server})
	if _, err = server.Listen(":80"); err == nil && o.https.on() {
		_, err = server.ListenTLS(":443")
	}
	if err != nil {
		server.Stop()
		return errors.Join(err, server.Run())
	}
	k.Go(func(script *sim.Script) { client(k, script) })
	k.Every = func() {
		if k.Running() == 0 && !server.Loop().Stopping() {
			server.Stop()
		}
	}
	if err = server.Run(); errors.Is(err, eventloop.ErrCut) {
		err = nil // an answer that does not end
	}
	k.Abandon()
	return err
}

// run makes the request of a test, and returns what is wrong with the answer, or "".
func (t *siteTest) run(k *testKernel, script *sim.Script, secure bool) (wrong string) {
	a, body, wrong, err := t.ask(k, script, secure)
	if wrong != "" {
		return wrong
	}
	return t.compare(a, body, err)
}

// ask makes the request. It returns the answer with its body, or says what is wrong because there is
// none. The error is that of reading the body.
func (t *siteTest) ask(k *testKernel, script *sim.Script, secure bool) (a *nethttp.Response, body []byte, wrong string, err error) {
	port := uint16(80)
	switch {
	case t.scheme == "https" && !secure:
		return nil, nil, "the site is not served over HTTPS: remove scheme", nil
	case secure && t.scheme != "http":
		port = 443
	}
	w, err := k.DialFrom(t.from, port)
	if err != nil {
		return nil, nil, err.Error(), nil
	}
	defer w.Close()
	var c net.Conn = &testConn{k, script, w, k.Kernel.Now().Add(testTime)}
	if port == 443 {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: strings.Split(t.host, ":")[0]}) // it is this very process
	}
	request := "GET " + t.get + " HTTP/1.1\r\nHost: " + t.host + "\r\nConnection: close\r\n"
	for _, field := range t.send {
		request += field + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return nil, nil, "the request was not taken: " + err.Error(), nil
	}
	a, err = nethttp.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, nil, "there is no answer: " + err.Error(), nil
	}
	body, err = io.ReadAll(io.LimitReader(a.Body, testBody))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // an answer that does not end, such as a stream of events
	}
	return a, body, "", err
}

// compare returns what is wrong with an answer, or "".
func (t *siteTest) compare(a *nethttp.Response, body []byte, err error) (wrong string) {
	location := a.Header.Get("Location")
	if a.StatusCode != t.expect {
		wrong = fmt.Sprintf("expected %d, got %d", t.expect, a.StatusCode)
		if location != "" {
			wrong += " to " + location
		}
		return wrong
	}
	if t.location != "" && location != t.location {
		return fmt.Sprintf("expected Location %q, got %q", t.location, location)
	}
	for _, field := range t.header {
		name, want, _ := strings.Cut(field, ": ")
		switch got := a.Header.Values(name); {
		case want == "" && len(got) > 0:
			return fmt.Sprintf("expected no %s, got %q", name, strings.Join(got, ", "))
		case want != "" && strings.Join(got, ", ") != want:
			return fmt.Sprintf("expected %s %q, got %q", name, want, strings.Join(got, ", "))
		}
	}
	switch {
	case t.contains == "" || bytes.Contains(body, []byte(t.contains)):
		return ""
	case err != nil:
		return fmt.Sprintf("expected %q in the body, which is cut off after %d bytes: %v", t.contains, len(body), err)
	}
	return fmt.Sprintf("expected %q in the body, got %d bytes without it", t.contains, len(body))
}

// A testConn is the client's end of a connection, for crypto/tls and net/http.
type testConn struct {
	kernel *testKernel
	script *sim.Script
	wire   *sim.Wire
	until  time.Time // by the clock of the simulated kernel
}

func (c *testConn) Read(p []byte) (int, error) {
	if !c.script.Until(c.wire, c.until) {
		return 0, os.ErrDeadlineExceeded
	}
	got, err := c.script.Receive(c.wire, nil, len(p))
	return copy(p, got), err
}

func (c *testConn) Write(p []byte) (int, error) {
	if err := c.script.Send(c.wire, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *testConn) Close() error                     { c.wire.Close(); return nil }
func (c *testConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *testConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *testConn) SetDeadline(time.Time) error      { return nil }
func (c *testConn) SetReadDeadline(time.Time) error  { return nil }
func (c *testConn) SetWriteDeadline(time.Time) error { return nil }
