package http

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// Handlers cannot tell how their clients reach them. Each row of ways_rows_test.go is one request
// to one handler, asked by HTTP/1.1 and by HTTP/2, over TLS and in plain text, on good days and
// on bad ones: the client hears the same, and so does the handler. Where HTTP/2 is different, the
// row names one of these exceptions.
var wayExceptions = map[string]string{
	"Connection":       "the fields of a connection are dropped, and a last answer says so by GOAWAY", // see ofConnection
	"one stream":       "what ends the connection of HTTP/1.1 ends one stream, and the others go on",
	"Hijack":           "a stream has no socket that a handler could take: the error says so",
	"101":              "there is no Upgrade: a handler that wants another protocol answers 426",
	"trailers":         "a body whose length was declared has trailers, too",
	"lower case":       "names of fields are in lower case",
	"field block size": "a head of more than Limits.HeaderBlock ends the connection, without a 414 or 431",
	"chunks":           "there are none, nor empty lines before a request, and so no limits of these",
	"Host":             "it may not be empty",
}

// A wayRow is one request.
type wayRow struct {
	name    string // a sentence that is true
	limits  Limits
	handler func(n *wayNotes) Handler
	ask     asking
	play    func(c *wayClient) *hearing // says the request and hears the answer, if it takes more than that
	want    string                      // what client and handler have heard
	http2   string                      // the same by HTTP/2, if it is different
	because string                      // the exception
}

// A wayNotes has what a handler has seen, which may run off the loop.
type wayNotes struct {
	mu    sync.Mutex
	lines []string
	// The server's, for handlers that need it.
	server *Server
}

func (n *wayNotes) note(format string, args ...any) {
	n.mu.Lock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
	n.mu.Unlock()
}

func (n *wayNotes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "; ")
}

// A wayClient is the client of a row.
type wayClient struct {
	caller
	way  way
	row  *wayRow
	s    *sim.Script
	saw  *wayNotes
	more func() *wayClient // another client of the same way
}

// waySeeds is with how many seeds of bad luck each row is asked, besides once without.
const waySeeds = 3

func TestHandlersCannotTell(t *testing.T) {
	used := map[string]bool{"Connection": true} // in all rows
	ran := 0
	for i := range wayRows {
		row := &wayRows[i]
		t.Run(row.name, func(t *testing.T) {
			ran++
			if (row.http2 != "") != (row.because != "") || row.because != "" && wayExceptions[row.because] == "" {
				t.Fatalf("what is different by HTTP/2 needs one of the exceptions, and not %q", row.because)
			}
			used[row.because] = true
			for _, is := range fourWays {
				want := row.want
				if is.http2 && row.http2 != "" {
					want = row.http2
				}
				for seed := range fewer(waySeeds) + 1 {
					if got := row.run(t, is, seed); got != want {
						t.Fatalf("%v, seed %d:\n%s\nand not\n%s", is, seed, got, want)
					}
				}
			}
		})
	}
	if ran < len(wayRows) {
		return // some were asked for by -run
	}
	for _, why := range conversationsApart {
		used[why] = true
	}
	for name := range wayExceptions {
		if !used[name] {
			t.Errorf("no row shows the exception %q", name)
		}
	}
}

// TestTheExceptionsOfHTTP2AreDocumented looks for each of them in docs/handlers.md.
func TestTheExceptionsOfHTTP2AreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range wayExceptions {
		if !bytes.Contains(page, []byte("\n| "+name+" | ")) {
			t.Errorf("docs/handlers.md has no row for the exception %q", name)
		}
	}
}

// run asks once, and returns what client and handler have heard.
func (row *wayRow) run(t *testing.T, is way, seed uint64) string {
	k := sim.New(1)
	if seed > 0 {
		k = sim.NewUnlucky(seed)
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend, k.Luck.Exhausted = 0, 0, 0, 0
		k.Luck.SlowWork, k.Luck.HungWork = 0, 0 // the clients of some rows wait for a time
	}
	saw := &wayNotes{}
	config := Config{Limits: row.limits, Handler: row.handler(saw), AnyMethod: true, Middleware: func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			w.OnAnswer(func(status Status, size int64) { saw.note("answered %d %d", status, size) })
			w.OnEnd(func() { saw.note("over") })
			return next(w, r)
		}
	}}
	if is.secure {
		config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
	}
	config.Loop.CheckOwner = true
	var heard *hearing
	err := stage(t, k, config, func(server *Server, s *sim.Script, w *sim.Wire) {
		saw.server = server
		c := &wayClient{caller: dialWay(t, is, k, s, w), way: is, row: row, s: s, saw: saw}
		c.more = func() *wayClient {
			other, err := k.Dial()
			if err != nil {
				t.Error(err)
			}
			return &wayClient{caller: dialWay(t, is, k, s, other), way: is, row: row, s: s, saw: saw}
		}
		if row.play != nil {
			heard = row.play(c)
		} else {
			sayAll(c, &row.ask)
			heard = c.hear()
		}
		s.Sleep(4 * time.Second) // in which the handler comes to its end
		w.Close()
	})
	if err != nil {
		t.Errorf("%v, seed %d: the loop ended with: %v", is, seed, err)
	}
	return heard.String() + "\n" + saw.String()
}

// describe has a handler tell all that it is told of its request, and answer nothing.
func describe(n *wayNotes) Handler {
	return func(w *Response, r *Request) error {
		var fields []string
		for name, value := range r.Headers() {
			if name = strings.ToLower(name); !ofConnection[name] && name != "host" {
				fields = append(fields, name+"="+value)
			}
		}
		n.note("%s %s at %s %d %q", r.Method(), r.Target(), r.Host(), r.Length(), fields)
		body, err := r.Body()
		n.note("%q %v %d", body, err, len(r.x.body))
		for name, value := range r.Trailers() {
			n.note("%s: %s", strings.ToLower(name), value)
		}
		return err
	}
}

// filled returns so many bytes, no two neighbours the same.
func filled(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }
