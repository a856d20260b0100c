package http

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Attacks on HTTP/2, of which each has brought down a server somewhere: see docs/http2.md. What a frame of
// each costs is what BenchmarkAttacksOnHTTP2 says.

// An h2Attack is what a client says over and over.
type h2Attack struct {
	name   string // a sentence that is true
	window uint32 // INITIAL_WINDOW_SIZE of the client's; as at first if 0
	shut   bool   // that is 0
	first  string // said once
	frame  func(i int) string
	times  int
	bytes  bool // it is about bytes, and not about frames
	deaf   bool // the client reads nothing
	buffer int  // of its socket; as usual if 0
	then   time.Duration

	want string // the last frame that it hears, and how its connection is then
	most int64  // KiB of memory that it takes meanwhile
}

// h2Same says the same each time.
func h2Same(frame string) func(int) string { return func(int) string { return frame } }

// h2Nth says a request on the i-th stream.
func h2Nth(say func(stream uint32) string) func(int) string {
	return func(i int) string { return say(uint32(2*i + 1)) }
}

// h2FetchWith is a GET with more in its field block.
func h2FetchWith(stream uint32, more string) string {
	return h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, stream, h2Fetch(stream, "/")[h2.HeaderSize:]+more)
}

const (
	h2Calm = "GOAWAY ENHANCE_YOUR_CALM end"
	h2Open = "open"
)

// h2Attacks are the rows.
func h2Attacks() []h2Attack {
	const insert = "\x40\x01a\x7f\xa1\x1e" // a field "a" with 4,000 bytes, for the table
	roomForAll := h2Frame(h2.FrameWindowUpdate, 0, 0, string(number(1<<30)))
	openAll := h2Each(100, func(stream uint32) string { return h2Fetch(stream, "/size/2000") })
	return []h2Attack{
		{name: "requests that are reset at once end the connection", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string { return h2Fetch(stream, "/hang/1000") + h2Reset(stream) })},
		{name: "so do requests that make us reset them by a window update of 0", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string {
			return h2Post(stream, "/echo") + h2Frame(h2.FrameWindowUpdate, 0, stream, string(number(0)))
		})},
		{name: "by a window that is too large", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string {
			return h2Post(stream, "/echo") + h2Frame(h2.FrameWindowUpdate, 0, stream, string(number(h2.MaxWindow)))
		})},
		{name: "by a stream that depends on itself", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string {
			return h2Post(stream, "/echo") + h2Frame(h2.FramePriority, 0, stream, string(number(stream))+"\x00")
		})},
		{name: "by a head that is malformed", times: 20_000, want: h2Calm, frame: h2Nth(h2Malformed)},
		{name: "by DATA behind the end", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string {
			return h2Fetch(stream, "/hang/1000") + h2Frame(h2.FrameData, 0, stream, "")
		})},
		{name: "CONTINUATION without bytes and without end ends it", first: h2Frame(h2.FrameHeaders, 0, 1, ""), times: 20_000, want: h2Calm, frame: h2Same(h2Frame(h2.FrameContinuation, 0, 1, ""))},
		{name: "so does CONTINUATION that is full", bytes: true, first: h2Frame(h2.FrameHeaders, 0, 1, ""), times: 1000, want: h2Calm, frame: h2Same(h2Frame(h2.FrameContinuation, 0, 1, strings.Repeat("\x82", 16<<10)))},
		{name: "a field block of references is refused, and keeps nothing", first: h2FetchWith(1, insert+strings.Repeat("v", 4000)), times: 300, want: "61 bytes on 601 " + h2Open, frame: func(i int) string {
			return h2FetchWith(uint32(2*i+3), strings.Repeat("\xbe", 10_000))
		}},
		{name: "so is one of crumbs", first: roomForAll, times: 1000, want: "74 bytes on 1999 " + h2Open, frame: h2Nth(func(stream uint32) string {
			return h2FetchWith(stream, strings.Repeat("\x0f\x11\x00", 258))
		})},
		{name: "crumbs that are held by a window of 0 take little", times: 100, then: time.Millisecond, shut: true, want: "200 on 199 " + h2Open, frame: h2Nth(func(stream uint32) string {
			return h2FetchWith(stream, strings.Repeat("\x0f\x11\x00", 256))
		})},
		{name: "SETTINGS by thousands end it", times: 20_000, want: h2Calm, frame: h2Same(string(h2.AppendSettings(nil)))},
		{name: "so do SETTINGS by thousands in a frame", times: 20_000, want: h2Calm, frame: h2Same(string(h2.AppendSettings(nil, make([]h2.Setting, 2000)...)))},
		{name: "SETTINGS that move a hundred windows do, too", first: openAll, times: 20_000, want: h2Calm, frame: func(i int) string {
			return string(h2.AppendSettings(nil, h2Window(uint32(i%2))...))
		}},
		{name: "a window that is opened by bytes makes no frames", shut: true, first: h2Fetch(1, "/size/60000"), times: 900, want: "200 on 1 " + h2Open, frame: h2Same(h2Frame(h2.FrameWindowUpdate, 0, 1, string(number(1))))},
		{name: "nor does that of the connection", window: 1 << 20, first: h2Fetch(1, "/size/66000"), times: 400, want: "16383 bytes on 1 " + h2Open, frame: h2Same(h2Frame(h2.FrameWindowUpdate, 0, 0, string(number(1))))},
		{name: "windows that are opened for streams that are over cost nothing", window: 100, first: h2Fetch(1, "/"), times: 20_000, want: "5 bytes on 1 " + h2Open, frame: h2Same(h2Frame(h2.FrameWindowUpdate, 0, 1, string(number(1))))},
		{name: "a client with a window of 0 is reset in the end", shut: true, deaf: true, times: 100, then: time.Minute, want: "reset", frame: h2Nth(func(stream uint32) string { return h2Fetch(stream, "/size/2000") })},
		{name: "PING whose answers are not read is not read, either", times: 20_000, deaf: true, buffer: 1000, want: h2Open, frame: h2Same(h2Pings(1))},
		{name: "PING whose answers are read ends the connection", times: 20_000, want: h2Calm, frame: h2Same(h2Pings(1))},
		{name: "so does PRIORITY", times: 20_000, want: h2Calm, frame: h2Same(h2Priorities(1))},
		{name: "so does PRIORITY_UPDATE", times: 20_000, want: h2Calm, frame: h2Nth(func(stream uint32) string { return h2Urgency(stream, 1) })},
		{name: "so does DATA without bytes", first: h2Post(1, "/echo"), times: 20_000, want: h2Calm, frame: h2Same(h2Frame(h2.FrameData, 0, 1, ""))},
		{name: "so does DATA of nothing but padding", first: h2Post(1, "/echo"), times: 20_000, want: h2Calm, frame: h2Same(h2Frame(h2.FrameData, h2.FlagPadded, 1, "\x00"))},
		{name: "so do frames that are unknown", times: 20_000, want: h2Calm, frame: h2Same(h2Frame(0x99, 0, 0, ""))},
		{name: "so do SETTINGS that acknowledge nothing", times: 20_000, want: h2Calm, frame: h2Same(string(h2.AppendSettingsAck(nil)))},
		{name: "so does GOAWAY", times: 20_000, want: h2Calm, frame: h2Same(string(h2.AppendGoAway(nil, 0, h2.NoError, "")))},
		{name: "so do resets of streams that are over", window: 100, first: h2Fetch(1, "/"), times: 20_000, want: h2Calm, frame: h2Same(h2Reset(1))},
		{name: "DATA of a byte is kept as a byte", first: h2Post(1, "/echo"), times: 50_000, want: "983041 more on 0 " + h2Open, frame: h2Same(h2Body(1, 1))},
		{name: "an open window and a socket that is not read take what is ahead", window: 1 << 30, first: roomForAll, times: 100, deaf: true, then: time.Minute, want: "reset", frame: h2Nth(func(stream uint32) string { return h2Fetch(stream, "/size/2000") })},
		{name: "bodies that no handler reads take what their windows have", bytes: true, first: h2Each(50, func(stream uint32) string { return h2Post(stream, "/hang/1000") }), times: 1000, want: "GOAWAY FLOW_CONTROL_ERROR end", most: 5000, frame: func(i int) string {
			return h2Body(uint32(2*(i%50)+1), 1300)
		}},
	}
}

// TestAttacksOnHTTP2 has a client attack, and another one ask meanwhile. The attack ends by its limit or
// costs nothing, is said once in the log, takes little memory, and the other is answered at once.
func TestAttacksOnHTTP2(t *testing.T) {
	for _, a := range h2Attacks() {
		t.Run(a.name, func(t *testing.T) {
			var log h2Log
			row := bite{buffer: a.buffer, log: slog.New(&log), want: a.want, run: func(b *bitten) string {
				return a.run(t, b)
			}}
			row.try(t)
			if told := strings.HasSuffix(a.want, h2Calm); log.warnings > 1 || told != (log.warnings == 1) {
				t.Errorf("the log has %d lines about it", log.warnings)
			}
		})
	}
}

// BenchmarkAttacksOnHTTP2 says what a frame of each costs, or a request with its reset, that of the simulated kernel
// included, when the limits that end it are out of reach.
func BenchmarkAttacksOnHTTP2(b *testing.B) {
	const far = 1 << 30
	for _, a := range h2Attacks() {
		if a.deaf || a.bytes {
			continue
		}
		b.Run(a.name, func(b *testing.B) {
			row := bite{
				limits: Limits{HeadTimeout: time.Hour, IdleTimeout: time.Hour, Resets: far, Useless: far, Settings: far, Continuations: far, Requests: far, Body: far, BodiesTotal: far, HeaderBlock: far},
				run: func(k *bitten) string {
					m := k.dial()
					defer leave(m)
					m.begin(h2Window(a.peerWindow()))
					k.push(m, a.first)
					last := ""
					for i := 0; i < b.N && m.end == ""; {
						var said strings.Builder
						for ; i < b.N && said.Len() < 32<<10; i++ {
							said.WriteString(a.frame(i))
						}
						k.pushAll(m, said.String())
						last = cmp.Or(m.lastWord(), last)
					}
					if m.end != "" {
						b.Errorf("the connection has ended behind %s", last)
					}
					return ""
				},
			}
			row.try(b)
		})
	}
}

// peerWindow is the client's window for each answer.
func (a *h2Attack) peerWindow() uint32 {
	if a.shut {
		return 0
	}
	return cmp.Or(a.window, h2.DefaultWindow)
}

// run runs an attack. It returns the last word that the client has heard, and how its connection is.
func (a *h2Attack) run(t *testing.T, b *bitten) string {
	m, other := b.dial(), b.from("192.0.2.2")
	defer leave(m, other)
	m.begin(h2Window(a.peerWindow()))
	other.begin(nil)
	b.push(m, a.first)
	b.fillPools()
	before, most := heapInUse(), uint64(0)
	asked, last := uint32(1), ""
	for i := 0; i < a.times && m.end == ""; {
		var said strings.Builder
		for ; i < a.times && said.Len() < 32<<10; i++ {
			said.WriteString(a.frame(i))
		}
		if rest := b.push(m, said.String()); rest > 0 {
			break // the server has stopped to read
		}
		if !a.deaf {
			m.hear(time.Microsecond)
			last = cmp.Or(m.lastWord(), last)
		}
		if most == 0 || i >= a.times {
			most = max(most, heapInUse())
		}
		other.say(h2Fetch(asked, "/"))
		other.hear(time.Millisecond)
		if got, want := other.words(), fmt.Sprintf("200 on %d, 5 bytes on %d", asked, asked); got != want {
			t.Fatalf("another client hears %q, and not %q", got, want)
		}
		asked += 2
	}
	if took := (int64(most) - int64(before)) >> 10; took > max(a.most, 1000) {
		t.Errorf("it takes %d KiB of memory", took)
	}
	b.c.Sleep(a.then)
	if !a.deaf || a.then > 0 {
		m.hear(time.Millisecond)
	}
	return strings.TrimSpace(cmp.Or(m.lastWord(), last) + " " + m.state())
}

// lastWord is the word for the last frame that has one and that was heard since the last call.
func (m *mouth) lastWord() string {
	words := m.frames.words(m.heard)
	m.heard = nil
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// fillPools has the loop make the memory that it needs for the answers of one turn.
func (b *bitten) fillPools() {
	m := b.from("192.0.2.3")
	m.begin(h2Window(0))
	b.push(m, h2Each(16, func(stream uint32) string { return h2Fetch(stream, "/") }))
	m.hear(time.Millisecond)
	leave(m)
}

// push says as much as the connection takes, and returns how much is left when it takes no more.
func (b *bitten) push(m *mouth, text string) (left int) {
	for idle := 0; len(text) > 0 && idle < 100; {
		n, err := m.w.Send([]byte(text))
		text = text[n:]
		if err != nil && err != sim.ErrWouldWait {
			return 0 // hearing finds out how it ended
		}
		if idle++; n > 0 {
			idle = 0
		}
		b.c.Sleep(time.Microsecond)
	}
	return len(text)
}

// pushAll says all of a text, and hears what comes whenever the connection takes no more.
func (b *bitten) pushAll(m *mouth, text string) {
	for text != "" && m.end == "" {
		text = text[len(text)-b.push(m, text):]
		m.hear(time.Microsecond)
	}
}

// heapInUse returns the bytes of all that is in use.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An h2Log counts warnings.
type h2Log struct{ warnings int }

func (l *h2Log) Enabled(context.Context, slog.Level) bool { return true }
func (l *h2Log) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *h2Log) WithGroup(string) slog.Handler            { return l }
func (l *h2Log) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		l.warnings++
	}
	return nil
}
