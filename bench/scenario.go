package main

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// A scenario is one kind of load.
type scenario struct {
	name  string // for --only
	title string
	does  string // the load, in a sentence or two
	not   string // the limits of its figures, beside those of the columns

	request     server.Request
	files       bool // the path is that of a file
	connections int
	idle        int     // additional idle connections
	rate        float64 // requests a second, for an open loop
	load        loader  // makes the requests
	tool        string  // the program that load needs, if it is none of bench's own
	changing    string  // the name of a field that ends otherwise in each request; "" for none
	measure     func(*cell) error
	patience    time.Duration // for which an idle connection must be kept

	byBytes bool      // requests are counted by received bytes, because few of them end within a run
	sized   bool      // the bytes of an answer are a figure
	marked  bool      // the load tells when the requests that count begin and end
	gathers load.Kind // the load whose connections are opened before it is measured; "" for none

	cost   string // the figure to compare by; "" is instructions, or CPU time without them
	once   bool   // a single round is enough
	lasts  int    // the least seconds of a round
	rounds int    // the most rounds; 0 for all
	calls  bool   // system calls are counted, too, and where perf cannot, user instructions
	quick  bool   // part of a quick run
	few    bool   // only with the cheapest rivals
	wide   bool   // with all rivals, also with those that are marked as Minor
	group  string // scenarios that differ in one number
	x      int    // that number
	grows  string // its unit

	with   []string                                            // only these servers, by name; nil for no such limit
	spread bool                                                // the servers run on all cores
	inside func(*bench, *scenario) (map[string]float64, error) // a measurement without a server; see turn.go
	takes  time.Duration                                       // of one round of it
}

// The idle time that servers are configured for: longer than any scenario.
const longIdle = 10 * time.Minute

// fewConnections is about the number of connections of one browser; loads of 10 MB at
// a time need no more to keep a core busy.
const fewConnections = 8

// manyConnections are the most that are measured where descriptors allow.
const manyConnections = 15_000

// scenarios returns all scenarios for a machine with so many descriptors.
func scenarios(descriptors int, quick bool) []*scenario {
	hello := server.Request{Path: server.HelloPath}
	most := max(100, min(10_000, descriptors-500)) // connections; the rest is for files
	crowd := most
	if quick {
		crowd = min(1_000, most)
	}
	// Some servers reserve two descriptors for each connection.
	silent := min(crowd, max(100, (descriptors/2-500)/1000*1000))
	all := []*scenario{
		{
			name: "hello-64", title: "13 bytes of text, 64 connections", quick: true, wide: true, calls: true,
			does:    "64 connections that stay open; each requests 13 bytes, waits for them, and repeats.",
			not:     "the performance with a real page, with real work, or with a network in between. It shows the cost of HTTP itself.",
			request: hello, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "close", title: "one request per connection", quick: true, wide: true, calls: true,
			does:    "64 clients at a time; each connects, requests 13 bytes, gets the answer and closes. The floor is a plain accept loop.",
			not:     "the cost of a new connection over a network, where the round trip is most of it.",
			request: server.Request{Path: server.HelloPath, Close: true}, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "pipelined", title: "16 requests in one write, 64 connections", quick: true, calls: true,
			does:    "As hello-64, but each connection sends 16 requests at once and waits for their answers.",
			not:     "anything about browsers, which do not do this. It shows the rest of the cost when 16 requests share the kernel's part. wrk measures no latencies here.",
			request: server.Request{Path: server.HelloPath, Pipeline: 16}, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "static-64k", title: "a file of 64 KiB, 64 connections", quick: true, calls: true,
			does:    "A file that does not change and is in the page cache. The floor has it in memory.",
			not:     "the cost of a disk: nothing is read from one. 64 connections request the same file, which suits servers that keep files in memory.",
			request: server.Request{Path: "/64k.bin"}, files: true, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "browser", title: "a browser's request of 600 bytes, 64 connections", quick: true, wide: true, calls: true,
			does:    "As hello-64, with the twelve headers of a browser.",
			not:     "the cost of processing those headers: a server that skips them is cheapest, and the floor only looks for their end.",
			request: server.Request{Path: server.HelloPath, Fields: browserFields}, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "browser-cookie", title: "a browser's request whose cookie changes, 64 connections", few: true, calls: true,
			does:     "As browser, but each request has another value of its cookie: no server can know it again by its bytes.",
			not:      "the cost of changing cookies for the client, which makes 4,993 requests before the load. Browsers repeat a cookie until the server sets another.",
			changing: "Cookie", request: server.Request{Path: server.HelloPath, Fields: browserFields}, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "hello-256", title: "13 bytes of text, 256 connections", calls: true, few: true, rounds: 2,
			does:    "As hello-64, with four times as many connections: more of them are ready at each turn of a loop.",
			not:     "the maximum number of connections; see idle-busy and connections.",
			request: hello, connections: 256, tool: "wrk", load: closedLoop,
		},
		{
			name: "static-1k", title: "a file of 1 KiB, 64 connections", calls: true,
			does:    "As static-64k, with a small file.",
			not:     "the cost of finding a file that is requested for the first time.",
			request: server.Request{Path: "/1k.bin"}, files: true, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "static-10m", title: "a file of 10 MiB, 8 connections", calls: true,
			does: "As static-64k, with a large file and fewer connections. The floor uses sendfile. The cost is processor time: copying is few instructions and many cycles. Incomplete downloads at the end count by their bytes.",
			not:  "the speed of a download. The client copies every byte out of the kernel, and is the slower side.",
			cost: report.CPU, byBytes: true, request: server.Request{Path: "/10m.bin"}, files: true, connections: fewConnections, tool: "wrk", load: closedLoop,
		},
		{
			name: "rate", title: "20,000 requests a second, 64 connections", quick: true,
			does:    "An open loop: every 50 µs a request is due, on one of 64 connections, whether or not answers have come. Latency counts from when a request was due, so that a stall counts for all the requests that it delays.",
			not:     "the latency at any other rate. The client polls its sockets all the time, and so sees an answer a few microseconds late; the kernel wakes a server that is mostly asleep, which takes longer than answering.",
			request: hello, connections: 64, rate: 20_000, load: openLoop,
		},
		{
			name: "idle-memory", title: fmt.Sprintf("memory of an idle connection, of %s", thousands(crowd)), quick: true, once: true, wide: true,
			does: fmt.Sprintf("%s connections are opened; each makes one request, and is then idle. The growth of the server since it had answered 64, divided by their number.", thousands(crowd)),
			not:  "the memory of a connection in use, and the kernel's memory for each, which is some kilobytes.",
			cost: report.Held, request: hello, idle: crowd, measure: memoryOfIdle, patience: longIdle,
		},
		{
			name: "idle-memory-tls", title: fmt.Sprintf("memory of an idle connection over TLS, of %s", thousands(crowd/5)), once: true, few: true,
			does: "As idle-memory, over TLS, and with a fifth of the connections.",
			not:  "how much of it is in use: the handshakes have ended, and what they left behind is counted until a collector has run. bobbin's runs late (GOGC is 400).",
			cost: report.Held, request: server.Request{Path: server.HelloPath, TLS: true}, idle: crowd / 5, measure: memoryOfIdle, patience: longIdle,
		},
		{
			name: "idle-busy", title: fmt.Sprintf("64 busy connections among %s idle ones", thousands(silent)), few: true, rounds: 2,
			does:    fmt.Sprintf("As hello-64, while %s other connections are open and idle.", thousands(silent)),
			not:     "the effect of waking them all at once.",
			request: hello, connections: 64, idle: silent, tool: "wrk", load: closedLoop, patience: longIdle,
		},
	}
	all = append(all, &scenario{
		name: "handlers", title: "handlers in Go, 64 connections", calls: true, with: []string{"plain", "streaming", "blocking", "std", "nethttp"},
		does:    "As hello-64, with bobbin in a program whose handler runs on the loop, as a coroutine, on a goroutine, or is one of net/http; beside net/http's own server.",
		not:     "the cost of a handler that really waits: these have their answer at once. On one core, as here, goroutines are not woken from elsewhere.",
		request: hello, connections: 64, tool: "wrk", load: closedLoop,
	})
	steps := []int{1, 4, 10, 16, 100, 1_000, most}
	if descriptors-500 >= manyConnections {
		steps = append(steps, manyConnections)
	}
	for _, n := range steps {
		if n > most && n != manyConnections || n == most && most <= 1_000 {
			continue
		}
		all = append(all, &scenario{
			name: fmt.Sprintf("connections-%d", n), title: "13 bytes of text, " + plural(n, "connection"),
			group: "connections", x: n, grows: "connections", few: true,
			rounds:  growthRounds(n),
			lasts:   n / 3_000, // opening them takes a second or two
			does:    "As hello-64, with more and more connections, all of them busy.",
			not:     "only the cost of a request: that of opening the connections at the beginning is contained, and with many of them and few seconds is a few hundredths. With one connection, the server sleeps between any two requests. Beyond half of its descriptors, bobbin closes connections of a client that holds most of them and has been idle for a second: failed reads in the notes.",
			request: hello, connections: n, tool: "wrk", load: closedLoop,
		})
	}
	for _, n := range []int{1, 10, 30, 100} {
		all = append(all, &scenario{
			name: fmt.Sprintf("fields-%d", n), title: "a request with " + plural(n, "field"),
			group: "fields", x: n, grows: "fields", few: true,
			rounds:  2,
			does:    "As hello-64, with more and more headers in the request, of 40 bytes each.",
			not:     "the use of the headers by the program behind the server; most servers here use none.",
			request: server.Request{Path: server.HelloPath, Fields: manyFields(n - 1)}, connections: 64, tool: "wrk", load: closedLoop,
		})
	}
	for _, n := range []int{1, 10, 100, 1_000, 10_000} {
		all = append(all, &scenario{
			name: fmt.Sprintf("turn-%d", n), title: "a turn of the loop with " + plural(n, "connection"),
			group: "turn", x: n, grows: "connections", inside: timeTurns, takes: 1200 * time.Millisecond, cost: report.Turn,
			does: "bobbin's loop by itself, over a kernel in memory: of more and more connections one sends a request at each turn and is answered, and all others are idle, each with its deadline. Beside that, all deadlines are set anew again and again. `go test -bench 'BenchmarkTurn|BenchmarkDeadlines' ./eventloop` does the same.",
			not:  "that nothing touches an idle connection, only that such a cost cannot be measured: TestATurnTouchesNoIdleConnection checks that, without a clock. With 10,000 connections a deadline costs some nanoseconds more, because their memory exceeds the nearest caches.",
		})
	}
	all = append(all, &scenario{
		name: "loops", title: "one loop and two, on all cores, 64 connections", with: []string{"loops-1", "loops-2"}, spread: true,
		does:    "As hello-64, with bobbin on all cores: one loop, and two.",
		not:     "the throughput of two loops: the client needs one of the cores. With two cores it is on one of the loops', which it interrupts.",
		request: hello, connections: 64, tool: "wrk", load: closedLoop,
	}, &scenario{
		name: "loops-one-core", title: "one loop and two, on one core, 64 connections", with: []string{"loops-1", "loops-2"},
		does:    "As hello-64, with one loop, and with two on the same core: what a second loop costs by itself, without a second core's cache.",
		not:     "a use of two loops: two loops are for two cores.",
		request: hello, connections: 64, tool: "wrk", load: closedLoop,
	})
	all = append(all, &scenario{
		name: "instructions", title: "instructions in user space, of one request in a turn",
		inside: countTurns, takes: 30 * time.Second, once: true, cost: report.UserHello,
		does: "bobbin's loop, protocol and program, over a kernel in memory, under valgrind's callgrind: the difference between 60,000 turns and 20,000. One round, because it repeats within a thousandth on any machine.",
		not:  "the kernel's share, which is most of a small request, and the cost of the same request beside others in its turn.",
	})
	encrypted := []*scenario{
		{
			name: "tls-hello", title: "13 bytes over TLS, 64 connections", calls: true, wide: true,
			does:    "As hello-64, encrypted.",
			not:     "the cipher of each server, if it could not be configured; it stands in the notes.",
			request: server.Request{Path: server.HelloPath, TLS: true}, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "tls-64k", title: "64 KiB over TLS, 64 connections", calls: true, rounds: 2,
			does: "As static-64k, encrypted. The cost is processor time, as encrypting is few instructions.",
			not:  "anything about kernels that encrypt (kTLS), which is off.",
			cost: report.CPU, request: server.Request{Path: "/64k.bin", TLS: true}, files: true, connections: 64, tool: "wrk", load: closedLoop,
		},
		{
			name: "tls-handshakes", title: "TLS handshakes, 8 clients",
			does: "Each client connects, makes a full handshake (TLS 1.3, X25519, ECDSA P-256, nothing resumed), requests 13 bytes, and closes. Latency is that of the handshake, including the connection.",
			not:  "the maximum number of handshakes a second: the client has the more expensive half of each, and one core. For a browser's second connection see tls-resumed.",
			cost: report.CPU, request: server.Request{Path: server.HelloPath, TLS: true, Close: true}, connections: fewConnections, load: handshaking(load.Handshakes),
		},
		{
			name: "tls-resumed", title: "TLS handshakes that are resumed, 8 clients", rounds: 2,
			does: "As tls-handshakes, but each client uses the ticket of its last connection, and only resumed handshakes count.",
			not:  "the cost for a server that has lost its ticket keys, or has more than one machine; and, in the cost, that each client's first handshake was a full one.",
			cost: report.CPU, request: server.Request{Path: server.HelloPath, TLS: true, Close: true}, connections: fewConnections, load: handshaking(load.Resumed),
		},
		{
			name: "tls-rate", title: "5,000 requests a second over TLS, 64 connections", few: true, rounds: 2,
			does:    "As rate, encrypted, and a request each 200 µs.",
			not:     "the latency at any other rate, or the duration of a handshake; the connections are open. The client encrypts, too, and its time is in the latency.",
			request: server.Request{Path: server.HelloPath, TLS: true}, connections: 64, rate: 5_000, load: openLoop,
		},
	}
	all = append(all, encrypted...)
	all = append(all, overHTTP2(crowd)...)
	all = append(all, overWebSocket(crowd)...)
	for _, s := range all {
		if s.measure == nil {
			s.measure = underLoad
		}
	}
	return all
}

// goalConnections is the number of connections up to which there is a goal for each
// number. The curve beyond needs fewer rounds.
const goalConnections = 4

// growthRounds returns the most rounds for a point of a curve.
func growthRounds(n int) int {
	if n <= goalConnections {
		return 0
	}
	return 2
}

// browserFields are the headers of a browser that follows a link.
var browserFields = []string{
	"Cache-Control: max-age=0",
	"Upgrade-Insecure-Requests: 1",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Referer: https://www.example.org/articles/",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8",
	"Cookie: session=0123456789abcdef; theme=dark; seen=2026-11-23T19:45:00Z",
	"Sec-Fetch-Dest: document",
	"Sec-Fetch-Mode: navigate",
	"Sec-Fetch-Site: same-origin",
}

// manyFields makes headers of 40 bytes, with their CRLF.
func manyFields(n int) []string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf("X-Field-%03d: %s", i, strings.Repeat("v", 40-2-13))
	}
	return fields
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// descriptors returns the number of descriptors that this process and its children
// may open. It raises the limit as far as possible; Go then passes it on to children.
func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	raised := limit
	raised.Cur = limit.Max
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	return int(min(limit.Cur, 1<<20))
}
