package websocket

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
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
	s, err := http.NewServer(http.Config{Handler: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
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

// TestPeers has programs of other makers talk to an echo, where they are installed.
func TestPeers(t *testing.T) {
	at, stop := serveReal(t, echo(Options{Deflate: true}))
	defer stop()
	for _, peer := range []struct{ name, program, has, script string }{
		{"python3-websockets", "python3", "import websockets", `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], max_size=None) as ws:
        for m in ["hello", "", "é€😀", "x" * 100000, b"\x00\xff", b"y" * 70000]:
            await ws.send(m)
            assert await ws.recv() == m
        await (await ws.ping())
    print("fine", ws.close_code)
asyncio.run(main())`},
		{"Node's ws", "node", `require("ws")`, `
const W = require("ws"), ws = new W(process.argv[process.argv.length - 1]);
const all = ["hello", "", "é€😀", "x".repeat(100000)]; let n = 0;
ws.on("open", () => ws.send(all[0]));
ws.on("message", m => { if (m.toString() !== all[n]) throw "other"; if (++n < all.length) ws.send(all[n]); else ws.close(1000); });
ws.on("close", c => console.log("fine", c));`},
		{"Node's own WebSocket", "node", `new WebSocket("ws://127.0.0.1:9").onerror = () => {}`, `
const ws = new WebSocket(process.argv[process.argv.length - 1]);
const all = ["hello", "", "é€😀", "x".repeat(100000)]; let n = 0;
ws.onopen = () => ws.send(all[0]);
ws.onmessage = m => { if (m.data !== all[n]) throw "other"; if (++n < all.length) ws.send(all[n]); else ws.close(1000); };
ws.onclose = c => console.log("fine", c.code);`},
	} {
		t.Run(peer.name, func(t *testing.T) {
			flag := map[string]string{"python3": "-c", "node": "-e"}[peer.program]
			if err := exec.CommandContext(t.Context(), peer.program, flag, peer.has).Run(); err != nil {
				t.Skipf("%s is not installed here: %v", peer.name, err)
			}
			out, err := exec.CommandContext(t.Context(), peer.program, flag, peer.script, "ws://"+at+"/").CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "fine 1000" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestChromium has a page of a browser talk to an echo, where one is installed, and tell the
// server how that went.
func TestChromium(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Skip("chromium is not installed here, or the test is short")
	}
	const page = `<!doctype html><script>
const ws = new WebSocket("ws://" + location.host + "/ws"), all = ["hello", "é€😀", "x".repeat(100000)]; let n = 0;
ws.onopen = () => ws.send(all[0]);
ws.onmessage = m => { if (m.data === all[n] && ++n < all.length) ws.send(all[n]); else ws.close(4000, "end"); };
ws.onclose = e => fetch("/result?" + n + "," + e.code + "," + e.wasClean + "," + ws.extensions);
</script>`
	result := make(chan string, 1)
	at, stop := serveReal(t, func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/ws":
			return echo(Options{Deflate: true})(w, r)
		case "/result":
			result <- r.RawQuery()
		}
		return w.HTML(page)
	})
	defer stop()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithCancel(t.Context())
	run := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+folder, "http://"+at+"/")
	if err := run.Start(); err != nil {
		t.Skipf("chromium does not run here: %v", err)
	}
	defer run.Wait()
	defer cancel()
	select {
	case got := <-result:
		if !strings.HasPrefix(got, "3,4000,true,permessage-deflate") {
			t.Errorf("the page says %s", got)
		}
	case <-time.After(30 * time.Second):
		t.Skip("chromium has shown no page in 30 seconds")
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
