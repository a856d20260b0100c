package http

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The order of answers (RFC 9218 section 10), read off the frames that come.

// h2Orders tells in which order DATA has come: the number of each stream, and how many frames in a row.
func h2Orders(heard []byte) string {
	var words []string
	last, n := uint32(0), 0
	tell := func() {
		if n == 1 {
			words = append(words, fmt.Sprint(last))
		} else if n > 1 {
			words = append(words, fmt.Sprintf("%dx%d", last, n))
		}
	}
	for {
		h, ok := h2.ReadFrameHeader(heard)
		if !ok {
			tell()
			return strings.Join(words, " ")
		}
		heard = heard[h2.HeaderSize+h.Length:]
		if h.Type != h2.FrameData {
			continue
		}
		if h.Stream != last {
			tell()
			last, n = h.Stream, 0
		}
		n++
	}
}

// ordered answers as many frames as its path says, /3, with a field for their order if there is a query.
func ordered(w *Response, r *Request) error {
	if is := r.RawQuery(); is != "" {
		w.Add("Priority", is)
	}
	n, err := strconv.Atoi(r.Path()[1:])
	if err != nil {
		return StatusNotFound
	}
	return w.Text(strings.Repeat("x", n*h2.MinFrameSize))
}

func TestOrderOfAnswers(t *testing.T) {
	const wide = 1 << 24
	window := func(n uint32) string {
		return string(h2.AppendSettings(nil, h2.Setting{ID: h2.SettingInitialWindowSize, Value: n}))
	}
	more := func(stream, frames uint32) string {
		return string(h2.AppendWindowUpdate(nil, stream, frames*h2.MinFrameSize))
	}
	// ask is a GET of so many frames, with a priority.
	ask := func(stream uint32, frames int, priority string) h2Lines {
		get := h2GetOf(stream, fmt.Sprintf(":path: /%d", frames))
		if priority != "" {
			get.lines = append(get.lines, "priority: "+priority)
		}
		return get
	}
	// says is the same with a priority that the answer has.
	says := func(stream uint32, frames int, priority, answer string) h2Lines {
		get := ask(stream, frames, priority)
		get.lines[2] += "?" + answer
		return get
	}
	update := func(stream byte, priority string) string {
		return h2Frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00"+string(rune(stream))+priority)
	}
	all := func(steps ...any) []any { return append([]any{window(wide), more(0, 1000)}, steps...) }
	const tick = time.Millisecond
	for _, row := range []struct {
		name string
		says []any
		want string
	}{
		{"one after the other, in the order of their requests", all(ask(1, 3, ""), ask(3, 3, ""), ask(5, 3, "")), "1x3 3x3 5x3"},
		{"in turns of a frame, if they are incremental", all(ask(1, 3, "i"), ask(3, 2, "i"), ask(5, 3, "i")), "1 3 5 1 3 5 1 5"},
		{"a small one behind a large one, which does not fit into a frame", all(ask(1, 3, ""), ask(3, 1, "")), "1x3 3"},
		{"a small one before a large one, if it is more urgent", all(ask(1, 3, ""), ask(3, 1, "u=0")), "3 1x3"},
		{"by eight urgencies", all(ask(1, 2, "u=7"), ask(3, 2, "u=6"), ask(5, 2, "u=5"), ask(7, 2, "u=4"), ask(9, 2, "u=3"), ask(11, 2, "u=2"), ask(13, 2, "u=1"), ask(15, 2, "u=0")), "15x2 13x2 11x2 9x2 7x2 5x2 3x2 1x2"},
		{"an urgency of 3 if none is said", all(ask(1, 2, "u=4"), ask(3, 2, ""), ask(5, 2, "u=3"), ask(7, 2, "u=2")), "7x2 3x2 5x2 1x2"},
		{"an urgency goes before turns", all(ask(1, 2, "u=2, i"), ask(3, 2, "u=1, i"), ask(5, 2, "u=2, i"), ask(7, 2, "u=1, i")), "3 7 3 7 1 5 1 5"},
		{"what has begun is finished, though others of its urgency are in turns", all(ask(1, 3, "i"), ask(3, 3, ""), ask(5, 2, "i")), "1 3x3 5 1 5 1"},
		{"an urgency that there is not is none", all(ask(1, 2, "u=8"), ask(3, 2, "u=-1"), ask(5, 2, "u=x"), ask(7, 2, "u=2")), "7x2 1x2 3x2 5x2"},
		{"a field that cannot be read is none", all(ask(1, 2, "u=7,"), ask(3, 2, "u=4"), ask(5, 2, "u=2")), "5x2 1x2 3x2"},
		{"a member that is not known is left out", all(ask(1, 2, "u=4"), ask(3, 2, `a="b,c"; d, u=2`)), "3x2 1x2"},
		{"a weight of RFC 7540 means nothing", all(ask(1, 2, ""), ask(3, 2, ""), h2Frame(h2.FramePriority, 0, 3, "\x00\x00\x00\x00\xff"), h2Frame(h2.FramePriority, 0, 1, "\x00\x00\x00\x03\x00")), "1x2 3x2"},

		{"as the answer says, and not the request", all(ask(1, 2, "u=2"), says(3, 2, "u=5", "u=1")), "3x2 1x2"},
		{"the answer may put itself behind", all(says(1, 2, "u=1", "u=6"), ask(3, 2, "")), "3x2 1x2"},
		{"what the answer does not say stays", all(says(1, 2, "u=1", "i"), says(3, 2, "u=1", "i"), ask(5, 2, "u=2"), ask(7, 2, "u=0")), "7x2 1 3 1 3 5x2"},
		{"the answer may end turns", all(says(1, 2, "u=1, i", "i=?0"), says(3, 2, "u=1, i", "i=?0")), "1x2 3x2"},

		{"PRIORITY_UPDATE may come before its request", all(update(3, "u=1"), ask(1, 2, "u=2"), ask(3, 2, "")), "3x2 1x2"},
		{"it goes before the field of the request then", all(update(3, "u=1"), ask(1, 2, "u=2"), ask(3, 2, "u=7")), "3x2 1x2"},
		{"the last of several counts", all(update(3, "u=1"), update(3, "u=5"), ask(1, 2, "u=4"), ask(3, 2, "")), "1x2 3x2"},
		{"and says all: what it does not say is as by default", all(ask(1, 2, "u=2"), update(3, "u=1"), update(3, "i"), ask(3, 2, "")), "1x2 3x2"},
		{"PRIORITY_UPDATE may come behind its request", []any{window(0), more(0, 1000), ask(1, 2, ""), ask(3, 2, ""), tick, update(3, "u=1"), window(wide)}, "3x2 1x2"},
		{"and in the middle of its answer", []any{window(wide), more(0, 1), ask(1, 9, ""), ask(3, 2, ""), tick, update(3, "u=1"), more(0, 1000)}, "1x5 3x2 1x5"},
		{"it may put an answer in turns", []any{window(0), more(0, 1000), ask(1, 2, "i"), ask(3, 2, ""), tick, update(3, "i"), window(wide)}, "1 3 1 3"},
		{"it may be about an answer that is over", all(ask(1, 1, ""), tick, update(1, "u=0"), ask(3, 1, "")), "1 3"},

		{"after 1 MiB of a better urgency, one frame of the next", all(ask(1, 130, "u=1"), ask(3, 3, "u=2")), "1x64 3 1x64 3 1x2 3"},
		{"that holds for turns", all(ask(1, 50, "u=1, i"), ask(3, 50, "u=1, i"), ask(5, 2, "u=2")), strings.Repeat("1 3 ", 32) + "5 " + strings.Repeat("1 3 ", 18) + "5"},
		{"and each of those that are worse has a frame in its turn", all(ask(1, 200, "u=1"), ask(3, 3, "u=2"), ask(5, 3, "u=7")), "1x64 3 1x64 5 1x64 3 1x8 3 5x2"},
		{"what was sent before the next had something to send does not count", all(ask(1, 100, "u=1"), tick, ask(3, 70, "u=1"), ask(5, 2, "u=2")), "1x100 3x64 5 3x6 5"},

		{"a closed window of one holds up no other", []any{window(0), more(0, 1000), ask(1, 2, "u=0"), ask(3, 2, ""), tick, more(3, 2), tick, more(1, 2)}, "3x2 1x2"},
		{"of which the window is opened goes on before those behind it", []any{window(2 * h2.MinFrameSize), more(0, 1), ask(1, 4, ""), ask(3, 2, ""), tick, ask(5, 2, ""), tick, more(1, 9), more(0, 1000)}, "1x2 3x2 5 1x2 5x2"},
		{"a closed window of the connection does not change the order", []any{window(wide), ask(1, 6, ""), ask(3, 3, ""), tick, more(0, 4), tick, more(0, 1000)}, "1x7 3x4"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			k.Buffer = 1 << 24
			stageH2(t, k, Config{Handler: ordered}, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
				m := newMouth(k, c, w)
				m.listen(h2Begin)
				m.heard = nil
				m.play(row.says)
				m.hear(100 * tick)
				if got := h2Orders(m.heard); got != row.want {
					t.Errorf("it hears %s, and not %s", got, row.want)
				}
				w.Close()
				c.Sleep(h2Rest)
			})
		})
	}
}
