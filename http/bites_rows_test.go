package http

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

const sec = time.Second

// limitRows shows of each limit what a client sees below it and above it.
var limitRows = map[string][]bite{
	// The head of a request.
	"EmptyLines": {
		{name: "as many empty lines may come before a request", edge: spares, limits: Limits{EmptyLines: 1}, run: talk("\r\n" + get("")), want: "200 open"},
		{name: "one more is refused", edge: bites, limits: Limits{EmptyLines: 1}, run: talk("\r\n\r\n" + get("")), want: "400 end"},
	},
	"RequestLine": {
		{name: "a request line may be as long", edge: spares, limits: Limits{RequestLine: 100}, run: talk(get(strings.Repeat("a", 100-len("GET / HTTP/1.1")))), want: "200 open"},
		{name: "a byte more is refused", edge: bites, limits: Limits{RequestLine: 100}, run: talk(get(strings.Repeat("a", 101-len("GET / HTTP/1.1")))), want: "414 end"},
	},
	"FieldLine": {
		{name: "a field may be as long", edge: spares, limits: Limits{FieldLine: 100}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 97) + "\r\n\r\n"), want: "200 open"},
		{name: "a byte more is refused", edge: bites, limits: Limits{FieldLine: 100}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 98) + "\r\n\r\n"), want: "431 end"},
	},
	"FieldBytes": {
		{name: "all fields may be as long", edge: spares, limits: Limits{FieldBytes: 100}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 100-len("Host: a\r\nA: \r\n")) + "\r\n\r\n"), want: "200 open"},
		{name: "a byte more is refused", edge: bites, limits: Limits{FieldBytes: 100}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 101-len("Host: a\r\nA: \r\n")) + "\r\n\r\n"), want: "431 end"},
	},
	"FieldCount": {
		{name: "there may be as many fields", edge: spares, limits: Limits{FieldCount: 3}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\n\r\n"), want: "200 open"},
		{name: "one more is refused", edge: bites, limits: Limits{FieldCount: 3}, run: talk("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"), want: "431 end"},
	},

	// The body of a request.
	"Body": {
		{name: "a body may be as large", edge: spares, limits: Limits{Body: 10}, run: talk(post("echo", 10) + strings.Repeat("b", 10)), want: "200 open"},
		{name: "a byte more is refused", edge: bites, limits: Limits{Body: 10}, run: talk(post("echo", 11) + strings.Repeat("b", 11)), want: "413 open"},
		{name: "in chunks, too", edge: bites, limits: Limits{Body: 10}, run: talk("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nbbbbbbbbbbb\r\n0\r\n\r\n"), want: "413 end"},
	},
	"BodiesTotal": {
		{name: "below three quarters each body is taken", edge: spares, limits: Limits{BodiesTotal: 10_000}, run: hoarding(3000, 4000), want: "open; another 200 open"},
		{name: "above that the largest of the client that holds most is refused", edge: bites, limits: Limits{BodiesTotal: 10_000}, run: hoarding(7000, 4000), want: "503 end; another 200 open"},
	},
	"Discard": {
		{name: "behind an unwanted body, another request is answered", edge: spares, limits: Limits{Discard: 100}, run: talk(post("", 100), strings.Repeat("b", 100)+get("")), want: "200 200 open"},
		{name: "behind a larger one the connection ends", edge: bites, limits: Limits{Discard: 100}, run: talk(post("", 101), strings.Repeat("b", 101)+get("")), want: "200 end"},
		{name: "in chunks, another request is answered", edge: spares, limits: Limits{Discard: 100}, run: talk(chunkedPost, "55\r\n"+strings.Repeat("b", 0x55)+"\r\n0\r\n\r\n"+get("")), want: "200 200 open"},
		{name: "in chunks, a longer one ends the connection", edge: bites, limits: Limits{Discard: 100}, run: talk(chunkedPost, "60\r\n"+strings.Repeat("b", 0x60)+"\r\n0\r\n\r\n"+get("")), want: "200 end"},
	},
	"ChunkExtension": {
		{name: "an extension may be as long", edge: spares, limits: Limits{ChunkExtension: 10}, run: talk("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;aaaaaaaaa\r\nb\r\n0\r\n\r\n"), want: "200 open"},
		{name: "a byte more is refused", edge: bites, limits: Limits{ChunkExtension: 10}, run: talk("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;aaaaaaaaaa\r\nb\r\n0\r\n\r\n"), want: "400 end"},
	},
	"ChunkOverhead": {
		// Chunks of one byte: five bytes of framing carry one, and so four are too many each.
		{name: "small chunks are taken", edge: spares, limits: Limits{ChunkOverhead: 100}, run: talk("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nb\r\n", 24) + "0\r\n\r\n"), want: "200 open"},
		{name: "more of them are refused", edge: bites, limits: Limits{ChunkOverhead: 100}, run: talk("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nb\r\n", 26) + "0\r\n\r\n"), want: "400 end"},
	},

	// One connection.
	"Requests": {
		{name: "the last but one leaves the connection open", edge: spares, limits: Limits{Requests: 3}, run: talk(get("") + get("")), want: "200 200 open"},
		{name: "the last ends it", edge: bites, limits: Limits{Requests: 3}, run: talk(get("") + get("") + get("") + get("")), want: "200 200 200 end"},
	},
	"Age": {
		{name: "a young connection stays open", edge: spares, limits: Limits{Age: 5 * sec}, run: talk(get(""), 4*sec, get("")), want: "200 200 open"},
		{name: "an old one ends with its next answer", edge: bites, limits: Limits{Age: 5 * sec}, run: talk(get(""), 6*sec, get("")), want: "200 200 end"},
	},
	"Turn": {
		{name: "as many requests are answered in one turn", edge: spares, limits: Limits{Turn: 2}, run: pipelined(2), want: "2"},
		{name: "more of them wait for the next", edge: bites, limits: Limits{Turn: 2}, run: pipelined(5), want: "2 2 1"},
	},

	// Deadlines.
	"HeadTimeout": {
		{name: "a head may take as long", edge: spares, limits: Limits{HeadTimeout: 5 * sec}, run: talk("GET / HTTP/1.1\r\n", 4900*time.Millisecond, "Host: a\r\n\r\n"), want: "200 open"},
		{name: "a slower one is refused", edge: bites, limits: Limits{HeadTimeout: 5 * sec}, run: talk("GET / HTTP/1.1\r\n", 5200*time.Millisecond), want: "408 end"},
		{name: "a connection without a word is closed", edge: bites, limits: Limits{HeadTimeout: 5 * sec}, run: talk(5200 * time.Millisecond), want: "end"},
		{name: "the second head has as long", edge: bites, limits: Limits{HeadTimeout: 5 * sec}, run: talk(get(""), 10*sec, "GET / HTTP/1.1\r\n", 5200*time.Millisecond), want: "200 408 end"},
	},
	"IdleTimeout": {
		{name: "a connection may be idle for as long", edge: spares, limits: Limits{IdleTimeout: 20 * sec}, run: talk(get(""), 19*sec, get("")), want: "200 200 open"},
		{name: "an idler one is closed", edge: bites, limits: Limits{IdleTimeout: 20 * sec}, run: talk(get(""), 21*sec), want: "200 end"},
	},
	"BodyTimeout": {
		{name: "a body may pause for as long", edge: spares, limits: Limits{BodyTimeout: 4 * sec, MinRate: 1}, run: talk(post("echo", 100)+strings.Repeat("b", 50), 3900*time.Millisecond, strings.Repeat("b", 50)), want: "200 open"},
		{name: "a longer pause is refused", edge: bites, limits: Limits{BodyTimeout: 4 * sec, MinRate: 1}, run: talk(post("echo", 100)+strings.Repeat("b", 50), 4200*time.Millisecond), want: "408 end"},
	},
	"BodyTime": {
		{name: "a body may take as long", edge: spares, limits: Limits{BodyTime: 8 * sec, MinRate: 1}, run: talk(join([]any{post("echo", 8)}, repeat(7, "b", sec), []any{"b"})...), want: "200 open"},
		{name: "a slower one is refused", edge: bites, limits: Limits{BodyTime: 8 * sec, MinRate: 1}, run: talk(join([]any{post("echo", 20)}, repeat(10, "b", sec))...), want: "408 end"},
	},
	"DiscardIdle": {
		{name: "an unwanted body may pause for as long", edge: spares, limits: Limits{DiscardIdle: 3 * sec}, run: talk(post("", 10), 2900*time.Millisecond, strings.Repeat("b", 10)+get("")), want: "200 200 open"},
		{name: "a longer pause ends the connection", edge: bites, limits: Limits{DiscardIdle: 3 * sec}, run: talk(post("", 10), 3200*time.Millisecond), want: "200 end"},
	},
	"DiscardTime": {
		{name: "an unwanted body may take as long", edge: spares, limits: Limits{DiscardTime: 4 * sec}, run: talk(join([]any{post("", 4)}, repeat(3, "b", sec), []any{"b" + get("")})...), want: "200 200 open"},
		{name: "a slower one ends the connection", edge: bites, limits: Limits{DiscardTime: 4 * sec}, run: talk(join([]any{post("", 10)}, repeat(6, "b", sec))...), want: "200 end"},
	},
	"MinRate": {
		{name: "a body may come at that rate", edge: spares, limits: Limits{MinRate: 100}, run: talk(join([]any{post("echo", 3000)}, repeat(10, strings.Repeat("b", 300), 2*sec))...), want: "200 open"},
		{name: "a slower one is refused", edge: bites, limits: Limits{MinRate: 100}, run: talk(join([]any{post("echo", 3000)}, repeat(10, strings.Repeat("b", 100), 2*sec))...), want: "408 end"},
		{name: "an answer may be taken at that rate", edge: spares, limits: Limits{MinRate: 100, SendTimeout: 4 * sec}, buffer: 1000, run: taking(200, sec, 30), want: "200 open"},
		{name: "a client that takes it more slowly is cut off", edge: bites, limits: Limits{MinRate: 100, SendTimeout: 4 * sec}, buffer: 1000, run: taking(50, sec, 30), want: "200 reset"},
	},
	"RateGrace": {
		{name: "a body may be slow for as long", edge: spares, limits: Limits{RateGrace: 8 * sec, MinRate: 1000}, run: talk(join([]any{post("echo", 8)}, repeat(7, "b", sec), []any{"b"})...), want: "200 open"},
		{name: "beyond that it is refused", edge: bites, limits: Limits{RateGrace: 8 * sec, MinRate: 1000}, run: talk(join([]any{post("echo", 20)}, repeat(11, "b", sec))...), want: "408 end"},
	},
	"SendTimeout": {
		{name: "a client may take nothing for as long", edge: spares, limits: Limits{SendTimeout: 8 * sec}, buffer: 1000, run: taking(0, sec, 7), want: "200 open"},
		{name: "one that takes nothing for longer is cut off", edge: bites, limits: Limits{SendTimeout: 8 * sec}, buffer: 1000, run: taking(0, sec, 8+10), want: "reset"},
	},
	"SendFree": {
		{name: "so many bytes earn no time", edge: bites, limits: Limits{SendFree: 50_000, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(50_000, 20*sec), want: "200 reset"},
		{name: "more of them do", edge: spares, limits: Limits{SendFree: 50_000, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(100_000, 20*sec), want: "200 open"},
	},
	"SendRate": {
		{name: "so many bytes earn a second", edge: spares, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(40_000, 30*sec), want: "200 open"},
		{name: "and no more than that", edge: bites, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(40_000, 60*sec), want: "200 reset"},
	},
	"SendSaved": {
		{name: "as much time may be earned", edge: spares, limits: Limits{SendSaved: 20 * sec, SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(100_000, 18*sec), want: "200 open"},
		{name: "more is not saved", edge: bites, limits: Limits{SendSaved: 20 * sec, SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFirst(100_000, 35*sec), want: "200 reset"},
	},

	// All connections together.
	"Conns": {
		{name: "below it, idle connections stay", edge: spares, limits: Limits{Conns: 4}, run: idling("", 3), want: "open, open, open; newcomer 200 open"},
		{name: "at it, the idlest makes room", edge: bites, limits: Limits{Conns: 4}, run: idling("", 4), want: "open, end, open, open; newcomer 200 open"},
		{name: "one whose answer came later is as idle", edge: bites, limits: Limits{Conns: 4}, run: idling("hang/10", 4), want: "open, end, open, open; newcomer 200 open"},
		{name: "at it, a newcomer waits while all are busy", edge: bites, limits: Limits{Conns: 4}, run: crowding(4, 1), want: "0 of 1 newcomers came in"},
		{name: "when one has left, it comes in", edge: spares, limits: Limits{Conns: 4}, run: crowding(4, 1, 1), want: "1 of 1 newcomers came in"},
		{name: "up to three quarters of it clients are not counted", edge: spares, limits: Limits{Conns: 20}, run: counted(15, 0), want: "false"},
		{name: "above three quarters they are", edge: bites, limits: Limits{Conns: 20}, run: counted(16, 0), want: "true"},
		{name: "with more than half open, they still are", edge: lasts, limits: Limits{Conns: 20}, run: counted(16, 5), want: "true"},
		{name: "with half open, they are not any more", edge: ends, limits: Limits{Conns: 20}, run: counted(16, 6), want: "false"},
		{name: "without descriptors, one that is given back does not go to a newcomer at once", edge: lasts, limits: Limits{Conns: 20}, run: exhausted(20, 1), want: "0 of 3 newcomers came in"},
		{name: "when a tenth is free, newcomers come in at once", edge: ends, limits: Limits{Conns: 20}, run: exhausted(20, 2), want: "2 of 3 newcomers came in"},
	},
	"PerAddress": {
		{name: "as many connections of one address are open", edge: spares, limits: Limits{PerAddress: 2}, run: ofOneAddress("hang/60000", 2), want: "open, open; another address 200 open"},
		{name: "one more is refused while all are busy", edge: bites, limits: Limits{PerAddress: 2}, run: ofOneAddress("hang/60000", 3), want: "open, open, reset; another address 200 open"},
		{name: "or costs the idlest", edge: bites, limits: Limits{PerAddress: 2}, run: ofOneAddress("", 3), want: "200 end, 200 open, 200 open; another address 200 open"},
	},
	"Offloads": {
		{name: "as many requests may wait for work", edge: spares, limits: Limits{Offloads: 2}, run: ofOneAddress("hang/60000", 2), want: "open, open; another address 200 open"},
		{name: "one more is refused", edge: bites, limits: Limits{Offloads: 2}, run: ofOneAddress("hang/60000", 3), want: "open, open, 503 open; another address 200 open"},
	},
	"Pieces": {
		{name: "as many pieces may be under way", edge: spares, limits: Limits{Pieces: 2}, run: publishing(2), want: "[<nil> <nil>]"},
		{name: "one more is refused", edge: bites, limits: Limits{Pieces: 2}, run: publishing(3), want: "[<nil> <nil> " + ErrFull.Error() + "]"},
	},
	"TunnelIdle": {
		{name: "a tunnel on which bytes go stays open", edge: spares, limits: Limits{TunnelIdle: 3 * sec}, run: tunnelling(2*sec, 2*sec), want: "echo, echo; open"},
		{name: "a silent one is closed", edge: bites, limits: Limits{TunnelIdle: 3 * sec}, run: tunnelling(2*sec, 4*sec), want: "echo; end"},
	},
	"Detached": {
		{name: "handlers may take over as many connections", edge: spares, limits: Limits{Detached: 2}, run: ofOneAddress("hijack", 2), want: "200 open, 200 open; another address 200 open"},
		{name: "one more stays the server's", edge: bites, limits: Limits{Detached: 2}, run: ofOneAddress("hijack", 3), want: "200 open, 200 open, 503 open; another address 200 open"},
	},
	"OutputTotal": {
		{name: "below three quarters, who owes is read from", edge: spares, limits: scarce, buffer: 1000, run: allOwing(7, 0), want: "it was read from, 0 were reset"},
		{name: "from three quarters on, who owes is not, and a newcomer is", edge: bites, limits: scarce, buffer: 1000, run: allOwing(8, 0), want: "it was not read from, 0 were reset"},
		{name: "above it, who owes most is reset", edge: bites, limits: scarce, buffer: 1000, run: allOwing(11, 0), want: "it was not read from, 3 were reset"},
		{name: "until half is free, who owes is not read from", edge: lasts, limits: scarce, buffer: 1000, run: allOwing(8, 2), want: "it was not read from, 0 were reset"},
		{name: "when half is free, it is", edge: ends, limits: scarce, buffer: 1000, run: allOwing(8, 3), want: "it was read from, 0 were reset"},
	},
	"AcceptBatch": {
		{name: "as many are accepted in one turn", edge: spares, limits: Limits{AcceptBatch: 3}, run: arriving(3), want: "3"},
		{name: "more of them wait for the next", edge: bites, limits: Limits{AcceptBatch: 3}, run: arriving(7), want: "3 3 1"},
	},
	"Posts": {
		{name: "as many functions may be posted", edge: spares, limits: Limits{Posts: 3}, run: talk(get("post/3"), sec, get("post/3")), want: "200 200 open"},
		{name: "more of them are refused", edge: bites, limits: Limits{Posts: 3}, run: talk(get("post/4")), want: "503 open"},
	},
	"Workers": {
		{name: "as many workers are at work at a time", edge: spares, limits: Limits{Workers: 2}, run: working("hang", 2), want: "1s 1s"},
		{name: "more work waits", edge: bites, limits: Limits{Workers: 2}, run: working("hang", 5), want: "1s 1s 2s 2s 3s"},
	},
	"LargeWorkers": {
		{name: "as many workers do large work at a time", edge: spares, limits: Limits{LargeWorkers: 2}, run: working("large", 2), want: "1s 1s"},
		{name: "more large work waits", edge: bites, limits: Limits{LargeWorkers: 2}, run: working("large", 5), want: "1s 1s 2s 2s 3s"},
	},
	"WorkerTimeout": {
		{name: "work may take as long", edge: spares, limits: Limits{WorkerTimeout: 5 * sec}, run: talk(get("hang/4800"), 5*sec), want: "200 open"},
		{name: "slower work is given up", edge: bites, limits: Limits{WorkerTimeout: 5 * sec}, run: talk(get("hang/8000"), 6*sec), want: "503 open"},
	},
	"Drain": {
		{name: "what has begun may take as long after a stop", edge: spares, limits: Limits{Drain: 5 * sec}, run: stopped("hang/4500"), want: "200 end"},
		{name: "what takes longer is cut off", edge: bites, limits: Limits{Drain: 5 * sec}, cut: true, run: stopped("hang/15000"), want: "reset"},
	},

	"StopGrace": {
		{name: "a request that is on its way at a stop is answered", edge: spares, limits: Limits{StopGrace: 3 * sec}, run: idleAtStop(2500 * time.Millisecond), want: "200 200 end"},
		{name: "for a later one the connection is closed", edge: bites, limits: Limits{StopGrace: 3 * sec}, run: idleAtStop(3500 * time.Millisecond), want: "200 end"},
	},

	// TLS.
	"HandshakeTimeout": {
		{name: "a handshake may take as long", edge: spares, limits: Limits{HandshakeTimeout: 5 * sec}, tls: true, run: talk(4900 * time.Millisecond), want: "open"},
		{name: "a slower one is cut off", edge: bites, limits: Limits{HandshakeTimeout: 5 * sec}, tls: true, run: talk(5200 * time.Millisecond), want: "reset"},
	},
	"Hello": {
		{name: "a hello may be as long", edge: spares, limits: Limits{Hello: 5000}, tls: true, run: hello5(5000), want: "silence"},
		{name: "one that declares more is refused", edge: bites, limits: Limits{Hello: 5000}, tls: true, run: hello5(5001), want: "alert"},
	},
	"Handshakes": {
		{name: "as many steps are taken in one turn", edge: spares, limits: Limits{Handshakes: 2}, tls: true, run: hellos(2), want: "2"},
		{name: "more of them wait for the next", edge: bites, limits: Limits{Handshakes: 2}, tls: true, run: hellos(5), want: "2 2 1"},
	},
	"HandshakesTotal": {
		{name: "hellos may hold three quarters of it", edge: spares, limits: Limits{HandshakesTotal: 40_000}, tls: true, run: halfHellos(3, 9000), want: "open open open"},
		{name: "above that, the oldest of the client that holds most is cut off", edge: bites, limits: Limits{HandshakesTotal: 40_000}, tls: true, run: halfHellos(4, 9000), want: "reset open open open"},
	},

	// One connection.
	"Input": {
		{name: "of a client that has ended, as much is read ahead", edge: bites, limits: Limits{Input: 41_000, ReadBudget: 1000}, buffer: 1 << 20, run: readAhead(200_000), want: "41000 read"},
		{name: "a protocol may leave as much, and what one turn reads", edge: spares, limits: Limits{Input: 41_000, ReadBudget: 1000}, begin: bluntly(func(*eventloop.Conn, []byte) int { return 0 }), run: talk(strings.Repeat("a", 42_000), sec), want: "open"},
		{name: "a byte more breaks the connection", edge: bites, limits: Limits{Input: 41_000, ReadBudget: 1000}, begin: bluntly(func(*eventloop.Conn, []byte) int { return 0 }), run: talk(strings.Repeat("a", 42_001), sec), want: "reset"},
	},
	"HighWater": {
		{name: "who owes as much is read from", edge: spares, limits: Limits{HighWater: 100_000}, buffer: 1000, run: owing(90_000, 0), want: "2 handled"},
		{name: "who owes more is not", edge: bites, limits: Limits{HighWater: 100_000}, buffer: 1000, run: owing(110_000, 0), want: "1 handled"},
		{name: "nor is one that has taken some, but owes more than half", edge: lasts, limits: Limits{HighWater: 100_000}, buffer: 1000, run: owing(110_000, 55_000), want: "1 handled"},
		{name: "one that owes half is", edge: ends, limits: Limits{HighWater: 100_000}, buffer: 1000, run: owing(110_000, 61_500), want: "2 handled"},
	},
	"ReadBudget": {
		{name: "as much is read in one turn", edge: spares, limits: Limits{ReadBudget: 50_000}, begin: bluntly(func(_ *eventloop.Conn, p []byte) int { return len(p) }), run: readIn(50_000), want: "50000"},
		{name: "more of it waits for the next", edge: bites, limits: Limits{ReadBudget: 20_000}, begin: bluntly(func(_ *eventloop.Conn, p []byte) int { return len(p) }), run: readIn(50_000), want: "20000 20000 10000"},
		{name: "of bytes that are thrown away, too", edge: bites, limits: Limits{ReadBudget: 20_000}, begin: bluntly(func(c *eventloop.Conn, p []byte) int { c.Close(); return len(p) }), run: readIn(50_000), want: "20000 20000 10000"},
	},
	"WriteBudget": {
		{name: "as much of a file is written in one turn", edge: spares, limits: Limits{WriteBudget: 50_000}, begin: bluntly(sendsFile(50_000)), run: writtenIn, want: "50000"},
		{name: "more of it waits for the next", edge: bites, limits: Limits{WriteBudget: 20_000}, begin: bluntly(sendsFile(50_000)), run: writtenIn, want: "20000 20000 10000"},
	},
	"LingerGrace": {
		{name: "a client may go on for as long", edge: spares, limits: Limits{LingerGrace: 3 * sec}, run: lingering(1, sec, 2), want: "400 held"},
		{name: "then, as it was slow, the connection is closed", edge: bites, limits: Limits{LingerGrace: 3 * sec}, run: lingering(1, sec, 4), want: "400 closed"},
	},
	"LingerRate": {
		{name: "a client that keeps to it goes on", edge: spares, limits: Limits{LingerGrace: 3 * sec, LingerRate: 1000}, run: lingering(1000, sec, 20), want: "400 held"},
		{name: "one that is slower does not", edge: bites, limits: Limits{LingerGrace: 3 * sec, LingerRate: 1000}, run: lingering(800, sec, 20), want: "400 closed"},
	},
	"LingerIdle": {
		{name: "a client may be silent for as long", edge: spares, limits: Limits{LingerIdle: 3 * sec, LingerGrace: 10 * sec}, run: lingering(1, 2900*time.Millisecond, 1), want: "400 held"},
		{name: "behind a longer silence the connection is closed", edge: bites, limits: Limits{LingerIdle: 3 * sec, LingerGrace: 10 * sec}, run: lingering(1, 3200*time.Millisecond, 1), want: "400 closed"},
	},
	"LingerTotal": {
		{name: "a client may go on for as long", edge: spares, limits: Limits{LingerRate: 1, LingerTotal: 10 * sec}, run: lingering(1, sec, 9), want: "400 held"},
		{name: "then the connection is closed", edge: bites, limits: Limits{LingerRate: 1, LingerTotal: 10 * sec}, run: lingering(1, sec, 11), want: "400 closed"},
	},
}

// scarce lets a connection owe what it likes, until memory is scarce.
var scarce = Limits{OutputTotal: 1_000_000, HighWater: 1 << 30}

// idling has n clients ask, one a second, of which the second falls idle first, and
// then a newcomer.
func idling(path string, n int) func(b *bitten) string {
	return func(b *bitten) string {
		var all []*mouth
		for i := range n {
			m := b.from(fmt.Sprintf("192.0.2.%d", i+1))
			m.say(get(path))
			m.hear(2 * sec)
			all = append(all, m)
		}
		all[0].say(get(path))
		all[0].hear(2 * sec)
		newcomer := b.from("192.0.2.99")
		newcomer.say(get(""))
		b.c.Sleep(100 * time.Millisecond)
		var states []string
		for _, m := range all {
			m.seen()
			states = append(states, m.state())
			m.w.Close()
		}
		defer newcomer.w.Close()
		return strings.Join(states, ", ") + "; newcomer " + newcomer.seen()
	}
}

// busy has n clients wait for work.
func (b *bitten) busy(n int) (all []*mouth) {
	for i := range n {
		m := b.from(fmt.Sprintf("192.0.2.%d", i+1))
		m.say(get("hang/60000"))
		all = append(all, m)
	}
	b.c.Sleep(sec)
	return all
}

// newcomers has so many clients come, and returns what says how many of them came in.
func (b *bitten) newcomers(n int) (result func() string, all []*mouth) {
	for i := range n {
		m := b.from(fmt.Sprintf("192.0.2.%d", 101+i))
		m.say(get("hang/60000"))
		all = append(all, m)
	}
	before := len(b.handled)
	return func() string { return fmt.Sprintf("%d of %d newcomers came in", len(b.handled)-before, n) }, all
}

func leave(all ...*mouth) {
	for _, m := range all {
		m.w.Reset()
	}
}

// crowding has n clients be busy and newcomers come; so many clients leave then.
func crowding(n, newcomers int, leaving ...int) func(b *bitten) string {
	return func(b *bitten) string {
		all := b.busy(n)
		result, more := b.newcomers(newcomers)
		b.c.Sleep(sec)
		for _, k := range leaving {
			leave(all[:k]...)
			b.c.Sleep(200 * time.Millisecond)
		}
		defer leave(append(all, more...)...)
		return result()
	}
}

// exhausted is the same with no more descriptors than those clients take. Newcomers
// have waited for long when some leave.
func exhausted(n, leaving int) func(b *bitten) string {
	return func(b *bitten) string {
		b.k.Descriptors = 4 + n
		all := b.busy(n)
		result, more := b.newcomers(3)
		b.c.Sleep(6100 * time.Millisecond)
		leave(all[:leaving]...)
		b.c.Sleep(10 * time.Millisecond)
		defer leave(append(all, more...)...)
		return result()
	}
}

// counted says whether clients are counted when some of n have left.
func counted(n, leaving int) func(b *bitten) string {
	return func(b *bitten) string {
		all := b.busy(n)
		leave(all[:leaving]...)
		b.c.Sleep(10 * time.Millisecond)
		defer leave(all...)
		return fmt.Sprint(b.loop.Crowded())
	}
}

// ofOneAddress has one address ask on n connections, and then another.
func ofOneAddress(path string, n int) func(b *bitten) string {
	return func(b *bitten) string {
		var all []*mouth
		for range n {
			m := b.dial()
			m.say(get(path))
			m.hear(2 * sec)
			all = append(all, m)
		}
		other := b.from("192.0.2.2")
		other.say(get(""))
		var states []string
		for _, m := range all {
			states = append(states, m.seen())
			m.w.Reset()
		}
		defer other.w.Close()
		return strings.Join(states, ", ") + "; another address " + other.seen()
	}
}

// allOwing has n clients ask for 100,000 bytes and take none; the last of them, so
// many, take all. It says whether the first is read from then, and how many were
// reset. One that owes nothing is answered throughout.
func allOwing(n, take int) func(b *bitten) string {
	return func(b *bitten) string {
		var all []*mouth
		for i := range n {
			m := b.from(fmt.Sprintf("192.0.2.%d", i+1))
			m.say(get("size/100000"))
			b.c.Sleep(10 * time.Millisecond)
			all = append(all, m)
		}
		for _, m := range all[n-take:] {
			m.take(100_000)
			m.seen()
		}
		newcomer := b.from("192.0.2.99")
		newcomer.say(get(""))
		if got := newcomer.seen(); got != "200 open" {
			b.t.Errorf("who owes nothing heard %s", got)
		}
		newcomer.w.Close()
		before, broken := len(b.handled), 0
		for _, m := range all {
			if m.w.Broken() {
				broken++
			}
		}
		for _, m := range all {
			if !m.w.Broken() {
				m.say(get(""))
				break
			}
		}
		b.c.Sleep(10 * time.Millisecond)
		leave(all...)
		read := "not read from"
		if len(b.handled) > before {
			read = "read from"
		}
		return fmt.Sprintf("it was %s, %d were reset", read, broken)
	}
}

// hoarding has one client say so much of a body, and another all of its own.
func hoarding(kept, size int) func(b *bitten) string {
	return func(b *bitten) string {
		m, other := b.dial(), b.from("192.0.2.2")
		m.say(post("echo", kept+1) + strings.Repeat("b", kept))
		b.c.Sleep(sec)
		other.say(post("echo", size) + strings.Repeat("b", size))
		b.c.Sleep(sec)
		defer leave(m, other)
		return m.seen() + "; another " + other.seen()
	}
}

// pipelined says n requests in one breath, and which turns have handled them.
func pipelined(n int) func(b *bitten) string {
	return func(b *bitten) string {
		talk(strings.Repeat(get(""), n), sec)(b)
		return b.handledInOneTurn()
	}
}

// arriving has n clients come at once.
func arriving(n int) func(b *bitten) string {
	return func(b *bitten) string {
		var all []*mouth
		for range n {
			m := b.dial()
			m.say(get(""))
			all = append(all, m)
		}
		b.c.Sleep(sec)
		for _, m := range all {
			if got := m.seen(); got != "200 open" {
				b.t.Errorf("one heard %s", got)
			}
			m.w.Close()
		}
		return b.inOneTurn(eventloop.Accepted)
	}
}

// taking asks for a large answer and takes n bytes of it every so often.
func taking(n int, every time.Duration, times int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get("size/200000"))
		for range times {
			m.take(n)
			b.c.Sleep(every)
		}
		defer m.w.Reset()
		return m.seen()
	}
}

// takingFirst asks for a large answer, takes n bytes of it and then nothing for some
// time.
func takingFirst(n int, then time.Duration) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get("size/200000"))
		m.take(n)
		b.c.Sleep(then)
		defer m.w.Reset()
		return m.seen()
	}
}

// working asks from n clients for work that takes a second, and says when each had its
// answer.
func working(path string, n int) func(b *bitten) string {
	return func(b *bitten) string {
		var all []*mouth
		for i := range n {
			m := b.from(fmt.Sprintf("192.0.2.%d", i+1))
			m.say(get(path + "/1000"))
			all = append(all, m)
		}
		var when []string
		for begun := b.k.Now(); len(when) < n; {
			b.c.Sleep(100 * time.Millisecond)
			for _, m := range all {
				if m.w.Waiting() > 0 {
					if got := m.seen(); got != "200 open" {
						b.t.Errorf("one heard %s", got)
					}
					when = append(when, b.k.Now().Sub(begun).Round(sec).String())
				}
			}
		}
		for _, m := range all {
			m.w.Close()
		}
		return strings.Join(when, " ")
	}
}

// stopped asks for something and stops the server.
func stopped(path string) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get(path))
		m.hear(10 * time.Millisecond)
		b.loop.Stop()
		b.after = m.all
		m.hear(time.Minute)
		return ""
	}
}

// idleAtStop has the server stop while a connection is idle, and asks for more some
// time later.
func idleAtStop(later time.Duration) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get(""))
		m.hear(10 * time.Millisecond)
		b.loop.Stop()
		b.after = m.all
		b.c.Sleep(later)
		m.say(get(""))
		m.hear(time.Minute)
		return ""
	}
}

// hello5 declares a hello of a size, without saying it.
func hello5(size int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(string([]byte{22, 3, 1, 64, 0, 1, 0, byte(size >> 8), byte(size)}))
		m.hear(sec)
		defer m.w.Reset()
		switch {
		case len(m.heard) == 0 && m.end == "":
			return "silence"
		case len(m.heard) > 0 && m.heard[0] == 21:
			return "alert"
		}
		return fmt.Sprintf("%x", m.heard)
	}
}

// hellos has n clients of TLS say hello at once, and says how many were answered in
// each turn.
func hellos(n int) func(b *bitten) string {
	return func(b *bitten) string {
		p := string(clientHello())
		var all []*mouth
		for range n {
			m := b.dial()
			m.say(p)
			all = append(all, m)
		}
		b.c.Sleep(sec)
		for _, m := range all {
			m.w.Reset()
		}
		turns := map[time.Duration]map[uint32]bool{}
		var order []time.Duration
		records, _, _ := b.loop.ReadSince(0, nil)
		for _, r := range records {
			if r.Kind != eventloop.Wrote {
				continue
			}
			if turns[r.At] == nil {
				turns[r.At] = map[uint32]bool{}
				order = append(order, r.At)
			}
			turns[r.At][r.Conn] = true
		}
		var counts []string
		for _, at := range order {
			counts = append(counts, fmt.Sprint(len(turns[at])))
		}
		return strings.Join(counts, " ")
	}
}

// halfHellos has n connections of one client declare a long hello, and say size bytes
// of it.
func halfHellos(n, size int) func(b *bitten) string {
	return func(b *bitten) string {
		p := append([]byte{22, 3, 1, 63, 0, 1, 0, 62, 0}, make([]byte, size)...)
		var all []*mouth
		for range n {
			m := b.dial()
			m.say(string(p))
			all = append(all, m)
			b.c.Sleep(10 * time.Millisecond)
		}
		var states []string
		for _, m := range all {
			states = append(states, m.seen())
			m.w.Reset()
		}
		return strings.Join(states, " ")
	}
}

// owing asks for an answer of a size and for another, takes so many bytes, and says
// how many requests were handled.
func owing(size, take int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get(fmt.Sprintf("size/%d", size)))
		b.c.Sleep(10 * time.Millisecond)
		m.say(get(""))
		b.c.Sleep(10 * time.Millisecond)
		m.take(take)
		b.c.Sleep(10 * time.Millisecond)
		defer m.w.Reset()
		return fmt.Sprintf("%d handled", len(b.handled))
	}
}

// readIn says so many bytes and what each turn has read of them.
func readIn(n int) func(b *bitten) string {
	return func(b *bitten) string {
		talk(strings.Repeat("a", n), sec)(b)
		return b.inOneTurn(eventloop.Read)
	}
}

// writtenIn says what each turn has written.
func writtenIn(b *bitten) string {
	talk("a", sec)(b)
	return b.inOneTurn(eventloop.Wrote)
}

// readAhead says n bytes behind a request that takes its time, and an end. It says how
// many bytes were read meanwhile.
func readAhead(n int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(get("hang/10000"))
		b.c.Sleep(sec)
		m.say(strings.Repeat("a", n))
		m.w.CloseWrite()
		b.c.Sleep(sec)
		defer m.w.Reset()
		read := int64(-len(get("hang/10000")))
		records, _, _ := b.loop.ReadSince(0, nil)
		for _, r := range records {
			if r.Kind == eventloop.Read {
				read += r.Arg
			}
		}
		return fmt.Sprintf("%d read", read)
	}
}

func sendsFile(n int) func(c *eventloop.Conn, p []byte) int {
	return func(c *eventloop.Conn, p []byte) int {
		c.SendFile(memoryFile{bytes.NewReader(make([]byte, n))}, 0, int64(n))
		return len(p)
	}
}

// lingering says n bytes every so often behind a request that is refused, and whether
// the server still holds the connection.
func lingering(n int, every time.Duration, times int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say("?\r\n\r\n")
		m.hear(time.Millisecond)
		for range times {
			m.say(strings.Repeat("a", n))
			m.hear(every)
		}
		status, _, _ := strings.Cut(m.seen(), " ")
		if m.w.ServerClosed() {
			return status + " closed"
		}
		defer m.w.Reset()
		return status + " held"
	}
}
