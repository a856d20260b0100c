// Package httptest tests a handler or a whole server over a simulated kernel with a
// virtual clock. There are no ports and no sleeps; an hour passes at once, and every
// run is the same.
//
//	func TestHello(t *testing.T) {
//		httptest.Run(t, httptest.Config{Handler: hello}, func(c *httptest.Client) {
//			if a := c.Get("/"); a.Status != 200 || a.Body != "hello, world\n" {
//				t.Errorf("the answer is %v", a)
//			}
//		})
//	}
//
// The test fails if the run leaves something behind: an open descriptor, a body, a
// handler that never returns. Using a Request or a Response after its end panics.
package httptest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// Config is the server under test and its circumstances.
type Config struct {
	Handler    http.Handler
	Middleware http.Middleware // also around refusals; none if nil
	Limits     http.Limits
	Log        *slog.Logger // none if nil

	ErrorHandler http.ErrorHandler
	AnyMethod    bool // methods beside those of HTTP, as in http.Config
	OnConn       func(c *http.Conn, is http.ConnState)

	// Seed, if it is not 0, makes things go wrong: short reads and writes, full
	// sockets, late events, slow work. The client must receive the same all the same.
	// Each seed makes other things go wrong.
	Seed uint64

	// SlowWork makes each piece of work for workers take up to a second.
	SlowWork bool

	// Server, if set, is called before the server runs, to get at its loop.
	Server func(*http.Server)
}

// Run starts the server, runs the client until it returns, and stops the server.
func Run(t testing.TB, config Config, client func(c *Client)) {
	t.Helper()
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	k := sim.New(1)
	if config.Seed != 0 {
		k = sim.NewUnlucky(config.Seed)
		// Except for misfortunes that change the answers.
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend = 0, 0, 0
	}
	if config.SlowWork {
		k.Luck.SlowWork = 1000
	}
	server, err := http.NewServer(http.Config{
		Handler: config.Handler, Middleware: config.Middleware, Limits: config.Limits, Log: config.Log,
		ErrorHandler: config.ErrorHandler, AnyMethod: config.AnyMethod, OnConn: config.OnConn,
		Loop: eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	if config.Server != nil {
		config.Server(server)
	}
	k.Go(func(s *sim.Script) { client(&Client{t: t, kernel: k, script: s, from: usual}) })
	if err := k.Stage(t, server, server.Loop().Stopping); err != nil {
		t.Errorf("the server ended with: %v", err)
	}
}

// A Client makes requests. It belongs to the function that it is passed to.
type Client struct {
	t      testing.TB
	kernel *sim.Kernel
	script *sim.Script
	from   netip.Addr
}

// usual is the address of clients without At.
var usual = netip.AddrFrom4([4]byte{10, 0, 0, 1})

// At returns the same client with another address, such as "10.0.0.2".
func (c *Client) At(address string) *Client {
	other := *c
	other.from = netip.MustParseAddr(address)
	return &other
}

// Now returns the time of the server's clock.
func (c *Client) Now() time.Time { return c.kernel.Now() }

// Sleep lets d pass on the server's clock; in real time it returns at once.
func (c *Client) Sleep(d time.Duration) { c.script.Sleep(d) }

// Go runs another client concurrently. The run lasts until all clients have returned.
func (c *Client) Go(client func(c *Client)) {
	c.kernel.Go(func(s *sim.Script) { client(&Client{t: c.t, kernel: c.kernel, script: s, from: c.from}) })
}

// Get requests a path.
func (c *Client) Get(path string, fields ...string) Answer { return c.Do("GET", path, "", fields...) }

// Do makes one request on a new connection, and returns the answer. Each field is a
// header line, "Accept: text/html". Host and, for a body, Content-Length are added
// unless the fields have them.
func (c *Client) Do(method, path, body string, fields ...string) Answer {
	conn := c.Dial()
	defer conn.Close()
	conn.Send(Request(method, path, body, fields...))
	return conn.Answer(method)
}

// Request returns the bytes of a request.
func Request(method, path, body string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	given := strings.ToLower(strings.Join(fields, "\n"))
	if !strings.Contains("\n"+given, "\nhost:") {
		b.WriteString("Host: test\r\n")
	}
	if body != "" && !strings.Contains("\n"+given, "\ncontent-length:") && !strings.Contains("\n"+given, "\ntransfer-encoding:") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// Dial opens a connection, for tests that Do does not cover.
func (c *Client) Dial() *Conn {
	w, err := c.kernel.DialFrom(c.from, 0)
	if err != nil {
		c.t.Errorf("httptest: %v", err)
		w = &sim.Wire{}
	}
	return &Conn{client: c, wire: w}
}

// A Conn is a client's connection.
type Conn struct {
	client   *Client
	wire     *sim.Wire
	received []byte
}

// For returns the same connection for another client's function, so that one can read
// while the other sends. Only one of the two may read.
func (c *Conn) For(other *Client) *Conn { return &Conn{client: other, wire: c.wire} }

// Send sends bytes. It waits while the server does not read.
func (c *Conn) Send(text string) error { return c.client.script.Send(c.wire, []byte(text)) }

// Close closes the connection in both directions.
func (c *Conn) Close() { c.wire.Close() }

// CloseWrite shuts the client's direction down.
func (c *Conn) CloseWrite() { c.wire.CloseWrite() }

// Reset resets the connection.
func (c *Conn) Reset() { c.wire.Reset() }

// Next returns the next bytes up to and including the delimiter, such as "\n\n" for
// an event. At the end it returns the rest with io.EOF, or with another error after a
// reset.
func (c *Conn) Next(delimiter string) (string, error) {
	for {
		if i := bytes.Index(c.received, []byte(delimiter)); i >= 0 {
			return c.take(i + len(delimiter)), nil
		}
		if err := c.more(); err != nil {
			return c.take(len(c.received)), err
		}
	}
}

func (c *Conn) take(n int) string {
	s := string(c.received[:n])
	c.received = c.received[n:]
	return s
}

func (c *Conn) more() (err error) {
	c.received, err = c.client.script.Receive(c.wire, c.received, 64<<10)
	return err
}

// An Answer is a received answer. Status is 0 if none came whole, and Err has the
// reason.
type Answer struct {
	Status  int
	Headers []string // header lines, then trailer lines
	Body    string
	Err     error
}

// Header returns the value of a header, "" if there is none; of several, the first.
func (a Answer) Header(name string) string {
	for _, line := range a.Headers {
		if n, v, _ := strings.Cut(line, ": "); strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// Answer reads one answer to a request with the given method. Interim ones, such as
// 100 Continue, count as answers.
func (c *Conn) Answer(method string) Answer {
	a, err := c.answer(method)
	if err != nil {
		return Answer{Err: err}
	}
	return a
}

func (c *Conn) answer(method string) (a Answer, err error) {
	head, err := c.Next("\r\n\r\n")
	if err != nil {
		return a, whyEnded(err)
	}
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	if n, err := fmt.Sscanf(lines[0], "HTTP/1.1 %d", &a.Status); n != 1 {
		return a, fmt.Errorf("httptest: %q is not the first line of an answer: %v", lines[0], err)
	}
	a.Headers = lines[1:]
	switch {
	case method == "HEAD" || a.Status < 200 || a.Status == 204 || a.Status == 304:
		return a, nil
	case a.Header("Transfer-Encoding") == "chunked":
		return a, c.chunks(&a)
	case a.Header("Content-Length") != "":
		n, err := strconv.Atoi(a.Header("Content-Length"))
		if err != nil || n < 0 {
			return a, fmt.Errorf("httptest: invalid Content-Length %q", a.Header("Content-Length"))
		}
		a.Body, err = c.exactly(n)
		return a, err
	}
	for err == nil {
		err = c.more()
	}
	a.Body = c.take(len(c.received))
	if err == io.EOF {
		err = nil // the end of the connection is the end of the body
	}
	return a, err
}

// exactly waits for n bytes.
func (c *Conn) exactly(n int) (string, error) {
	for len(c.received) < n {
		if err := c.more(); err != nil {
			return "", whyEnded(err)
		}
	}
	return c.take(n), nil
}

// chunks reads a chunked body and its trailers.
func (c *Conn) chunks(a *Answer) error {
	for {
		line, err := c.Next("\r\n")
		if err != nil {
			return whyEnded(err)
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
		if err != nil {
			return fmt.Errorf("httptest: %q is not the first line of a chunk", line)
		}
		if n == 0 {
			break
		}
		piece, err := c.exactly(int(n) + 2)
		if err != nil {
			return err
		}
		a.Body += strings.TrimSuffix(piece, "\r\n")
	}
	for {
		line, err := c.Next("\r\n")
		if line == "\r\n" || err != nil {
			return whyEnded(err)
		}
		a.Headers = append(a.Headers, strings.TrimSuffix(line, "\r\n"))
	}
}

// whyEnded marks the end of a connection within an answer as unexpected.
func whyEnded(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
