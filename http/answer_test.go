package http

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// walk calls f with each step of an answer between two states, while a test runs. A
// step that is not in the table fails the test.
func walk(t *testing.T, f func(from, to answerState)) {
	bits, panics := nextStates, noArrow
	t.Cleanup(func() { nextStates, noArrow = bits, panics })
	clear(nextStates[:])
	noArrow = func(from, to answerState) {
		if bits[from]>>to&1 == 0 {
			t.Errorf("an answer goes from %v to %v", from, to)
		}
		f(from, to)
	}
}

// wander leads an answer where the handlers of site do not go.
func wander(w *Response, r *Request) error {
	switch r.Path() {
	case "/start-and-fail":
		Streaming(patient)(w, r)
		return StatusNotFound
	case "/hijack", "/hijack-closing", "/hijack-blocking", "/hijack-blocking-closing":
		h := Streaming(hijacking)
		if strings.Contains(r.Path(), "blocking") {
			h = Blocking(1, hijacking)
		}
		err := h(w, r)
		if strings.HasSuffix(r.Path(), "closing") {
			w.x.conn.conn.Close()
		}
		return err
	case "/long-poll":
		_, err := w.LongPoll(time.Second)
		return err
	case "/reply-starts":
		return Offload(w, work, func(w *Response, _ string) error { return streaming(w, r) })
	case "/reply-holds":
		return Offload(w, work, func(w *Response, _ string) error { return stream(w, r, 2, "tick ", time.Second) })
	}
	return site(w, r)
}

// TestEveryArrowBetweenStatesOfAnAnswerCanBeWalked has answers be made in each way, and
// fail in each way, and looks whether they have taken each step of the table.
func TestEveryArrowBetweenStatesOfAnAnswerCanBeWalked(t *testing.T) {
	walked := make(map[[2]answerState]bool)
	walk(t, func(from, to answerState) { walked[[2]answerState{from, to}] = true })
	const body = "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
	for _, talk := range []struct{ path, then string }{
		{"/", ""}, {"*", ""},
		{"/later", ""}, {"/much-later", ""}, {"/later-but-now", ""}, {"/reply-starts", ""}, {"/reply-holds", ""},
		{"/stream", ""}, {"/held-twice", ""}, {"/start-and-fail", ""},
		{"/echo", "hello"}, {"/echo", "end"},
		{"/streaming/text", ""}, {"/streaming/ticks", ""}, {"/streaming/body", "hello"}, {"/streaming/slow", ""},
		{"/streaming/offloads", ""}, {"/streaming/holds", ""}, {"/streaming/flood", "reset"},
		{"/long-poll", ""}, {"/hijack", ""}, {"/hijack-blocking", ""}, {"/hijack-closing", ""}, {"/hijack-blocking-closing", ""},
		{"/blocking/text", ""}, {"/blocking/ticks", ""}, {"/blocking/body", "hello"}, {"/blocking/slow", ""},
	} {
		_ = stage(t, sim.New(1), Config{Handler: wander}, func(s *Server, c *sim.Script, w *sim.Wire) {
			ask := "GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
			if talk.then == "hello" || talk.then == "end" {
				ask = body
			}
			c.Send(w, fmt.Appendf(nil, ask, talk.path))
			c.Sleep(time.Second)
			switch talk.then {
			case "hello":
				c.Send(w, []byte("hello"))
			case "end":
				w.CloseWrite()
			case "reset":
				w.Reset()
				return
			}
			c.Sleep(5 * time.Second)
			w.Reset()
		})
	}
	for from, row := range answerTable {
		for _, to := range row.next {
			if !walked[[2]answerState{answerState(from), to}] {
				t.Errorf("no answer went from %v to %v", answerState(from), to)
			}
		}
	}
}

// make calls a function that apiCall stands for. The body of the request is not here.
func (a apiCall) make(w *Response, r *Request) (err error) {
	switch a {
	case callTask:
		err = Streaming(patient)(w, r)
	case callLater:
		_, err = Later(w)
	case callHold:
		_, err = w.Hold()
	case callBody:
		_, err = r.Body()
	case callFlush:
		err = w.Flush()
	}
	return err
}

// TestCallsAreRefusedAsTheTableOfAnswersSays makes every call that the table refuses, in
// every state.
func TestCallsAreRefusedAsTheTableOfAnswersSays(t *testing.T) {
	tried := make(map[answerState]bool)
	try := func(w *Response, r *Request) error {
		s := w.x.state
		tried[s] = true
		for a, want := range answerTable[s].refuses {
			if want == nil {
				continue
			}
			if why := w.x.failed; apiCall(a) == callBody && why != nil {
				want = why // which says more
			}
			if got := apiCall(a).make(w, r); got != want || w.x.state != s {
				t.Errorf("%v, %s: the error is %v, and not %v; the state is %v", s, callNames[a], got, want, w.x.state)
			}
		}
		return nil
	}
	after := func(first func(w *Response, r *Request) error) Handler {
		return func(w *Response, r *Request) error {
			err := first(w, r)
			try(w, r)
			return err
		}
	}
	late := func(w *Response, r *Request) error {
		w.Timeout(time.Second)
		return w.Pause(time.Minute)
	}
	handlers := map[answerState]Handler{
		stateRunning:   try,
		stateStreaming: Streaming(try),
		stateOffLoop:   Blocking(1, try),
		stateStarting:  after(streaming),
		statePending: after(func(w *Response, r *Request) error {
			return Offload(w, work, (*Response).Text)
		}),
		stateReplying: func(w *Response, r *Request) error {
			return Offload(w, work, func(w *Response, _ string) error { return try(w, r) })
		},
		stateHolding: after(func(w *Response, r *Request) error { _, err := w.Hold(); return err }),
		stateHeld: func(w *Response, r *Request) error {
			h, err := w.Hold()
			r.Loop().After(time.Second, func() { try(w, r); h.Done() })
			return err
		},
		stateDone:     Streaming(after(late)),
		stateSleeping: Blocking(1, after(late)),
		stateLeaving: Blocking(1, after(func(w *Response, r *Request) error {
			w.Write(make([]byte, 100_000))
			w.Flush()
			_, err := w.Hijack()
			return err
		})),
		stateAwaitingBody: Blocking(1, after(func(w *Response, r *Request) error {
			_, err := r.Body()
			return err
		})),
		stateSending: Blocking(1, after(func(w *Response, r *Request) (err error) {
			for err == nil {
				_, err = w.Write(make([]byte, 10_000))
			}
			return err
		})),
	}
	for s := stateNew + 1; s < answerStates; s++ {
		_ = stage(t, sim.New(1), Config{Handler: handlers[s]}, func(_ *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"))
			c.Sleep(30 * time.Second)
			w.Reset()
		})
		if !tried[s] {
			t.Errorf("no handler was %v", s)
		}
	}
}

// answersPage is where the tables stand that are made of answerTable.
const answersPage = "../docs/architecture.md"

// TestTheTablesOfAnswersInTheDocumentsAreTheCodes compares the tables on the page with
// the code's.
func TestTheTablesOfAnswersInTheDocumentsAreTheCodes(t *testing.T) {
	page, err := os.ReadFile(answersPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{statesInMarkdown(), refusalsInMarkdown()} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%s lacks this table, as the code has it:\n%s", answersPage, want)
		}
	}
}

// statesInMarkdown returns the states, and what may follow each.
func statesInMarkdown() string {
	var b strings.Builder
	b.WriteString("| state | means | may be followed by |\n|---|---|---|\n")
	for s, row := range answerTable {
		var next []string
		for _, n := range row.next {
			next = append(next, n.String())
		}
		fmt.Fprintf(&b, "| %v | %s | %s |\n", answerState(s), row.means, strings.Join(next, ", "))
	}
	return b.String()
}

// refusalsInMarkdown returns what a handler may do in which state, and the errors of
// what it may not.
func refusalsInMarkdown() string {
	var b strings.Builder
	var messages []error
	b.WriteString("| state |")
	for _, name := range callNames {
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", int(apiCalls)) + "\n")
	for s, row := range answerTable {
		if answerState(s) == stateNew {
			continue // there is no handler to call anything
		}
		fmt.Fprintf(&b, "| %v |", answerState(s))
		for _, err := range row.refuses {
			if err == nil {
				b.WriteString(" yes |")
				continue
			}
			i := slices.IndexFunc(messages, func(m error) bool { return errors.Is(m, err) })
			if i < 0 {
				i = len(messages)
				messages = append(messages, err)
			}
			fmt.Fprintf(&b, " %d |", i+1)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for i, err := range messages {
		fmt.Fprintf(&b, "%d. `%v`\n", i+1, err)
	}
	return b.String()
}

// TestATaskThatDoesNotStartGivesItsSlotBack has middleware refuse a request for which the
// handler inside has named a task already.
func TestATaskThatDoesNotStartGivesItsSlotBack(t *testing.T) {
	inner := Blocking(1, patient)
	refuses := func(w *Response, r *Request) error {
		if err := inner(w, r); err != nil {
			return err
		}
		return StatusTeapot
	}
	_ = stage(t, sim.New(1), Config{Handler: refuses}, func(_ *Server, c *sim.Script, w *sim.Wire) {
		const ask = "GET /blocking/text HTTP/1.1\r\nHost: a\r\n"
		c.Send(w, []byte(ask+"\r\n"+ask+"Connection: close\r\n\r\n"))
		text, err := c.ReceiveAll(w)
		if n := strings.Count(string(text), "HTTP/1.1 418 "); err != nil || n != 2 {
			t.Errorf("%d of two requests are refused by the middleware: %q, %v", n, text, err)
		}
		w.Close()
	})
}

// TestAnAnswerThatIsDoneIsNotMadeAgain has handlers on the loop be late, early, or told to
// stop, and looks at the whole answer.
func TestAnAnswerThatIsDoneIsNotMadeAgain(t *testing.T) {
	piece := func(w *Response, text string) error {
		fmt.Fprint(w, text)
		return w.Flush()
	}
	for _, row := range []struct {
		name    string
		handler Handler
		want    string // the end of the answer
	}{
		{"a Timeout leaves an answer alone whose head is out", Streaming(func(w *Response, r *Request) error {
			w.Timeout(time.Second)
			piece(w, "some")
			if err := w.Pause(3 * time.Second); err != nil {
				return err
			}
			return piece(w, "more")
		}), "4\r\nsome\r\n4\r\nmore\r\n0\r\n\r\n"},
		{"a stop ends a Pause, and the handler's answer is whole", Streaming(func(w *Response, r *Request) error {
			piece(w, "some")
			since := r.Loop().Uptime()
			r.Loop().After(time.Second, r.Loop().Stop)
			err := w.Pause(time.Minute)
			fmt.Fprint(w, r.Loop().Uptime()-since < 3*time.Second, err)
			return err
		}), "http: the server is stopping\r\n0\r\n\r\n"},
		{"a Pending answers once", func(w *Response, r *Request) error {
			p, err := Later(w)
			r.Loop().After(time.Second, func() {
				first := p.Answer(func(w *Response) error { return w.Text("first") })
				if second := p.Answer(func(w *Response) error { return w.Text("second") }); !first || second || p.Wanted() {
					t.Errorf("answered: %v, and again: %v", first, second)
				}
			})
			return err
		}, "first"},
	} {
		heard := ""
		err := stage(t, sim.New(1), Config{Handler: row.handler}, func(_ *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"))
			text, err := c.ReceiveAll(w)
			heard = string(text)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			w.Close()
		})
		if err != nil || !strings.HasSuffix(heard, row.want) || strings.Contains(heard, "false") {
			t.Errorf("%s: %q, %v", row.name, heard, err)
		}
	}
}
