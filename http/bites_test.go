package http

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// Every limit of limits.go, here and in eventloop, bites: the rows are in
// bites_rows_test.go. A limit without rows fails TestEveryLimitBites.

// A bite is what a client sees of one limit, which is set to something small. What
// run returns is compared with want; TestEveryLimitBites is over when run is.
type bite struct {
	name   string // a sentence that is true
	edge   edge
	limits Limits
	buffer int // of a socket, each way; 64 KiB if 0
	log    *slog.Logger

	begin func(*eventloop.Conn) eventloop.Protocol // the protocol, in place of HTTP
	tls   bool
	cut   bool // the stop at the end cuts something off

	run  func(b *bitten) string
	want string
}

// edge is the side of a limit that a row shows.
type edge uint8

const (
	spares edge = iota // just below, nothing happens
	bites              // above, it does
	lasts              // on the way back, it lasts until its hysteresis says otherwise
	ends               // from there on it is over
)

// withHysteresis are the limits that are left at another level than they are reached.
var withHysteresis = map[string]bool{"Conns": true, "OutputTotal": true, "HighWater": true}

func TestEveryLimitBites(t *testing.T) {
	fields := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Limits]()) {
		fields[f.Name] = true
		edges := map[edge]bool{}
		for _, row := range limitRows[f.Name] {
			edges[row.edge] = true
			if reflect.ValueOf(row.limits).FieldByIndex(f.Index).IsZero() {
				t.Errorf("%s: %q does not set it", f.Name, row.name)
			}
		}
		if !edges[spares] || !edges[bites] {
			t.Errorf("%s has no row that shows that it bites, and one that shows that it spares what is below: add them to limitRows", f.Name)
		}
		if withHysteresis[f.Name] && !(edges[lasts] && edges[ends]) {
			t.Errorf("%s has no rows that show where it lasts and where it ends", f.Name)
		}
	}
	for name, rows := range limitRows {
		if !fields[name] {
			t.Errorf("there are rows for %s, which is no limit", name)
		}
		for _, row := range rows {
			t.Run(name+": "+row.name, func(t *testing.T) { row.try(t) })
		}
	}
}

// A bitten is the run of a row: a server, its kernel, and the script of a client.
type bitten struct {
	t       testing.TB
	k       *sim.Kernel
	loop    *eventloop.Loop
	server  *Server
	c       *sim.Script
	handled []uint64      // the turns in which a handler was called
	after   func() string // returns what was seen, where the server ends before the script
}

func (row *bite) try(t testing.TB) {
	k := sim.New(1)
	if row.buffer > 0 {
		k.Buffer = row.buffer
	}
	b := &bitten{t: t, k: k}
	config := Config{Limits: row.limits, Handler: b.serve, Log: row.log, Loop: eventloop.Config{Kernel: k}}
	if row.tls {
		config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
	}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	b.loop, b.server = s.Loop(), s
	switch {
	case row.begin != nil:
		_, err = b.loop.ListenAt(":80", bobbin.ListenOptions{}, row.begin)
	case row.tls:
		_, err = s.ListenTLS(":80")
	default:
		_, err = s.Listen(":80")
	}
	if err != nil {
		t.Fatal(err)
	}
	k.Every = func() {
		if k.Running() == 0 && !b.loop.Stopping() {
			s.Stop()
		}
	}
	got := ""
	k.Go(func(c *sim.Script) {
		b.c = c
		got = row.run(b)
	})
	if err := s.Run(); (err != nil) != row.cut || err != nil && !errors.Is(err, eventloop.ErrCut) {
		t.Errorf("the server has ended with: %v", err)
	}
	k.Abandon()
	if b.after != nil {
		got = b.after()
	}
	for _, f := range k.Faults() {
		t.Error(f)
	}
	if n := k.OpenDescriptors(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
	if n := b.loop.Memory(); n != 0 {
		t.Errorf("%d bytes of answers are left", n)
	}
	if got != row.want {
		t.Errorf("it was %q, not %q", got, row.want)
	}
}

// serve is what the rows ask.
func (b *bitten) serve(w *Response, r *Request) error {
	b.handled = append(b.handled, b.loop.Count(eventloop.Turn))
	_, what, _ := strings.Cut(r.Path(), "/")
	what, much, _ := strings.Cut(what, "/")
	n, _ := strconv.Atoi(much)
	switch what {
	case "echo":
		body, err := r.Body()
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	case "size": // so many bytes
		return w.Text(strings.Repeat("x", n))
	case "post": // so many functions to the loop
		for range n {
			if err := b.loop.Post(func() {}); err != nil {
				return StatusServiceUnavailable
			}
		}
	case "hang", "large": // a worker, for so many milliseconds
		job := eventloop.Job{Lane: eventloop.LaneHandlers}
		if what == "large" {
			job.Lane = eventloop.LaneLarge
		}
		return OffloadJob(w, job, func() (string, error) {
			b.k.Hang(time.Duration(n) * time.Millisecond)
			return "done", nil
		}, (*Response).Text)
	case "tunnel": // that echoes
		t, err := w.Tunnel("echo")
		if err != nil {
			return err
		}
		t.OnBytes(func(p []byte) int { t.Write(p); return len(p) })
		return nil
	case "hijack": // and keep the connection open
		return Streaming(func(w *Response, r *Request) error {
			d, err := w.Hijack()
			if err != nil {
				return StatusServiceUnavailable
			}
			d.Conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
			return nil
		})(w, r)
	case "ticks": // one a second, so many
		return Streaming(func(w *Response, r *Request) error {
			for range n {
				fmt.Fprint(w, "tick ")
				if err := w.Flush(); err != nil {
					return err
				}
				if err := w.Pause(time.Second); err != nil && err != ErrStopping {
					return err
				}
			}
			return nil
		})(w, r)
	}
	return w.Text("hello")
}

// get is a request.
func get(path string) string { return "GET /" + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// post is the head of one with a body.
func post(path string, length int) string {
	return fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", path, length)
}

// chunkedPost is the head of one whose body comes in chunks.
const chunkedPost = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// A mouth is a connection of a client's.
type mouth struct {
	*bitten
	w     *sim.Wire
	heard []byte
	end   string // how it has ended

	bytewise bool           // each byte is sent by itself
	frames   h2Reader       // of what was heard by HTTP/2
	fields   *hpack.Encoder // of what is said by HTTP/2
	block    bytes.Buffer   // of that
}

// dial connects, from one address.
func (b *bitten) dial() *mouth { return b.from("192.0.2.1") }

// from connects from an address.
func (b *bitten) from(address string) *mouth {
	w, err := b.k.DialFrom(netip.MustParseAddr(address), 0)
	if err != nil {
		b.t.Error(err)
	}
	return &mouth{bitten: b, w: w}
}

// say says something.
func (m *mouth) say(text string) {
	for m.bytewise && len(text) > 0 {
		m.c.Send(m.w, []byte(text[:1]))
		m.c.Sleep(time.Microsecond)
		text = text[1:]
	}
	m.c.Send(m.w, []byte(text))
}

// listen says texts, and listens for times.
func (m *mouth) listen(steps ...any) {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			m.say(step)
			m.hear(time.Millisecond)
		case time.Duration:
			m.hear(step)
		}
	}
}

// take reads n bytes, or less at the end.
func (m *mouth) take(n int) {
	for n > 0 && m.end == "" {
		before := len(m.heard)
		p, err := m.c.Receive(m.w, m.heard, n)
		n -= len(p) - before
		m.note(p, err)
	}
}

func (m *mouth) note(p []byte, err error) {
	m.heard = p
	if err != nil {
		m.end = "end"
		if m.w.Broken() {
			m.end = "reset"
		}
	}
}

// hear hears what comes within some time.
func (m *mouth) hear(d time.Duration) {
	for until := m.k.Now().Add(d); ; m.c.Sleep(min(until.Sub(m.k.Now()), max(d/100, time.Millisecond))) {
		m.drain()
		if !m.k.Now().Before(until) {
			return
		}
	}
}

// drain hears what there is.
func (m *mouth) drain() {
	var p [4096]byte
	for m.end == "" {
		n, err := m.w.Receive(p[:])
		if err == sim.ErrWouldWait {
			return
		}
		m.note(append(m.heard, p[:n]...), err)
	}
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 (\d\d\d) `)

// all is what was heard when the server has ended.
func (m *mouth) all() string {
	m.drain()
	return m.sum()
}

// seen is what was heard so far: the status of each answer, and whether the
// connection is open, was closed or was broken.
func (m *mouth) seen() string {
	m.hear(time.Millisecond)
	return m.sum()
}

func (m *mouth) sum() string {
	var all []string
	for _, s := range statusLine.FindAllSubmatch(m.heard, -1) {
		all = append(all, string(s[1]))
	}
	return strings.Join(append(all, m.state()), " ")
}

// state is whether the connection is open, was closed or was broken.
func (m *mouth) state() string {
	if m.end == "" {
		return "open"
	}
	return m.end
}

// talk makes a row's run of what one client says, and of how long it listens then.
func talk(steps ...any) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.listen(steps...)
		defer m.w.Close()
		return m.seen()
	}
}

// repeat is a part of talk.
func repeat(n int, steps ...any) (all []any) {
	for range n {
		all = append(all, steps...)
	}
	return all
}

// join puts parts of talk behind one another.
func join(parts ...[]any) (all []any) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// inOneTurn says of how many bytes, or whatever a record counts, each turn was.
func (b *bitten) inOneTurn(kind eventloop.Kind) string {
	sums := map[time.Duration]int64{}
	var order []time.Duration
	records, _, _ := b.loop.ReadSince(0, nil)
	for _, r := range records {
		if r.Kind != kind {
			continue
		}
		if _, ok := sums[r.At]; !ok {
			order = append(order, r.At)
		}
		if kind == eventloop.Accepted {
			r.Arg = 1
		}
		sums[r.At] += r.Arg
	}
	var all []string
	for _, at := range order {
		all = append(all, fmt.Sprint(sums[at]))
	}
	return strings.Join(all, " ")
}

// handledInOneTurn says how many requests each turn has handled.
func (b *bitten) handledInOneTurn() string {
	var all []string
	for i := 0; i < len(b.handled); {
		n := 0
		for ; i+n < len(b.handled) && b.handled[i+n] == b.handled[i]; n++ {
		}
		all = append(all, fmt.Sprint(n))
		i += n
	}
	return strings.Join(all, " ")
}

// A blunt protocol does what its functions do, and nothing else.
type blunt struct {
	speak func(c *eventloop.Conn, p []byte) int
}

func (s blunt) OnData(c *eventloop.Conn, p []byte) int { return s.speak(c, p) }
func (blunt) OnEOF(c *eventloop.Conn)                  { c.Close() }
func (blunt) OnTimeout(c *eventloop.Conn)              { c.Close() }
func (blunt) OnShutdown(c *eventloop.Conn)             { c.Close() }
func (blunt) OnClose(*eventloop.Conn, error)           {}

func bluntly(speak func(c *eventloop.Conn, p []byte) int) func(*eventloop.Conn) eventloop.Protocol {
	return func(*eventloop.Conn) eventloop.Protocol { return blunt{speak} }
}

// clientHello is what a client of TLS says first.
func clientHello() []byte {
	here, there := net.Pipe()
	go tls.Client(there, &tls.Config{ServerName: "localhost"}).Handshake()
	head := make([]byte, 5)
	if _, err := here.Read(head); err != nil {
		panic(err)
	}
	p := append(head, make([]byte, int(head[3])<<8|int(head[4]))...)
	for at := 5; at < len(p); {
		n, err := here.Read(p[at:])
		if err != nil {
			panic(err)
		}
		at += n
	}
	here.Close()
	return p
}
