package websocket

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// A real client has a socket.
type real struct {
	net.Conn
	r *bufio.Reader
}

// serveReal runs a server on loopback, and returns its address and how to stop it. The
// functions in before are called when it does not run yet.
func serveReal(t testing.TB, h http.Handler, before ...func(*http.Server)) (at string, stop func()) {
	t.Helper()
	return serveConfig(t, http.Config{Handler: h}, before...)
}

// serveConfig is serveReal for a server with settings of its own.
func serveConfig(t testing.TB, config http.Config, before ...func(*http.Server)) (at string, stop func()) {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	s, err := http.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listen := s.Listen
	if config.TLS != nil {
		listen = s.ListenTLS
	}
	listeners, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range before {
		f(s)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	return listeners[0].Addr().String(), func() {
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// dialReal opens a session.
func dialReal(t testing.TB, at string) *real {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, handshake+"\r\n")
	one := &real{c, bufio.NewReaderSize(c, 512)}
	for {
		line, err := one.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			return one
		}
	}
}

// says sends a frame, and hears checks the next one.
func (c *real) says(first byte, p string) { io.WriteString(c, frame(first, p)) }
func (c *real) hears(t testing.TB, want string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var in []byte
	for {
		if f, size := readFrame(in); size > 0 {
			if f = strings.TrimRight(f, " "); f != want {
				t.Errorf("got %.100q, want %.100q", f, want)
			}
			return
		}
		b, err := c.r.ReadByte()
		if err != nil {
			t.Errorf("%v before %q", err, want)
			return
		}
		in = append(in, b)
	}
}

// TestATopicOfAnotherLoop publishes on two loops what the client of one has said.
func TestATopicOfAnotherLoop(t *testing.T) {
	var topics [2]*Topic
	var clients [2]*real
	made := make(chan bool)
	for i := range topics {
		at, stop := serveReal(t, accepted(Options{}, func(s *Session) {
			topics[i].Subscribe(s, nil)
			s.OnMessage(func(kind Kind, p []byte) {
				<-made
				m := Prepare(kind, p)
				for _, topic := range topics {
					topic.Post(m)
				}
			})
		}), func(s *http.Server) { topics[i] = NewTopic(s) })
		defer stop()
		clients[i] = dialReal(t, at)
	}
	close(made)
	clients[0].says(0x81, "hello")
	for _, c := range clients {
		c.hears(t, "text hello")
		c.says(0x88, "\x03\xe8")
		c.hears(t, "close 1000")
		c.Close()
	}
}

// What an idle session may take in all, and what of that its connection takes: pinned by
// TestAConnHasThisManyBytes of package http, with its place in the table of the loop.
const (
	mostIdle  = 450
	ofAConn   = 144 + 12
	idleConns = 400
)

// TestAnIdleSessionHasFewBytes opens many connections that wait for a request, and as many
// sessions, and compares their memory. Each has said a word before.
func TestAnIdleSessionHasFewBytes(t *testing.T) {
	measure := func(h http.Handler, talk func(c *real)) int64 {
		at, stop := serveReal(t, h)
		defer stop()
		list := make([]*real, idleConns)
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		first := dialReal(t, at)
		talk(first)
		defer first.Close()
		before := heap()
		for i := range list {
			list[i] = dialReal(t, at)
			talk(list[i])
			defer list[i].Close()
		}
		return (heap() - before) / idleConns
	}
	conn := measure(func(w *http.Response, _ *http.Request) error { return w.Text("") }, func(c *real) {
		io.WriteString(c, handshake+"\r\n")
		for line := ""; line != "\r\n"; {
			line, _ = c.r.ReadString('\n')
		}
	})
	session := measure(echo(Options{}), func(c *real) {
		c.says(0x81, "a word")
		c.hears(t, "text a word")
	})
	all := session - conn + ofAConn
	t.Logf("%d bytes a session, of which %d are not its connection's", all, session-conn)
	if all > mostIdle {
		t.Errorf("an idle session takes %d bytes, and may take %d", all, mostIdle)
	}
}

// TestAnEchoAllocatesNothing has messages go and come, whole and in fragments.
func TestAnEchoAllocatesNothing(t *testing.T) {
	if k, err := bobbin.Open(); err == nil {
		name := fmt.Sprintf("%T", k)
		k.Shut()
		if !strings.Contains(strings.ToLower(name), "epoll") {
			t.Skip("it is measured over epoll, not over " + name)
		}
	}
	at, stop := serveReal(t, echo(Options{}))
	defer stop()
	c := dialReal(t, at)
	defer c.Close()
	for _, row := range []struct{ name, say string }{
		{"a short message", frame(0x81, "hello")},
		{"one of 16 KiB", frame(0x82, string(make([]byte, 16<<10)))},
		{"one in fragments", frame(0x01, strings.Repeat("a", 8<<10)) + frame(0x80, "b")},
	} {
		p := []byte(row.say)
		size := 0
		for rest := p; len(rest) > 0; { // of the payloads
			n, head := int(rest[1]&0x7f), 6
			if n == 126 {
				n, head = int(rest[2])<<8|int(rest[3]), 8
			}
			size += n
			rest = rest[head+n:]
		}
		got := make([]byte, len(ws.AppendHead(nil, ws.Text, false, size))+size)
		n := testing.AllocsPerRun(500, func() {
			c.Write(p)
			if _, err := io.ReadFull(c.r, got); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", row.name, n)
		}
	}
}
