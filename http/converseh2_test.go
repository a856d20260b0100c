package http

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2test"
)

// The conversations of testdata by HTTP/2: each request is read as a server of HTTP/1.1 reads it,
// and said in frames at the same time; each answer has the status, the fields and the body that
// stand on the page.

// conversationReasons are why a conversation of HTTP/1.1 is none of HTTP/2.
var conversationReasons = map[h2test.Reason]bool{
	h2test.Malformed: true, // a head or a chunk that is malformed has no frame
	h2test.HTTP10:    true,
	incomplete:       true,
	halfEnd:          true,
	noRequest:        true,
	proxyFirst:       true,
}

const (
	incomplete h2test.Reason = "a head that does not come as a whole"
	halfEnd    h2test.Reason = "the end of the client's half, which is the end of all streams"
	noRequest  h2test.Reason = "no request"
	proxyFirst h2test.Reason = "a PROXY header, which comes before all of HTTP"
)

// conversationsApart are the conversations that go otherwise by HTTP/2, each with one of
// wayExceptions.
var conversationsApart = map[string]string{
	"An extension that is too long is refused":              "chunks",
	"Extensions are limited in total":                       "chunks",
	"Chunks of one byte are limited":                        "chunks",
	"Empty lines without end are refused":                   "chunks",
	"A handler sees the trailers behind the body":           "lower case",
	"A handler that may wait sees the trailers, too":        "lower case",
	"A trailer that belongs into the head is dropped":       "lower case",
	"The trailers of one request are not those of the next": "lower case",
	"A field beyond the limit is 431":                       "field block size",
	"Fields that are too long together are 431":             "field block size",
	"A request line beyond the limit is 414":                "field block size",
	"A host may be empty":                                   "Host",
}

func TestHTTP2HoldsConversations(t *testing.T) {
	ran, held, left := 0, 0, make(map[h2test.Reason]int)
	apart := make(map[string]bool)
	all := readConversations(t)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			ran++
			for _, is := range fourWays {
				if !is.http2 {
					continue
				}
				err := holdByHTTP2(t, c, is)
				var without h2test.Reason
				why := conversationsApart[c.name]
				switch {
				case errors.As(err, &without):
					left[without]++
					if why != "" {
						t.Errorf("%s: %q is not held by HTTP/2 for its %s already", c.where, c.name, without)
					}
					return
				case why != "" && err == nil:
					t.Errorf("%s, %v: it is said to go otherwise, and does not", c.where, is)
				case why != "":
					apart[c.name] = true
				case err != nil:
					t.Errorf("%s, %v: %v", c.where, is, err)
				}
			}
			held++
		})
	}
	if ran < len(all) {
		return // some were asked for by -run
	}
	for name, why := range conversationsApart {
		if !apart[name] || wayExceptions[why] == "" {
			t.Errorf("%q is no conversation that goes otherwise by HTTP/2, or %q no exception", name, why)
		}
	}
	for reason := range conversationReasons {
		if left[reason] == 0 {
			t.Errorf("no conversation is left out for %q", reason)
		}
	}
	t.Logf("%d conversations by HTTP/2, %d of them otherwise; left out: %v", held, len(apart), left)
	if held < 200 {
		t.Errorf("only %d conversations are held by HTTP/2", held)
	}
}

// holdByHTTP2 holds one conversation.
func holdByHTTP2(t *testing.T, c *conversation, is way) (why error) {
	if err := c.translatable(); err != nil {
		return err
	}
	k := sim.New(1)
	config := Config{Handler: site, Limits: c.limits}
	if is.secure {
		config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
	}
	err := stage(t, k, config, func(server *Server, s *sim.Script, w *sim.Wire) {
		talk := dialWay(t, is, k, s, w).(*h2Talk)
		p := &frameParty{c: c, s: s, w: w, is: is, talk: talk, told: make(map[*h2test.Stream]int)}
		p.read = h2test.Translator{Begin: talk.begin, Data: func(b []byte) { talk.Send(talk.now, b) }, End: talk.end}
		why = p.play()
		w.Close()
	})
	if err != nil {
		why = errors.Join(why, fmt.Errorf("the loop ended with: %w", err))
	}
	return why
}

// translatable says why a conversation is none of HTTP/2, nil if it is one.
func (c *conversation) translatable() error {
	if c.proxy {
		return proxyFirst
	}
	asked := 0
	read := h2test.Translator{Begin: func([][2]string, bool) { asked++ }, Data: func([]byte) {}, End: func([][2]string) {}}
	for _, s := range c.steps {
		switch s.act {
		case says:
			if err := read.Add(s.say); err != nil {
				return err
			}
		case saysEnd:
			return halfEnd
		}
	}
	switch {
	case read.Incomplete():
		return incomplete
	case asked == 0:
		return noRequest
	}
	return nil
}

// A frameParty is the client's side of a conversation by HTTP/2.
type frameParty struct {
	read h2test.Translator
	c    *conversation
	s    *sim.Script
	w    *sim.Wire
	is   way
	talk *h2Talk
	told map[*h2test.Stream]int // interim answers that were compared
	may  bool                   // the next answer may be one that need not come
}

func (p *frameParty) play() error {
	for _, s := range p.c.steps {
		if err := p.step(s); err != nil {
			return err
		}
	}
	if p.talk.Broken || p.talk.GoneAway {
		return nil
	}
	p.talk.ask(&asking{target: "/where?next", host: "next"}, true)
	p.talk.asked = p.talk.asked[len(p.talk.asked)-1:]
	if h := p.talk.hear(); h.status != 200 || string(h.body) != "GET /where?next at next" {
		return fmt.Errorf("the next request: %v", h)
	}
	return nil
}

func (p *frameParty) step(s step) error {
	switch s.act {
	case says:
		return p.read.Add(s.say)
	case waits:
		p.s.Sleep(s.wait)
	case breaks:
		for _, one := range p.talk.asked {
			p.talk.Reset(one)
		}
		p.s.Sleep(time.Second)
	case hears:
		return p.hear(&s.answer)
	case mayHear:
		p.may = true
	case hearsReset:
		if len(p.talk.asked) == 0 {
			return errors.New("a reset of no stream")
		}
		if h := p.talk.hear(); !h.cut {
			return fmt.Errorf("in place of a reset: %v", h)
		}
	case hearsSilence:
		return p.hearNothing()
	case hearsEnd:
		for !p.talk.GoneAway && p.talk.ReadFrame() {
		}
	}
	return nil
}

// hearNothing waits for a moment in which nothing may be said of the streams that are open.
func (p *frameParty) hearNothing() error {
	if p.is.secure {
		return nil // a record may have come that is no data
	}
	said := func() (n int) {
		for _, one := range p.talk.asked {
			n += one.Status + len(one.Body) + len(one.Interim)
		}
		return n
	}
	before := said()
	p.s.Sleep(time.Millisecond)
	for p.w.Waiting() > 0 && p.talk.ReadFrame() {
	}
	if said() != before {
		return errors.New("more came than was due")
	}
	return nil
}

// hear waits for one answer and compares it.
func (p *frameParty) hear(want *answer) error {
	c := p.talk
	if len(c.asked) == 0 {
		return fmt.Errorf("in place of %q: there is no request", want.status)
	}
	s := c.asked[0]
	for len(s.Interim) == p.told[s] && !s.Over && c.ReadFrame() {
	}
	code := want.status[len("HTTP/1.1 "):][:3]
	may := p.may
	p.may = false
	if n := p.told[s]; len(s.Interim) > n {
		p.told[s]++
		got := hearingOf(s).interim[n]
		if may && strings.HasPrefix(got, "100 ") {
			return p.hear(want)
		}
		if !strings.HasPrefix(got, code+" ") {
			return fmt.Errorf("in place of %q: %s", want.status, got)
		}
		return compareFields(want, strings.Split(strings.Trim(got[4:], "[]"), "\x00"), got)
	}
	h := c.hear()
	switch {
	case h.cut || fmt.Sprint(h.status) != code:
		return fmt.Errorf("in place of %q: %v, %v", want.status, h, c.Code)
	case want.headed && len(h.body) > 0:
		return fmt.Errorf("a body behind HEAD: %v", h)
	case want.hasBody && !bytes.Equal(h.body, want.body):
		return fmt.Errorf("the body is %.200q, and not %.200q", h.body, want.body)
	}
	return compareFields(want, h.fields, h.String())
}

// compareFields looks for the fields that an answer has to have, and for those that it must not.
func compareFields(want *answer, fields []string, all string) error {
	interim := strings.HasPrefix(want.status, "HTTP/1.1 1")
	for _, line := range want.fields {
		name, value, _ := strings.Cut(line, ": ")
		if name = strings.ToLower(name); ofConnection[name] || interim {
			if interim && !strings.Contains(all, name+": "+value) {
				return fmt.Errorf("no %q in %s", line, all)
			}
			continue
		}
		if !slices.ContainsFunc(fields, func(f string) bool {
			return f == name+": "+value || value == "..." && strings.HasPrefix(f, name+": ")
		}) {
			return fmt.Errorf("no %q in %s", line, all)
		}
	}
	for _, name := range want.absent {
		if name = strings.ToLower(name); slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, name+": ") }) {
			return fmt.Errorf("there is a %s in %s", name, all)
		}
	}
	return nil
}
