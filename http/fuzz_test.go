package http

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// tell has a server over a simulated kernel hear the pieces, one after the
// other, and then the end, and returns all that it answers, and how the
// connection ended.
func tell(t testing.TB, pieces [][]byte, h Handler) (answers []byte, end error) {
	err := stage(t, sim.New(1), Config{Handler: h, Middleware: curious(t)}, func(_ *Server, client *sim.Script, w *sim.Wire) {
		for _, p := range pieces {
			if client.Send(w, p) != nil {
				break
			}
			client.Sleep(time.Millisecond)
		}
		w.CloseWrite()
		answers, end = client.ReceiveAll(w)
	})
	if err != nil {
		t.Errorf("the loop ended with: %v", err)
	}
	return answers, end
}

// curious asks a request everything, also one that is refused.
func curious(t testing.TB) Middleware {
	return func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			line := string(r.LineBytes())
			if strings.ContainsAny(line, "\r\n") || !strings.HasPrefix(line, r.piece(r.x.head.MethodName)) || !strings.Contains(line, r.Target()) {
				t.Errorf("the line of a request for %q by %q is %q", r.Target(), r.Method(), line)
			}
			for name := range r.Headers() {
				if r.Header(name); r.x.head.FieldsAt > len(r.x.raw) {
					t.Errorf("the field %q is not in the head of %q", name, line)
				}
			}
			r.Path()
			r.PathBytes()
			r.QueryBytes()
			r.RawQuery()
			r.Host()
			r.Length()
			return next(w, r)
		}
	}
}

// mirror answers with what it was asked.
func mirror(w *Response, r *Request) error {
	body, err := r.Body()
	if err != nil {
		return err
	}
	query, _ := r.QueryBytes()
	fmt.Fprintf(w, "%s %q %q %q %q", r.Method(), r.Path(), query, r.Host(), body)
	return nil
}

// FuzzConn holds that a whole conversation means the same however it is cut,
// that every answer is framed right, and that nothing is answered behind an
// answer that says it is the last.
func FuzzConn(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.0\r\n\r\n",
		"POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nBREW / HTTP/1.1\r\nHost: a\r\n\r\nTRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nshort",
		"GET /\xc3\xa9\xff~?\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\nGET http://a/\xe9 HTTP/1.1\r\nHost: a\r\n\r\nGET /\xff\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD\t/ HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nHost: c\r\n\r\n\r\n\r",
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01",
	} {
		f.Add([]byte(seed), uint64(len(seed)))
	}
	f.Fuzz(func(t *testing.T, said []byte, cut uint64) {
		if len(said) > 8<<10 {
			t.Skip("long conversations say no more")
		}
		whole, end := tell(t, [][]byte{said}, mirror)
		var pieces [][]byte
		for rest := said; len(rest) > 0; {
			cut = cut*6364136223846793005 + 1442695040888963407
			n := min(len(rest), 1+int(cut>>33)%(1+len(said)/4))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		cutUp, endCutUp := tell(t, pieces, mirror)
		if end != nil || endCutUp != nil {
			// Who promises to say no more and then does finds the connection
			// closed. All others get a proper end.
			lower := bytes.ToLower(said)
			if !bytes.Contains(lower, []byte("close")) && !bytes.Contains(lower, []byte("http/1.0")) {
				t.Errorf("the connection ended with %v in one piece, with %v in %d", end, endCutUp, len(pieces))
			}
			return
		}
		// Whether a client has to be told to continue depends on whether it
		// have waited.
		whole = bytes.ReplaceAll(whole, continueLine, nil)
		cutUp = bytes.ReplaceAll(cutUp, continueLine, nil)
		if !bytes.Equal(whole, cutUp) {
			t.Errorf("in one piece:\n%q\nin %d:\n%q", whole, len(pieces), cutUp)
		}
		judge(t, said, whole)
	})
}

// judge reads answers as a client would that believes nothing but the framing.
func judge(t *testing.T, said, answers []byte) {
	last := false
	for n := 0; len(answers) > 0; n++ {
		if last {
			t.Fatalf("something comes behind the last answer: %q", answers)
		}
		text, rest, ok := bytes.Cut(answers, []byte("\r\n\r\n"))
		lines := strings.Split(string(text), "\r\n")
		var minor, status int
		if _, err := fmt.Sscanf(lines[0], "HTTP/1.%d %d ", &minor, &status); err != nil || !ok || minor != 1 {
			t.Fatalf("no head: %q", answers)
		}
		length := 0
		for _, line := range lines[1:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok || !h1.IsToken(name) || !h1.IsFieldValue(value) {
				t.Fatalf("no field: %q", line)
			}
			switch name {
			case "Content-Length":
				length, _ = strconv.Atoi(value)
			case "Connection":
				last = last || value == "close"
			}
		}
		if length > len(rest) {
			// The answer to HEAD, the only one whose length is of what is not
			// there, must be somewhere in what was said.
			if !bytes.Contains(said, []byte("HEAD")) {
				t.Fatalf("%d bytes are missing of %q", length-len(rest), answers)
			}
			return
		}
		if bytes.Contains(said, []byte("HEAD")) {
			return // whose answer it is cannot be told from outside
		}
		answers = rest[length:]
	}
}

func TestTenThousandRequestsInOneBreathAreAnsweredInOrder(t *testing.T) {
	const n = 10_000
	k := sim.New(1)
	limits := Limits{Requests: n + 1}
	limits.HighWater = 32 << 10
	s, err := NewServer(Config{Handler: mirror, Limits: limits, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	k.Every = func() {
		most = max(most, s.loop.Memory())
		if k.Running() == 0 {
			s.Stop()
		}
	}
	served, others := 0, 0
	greedy, err := k.Dial()
	if err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) { // says everything, at once
		for i := range n {
			if err := c.Send(greedy, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	k.Go(func(c *sim.Script) { // and reads as fast as it can
		var heard []byte
		for served < n {
			var err error
			if heard, err = c.Receive(greedy, heard, 4096); err != nil {
				t.Errorf("after %d answers: %v", served, err)
				break
			}
			for {
				want := fmt.Sprintf("GET %q %q %q %q", fmt.Sprintf("/%d", served), "", "a", "")
				at := bytes.Index(heard, []byte("\r\n\r\n"))
				if at < 0 || len(heard) < at+4+len(want) {
					break
				}
				if got := string(heard[at+4 : at+4+len(want)]); got != want {
					t.Fatalf("answer %d is %q", served, got)
				}
				heard = heard[at+4+len(want):]
				served++
			}
		}
		greedy.Close()
	})
	k.Go(func(c *sim.Script) { // another client, all the while
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		for served < n {
			since := s.loop.Count(eventloop.Turn)
			if c.Send(w, []byte("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")) != nil {
				break
			}
			if _, err := c.Receive(w, nil, 4096); err != nil {
				t.Error(err)
				break
			}
			if took := s.loop.Count(eventloop.Turn) - since; took > 5 {
				t.Errorf("the other client waited for %d turns", took)
			}
			others++
		}
		w.Close()
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	if served != n || others < 100 {
		t.Errorf("%d of %d answers, and %d for the other client", served, n, others)
	}
	if most > 32<<10+8<<10 {
		t.Errorf("%d bytes of answers were held at once", most)
	}
}
