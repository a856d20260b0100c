// Package httptest drives a handler, or a whole server, in a test: over a simulated
// kernel, with a clock of its own. There are no ports and no sleeps; an hour passes
// at once, and two runs are the same.
//
//	func TestHello(t *testing.T) {
//		httptest.Run(t, httptest.Config{Handler: hello}, func(c *httptest.Client) {
//			if a := c.Get("/"); a.Status != 200 || a.Body != "hello, world\n" {
//				t.Errorf("the answer is %v", a)
//			}
//		})
//	}
//
// Where the run ends and something is left, a descriptor, a body, a handler that
// waits for ever, the test fails. A Request or a Response that is used after its
// end panics.
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

// Config is what is tested, and how.
type Config struct {
	Handler    http.Handler
	Middleware http.Middleware // goes around refusals, too; none if nil
	Limits     http.Limits
	Log        *slog.Logger // nothing if nil

	// Seed, if it is not 0, has things go wrong: reads and writes are short,
	// sockets are full, events are late, work takes long. What the client hears
	// must be the same. Each seed is another bad day.
	Seed uint64

	// SlowWork has what handlers leave to workers take up to a second each.
	SlowWork bool

	// Server, if set, is called before the server runs: for its loop, and for
	// what belongs to it.
	Server func(*http.Server)
}

// Run serves, runs the client until it returns, and stops the server.
func Run(t testing.TB, config Config, client func(c *Client)) {
	t.Helper()
	k := sim.New(1)
	if config.Seed != 0 {
		k = sim.NewUnlucky(config.Seed)
		// What would change the answers is left out.
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend = 0, 0, 0
	}
	if config.SlowWork {
		k.Luck.SlowWork = 1000
	}
	server, err := http.NewServer(http.Config{
		Handler: config.Handler, Middleware: config.Middleware, Limits: config.Limits, Log: config.Log,
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
	stopped := false
	k.Every = func() {
		if k.Running() == 0 && !stopped {
			stopped = true
			server.Stop()
		}
	}
	k.Go(func(s *sim.Script) { client(&Client{t: t, kernel: k, script: s, from: usual}) })
	err = server.Run()
	k.Abandon()
	if err != nil {
		t.Errorf("the server has ended with: %v", err)
	}
	for _, f := range k.Faults() {
		t.Error(f)
	}
	if n := k.OpenDescriptors(); n > 0 {
		t.Errorf("%d descriptors are left open", n)
	}
	if n := k.Parked(); n > 0 {
		t.Errorf("%d handlers wait for ever", n)
	}
}

// A Client asks. It belongs to the function that it was given to.
type Client struct {
	t      testing.TB
	kernel *sim.Kernel
	script *sim.Script
	from   netip.Addr
}

// usual is the address that a client has if At gives it no other.
var usual = netip.AddrFrom4([4]byte{10, 0, 0, 1})

// At returns the same client at another address, such as "10.0.0.2".
func (c *Client) At(address string) *Client {
	other := *c
	other.from = netip.MustParseAddr(address)
	return &other
}

// Now returns the time, by the server's clock.
func (c *Client) Now() time.Time { return c.kernel.Now() }

// Sleep lets d pass, which takes no time.
func (c *Client) Sleep(d time.Duration) { c.script.Sleep(d) }

// Go runs another client beside this one. The run lasts until all have returned.
func (c *Client) Go(client func(c *Client)) {
	c.kernel.Go(func(s *sim.Script) { client(&Client{t: c.t, kernel: c.kernel, script: s, from: c.from}) })
}

// Get asks for a path.
func (c *Client) Get(path string, fields ...string) Answer { return c.Do("GET", path, "", fields...) }

// Do makes one request on a connection of its own, and returns the answer. Each
// field is a line, "Accept: text/html". There is a Host and, if there is a body, a
// Content-Length, if none of them says so.
func (c *Client) Do(method, path, body string, fields ...string) Answer {
	conn := c.Dial()
	defer conn.Close()
	conn.Send(Request(method, path, body, fields...))
	return conn.Answer(method)
}

// Request is a request as it is on the wire.
func Request(method, path, body string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	said := strings.ToLower(strings.Join(fields, "\n"))
	if !strings.Contains("\n"+said, "\nhost:") {
		b.WriteString("Host: test\r\n")
	}
	if body != "" && !strings.Contains("\n"+said, "\ncontent-length:") && !strings.Contains("\n"+said, "\ntransfer-encoding:") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// Dial opens a connection, for what Do does not do.
func (c *Client) Dial() *Conn {
	w, err := c.kernel.DialFrom(c.from, 0)
	if err != nil {
		c.t.Errorf("httptest: %v", err)
		w = &sim.Wire{}
	}
	return &Conn{client: c, wire: w}
}

// A Conn is one connection of a client's.
type Conn struct {
	client *Client
	wire   *sim.Wire
	heard  []byte
}

// For returns the same connection for another client's function, so that one can
// read while the other sends. Only one of the two may read.
func (c *Conn) For(other *Client) *Conn { return &Conn{client: other, wire: c.wire} }

// Send says something, whatever it is. It waits while the server does not listen.
func (c *Conn) Send(text string) error { return c.client.script.Send(c.wire, []byte(text)) }

// Close ends the connection in both directions.
func (c *Conn) Close() { c.wire.Close() }

// CloseWrite ends our half.
func (c *Conn) CloseWrite() { c.wire.CloseWrite() }

// Reset breaks the connection.
func (c *Conn) Reset() { c.wire.Reset() }

// Next waits for what comes next, up to and with the delimiter, such as "\n\n" for
// an event. It is less at the end, with io.EOF, or another error if the server has
// broken the connection.
func (c *Conn) Next(delimiter string) (string, error) {
	for {
		if i := bytes.Index(c.heard, []byte(delimiter)); i >= 0 {
			return c.take(i + len(delimiter)), nil
		}
		if err := c.more(); err != nil {
			return c.take(len(c.heard)), err
		}
	}
}

func (c *Conn) take(n int) string {
	s := string(c.heard[:n])
	c.heard = c.heard[n:]
	return s
}

func (c *Conn) more() (err error) {
	c.heard, err = c.client.script.Receive(c.wire, c.heard, 64<<10)
	return err
}

// An Answer is what came back. Status is 0 if nothing did, or nothing whole; Err
// says why.
type Answer struct {
	Status  int
	Headers []string // lines, trailers at the end
	Body    string
	Err     error
}

// Header returns the value of a field, "" if there is none; of several, the first.
func (a Answer) Header(name string) string {
	for _, line := range a.Headers {
		if n, v, _ := strings.Cut(line, ": "); strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// Answer reads one answer to a request by that method. Interim ones, such as 100
// Continue, are answers, too.
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
		return a, fmt.Errorf("httptest: %q begins no answer: %v", lines[0], err)
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
			return a, fmt.Errorf("httptest: the length is %q", a.Header("Content-Length"))
		}
		a.Body, err = c.exactly(n)
		return a, err
	}
	for err == nil {
		err = c.more()
	}
	a.Body = c.take(len(c.heard))
	if err == io.EOF {
		err = nil // which is the end of the body
	}
	return a, err
}

// exactly waits for n bytes.
func (c *Conn) exactly(n int) (string, error) {
	for len(c.heard) < n {
		if err := c.more(); err != nil {
			return "", whyEnded(err)
		}
	}
	return c.take(n), nil
}

// chunks reads a body in chunks, and trailers.
func (c *Conn) chunks(a *Answer) error {
	for {
		line, err := c.Next("\r\n")
		if err != nil {
			return whyEnded(err)
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
		if err != nil {
			return fmt.Errorf("httptest: %q begins no chunk", line)
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

// whyEnded tells the end of a connection in the middle of an answer from its
// proper end.
func whyEnded(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
