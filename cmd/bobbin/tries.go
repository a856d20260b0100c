package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	nethttp "net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// The clients behind the buttons of the inspector. They are real ones: goroutines with
// sockets, at the site's own first listener. Each kind is bounded in number and in time, and
// leaves when the server stops.

// How much a button may do.
const (
	tryLasts   = 10 * time.Second // most of them
	tryLongest = 15 * time.Second // all of them, whatever the server does
	tryClients = 64
	trySlow    = 8 // of a slowloris
	tryBurst   = 500
	trySleeps  = 8
	trySleep   = 200 * time.Millisecond
	tryLarge   = 8 << 20 // bytes of the answer that is read slowly
)

// tryField marks the requests of a button, by a secret that is made at the start.
const tryField = "x-bobbin-try"

// tries starts the clients.
type tries struct {
	secret  string
	lasts   time.Duration   // most of them
	longest time.Duration   // all of them, whatever the server does
	base    context.Context // ends when the server stops
	stop    context.CancelFunc
	all     sync.WaitGroup

	// Where they connect to; set before the loops run.
	network, address string
	tls              *tls.Config // nil for plain HTTP
	host             string      // for the Host field
	most             int         // clients at once
}

func newTries() *tries {
	t := &tries{secret: rand.Text(), lasts: tryLasts, longest: tryLongest}
	t.base, t.stop = context.WithCancel(context.Background())
	return t
}

// aim tells where the site listens, and how many connections each loop has room for: the
// clients of a button take a quarter at most, so that no other has to make room for them.
func (t *tries) aim(o *options, conns int) {
	at := o.first
	t.network, t.address, t.host = "unix", at.Path, "localhost"
	if at.Path == "" {
		ip := at.IP.Addr()
		switch {
		case ip == netip.IPv6Unspecified():
			ip = netip.IPv6Loopback()
		case ip.IsUnspecified():
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		t.network, t.address = "tcp", netip.AddrPortFrom(ip, at.IP.Port()).String()
	}
	if o.https.on() {
		if len(o.https.domains) > 0 {
			t.host = o.https.domains[0]
		}
		t.tls = &tls.Config{InsecureSkipVerify: true, ServerName: t.host} // it is this very process
	}
	t.most = max(1, min(tryClients, conns/4))
}

// buttons returns them for the page.
func (t *tries) buttons() []inspect.Try {
	button := func(id, name, text string, run func(context.Context)) inspect.Try {
		return inspect.Try{ID: id, Name: name, Text: text, Run: func(done func()) { t.start(run, done) }}
	}
	return []inspect.Try{
		button("clients", "64 clients", "64 clients come, ask again and again, and leave after 10 seconds.", t.clients),
		button("slow", "A slow reader", "One client asks for 8 MB and reads 1 KB of it each second, for 10 seconds at most.", t.slow),
		button("slowloris", "A slowloris", "8 clients send the head of a request byte by byte, for 10 seconds.", t.slowloris),
		button("sleep", "A handler that sleeps", "8 requests, one after the other, have a handler that sleeps 200 ms on the loop.", t.sleep),
		button("burst", "A burst of 500", "500 requests come at once.", t.burst),
	}
}

// start runs a button on a goroutine of its own.
func (t *tries) start(run func(context.Context), done func()) {
	t.all.Go(func() {
		defer done()
		ctx, cancel := context.WithTimeout(t.base, t.longest)
		defer cancel()
		run(ctx)
	})
}

// end has all clients leave, and waits for them.
func (t *tries) end() {
	t.stop()
	t.all.Wait()
}

// dial connects a client, which is closed when ctx ends. The error is no news: the server
// is full, or stops.
func (t *tries) dial(ctx context.Context) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, t.network, t.address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	if t.tls == nil {
		return c, nil
	}
	secure := tls.Client(c, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return secure, nil
}

// request returns a request for a path.
func (t *tries) request(path string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n\r\n", path, t.host, tryField, t.secret)
}

// each runs n clients at once, and waits for all.
func (t *tries) each(ctx context.Context, n int, client func(c net.Conn)) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if c, err := t.dial(ctx); err == nil {
				defer c.Close()
				client(c)
			}
		})
	}
	all.Wait()
}

// readAnswer reads one answer, and reports whether there is another one to come.
func readAnswer(from *bufio.Reader) bool {
	a, err := nethttp.ReadResponse(from, nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, a.Body)
	return err == nil && !a.Close
}

// pause waits for d, and returns false if ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// clients ask again and again, with pauses.
func (t *tries) clients(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.lasts)
	defer cancel()
	t.each(ctx, t.most, func(c net.Conn) {
		from := bufio.NewReader(c)
		for {
			if _, err := io.WriteString(c, t.request("/")); err != nil || !readAnswer(from) {
				return
			}
			if !pause(ctx, time.Duration(20+mathrand.IntN(180))*time.Millisecond) {
				return
			}
		}
	})
}

// slow reads a large answer slowly.
func (t *tries) slow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.lasts)
	defer cancel()
	t.each(ctx, 1, func(c net.Conn) {
		socket := c
		if secure, ok := c.(*tls.Conn); ok {
			socket = secure.NetConn()
		}
		if small, ok := socket.(interface{ SetReadBuffer(int) error }); ok {
			_ = small.SetReadBuffer(4 << 10) // or else the kernel takes most of the answer at once
		}
		_, err := io.WriteString(c, t.request("/-/xray/large"))
		for part := make([]byte, 1<<10); err == nil && pause(ctx, time.Second); {
			_, err = io.ReadFull(c, part)
		}
	})
}

// slowloris sends heads that do not end.
func (t *tries) slowloris(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.lasts)
	defer cancel()
	t.each(ctx, min(trySlow, t.most), func(c net.Conn) {
		text := strings.TrimSuffix(t.request("/"), "\r\n") + "X-Slow: " + strings.Repeat("o", 100)
		for i := 0; i < len(text); i++ {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil || !pause(ctx, 300*time.Millisecond) {
				return
			}
		}
	})
}

// sleep asks for the handler that sleeps.
func (t *tries) sleep(ctx context.Context) {
	t.each(ctx, 1, func(c net.Conn) {
		from := bufio.NewReader(c)
		for range trySleeps {
			if _, err := io.WriteString(c, t.request("/-/xray/sleep")); err != nil || !readAnswer(from) || !pause(ctx, 20*time.Millisecond) {
				return
			}
		}
	})
}

// burst sends all requests at once, several behind each other on each connection.
func (t *tries) burst(ctx context.Context) {
	n := min(50, t.most)
	t.each(ctx, n, func(c net.Conn) {
		from, requests := bufio.NewReader(c), (tryBurst+n-1)/n
		if _, err := io.WriteString(c, strings.Repeat(t.request("/"), requests)); err != nil {
			return
		}
		for range requests {
			if !readAnswer(from) {
				return
			}
		}
	})
}

// isOurs reports whether a request is one of a button.
func (t *tries) isOurs(r *http.Request) bool {
	return subtle.ConstantTimeCompare(r.HeaderBytes(tryField), []byte(t.secret)) == 1
}

// serve answers the two paths for the buttons' own requests, and returns StatusNotFound for
// all other requests.
func (t *tries) serve(w *http.Response, r *http.Request) error {
	path := string(r.PathBytes())
	if path != "/-/xray/sleep" && path != "/-/xray/large" || !t.isOurs(r) {
		return http.StatusNotFound
	}
	if path == "/-/xray/sleep" {
		time.Sleep(trySleep) // what no handler may do
		return w.Text("slept on the loop\n")
	}
	return w.WriteNoCopy(make([]byte, tryLarge)) // which takes memory as it is sent
}

// unlimited exempts the requests of buttons from the limit of rates: they have the address
// of a client on this machine, and would take its share.
func (t *tries) unlimited(limit *middleware.RateLimit) http.Middleware {
	return func(next http.Handler) http.Handler {
		limited := limit.Wrap(next)
		return func(w *http.Response, r *http.Request) error {
			if t.isOurs(r) {
				return next(w, r)
			}
			return limited(w, r)
		}
	}
}
