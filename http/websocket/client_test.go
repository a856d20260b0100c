package websocket

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// stage runs a server over a simulated kernel, and a function for its clients.
func stage(t testing.TB, h http.Handler, play func(s *http.Server, c *client)) {
	t.Helper()
	stageConfig(t, http.Config{Handler: h, Tunnels: true}, play)
}

// stageConfig is stage for a server with settings of its own.
func stageConfig(t testing.TB, config http.Config, play func(s *http.Server, c *client)) {
	t.Helper()
	stageKernel(t, sim.New(1), config, play)
}

// stageKernel is stageConfig over a kernel.
func stageKernel(t testing.TB, k *sim.Kernel, config http.Config, play func(s *http.Server, c *client)) {
	t.Helper()
	_, measures := t.(*testing.B)
	config.Log, config.Loop = slog.New(slog.DiscardHandler), eventloop.Config{Kernel: k, CheckOwner: !measures}
	s, err := http.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(script *sim.Script) { play(s, &client{t: t, kernel: k, script: script}) })
	if err := k.Stage(t, s, s.Loop().Stopping); err != nil {
		t.Error(err)
	}
	if n := len(loops.of); n != 0 {
		t.Errorf("%d loops are remembered without sessions", n)
	}
}

// A client is one connection, when it is connected.
type client struct {
	t      testing.TB
	kernel *sim.Kernel
	script *sim.Script
	wire   *sim.Wire
	in     []byte
}

const handshake = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

const offersDeflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// ask sends a request on a new connection, and returns the head of the answer.
func (c *client) ask(request string) (*client, string) {
	c.t.Helper()
	w, err := c.kernel.Dial()
	if err != nil {
		c.t.Fatal(err)
	}
	one := &client{t: c.t, kernel: c.kernel, script: c.script, wire: w}
	one.say(request)
	for !strings.Contains(string(one.in), "\r\n\r\n") {
		if one.in, err = one.script.Receive(w, one.in, 64<<10); err != nil {
			return one, string(one.in)
		}
	}
	head, rest, _ := strings.Cut(string(one.in), "\r\n\r\n")
	one.in = []byte(rest)
	return one, head
}

// connect opens a session, with more fields in its handshake.
func (c *client) connect(fields ...string) *client {
	c.t.Helper()
	one, head := c.ask(handshake + strings.Join(fields, "") + "\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		c.t.Fatalf("the handshake is answered by %q", head)
	}
	return one
}

// say sends bytes.
func (c *client) say(p string) { _ = c.script.Send(c.wire, []byte(p)) }

// frame returns a frame of a client with a first octet.
func frame(first byte, payload string) string {
	const key = 0x9d3c7fa1
	p := ws.AppendHead(nil, 0, false, len(payload))
	p[0] = first
	p[1] |= 0x80
	p = append(binary.LittleEndian.AppendUint32(p, key), payload...)
	ws.Unmask(p[len(p)-len(payload):], key)
	return string(p)
}

// next returns the next frame of the server: "text hello", "close 1000 bye", or how the
// connection has ended.
func (c *client) next() string {
	for {
		if name, size := readFrame(c.in); size > 0 {
			c.in = c.in[size:]
			return name
		}
		var err error
		if c.in, err = c.script.Receive(c.wire, c.in, 64<<10); err == io.EOF && len(c.in) == 0 {
			return "end"
		} else if err != nil {
			return fmt.Sprintf("%v behind %q", err, c.in)
		}
	}
}

// readFrame returns a frame as a text, and its size; 0 if it is incomplete.
func readFrame(p []byte) (string, int) {
	if len(p) < 2 {
		return "", 0
	}
	at, n := 2, int(p[1])
	switch {
	case n == 126 && len(p) >= 4:
		at, n = 4, int(binary.BigEndian.Uint16(p[2:]))
	case n == 127 && len(p) >= 10:
		at, n = 10, int(binary.BigEndian.Uint64(p[2:]))
	case n >= 126:
		return "", 0
	}
	if len(p) < at+n {
		return "", 0
	}
	body := p[at : at+n]
	names := map[byte]string{0x81: "text ", 0x82: "binary ", 0xc1: "deflated text ", 0xc2: "deflated binary ", 0x89: "ping ", 0x8a: "pong ", 0x88: "close "}
	name, ok := names[p[0]]
	switch {
	case !ok:
		name = fmt.Sprintf("frame %#x ", p[0])
	case p[0] == 0x88 && n >= 2:
		return fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(body), body[2:]), at + n
	case p[0] >= 0xc1 && p[0] <= 0xc2:
		q, why := new(deflater).inflate(nil, body, 64<<20)
		if why != nil {
			return why.Error(), at + n
		}
		body = q
	}
	return name + string(body), at + n
}

// all returns all frames up to the end, in one line each.
func (c *client) all() string {
	var list []string
	for {
		s := c.next()
		list = append(list, strings.TrimRight(s, " "))
		if s == "end" || strings.Contains(s, " behind ") {
			c.wire.Close()
			return strings.Join(list, "\n")
		}
	}
}

// wants compares the next frames with what they should be.
func (c *client) wants(frames ...string) {
	c.t.Helper()
	for _, want := range frames {
		if got := strings.TrimRight(c.next(), " "); got != want {
			c.t.Errorf("got %.200q, want %.200q", got, want)
		}
	}
}

// leave ends a session as a client should.
func (c *client) leave() {
	c.t.Helper()
	c.say(frame(0x88, "\x03\xe8"))
	c.wants("close 1000", "end")
	c.wire.Close()
}

// echo sends back all messages.
func echo(o Options) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		s, err := Accept(w, r, o)
		if err != nil {
			return err
		}
		s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, p) })
		return nil
	}
}

// accepted is a handler that hands its sessions on.
func accepted(o Options, f func(s *Session)) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		s, err := Accept(w, r, o)
		if err == nil {
			f(s)
		}
		return err
	}
}

const second = time.Second
