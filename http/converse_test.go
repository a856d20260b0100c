package http

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

var conversationSeeds = flag.Int("conversation-seeds", 20, "with how many seeds of bad luck each conversation is held")

// TestConversations holds every conversation of testdata as it is written, with
// the pieces in one, byte by byte, in random pieces, and on bad days. However
// the network cuts, the answers are the same (RFC 9112 section 2.2).
func TestConversations(t *testing.T) {
	all := readConversations(t)
	if len(all) < 200 {
		t.Errorf("only %d conversations were found", len(all))
	}
	names := make(map[string]string)
	for _, c := range all {
		switch before, double := names[c.name]; {
		case double:
			t.Errorf("%s: %q is also at %s", c.where, c.name, before)
		case len(c.why) < 20:
			t.Errorf("%s: why?", c.where)
		case len(c.steps) == 0:
			t.Errorf("%s: no side says a word", c.where)
		}
		names[c.name] = c.where
		t.Run(c.name, func(t *testing.T) { holdEveryWay(t, c) })
	}
}

// fewer returns a part of a number of seeds if the tests are to be short, as under the race
// detector.
func fewer(seeds uint64) uint64 {
	if testing.Short() {
		return seeds / 8
	}
	return seeds
}

// holdEveryWay stops at the first way that fails.
func holdEveryWay(t *testing.T, c *conversation) {
	hold(t, c, "as it is written", sim.New(1), asWritten)
	holdLogged(t, c, "in one piece, logged", sim.New(1), inOne)
	holdCached(t, c)
	if c.uncut {
		return
	}
	holdLogged(t, c, "byte by byte, logged", sim.New(1), byteByByte)
	for seed := range uint64(3) {
		hold(t, c, fmt.Sprint("in random pieces, seed ", seed), sim.New(1), inPieces(seed))
	}
	for seed := range fewer(uint64(*conversationSeeds)) {
		k := sim.NewUnlucky(seed)
		// What a client could not tell from a fault of the server's.
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend = 0, 0, 0
		// What takes time that a page does not know of.
		k.Luck.Exhausted = 0
		hold(t, c, fmt.Sprint("on a bad day, seed ", seed), k, inPieces(seed))
	}
}

// A cutting divides what a client says in one breath; lines are the pieces that
// the page has.
type cutting func(lines [][]byte) [][]byte

func asWritten(lines [][]byte) [][]byte { return lines }

func inOne(lines [][]byte) [][]byte { return [][]byte{bytes.Join(lines, nil)} }

// byteByByte leaves the middle of what is very long in larger pieces.
func byteByByte(lines [][]byte) (pieces [][]byte) {
	const ends = 20_000
	p := bytes.Join(lines, nil)
	for n := len(p); len(p) > 0; {
		size := 1
		if done := n - len(p); done > ends && len(p) > ends {
			size = min(1000, len(p)-ends)
		}
		pieces = append(pieces, p[:size])
		p = p[size:]
	}
	return pieces
}

func inPieces(seed uint64) cutting {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(lines [][]byte) (pieces [][]byte) {
		p := bytes.Join(lines, nil)
		for most := 1 + len(p)/(1+r.IntN(8)); len(p) > 0; {
			n := min(len(p), 1+r.IntN(most))
			pieces = append(pieces, p[:n])
			p = p[n:]
		}
		return pieces
	}
}

// holdLogged holds one conversation once, with middleware around all answers, which
// changes none of them, and which no answer passes by.
func holdLogged(t *testing.T, c *conversation, how string, k *sim.Kernel, cut cutting) {
	asked, logged, over := 0, 0, 0
	heard := hold(t, c, how, k, cut, func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			asked++
			w.OnAnswer(func(status Status, _ int64) {
				if line := string(r.LineBytes()); r.Refused() != nil && strings.ContainsAny(line, "\r\n") || status < 200 {
					t.Errorf("%s, %s: %q is answered by %d", c.where, how, line, status)
				}
				logged++
			})
			w.OnEnd(func() { over++ })
			return next(w, r)
		}
	})
	if asked != over || logged > asked {
		t.Errorf("%s, %s: of %d requests, %d are logged and %d are over", c.where, how, asked, logged, over)
	}
	if logged < heard {
		t.Errorf("%s, %s: of %d answers, %d are logged", c.where, how, heard, logged)
	}
}

// holdCached holds one conversation with each block of its fields in the cache: from the same
// connection, and from another one that had the same place there.
func holdCached(t *testing.T, c *conversation) {
	for from, strangers := range map[string]int{"from the same connection": 0, "from another connection": h1.CachedBlocks} {
		var cached []h1.FieldCache
		hold(t, c, "for its fields", sim.New(1), asWritten, func(next Handler) Handler {
			return func(w *Response, r *Request) error {
				cached = append(cached, r.x.conn.server.fields)
				r.x.conn.server.fields = h1.FieldCache{}
				return next(w, r)
			}
		})
		for i, one := range cached[:min(len(cached), 20)] {
			holdBehind(t, c, fmt.Sprintf("with the fields of request %d cached %s", i, from), sim.New(1), asWritten, strangers, func(s *Server) { s.fields = one })
		}
	}
}

// hold holds one conversation once. It returns how many answers were heard.
func hold(t *testing.T, c *conversation, how string, k *sim.Kernel, cut cutting, around ...Middleware) (answers int) {
	return holdBehind(t, c, how, k, cut, 0, func(*Server) {}, around...)
}

// holdBehind is hold on a connection that so many others have come and gone before, with a
// server that was prepared.
func holdBehind(t *testing.T, c *conversation, how string, k *sim.Kernel, cut cutting, strangers int, prepare func(*Server), around ...Middleware) (answers int) {
	p := &party{c: c, k: k, cut: cut}
	config := Config{Handler: site, Limits: c.limits}
	if c.proxy {
		config.ProxyProtocol = func(string, netip.Addr) bool { return true }
	}
	if len(around) > 0 {
		config.Middleware = Chain(around...)
	}
	err := stage(t, k, config, func(server *Server, s *sim.Script, w *sim.Wire) {
		for range strangers {
			w.Close()
			s.Sleep(time.Millisecond)
			var err error
			if w, err = k.Dial(); err != nil {
				t.Error(err)
				return
			}
		}
		prepare(server)
		p.s, p.w = s, w
		if err := p.play(); err != nil {
			t.Errorf("%s, %s: %v\nheard before: %.300q\nleft: %.300q", c.where, how, err, p.before, p.heard)
		}
		w.Close()
	})
	if err != nil {
		t.Errorf("%s, %s: the loop ended with: %v", c.where, how, err)
	}
	if t.Failed() {
		t.FailNow()
	}
	return p.answers
}

// A party is the client's side of a conversation.
type party struct {
	c   *conversation
	k   *sim.Kernel
	s   *sim.Script
	w   *sim.Wire
	cut cutting

	answers int // heard, but for interim ones

	before []byte    // heard, and understood
	heard  []byte    // and not yet understood
	since  time.Time // when what is to be heard next was there
	err    error     // how hearing ended, if it did
	last   bool      // the latest answer says that it is the last
	excuse bool      // something happened after which a server may end without a word
}

// play goes through the steps, and then sees how the conversation stands.
func (p *party) play() error {
	var lines [][]byte
	for _, s := range p.c.steps {
		if s.act == says {
			lines = append(lines, s.say)
			continue
		}
		p.send(lines)
		lines = nil
		if err := p.step(s); err != nil {
			return err
		}
	}
	p.send(lines)
	if end := p.c.steps[len(p.c.steps)-1].act; end >= hearsEnd || end == breaks {
		return nil
	}
	if p.last || p.excuse {
		return p.step(step{act: hearsEnd})
	}
	return p.step(step{act: hearsOpen})
}

func (p *party) step(s step) error {
	switch s.act {
	case waits:
		p.excuse = true
		for until := p.k.Now().Add(s.wait); p.k.Now().Before(until); p.s.Sleep(min(until.Sub(p.k.Now()), time.Second/10)) {
			p.notice()
		}
	case saysEnd:
		p.w.CloseWrite()
		p.excuse = true
	case breaks:
		p.w.Reset()
	case hears, mayHear:
		return p.hear(&s.answer, s.act == mayHear)
	case hearsEnd:
		for p.receive() == nil {
		}
		switch {
		case len(p.heard) > 0:
			return errors.New("more came than was due")
		case p.err != io.EOF:
			return fmt.Errorf("in place of an end: %v", p.err)
		case !p.last && !p.excuse:
			return errors.New("an end that was not announced")
		}
	case hearsReset:
		for p.receive() == nil {
		}
		if p.err == io.EOF {
			return errors.New("an end in place of a reset")
		}
	case hearsSilence, hearsOpen:
		p.s.Sleep(time.Millisecond)
		p.drain()
		switch {
		case len(p.heard) > 0:
			return errors.New("more came than was due")
		case p.err != nil || p.w.ServerClosed():
			return fmt.Errorf("the connection ended: %v", p.err)
		case s.act == hearsOpen:
			return p.ask()
		}
	}
	return nil
}

// ask makes one more request, to see that the server is where a request begins.
func (p *party) ask() error {
	p.send([][]byte{[]byte("GET /where?next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n")})
	err := p.hear(&answer{status: "HTTP/1.1 200 OK", hasBody: true, body: []byte("GET /where?next at next")}, false)
	if err != nil {
		return fmt.Errorf("the next request: %w", err)
	}
	return p.step(step{act: hearsEnd})
}

// notice notes since when there is something to be heard.
func (p *party) notice() {
	if len(p.heard) == 0 && p.w.Waiting() == 0 {
		p.since = p.k.Now()
	}
}

// send says something in pieces, and reads while there is no room. That the
// server is no longer there is found out by hearing.
func (p *party) send(lines [][]byte) {
	for _, piece := range p.cut(lines) {
		for len(piece) > 0 {
			n, err := p.w.Send(piece)
			piece = piece[n:]
			if err != nil && err != sim.ErrWouldWait {
				return
			}
			p.drain()
			p.s.Sleep(10 * time.Microsecond)
		}
	}
}

// drain hears what there is.
func (p *party) drain() {
	p.notice()
	var buf [4096]byte
	for p.err == nil {
		n, err := p.w.Receive(buf[:])
		p.heard = append(p.heard, buf[:n]...)
		if err == sim.ErrWouldWait {
			return
		}
		p.err = err
	}
}

// receive waits for more.
func (p *party) receive() error {
	if p.err == nil {
		quiet := len(p.heard) == 0 && p.w.Waiting() == 0
		p.heard, p.err = p.s.Receive(p.w, p.heard, 4096)
		if quiet {
			p.since = p.k.Now()
		}
	}
	return p.err
}

// hear waits for one answer and compares it.
func (p *party) hear(want *answer, maybe bool) error {
	var end int
	for {
		if end = bytes.Index(p.heard, []byte("\r\n\r\n")); end >= 0 {
			break
		}
		if p.receive() != nil {
			return fmt.Errorf("in place of %q: %v", want.status, p.err)
		}
	}
	lines := strings.Split(string(p.heard[:end]), "\r\n")
	if lines[0] != want.status {
		if maybe {
			return nil
		}
		return fmt.Errorf("in place of %q: %q", want.status, lines[0])
	}
	if p.last {
		return errors.New("another answer behind the last")
	}
	end += 4
	p.before = append(p.before, p.heard[:end]...)
	p.heard = p.heard[end:]
	length, err := p.fields(want, lines[1:])
	switch {
	case err != nil || want.headed:
		return err
	case want.untilEnd:
		for p.receive() == nil {
		}
		length = len(p.heard)
	case length < 0:
		return p.chunks(want)
	}
	if err != nil || want.headed || length == 0 && !want.hasBody {
		return err
	}
	for len(p.heard) < length {
		if p.receive() != nil {
			return fmt.Errorf("%d of %d bytes, and then: %v", len(p.heard), length, p.err)
		}
	}
	body := p.heard[:length]
	p.before = append(p.before, body...)
	p.heard = p.heard[length:]
	if want.hasBody && !bytes.Equal(body, want.body) {
		return fmt.Errorf("the body is %.200q, and not %.200q", body, want.body)
	}
	return nil
}

// chunks reads a body in chunks, and compares it.
func (p *party) chunks(want *answer) error {
	var body []byte
	for {
		line := bytes.Index(p.heard, []byte("\r\n"))
		size := uint64(0)
		if line >= 0 {
			var err error
			if size, err = strconv.ParseUint(string(p.heard[:line]), 16, 32); err != nil {
				return fmt.Errorf("a chunk begins with %q", p.heard[:line])
			}
		}
		n := line + 2 + int(size) + 2
		if line >= 0 && size == 0 { // trailers may come, and an empty line must
			n = line + bytes.Index(p.heard[line:], []byte("\r\n\r\n")) + 4
			if n < line+4 {
				n = len(p.heard) + 1
			}
			for trailer := range strings.SplitSeq(string(p.heard[line+2:max(line+2, min(n, len(p.heard))-4)]), "\r\n") {
				if name, value, ok := strings.Cut(trailer, ": "); n <= len(p.heard) && trailer != "" && (!ok || !h1.IsToken(name) || !h1.IsFieldValue(value)) {
					return fmt.Errorf("a trailer is %q", trailer)
				}
			}
		}
		if line >= 0 && len(p.heard) >= n {
			if string(p.heard[n-2:n]) != "\r\n" {
				return fmt.Errorf("a chunk ends with %q", p.heard[n-2:n])
			}
			if size > 0 {
				body = append(body, p.heard[line+2:n-2]...)
			}
			p.before = append(p.before, p.heard[:n]...)
			p.heard = p.heard[n:]
			if size > 0 {
				continue
			}
			if want.hasBody && !bytes.Equal(body, want.body) {
				return fmt.Errorf("the body is %.200q, and not %.200q", body, want.body)
			}
			return nil
		}
		if p.receive() != nil {
			return fmt.Errorf("%d bytes in chunks, and then: %v", len(body), p.err)
		}
	}
}

// fields compares the fields of an answer, and looks at what must be right in
// every one. It returns how long the body is.
func (p *party) fields(want *answer, lines []string) (length int, err error) {
	values := make(map[string]string)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || !h1.IsToken(name) || !h1.IsFieldValue(value) {
			return 0, fmt.Errorf("%q is no field", line)
		}
		if _, double := values[name]; double {
			return 0, fmt.Errorf("%s stands there twice", name)
		}
		values[name] = value
	}
	for _, line := range want.fields {
		name, value, _ := strings.Cut(line, ": ")
		if got, ok := values[name]; !ok || got != value && value != "..." {
			return 0, fmt.Errorf("in place of %q: %q", line, got)
		}
	}
	for _, name := range want.absent {
		if value, ok := values[name]; ok {
			return 0, fmt.Errorf("there should be no %s: %s", name, value)
		}
	}
	p.last = values["Connection"] == "close"
	if strings.HasPrefix(want.status, "HTTP/1.1 1") {
		if len(values) > len(want.fields) {
			return 0, fmt.Errorf("an interim answer with more fields: %q", lines)
		}
		return 0, nil
	}
	p.answers++
	date, err := time.Parse(dateFormat, values["Date"])
	if late := p.since.Sub(date); err != nil || late < -time.Second || late > 2*time.Second {
		return 0, fmt.Errorf("the Date is %q, and it is %v (%v)", values["Date"], p.since, err)
	}
	text, has := values["Content-Length"]
	if values["Transfer-Encoding"] == "chunked" && !has {
		return -1, nil
	}
	if p.last && !has && want.untilEnd {
		return 0, nil
	}
	if bodiless := strings.HasPrefix(want.status, "HTTP/1.1 204") || strings.HasPrefix(want.status, "HTTP/1.1 304"); bodiless {
		if has && strings.HasPrefix(want.status, "HTTP/1.1 204") {
			return 0, fmt.Errorf("a length with %q", want.status)
		}
		return 0, nil
	}
	if length, err = strconv.Atoi(text); err != nil {
		return 0, fmt.Errorf("no length: %q", lines)
	}
	return length, nil
}
