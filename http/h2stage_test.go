package http

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What tests of HTTP/2 have in common: the stage with its invariants, and a client that says frames
// and has a word for each that it hears. h2client_test.go has frames as text.

// stageH2 is stage for clients of HTTP/2: what must hold of their connections is checked between
// turns, and at the end.
func stageH2(t testing.TB, k *sim.Kernel, config Config, client func(watch *h2Watch, c *sim.Script, w *sim.Wire)) {
	t.Helper()
	watch := &h2Watch{t: t, seen: make(map[*h2Conn]bool)}
	config.Loop.Kernel = &h2Watched{k, watch.check}
	err := stage(t, k, config, func(s *Server, c *sim.Script, w *sim.Wire) {
		watch.server = s
		client(watch, c, w)
	})
	if err != nil {
		t.Errorf("the loop ended with: %v", err)
	}
	watch.end()
}

// newMouth returns a client on a connection of a stage.
func newMouth(k *sim.Kernel, c *sim.Script, w *sim.Wire) *mouth {
	return &mouth{bitten: &bitten{k: k, c: c}, w: w}
}

// words has a word for each frame that was heard since the last call, and "end" or "reset" if the
// connection is over.
func (m *mouth) words() string {
	words := m.frames.words(m.heard)
	m.heard = nil
	if m.end != "" {
		words = append(words, m.end)
	}
	return strings.Join(words, ", ")
}

// An h2Reader turns the frames of a server into words. The field blocks are decoded by
// golang.org/x/net, so that no mistake of ours is on both sides.
type h2Reader struct {
	decoder *hpack.Decoder
	block   []byte // of HEADERS that CONTINUATION follows
	brief   bool   // the bodies of errors have no word
	failed  uint32 // the last stream with an error
}

// words returns a word for each frame: its type, its stream, and what matters of it. SETTINGS have none
// but for their ACK, nor has PING.
func (r *h2Reader) words(p []byte) (words []string) {
	for {
		h, ok := h2.ReadFrameHeader(p)
		if !ok || len(p) < h2.HeaderSize+int(h.Length) {
			return words
		}
		if word := r.word(h, p[h2.HeaderSize:][:h.Length]); word != "" {
			words = append(words, word)
		}
		p = p[h2.HeaderSize+int(h.Length):]
	}
}

// word returns the word for a frame.
func (r *h2Reader) word(h h2.FrameHeader, payload []byte) string {
	switch h.Type {
	case h2.FrameHeaders, h2.FrameContinuation:
		if r.block = append(r.block, payload...); !h.Flags.Has(h2.FlagEndHeaders) {
			return ""
		}
		status := r.status()
		if status >= "400" && status <= "599" {
			r.failed = h.Stream
		}
		return fmt.Sprintf("%s on %d", status, h.Stream)
	case h2.FrameData:
		if r.brief && h.Stream == r.failed {
			return ""
		}
		return fmt.Sprintf("%d bytes on %d", h.Length, h.Stream)
	case h2.FrameRSTStream:
		return fmt.Sprintf("%v on %d", h2.ReadReset(payload), h.Stream)
	case h2.FrameGoAway:
		_, code, _ := h2.ReadGoAway(payload)
		return fmt.Sprintf("GOAWAY %v", code)
	case h2.FrameWindowUpdate:
		n, _ := h.ReadWindowUpdate(payload)
		return fmt.Sprintf("%d more on %d", n, h.Stream)
	case h2.FrameSettings, h2.FramePing:
		if h.Flags.Has(h2.FlagAck) {
			return h.Type.String() + " ACK"
		}
		return ""
	}
	return h.Type.String()
}

// status returns the status in the field block that has come, or "trailers", with the table sizes that
// begin it.
func (r *h2Reader) status() string {
	if r.decoder == nil {
		r.decoder = hpack.NewDecoder(h2.DefaultTable, nil)
	}
	table := "" // what is said of its size
	for size, n, is := h2TableSize(r.block); is; size, n, is = h2TableSize(r.block) {
		table += fmt.Sprintf("a table of %d, ", size)
		_, _ = r.decoder.DecodeFull(r.block[:n]) // each by itself, because it takes one only
		r.block = r.block[n:]
	}
	fields, err := r.decoder.DecodeFull(r.block)
	r.block = nil
	switch {
	case err != nil:
		return err.Error()
	case len(fields) > 0 && fields[0].Name == ":status":
		return table + fields[0].Value
	}
	return "trailers"
}

// h2Lines are fields as lines, "name: value". They become HEADERS when the client says them, because
// both sides have to keep a table in step.
type h2Lines struct {
	stream uint32
	flags  h2.Flags
	lines  []string
}

// frame encodes the lines. The encoder is that of golang.org/x/net.
func (l h2Lines) frame(e *hpack.Encoder, block *bytes.Buffer) string {
	block.Reset()
	for _, line := range l.lines {
		name, value, _ := strings.Cut(line, ": ")
		_ = e.WriteField(hpack.HeaderField{Name: name, Value: value}) // to a buffer
	}
	return h2Frame(h2.FrameHeaders, l.flags|h2.FlagEndHeaders, l.stream, block.String())
}

// An h2Row is a conversation: what a client says behind the preface and SETTINGS, and what comes of it.
type h2Row struct {
	name string // a sentence that is true
	says []any  // frames as text, h2Lines, or a time to listen
	want string // what it hears, in words
	saw  string // what was noted of its requests
}

// rowLimits leave no WINDOW_UPDATE among the words for the first bodies.
var rowLimits = Limits{ConnWindow: h2.DefaultWindow, ConnWindowMost: h2.DefaultWindow}

// holdH2 holds conversations, each of them twice: in as few pieces as there are times to listen, and
// byte by byte. Behind each, a request has to be served as usual, unless the connection is over.
func holdH2(t *testing.T, config Config, rows []h2Row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for _, cut := range []bool{false, true} {
				if words, saw := row.hold(t, config, cut); words != row.want || saw != row.saw {
					t.Errorf("byte by byte: %v\nit hears %q, and not %q\nnoted is %q, and not %q", cut, words, row.want, saw, row.saw)
				}
			}
		})
	}
}

// hold holds the conversation once.
func (row *h2Row) hold(t *testing.T, config Config, cut bool) (words, saw string) {
	k := sim.New(1)
	notes := &wayNotes{}
	if config.Handler == nil {
		config.Handler = notes.tell
	}
	config.ErrorHandler = func(w *Response, _ *Request, f Failure) error {
		notes.note("%d: %s", f.Status, f.Reason)
		return w.Text("-")
	}
	if config.Limits == (Limits{}) {
		config.Limits = rowLimits
	}
	stageH2(t, k, config, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
		m := newMouth(k, c, w)
		m.bytewise, m.frames.brief = cut, true
		m.say(h2Begin)
		m.hear(time.Millisecond)
		if got := m.words(); got != "SETTINGS ACK" {
			t.Errorf("at first it hears %q", got)
		}
		m.play(row.says)
		m.hear(time.Millisecond)
		words, saw = m.words(), notes.String()
		if m.end == "" {
			m.play([]any{h2GetOf(h2Next, ":path: /next")})
			m.hear(time.Millisecond)
			if got := m.words(); got != fmt.Sprintf("200 on %d", h2Next) || !strings.HasSuffix(notes.String(), "GET /next at a") {
				t.Errorf("byte by byte: %v: the next request is answered by %q, and the handler saw %q", cut, got, notes)
			}
		}
		w.Close()
		c.Sleep(h2Rest)
	})
	return words, saw
}

// h2Next is the stream of the request behind each conversation.
const h2Next = 1<<20 + 1

// play says the steps of a row.
func (m *mouth) play(steps []any) {
	text := ""
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			text += step
		case h2Lines:
			text += step.frame(m.encoder(), &m.block)
		case time.Duration:
			m.say(text)
			m.hear(step)
			text = ""
		}
	}
	m.say(text)
}

// encoder returns what encodes the fields that the client says.
func (m *mouth) encoder() *hpack.Encoder {
	if m.fields == nil {
		m.fields = hpack.NewEncoder(&m.block)
	}
	return m.fields
}

// tell is a handler that notes what it is told of its request, and answers nothing. On /held it waits
// for ever, on /early it does not ask for the body, on /size/5 it answers five bytes, and on /tunnel what
// it hears.
func (n *wayNotes) tell(w *Response, r *Request) error {
	line := fmt.Sprintf("%s %s at %s", r.Method(), r.Target(), r.Host())
	for name, value := range r.Headers() {
		if name = strings.ToLower(name); name != "host" {
			line += fmt.Sprintf(" %s=%q", name, value)
		}
	}
	switch r.Path() {
	case "/held":
		n.note("%s", line)
		_, err := w.Hold()
		return err
	case "/early":
		n.note("%s", line)
		return nil
	case "/tunnel":
		t, err := w.Tunnel("echo")
		if err == nil {
			n.note("%s", line)
			t.OnBytes(echo(t))
		}
		return err
	}
	if size, ok := strings.CutPrefix(r.Path(), "/size/"); ok {
		n.note("%s", line)
		size, _ := strconv.Atoi(size)
		return w.Text(strings.Repeat("x", size))
	}
	body, err := r.Body()
	if err != nil {
		n.note("%s, and no body", line)
		return err
	}
	if len(body) > 0 {
		line += fmt.Sprintf(" %q", body)
	}
	for name, value := range r.Trailers() {
		line += fmt.Sprintf(" behind it %s=%q", strings.ToLower(name), value)
	}
	n.note("%s", line)
	return nil
}
