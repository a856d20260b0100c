package http

import (
	"fmt"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The rows of TestEveryLimitBites for HTTP/2. A client says frames, and what it hears is a word
// for each frame.

// talkByFrames makes a row's run of what a client of HTTP/2 says, with its own settings, and of how long
// it listens then. It has acknowledged ours.
func talkByFrames(settings []h2.Setting, steps ...any) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		defer m.w.Close()
		m.begin(settings)
		m.listen(steps...)
		m.hear(time.Millisecond)
		return m.wordsAndState()
	}
}

// wordsAndState has a word for each frame, and how the connection is.
func (m *mouth) wordsAndState() string {
	return strings.TrimSpace(strings.Join(m.frames.words(m.heard), ", ") + " " + m.state())
}

// begin begins HTTP/2, and forgets what is heard of that.
func (m *mouth) begin(settings []h2.Setting) {
	m.say(h2.Preface + string(h2.AppendSettingsAck(h2.AppendSettings(nil, settings...))))
	m.hear(time.Millisecond)
	m.heard = nil
}

// hoardingUnread has a client send two bodies that no handler reads, and another client one, in that
// order, and returns what each hears.
func hoardingUnread(first, second, another int) func(b *bitten) string {
	return func(b *bitten) string {
		m, other := b.dial(), b.from("192.0.2.2")
		defer leave(m, other)
		for _, each := range []*mouth{m, other} {
			each.begin(nil)
			each.say(h2Post(1, "/hang/1000") + h2Post(3, "/hang/1000"))
		}
		m.say(h2Body(1, first) + h2Body(3, second))
		m.hear(time.Millisecond)
		other.say(h2Body(1, another))
		other.hear(time.Millisecond)
		m.hear(time.Millisecond)
		return m.wordsAndState() + "; another " + other.wordsAndState()
	}
}

// takingFrames is takingFirst for a client of HTTP/2 that has room for all: it says how its connection
// is then.
func takingFrames(n int, then time.Duration) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.begin(h2Window(1 << 20))
		m.say(h2Frame(h2.FrameWindowUpdate, 0, 0, string(number(1<<20))) + h2Fetch(1, "/size/200000"))
		m.take(n)
		b.c.Sleep(then)
		defer m.w.Reset()
		m.hear(time.Millisecond)
		return m.state()
	}
}

// takingOneOfTwo has a client of HTTP/2 take one large answer, while another request is open, and then
// nothing of a second one for some time.
func takingOneOfTwo(n int, then time.Duration) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.begin(h2Window(1 << 20))
		m.say(h2Frame(h2.FrameWindowUpdate, 0, 0, string(number(1<<20))) + h2Post(1, "/echo") + h2Fetch(3, fmt.Sprint("/size/", n)))
		m.take(n)
		m.hear(3 * time.Second)
		m.say(h2Fetch(5, "/size/200000"))
		b.c.Sleep(then)
		defer m.w.Reset()
		m.hear(time.Millisecond)
		return m.state()
	}
}

// pingingMuch has a client send so many PING, as many at a time as the server takes, before it reads the answers.
func pingingMuch(n int) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		defer m.w.Close()
		m.begin(nil)
		b.pushAll(m, h2Pings(n))
		m.hear(10 * time.Millisecond)
		return fmt.Sprint(len(m.heard), " bytes ", m.state())
	}
}

// h2Cut is a GET whose field block comes in HEADERS and n more frames.
func h2Cut(n int) string {
	whole := h2Fetch(1, "/")[h2.HeaderSize:]
	all := h2Frame(h2.FrameHeaders, h2.FlagEndStream, 1, whole)
	for i := range n {
		flags := h2.Flags(0)
		if i == n-1 {
			flags = h2.FlagEndHeaders
		}
		all += h2Frame(h2.FrameContinuation, flags, 1, "")
	}
	return all
}

// h2Crumbs is a GET with n pieces of Cookie.
func h2Crumbs(n int) string {
	const cookie, three = "\x0f\x11", "\x03" // a literal with the name of entry 32
	return h2FetchMore(1, strings.Repeat(cookie+three+"a=b", n))
}

// h2Each is what is said on each of n streams.
func h2Each(n int, say func(stream uint32) string) (all string) {
	for i := range n {
		all += say(uint32(2*i + 1))
	}
	return all
}

// h2Malformed is the head of a POST without a path.
func h2Malformed(stream uint32) string {
	const post, https = "\x83", "\x87"
	return h2Frame(h2.FrameHeaders, h2.FlagEndHeaders, stream, post+https)
}

// h2Resets is n requests that are reset before they have come as a whole.
func h2Resets(n int) string {
	return h2Each(n, func(stream uint32) string { return h2Post(stream, "/echo") + h2Reset(stream) })
}

// h2Priorities is n frames of PRIORITY.
func h2Priorities(n int) string {
	return strings.Repeat(h2Frame(h2.FramePriority, 0, 1, "\x00\x00\x00\x00\x00"), n)
}

// h2Window is the setting of a window for each answer.
func h2Window(n uint32) []h2.Setting {
	return []h2.Setting{{ID: h2.SettingInitialWindowSize, Value: n}}
}

// h2Urgency is PRIORITY_UPDATE with an urgency for a stream.
func h2Urgency(stream uint32, urgency int) string {
	return h2Frame(h2.FramePriorityUpdate, 0, 0, fmt.Sprintf("%su=%d", number(stream), urgency))
}

// h2Turns says how many bytes were written in each turn of what comes behind the greeting.
func h2Turns(run func(b *bitten) string) func(b *bitten) string {
	return func(b *bitten) string {
		b.loop.StartReading()
		run(b)
		return b.inOneTurn(eventloop.Wrote)
	}
}

func init() {
	for name, rows := range map[string][]bite{
		"Streams": {
			{name: "as many requests may be open", edge: spares, limits: Limits{Streams: 2}, run: talkByFrames(nil, h2Post(1, "/echo")+h2Post(3, "/echo")), want: "open"},
			{name: "one more is refused", edge: bites, limits: Limits{Streams: 2}, run: talkByFrames(nil, h2Post(1, "/echo")+h2Post(3, "/echo")+h2Fetch(5, "/")), want: "REFUSED_STREAM on 5 open"},
			{name: "what is on its way for streams that were refused is no fault of theirs", edge: spares, limits: Limits{Streams: 40}, run: talkByFrames(nil, h2Each(80, h2Malformed)+h2Each(80, func(stream uint32) string { return h2Body(stream, 1) })), want: h2Each(80, func(stream uint32) string {
				return fmt.Sprintf("%sPROTOCOL_ERROR on %d", map[bool]string{true: ", "}[stream > 1], stream)
			}) + " open"},
		},
		"Resets": {
			{name: "as many streams may be reset", edge: spares, limits: Limits{Resets: 3}, run: talkByFrames(nil, h2Resets(3)), want: "open"},
			{name: "one more ends the connection", edge: bites, limits: Limits{Resets: 3}, run: talkByFrames(nil, h2Resets(4)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
		},
		"HeaderBlock": {
			{name: "a field block may be as long", edge: spares, limits: Limits{HeaderBlock: 100}, run: talkByFrames(nil, h2Fetch(1, "/"+strings.Repeat("a", 92))), want: "200 on 1, 5 bytes on 1 open"},
			{name: "a byte more ends the connection", edge: bites, limits: Limits{HeaderBlock: 100}, run: talkByFrames(nil, h2Fetch(1, "/"+strings.Repeat("a", 93))), want: "GOAWAY ENHANCE_YOUR_CALM end"},
		},
		"Continuations": {
			{name: "a field block may have as many frames more", edge: spares, limits: Limits{Continuations: 2}, run: talkByFrames(nil, h2Cut(2)), want: "200 on 1, 5 bytes on 1 open"},
			{name: "one more ends the connection", edge: bites, limits: Limits{Continuations: 2}, run: talkByFrames(nil, h2Cut(3)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
		},
		"Crumbs": {
			{name: "Cookie may have as many pieces more", edge: spares, limits: Limits{Crumbs: 2}, run: talkByFrames(nil, h2Crumbs(3)), want: "200 on 1, 5 bytes on 1 open"},
			{name: "one more is refused", edge: bites, limits: Limits{Crumbs: 2}, run: talkByFrames(nil, h2Crumbs(4)), want: "431 on 1, 74 bytes on 1 open"},
		},
		"Settings": {
			{name: "settings may change as often", edge: spares, limits: Limits{Settings: 2}, run: talkByFrames(nil, strings.Repeat(string(h2.AppendSettings(nil)), 2)), want: "SETTINGS ACK, SETTINGS ACK open"},
			{name: "once more ends the connection", edge: bites, limits: Limits{Settings: 2}, run: talkByFrames(nil, strings.Repeat(string(h2.AppendSettings(nil)), 3)), want: "SETTINGS ACK, SETTINGS ACK, GOAWAY ENHANCE_YOUR_CALM end"},
			{name: "more settings in a frame end it, too", edge: bites, limits: Limits{Settings: 2}, run: talkByFrames(nil, string(h2.AppendSettings(nil, make([]h2.Setting, 3)...))), want: "GOAWAY ENHANCE_YOUR_CALM end"},
		},
		"ControlQueue": {
			{name: "as many PING are answered at once", edge: spares, limits: Limits{ControlQueue: 10}, run: h2Turns(talkByFrames(nil, h2Pings(10))), want: "33 9 170"},
			{name: "one more when these were sent", edge: bites, limits: Limits{ControlQueue: 10}, run: h2Turns(talkByFrames(nil, h2Pings(11))), want: "33 9 170 17"},
			{name: "those that come meanwhile wait in the socket", edge: bites, limits: Limits{ControlQueue: 10, Useless: 20_000}, buffer: 1000, run: pingingMuch(15_000), want: "255000 bytes open"},
		},
		"Useless": {
			{name: "as many frames may be of no use", edge: spares, limits: Limits{Useless: 3}, run: talkByFrames(nil, h2Priorities(2)), want: "open"},
			{name: "one more ends the connection", edge: bites, limits: Limits{Useless: 3}, run: talkByFrames(nil, h2Priorities(3)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
			{name: "a second gives one back", edge: spares, limits: Limits{Useless: 3}, run: talkByFrames(nil, h2Priorities(2), 2*time.Second, h2Priorities(2)), want: "open"},
			{name: "and not two", edge: bites, limits: Limits{Useless: 3}, run: talkByFrames(nil, h2Priorities(2), 1500*time.Millisecond, h2Priorities(2)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
			{name: "a quiet time gives back no more than was counted", edge: bites, limits: Limits{Useless: 3}, run: talkByFrames(nil, 9*time.Second, h2Priorities(4)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
			{name: "each frame of an answer gives one back", edge: spares, limits: Limits{Useless: 3}, run: talkByFrames(h2Window(1<<20), h2Priorities(2), h2Fetch(1, "/size/60000"), h2Priorities(3)), want: "200 on 1, 16384 bytes on 1, 16384 bytes on 1, 16384 bytes on 1, 10848 bytes on 1 open"},
			{name: "GOAWAY of the client is of no use, either", edge: bites, limits: Limits{Useless: 3}, run: talkByFrames(nil, strings.Repeat(string(h2.AppendGoAway(nil, 0, h2.NoError, "")), 3)), want: "GOAWAY ENHANCE_YOUR_CALM end"},
			{name: "a window that is opened is of use", edge: spares, limits: Limits{Useless: 3}, run: talkByFrames(nil, h2Fetch(1, "/"), strings.Repeat(h2Frame(h2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x05")+h2Frame(h2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x05"), 9)), want: "200 on 1, 5 bytes on 1 open"},
		},
		"StreamWindow": {
			{name: "as much of a body may come unread", edge: spares, limits: Limits{StreamWindow: 100}, run: talkByFrames(nil, h2Post(1, "/hang/1000")+h2Body(1, 100)), want: "983041 more on 0 open"},
			{name: "a byte more resets the stream", edge: bites, limits: Limits{StreamWindow: 100}, run: talkByFrames(nil, h2Post(1, "/hang/1000")+h2Body(1, 101)), want: "FLOW_CONTROL_ERROR on 1 open"},
		},
		"StreamWindowMost": {
			{name: "the window of a body that is read grows to as much", edge: spares, limits: Limits{StreamWindow: 100, StreamWindowMost: 200}, run: talkByFrames(nil, h2Post(1, "/echo")+h2Body(1, 60), h2Body(1, 100)), want: "983041 more on 0, 160 more on 1, 100 more on 1 open"},
			{name: "and no further", edge: bites, limits: Limits{StreamWindow: 100, StreamWindowMost: 100}, run: talkByFrames(nil, h2Post(1, "/echo")+h2Body(1, 60), h2Body(1, 50)), want: "983041 more on 0, 60 more on 1, 50 more on 1 open"},
		},
		"ConnWindow": {
			{name: "as much of all bodies may come unread", edge: spares, limits: Limits{ConnWindow: 70_000}, run: talkByFrames(nil, h2Post(1, "/hang/1000"), h2Body(1, 70_000)), want: "4465 more on 0 open"},
			{name: "a byte more ends the connection", edge: bites, limits: Limits{ConnWindow: 70_000}, run: talkByFrames(nil, h2Post(1, "/hang/1000"), h2Body(1, 70_001)), want: "4465 more on 0, GOAWAY FLOW_CONTROL_ERROR end"},
			{name: "what a handler leaves unread comes back with its answer, and the rest of it is refused later", edge: ends, limits: Limits{ConnWindow: h2.DefaultWindow}, run: talkByFrames(nil, h2Post(1, "/hang/1000")+h2Body(1, h2.DefaultWindow), 2*time.Second, h2Post(3, "/echo")+h2Frame(h2.FrameData, h2.FlagEndStream, 3, "b"), 2*time.Second), want: "200 on 1, 4 bytes on 1, 131070 more on 0, 200 on 3, 1 bytes on 3, NO_ERROR on 1 open"},
		},
		"ConnWindowMost": {
			{name: "the window of bodies that are read grows to as much", edge: spares, limits: Limits{ConnWindow: 70_000, ConnWindowMost: 100_000}, run: talkByFrames(nil, h2Post(1, "/echo"), h2Body(1, 40_000)), want: "4465 more on 0, 70000 more on 0 open"},
			{name: "and no further", edge: bites, limits: Limits{ConnWindow: 70_000, ConnWindowMost: 70_000}, run: talkByFrames(nil, h2Post(1, "/echo"), h2Body(1, 40_000)), want: "4465 more on 0, 40000 more on 0 open"},
		},
		"BodiesTotal": {
			{name: "as many bytes of bodies may be unread", edge: spares, limits: Limits{BodiesTotal: 10_000}, run: hoardingUnread(3000, 4000, 3000), want: "983041 more on 0 open; another open"},
			{name: "one more resets the largest stream of the client that has most", edge: bites, limits: Limits{BodiesTotal: 10_000}, run: hoardingUnread(3000, 4000, 3001), want: "983041 more on 0, ENHANCE_YOUR_CALM on 3 open; another open"},
			{name: "and its next one, until three quarters are left", edge: bites, limits: Limits{BodiesTotal: 10_000}, run: hoardingUnread(4500, 5000, 3100), want: "983041 more on 0, ENHANCE_YOUR_CALM on 3, ENHANCE_YOUR_CALM on 1 open; another open"},
			{name: "be it the one that has just come", edge: bites, limits: Limits{BodiesTotal: 10_000}, run: hoardingUnread(3000, 3000, 7000), want: "983041 more on 0 open; another ENHANCE_YOUR_CALM on 1 open"},
		},
		"BodyTimeout": {
			{name: "a body may wait as long as another one that its handler does not read fills the window of the connection", edge: spares, limits: Limits{BodyTimeout: 4 * time.Second, ConnWindow: h2.DefaultWindow}, run: talkByFrames(nil, h2Post(1, "/hang/10000")+h2Post(3, "/echo")+h2Body(1, h2.DefaultWindow), 11*time.Second, h2Body(3, 10), 3900*time.Millisecond, h2Frame(h2.FrameData, h2.FlagEndStream, 3, "bb")), want: "200 on 1, 4 bytes on 1, 131070 more on 0, NO_ERROR on 1, 200 on 3, 12 bytes on 3 open"},
			{name: "and no longer when that is read", edge: bites, limits: Limits{BodyTimeout: 4 * time.Second, ConnWindow: h2.DefaultWindow}, run: talkByFrames(nil, h2Post(1, "/hang/10000")+h2Post(3, "/echo")+h2Body(1, h2.DefaultWindow), 14200*time.Millisecond), want: "200 on 1, 4 bytes on 1, 131070 more on 0, NO_ERROR on 1, 408 on 3, 44 bytes on 3 open"},
		},
		"SendTimeout": {
			{name: "a client of HTTP/2 may take nothing for as long", edge: spares, limits: Limits{SendTimeout: 8 * sec}, buffer: 1000, run: takingFrames(0, 7*sec), want: "open"},
			{name: "one that takes nothing for longer is cut off, too", edge: bites, limits: Limits{SendTimeout: 8 * sec}, buffer: 1000, run: takingFrames(0, 18*sec), want: "reset"},
		},
		"SendFree": {
			{name: "so many bytes of frames earn no time", edge: bites, limits: Limits{SendFree: 50_000, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(50_000, 20*sec), want: "reset"},
			{name: "more of them do, too", edge: spares, limits: Limits{SendFree: 50_000, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(100_000, 20*sec), want: "open"},
		},
		"SendRate": {
			{name: "so many bytes of frames earn a second", edge: spares, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(40_000, 30*sec), want: "open"},
			{name: "also those of an answer that was taken before", edge: spares, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec, BodyTimeout: time.Hour, RateGrace: time.Hour}, buffer: 1000, run: takingOneOfTwo(40_000, 20*sec), want: "open"},
			{name: "and no more than those", edge: bites, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec, BodyTimeout: time.Hour, RateGrace: time.Hour}, buffer: 1000, run: takingOneOfTwo(10_000, 30*sec), want: "reset"},
			{name: "and no more than that, either", edge: bites, limits: Limits{SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(40_000, 60*sec), want: "reset"},
		},
		"SendSaved": {
			{name: "as much time may be earned by frames", edge: spares, limits: Limits{SendSaved: 20 * sec, SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(100_000, 18*sec), want: "open"},
			{name: "more of it is not saved", edge: bites, limits: Limits{SendSaved: 20 * sec, SendFree: 1, SendRate: 1000, SendTimeout: 4 * sec}, buffer: 1000, run: takingFrames(100_000, 35*sec), want: "reset"},
		},
		"LeastFrame": {
			{name: "a window of as many bytes is used at once", edge: spares, limits: Limits{LeastFrame: 100}, run: talkByFrames(h2Window(100), h2Fetch(1, "/size/1000")), want: "200 on 1, 100 bytes on 1 open"},
			{name: "a smaller one is not", edge: bites, limits: Limits{LeastFrame: 100}, run: talkByFrames(h2Window(99), h2Fetch(1, "/size/1000")), want: "200 on 1 open"},
			{name: "before a second has passed", edge: bites, limits: Limits{LeastFrame: 100}, run: talkByFrames(h2Window(99), h2Fetch(1, "/size/1000"), 2*time.Second), want: "200 on 1, 99 bytes on 1 open"},
		},
		"Ahead": {
			{name: "frames are made as far ahead", edge: spares, limits: Limits{Ahead: 40_000}, run: h2Turns(talkByFrames(h2Window(1<<20), h2Fetch(1, "/size/60000"))), want: "33 9 49257 10857"},
			{name: "and the others when these are sent", edge: bites, limits: Limits{Ahead: 20_000}, run: h2Turns(talkByFrames(h2Window(1<<20), h2Fetch(1, "/size/60000"))), want: "33 9 32864 27250"},
		},
	} {
		limitRows[name] = append(limitRows[name], rows...)
	}
}
