package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

// A tape is a kernel with one keep-alive connection on which the same request
// comes again and again, one for each turn that the test asks for. It makes no
// garbage, so that what is made is the server's.
type tape struct {
	request []byte
	turn    chan struct{} // the test wants one more
	turned  chan struct{} // it is served, and the loop would sleep

	begun         bool
	waiting       bool // there is a request to be read
	reads, writes int
	answer        []byte // the last one
	sent          int    // bytes of files
}

const (
	listenerFD = 3
	connFD     = 4
)

func (k *tape) Listen(at bobbin.Address, _ bobbin.ListenOptions) (int, bobbin.Address, error) {
	return listenerFD, at, nil
}

func (k *tape) Refuse(int) bool      { return false }
func (k *tape) Handshaking(int) bool { return false }

func (k *tape) Accept(int) (int, netip.AddrPort, error) {
	if k.begun {
		return -1, netip.AddrPort{}, bobbin.ErrNotNow
	}
	k.begun = true
	return connFD, netip.AddrPort{}, nil
}

func (k *tape) Cached(bobbin.File, int64, int) bool { return true }

// Work is done at once: there is nobody whom it would keep waiting.
func (k *tape) Work(f func(func())) func() { f(func() {}); return func() {} }

func (k *tape) Read(_ int, p []byte) (int, error) {
	k.reads++
	if !k.waiting {
		return 0, bobbin.ErrNotNow
	}
	k.waiting = false
	return copy(p, k.request), bobbin.ErrNotNow
}

func (k *tape) Write(_ int, p []byte, _ bool) (int, error) {
	k.writes++
	k.answer = append(k.answer[:0], p...)
	return len(p), nil
}

func (k *tape) Writev(_ int, pieces [][]byte, _ bool) (int, error) {
	k.writes++
	k.answer = k.answer[:0]
	for _, p := range pieces {
		k.answer = append(k.answer, p...)
	}
	return len(k.answer), nil
}

func (k *tape) SendFile(_ int, _ bobbin.File, _ int64, n int) (int, error) {
	k.sent += n
	return n, nil
}

func (k *tape) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if !k.begun {
		events[0] = bobbin.Event{FD: listenerFD, Ready: bobbin.Readable}
		return 1, nil
	}
	if until == bobbin.NoWait {
		return 0, nil
	}
	k.turned <- struct{}{}
	if _, ok := <-k.turn; !ok {
		return 0, io.EOF // the test is over
	}
	k.waiting = true
	events[0] = bobbin.Event{FD: connFD, Ready: bobbin.Readable}
	return 1, nil
}

func (k *tape) WatchFolder(string) (bobbin.FolderWatch, error) { return nil, errors.ErrUnsupported }

func (k *tape) Unsent(int) int               { return 0 }
func (k *tape) LocalAddr(int) netip.AddrPort { return netip.AddrPort{} }
func (k *tape) AckNow(int)                   {}
func (k *tape) KeepUnsentShort(int)          {}
func (k *tape) Shutdown(int) error           { return nil }
func (k *tape) Detach(int) (net.Conn, error) { return nil, errors.ErrUnsupported }
func (k *tape) Close(int) error              { return nil }
func (k *tape) Reset(int) error              { return nil }
func (k *tape) Watch(int) error              { return nil }
func (k *tape) Unwatch(int) error            { return nil }
func (k *tape) Wake() error                  { return nil }
func (k *tape) Now() time.Time               { return time.Now() }
func (k *tape) Shut() error                  { return nil }

var opened = time.Now()

func (k *tape) Monotonic() time.Duration { return time.Since(opened) }

func TestWhatARequestCosts(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int{"1k.txt": 1 << 10, "64k.txt": 64 << 10, "1m.bin": 1 << 20} {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		// One that was changed just now is not kept in memory.
		if old := time.Now().Add(-time.Hour); os.Chtimes(name, old, old) != nil {
			t.Fatal("its time cannot be set")
		}
	}
	files, err := static.Open(folder, static.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	page := strings.Repeat("-", 100)

	rows := []struct {
		name    string
		handler http.Handler
		request string
		allocs  float64
		writes  int
	}{
		{"the answer for benchmarks makes no garbage", defaultSite(nil), "GET /bench HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"nor does a page of the default site", defaultSite(nil), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"nor a handler that says some text", func(w *http.Response, r *http.Request) error { return w.Text(page) }, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"nor a browser's request", defaultSite(nil), "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n", 0, 1},
		{"nor a small file that was read before", files.Serve, "GET /1k.txt HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"nor one that a browser asks for", files.Serve, strings.Replace(browserHead, "/bench", "/1k.txt", 1), 0, 1},
		{"nor a larger one", files.Serve, "GET /64k.txt HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"nor one that a browser has a version of", files.Serve, "GET /1k.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nIf-None-Match: \"x\"\r\n\r\n", 3, 1},
		{"nor the head of one", files.Serve, "HEAD /64k.txt HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1},
		{"sixteen pipelined requests are one read and one write", defaultSite(nil), strings.Repeat("GET /bench HTTP/1.1\r\nHost: a\r\n\r\n", 16), 0, 1},
		{"a large file is one write and the kernel's work", files.Serve, "GET /1m.bin HTTP/1.1\r\nHost: a\r\n\r\n", 20, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := &tape{request: []byte(row.request), turn: make(chan struct{}), turned: make(chan struct{})}
			server, err := http.NewServer(http.Config{
				Handler: row.handler,
				Limits:  http.Limits{Requests: 1 << 30},
				Loop:    eventloop.Config{Kernel: k},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Listen(":80"); err != nil {
				t.Fatal(err)
			}
			over := make(chan error)
			go func() { over <- server.Run() }()
			<-k.turned
			once := func() {
				k.turn <- struct{}{}
				<-k.turned
			}
			for range 10 {
				once() // so that the caches are warm
			}
			if !strings.HasPrefix(string(k.answer), "HTTP/1.1 200 OK\r\n") {
				t.Errorf("the answer is %.100q", k.answer)
			}
			k.reads, k.writes = 0, 0
			const n = 1000
			allocs := testing.AllocsPerRun(n, once) // which is one more
			if allocs > row.allocs {
				t.Errorf("%v allocations a turn", allocs)
			}
			if k.reads != n+1 || k.writes != row.writes*(n+1) {
				t.Errorf("%d reads and %d writes for %d turns", k.reads, k.writes, n+1)
			}
			close(k.turn)
			<-over
		})
	}
}

// A reel is a tape that plays by itself, a number of times.
type reel struct {
	tape
	left     int
	changing int // where in the request there is another byte each time, if not 0

	hello  []byte // of HTTP/2, before the first request
	frames int    // of requests that the request is made of, each of a new stream
	stream uint32 // the last one
}

// Read implements bobbin.Kernel.
func (k *reel) Read(fd int, p []byte) (int, error) {
	if len(k.hello) > 0 && k.waiting {
		n := copy(p, k.hello)
		k.hello = nil
		m, err := k.tape.Read(fd, p[n:])
		return n + m, err
	}
	return k.tape.Read(fd, p)
}

// number gives the frames of a request the numbers of new streams.
func (k *reel) number() {
	const stream = 5 // where its number is in a frame
	size := len(k.request) / max(k.frames, 1)
	for i := range k.frames {
		binary.BigEndian.PutUint32(k.request[i*size+stream:], k.stream)
		k.stream += 2
	}
}

// reelOfH2 returns a reel of a request of HTTP/2, n of them in each turn. A first request puts
// its fields into the client's table, and the others name them by their numbers there, as
// clients do.
func reelOfH2(n, turns int, fields ...string) *reel {
	const table, own = 62, 0x80 // the number of the field that came last, and the bit for a number
	var first, block []byte
	for i, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		first = append(append(append(first, 0x40, byte(len(name))), name...), byte(len(value)))
		first = append(first, value...)
		block = append(block, own|byte(table+len(fields)-1-i))
	}
	headers := func(block []byte) []byte {
		const headers, endOfAll = 1, 5
		return append([]byte{0, byte(len(block) >> 8), byte(len(block)), headers, endOfAll, 0, 0, 0, 1}, block...)
	}
	hello := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
		"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x10\x00\x00" + // SETTINGS: a window of a megabyte for each stream
		"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\x00\x00\x00" // WINDOW_UPDATE
	return &reel{
		tape: tape{request: bytes.Repeat(headers(block), n)}, left: turns,
		hello: append([]byte(hello), headers(first)...), frames: n, stream: 3,
	}
}

func (k *reel) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if !k.begun {
		return k.tape.Wait(events, until)
	}
	if k.left == 0 {
		return 0, io.EOF
	}
	k.left--
	k.waiting = true
	k.number()
	if k.changing > 0 {
		k.request[k.changing] = 'a' + byte(k.left%16)
	}
	events[0] = bobbin.Event{FD: connFD, Ready: bobbin.Readable}
	return 1, nil
}

// BenchmarkTurn is what a turn with one request costs outside of the kernel.
func BenchmarkTurn(b *testing.B) {
	folder := b.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "1k.txt"), make([]byte, 1<<10), 0o644); err != nil {
		b.Fatal(err)
	}
	files, err := static.Open(folder, static.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer files.Close()
	const hello = "GET /bench HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	unwatched := func(*eventloop.Loop) {}
	timed := func(l *eventloop.Loop) { l.StartTiming() }
	read := func(l *eventloop.Loop) { l.StartReading() }
	followed := func(l *eventloop.Loop) { l.Follow(func([]eventloop.Record, uint64) {}) }
	for _, row := range []struct {
		name, request string
		handler       http.Handler
		watch         func(*eventloop.Loop)
	}{
		{"h2", "1", defaultSite(nil), unwatched},
		{"h2-16", "16", defaultSite(nil), unwatched},
		{"bench", hello, defaultSite(nil), unwatched},
		{"bench-timed", hello, defaultSite(nil), timed},
		{"bench-read", hello, defaultSite(nil), read},
		{"bench-followed", hello, defaultSite(nil), followed},
		{"pipelined", strings.Repeat(hello, 16), defaultSite(nil), unwatched},
		{"pipelined-timed", strings.Repeat(hello, 16), defaultSite(nil), timed},
		{"pipelined-read", strings.Repeat(hello, 16), defaultSite(nil), read},
		{"browser", browserHead, defaultSite(nil), unwatched},
		{"browser-cookie", strings.Replace(browserHead, "Accept-Encoding", changingCookie+"Accept-Encoding", 1), defaultSite(nil), unwatched},
		{"1k", "GET /1k.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", files.Serve, unwatched},
		{"1k-browser", strings.Replace(browserHead, "/bench", "/1k.txt", 1), files.Serve, unwatched},
	} {
		b.Run(row.name, func(b *testing.B) {
			k := &reel{tape: tape{request: []byte(row.request)}, left: b.N}
			if n, err := strconv.Atoi(row.request); err == nil {
				k = reelOfH2(n, b.N, ":method=GET", ":scheme=http", ":path=/bench", ":authority=127.0.0.1")
			}
			if i := strings.Index(row.request, changingCookie); i > 0 {
				k.changing = i + len("Cookie: id=")
			}
			server, err := http.NewServer(http.Config{
				Handler: row.handler,
				Limits:  http.Limits{Requests: 1 << 30},
				Loop:    eventloop.Config{Kernel: k},
			})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := server.Listen(":80"); err != nil {
				b.Fatal(err)
			}
			row.watch(server.Loop())
			b.ReportAllocs()
			b.ResetTimer()
			server.Run()
		})
	}
}

// changingCookie is a field that is another one in each request of a reel.
const changingCookie = "Cookie: id=a4c1f6b0e9a7d4c2f8e3b5a6d7c8e9f01; theme=dark; lang=en\r\n"

// browserHead is what a browser of today asks with.
const browserHead = "GET /bench HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
	"Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n"
