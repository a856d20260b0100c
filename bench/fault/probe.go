package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The probe makes a request every 20 ms, whether or not answers have come,
// alternately over a new connection and over a kept one. Latency counts from when the
// request was due.

const (
	probeEvery    = 20 * time.Millisecond
	probePatience = 5 * time.Second // for one answer
)

// An ask is a good request and its correct answer.
type ask struct {
	method string // GET if empty
	path   string
	fields string // header lines, each with its CRLF
	body   string
	status int
}

// goodAsks are the probe's requests in turn: a cached file, one not requested before,
// and one that does not exist.
func goodAsks(k int) ask {
	switch k % 3 {
	case 0:
		return ask{path: "/small.txt", status: 200}
	case 1:
		return ask{path: "/" + uncachedName(k), status: 200}
	}
	return ask{path: "/missing", status: 404}
}

// A client makes requests from one address.
type client struct {
	network string // tcp or unix
	to      string
	host    string
	dialer  net.Dialer
	tls     *tls.Config // nil for none
}

// newClient makes a client of a victim; from is its address, or "" for the system's
// choice.
func newClient(v *victim, from string) *client {
	c := &client{network: v.network, to: v.address, host: v.address, dialer: net.Dialer{Timeout: probePatience}}
	if c.network == "unix" {
		c.host = "localhost"
	} else if from != "" {
		c.dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	if v.tls {
		c.tls = &tls.Config{InsecureSkipVerify: true}
	}
	return c
}

// A line is a connection of a client.
type line struct {
	net.Conn
	in *bufio.Reader
}

func (c *client) dial(ctx context.Context) (*line, error) {
	conn, err := c.dialer.DialContext(ctx, c.network, c.to)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(probePatience))
	if c.tls != nil {
		secure := tls.Client(conn, c.tls)
		if err := secure.Handshake(); err != nil {
			conn.Close()
			return nil, fmt.Errorf("handshake: %w", err)
		}
		conn = secure
	}
	return &line{conn, bufio.NewReader(conn)}, nil
}

// head returns a request's bytes.
func (c *client) head(a ask, last bool) string {
	method, fields := a.method, a.fields
	if method == "" {
		method = "GET"
	}
	if a.body != "" {
		fields += fmt.Sprintf("Content-Length: %d\r\n", len(a.body))
	}
	if last {
		fields += "Connection: close\r\n"
	}
	return method + " " + a.path + " HTTP/1.1\r\nHost: " + c.host + "\r\n" + fields + "\r\n" + a.body
}

// errSilent means that a connection ended before the first byte of the answer, which
// a kept one may do at any time.
var errSilent = errors.New("closed without an answer")

// errStatus is an answer with another status.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("status %d", int(e)) }

// ask sends a request and reads its answer. more reports whether the connection can
// be used again.
func (c *client) ask(l *line, a ask, last bool) (more bool, err error) {
	l.SetDeadline(time.Now().Add(probePatience))
	if _, err := io.WriteString(l, c.head(a, last)); err != nil {
		return false, err
	}
	if _, err := l.in.Peek(1); err == io.EOF {
		return false, errSilent
	} else if err != nil {
		return false, err
	}
	answer, err := nethttp.ReadResponse(l.in, nil)
	if err != nil {
		return false, fmt.Errorf("reading the head of the answer: %w", err)
	}
	n, err := io.Copy(io.Discard, answer.Body)
	switch {
	case err != nil:
		return false, fmt.Errorf("reading the body of the answer: %w", err)
	case answer.StatusCode != a.status:
		return false, errStatus(answer.StatusCode)
	case a.path == "/small.txt" && n != smallBytes:
		return false, fmt.Errorf("%d bytes of %d", n, smallBytes)
	}
	return !answer.Close && !last, nil
}

// once makes a request over a new connection.
func (c *client) once(ctx context.Context, a ask) error {
	l, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = c.ask(l, a, true)
	return err
}

// reason returns the kind of an error, without addresses and ports, for counting.
func reason(err error) string {
	var timeout net.Error
	var status errStatus
	switch {
	case errors.As(err, &status), errors.Is(err, errSilent):
		return err.Error()
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.EPIPE):
		return "broken pipe"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "cut off"
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// A tally has the probe's results for one phase.
type tally struct {
	began   time.Time
	times   []time.Duration
	worst   time.Duration
	worstAt time.Duration // when the slowest was due, from the beginning
	renewed int           // kept connections that were closed between two requests
	failed  map[string]int
}

func (y *tally) failures() (n int) {
	for _, k := range y.failed {
		n += k
	}
	return n
}

// quantile returns the latency of that part of the requests, by the nearest rank.
func (y *tally) quantile(part float64) time.Duration {
	if len(y.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(y.times))
	rank := int(part*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func (y *tally) String() string {
	return fmt.Sprintf("p50 %s p99 %s max %s (after %.1f s)", ms(y.quantile(0.5)), ms(y.quantile(0.99)), ms(y.worst), y.worstAt.Seconds())
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// why lists the failures.
func (y *tally) why() string {
	var words []string
	for what, n := range y.failed {
		words = append(words, fmt.Sprintf("%d × %s", n, what))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// A probe measures the effect of an attack on an honest client.
type probe struct {
	*client
	asks func(k int) ask

	mu    sync.Mutex
	phase *tally
	kept  []*line

	end  context.CancelFunc
	done sync.WaitGroup
}

// startProbe starts the probe.
func startProbe(ctx context.Context, c *client, asks func(k int) ask) *probe {
	p := &probe{client: c, asks: asks, phase: newTally()}
	ctx, p.end = context.WithCancel(ctx)
	p.done.Go(func() {
		began := time.Now()
		for k := 0; ; k++ {
			due := began.Add(time.Duration(k) * probeEvery)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)):
			}
			p.mu.Lock()
			phase := p.phase
			p.mu.Unlock()
			p.done.Go(func() { p.one(phase, k, due) })
		}
	})
	return p
}

func newTally() *tally { return &tally{failed: make(map[string]int)} }

// add counts a request that was due at a moment.
func (y *tally) add(due time.Time, took time.Duration) {
	y.times = append(y.times, took)
	if took > y.worst {
		y.worst, y.worstAt = took, due.Sub(y.began)
	}
}

// turnTo begins a new phase and returns the tally of the one before, which still
// grows by requests under way.
func (p *probe) turnTo(next *tally) (before *tally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next.began = time.Now()
	before, p.phase = p.phase, next
	return before
}

// one makes one request and counts its result.
func (p *probe) one(phase *tally, k int, due time.Time) {
	renewed, err := p.try(k)
	took := time.Since(due)
	p.mu.Lock()
	defer p.mu.Unlock()
	phase.add(due, took)
	if renewed {
		phase.renewed++
	}
	if err != nil {
		phase.failed[reason(err)]++
	}
}

func (p *probe) try(k int) (renewed bool, err error) {
	a := p.asks(k)
	if k%2 == 0 {
		return false, p.once(context.Background(), a)
	}
	p.mu.Lock()
	var l *line
	if n := len(p.kept); n > 0 {
		l, p.kept = p.kept[n-1], p.kept[:n-1]
	}
	p.mu.Unlock()
	if l != nil {
		more, err := p.ask(l, a, false)
		if !errors.Is(err, errSilent) {
			p.keep(l, more)
			return false, err
		}
		l.Close()
		renewed = true
	}
	if l, err = p.dial(context.Background()); err != nil {
		return renewed, err
	}
	more, err := p.ask(l, a, false)
	p.keep(l, more)
	return renewed, err
}

// keep stores a connection for another request.
func (p *probe) keep(l *line, more bool) {
	const most = 4
	p.mu.Lock()
	defer p.mu.Unlock()
	if more && len(p.kept) < most {
		p.kept = append(p.kept, l)
	} else {
		l.Close()
	}
}

// stop ends the probe after its last answer.
func (p *probe) stop() {
	p.end()
	p.done.Wait()
	for _, l := range p.kept {
		l.Close()
	}
	p.kept = nil
}

// get returns the head of a plain request, for attackers.
func get(v *victim, path string, fields ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, v.address)
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
