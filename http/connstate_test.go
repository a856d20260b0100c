package http

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// wasAsked counts the requests of a connection.
var wasAsked ConnKey[int]

// visits answers the number of the request on its connection, in the way that the path
// names.
func visits(w *Response, r *Request) error {
	n, _ := wasAsked.Get(r)
	wasAsked.Set(r, n+1)
	say := func(w *Response) error { return w.Text(fmt.Sprint(n + 1)) }
	switch r.Path() {
	case "/body":
		if _, err := r.Body(); err != nil {
			return err
		}
	case "/offload":
		return Offload(w, work, func(w *Response, _ string) error { return say(w) })
	case "/held":
		h, err := w.Hold()
		if err != nil {
			return err
		}
		r.Loop().After(time.Second, func() {
			fmt.Fprint(h, n+1)
			h.Done()
		})
		return nil
	case "/streaming":
		return Streaming(func(w *Response, r *Request) error {
			w.Pause(time.Second)
			return say(w)
		})(w, r)
	case "/hijack":
		return Streaming(func(w *Response, r *Request) error {
			d, err := w.Hijack()
			if err != nil {
				return err
			}
			fmt.Fprint(d.Conn, "mine")
			return d.Conn.Close()
		})(w, r)
	case "/tunnel":
		t, err := w.Tunnel("echo")
		if err == nil {
			t.OnBytes(echo(t))
		}
		return err
	case "/abort":
		return ErrAbort
	case "/large":
		return w.Text(strings.Repeat("x", 200_000))
	}
	return say(w)
}

// goodbye ends the client's half, and takes what the server has still to say.
func goodbye(c *sim.Script, w *sim.Wire) {
	w.CloseWrite()
	c.ReceiveAll(w)
}

// A diary has the reports of Config.OnConn.
type diary struct {
	lines []string
	conns map[*Conn]bool
}

// note is Config.OnConn.
func (d *diary) note(c *Conn, is ConnState) {
	line := is.String()
	switch is {
	case ConnNew:
		if d.conns == nil {
			d.conns = make(map[*Conn]bool)
		}
		d.conns[c] = true
	case ConnIdle:
		n, _ := wasAsked.Get(c)
		line = fmt.Sprint("idle after ", n)
	case ConnClosed:
		line = c.Reason()
		if _, err := c.End(); err != nil {
			line += " (" + err.Error() + ")"
		}
	}
	d.lines = append(d.lines, fmt.Sprintf("%d %s", c.ID(), line))
}

// of returns the states of one connection.
func (d *diary) of(id int) string {
	var list []string
	for _, line := range d.lines {
		if rest, is := strings.CutPrefix(line, fmt.Sprint(id, " ")); is {
			list = append(list, rest)
		}
	}
	return strings.Join(list, ", ")
}

// TestOnConnReportsTheStatesOfAConnection has the states of the first connection.
func TestOnConnReportsTheStatesOfAConnection(t *testing.T) {
	for _, row := range []struct {
		name   string
		want   string
		client func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire)
	}{
		{"a connection without a request is new until its time is over", "new, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) { c.ReceiveAll(w) }},
		{"a connection that is kept alive is active and idle in turn", "new, active, idle after 1, active, idle after 2, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				for range 2 {
					c.Send(w, []byte(get("")))
					c.Sleep(time.Second)
				}
				goodbye(c, w)
			}},
		{"half a head is a request that has begun", "new, active, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET / HT"))
				c.ReceiveAll(w)
			}},
		{"empty lines are no request", "new, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("\r\n\r"))
				c.ReceiveAll(w)
			}},
		{"empty lines behind a request keep it idle", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")+"\r\n"))
				c.Sleep(time.Second)
				c.Send(w, []byte("\r\n"))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"requests that are here at once are one time of activity", "new, active, idle after 100, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(strings.Repeat(get(""), 100)))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"so are those behind an answer that takes time", "new, active, idle after 4, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("held")+get("streaming")+get("offload")+get("")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"an answer that is held ends in idleness", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("held")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"so does a handler that waits", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("streaming")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"so does one that waits for a body", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"))
				c.Sleep(time.Second)
				c.Send(w, []byte("cd"))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"so does a body that is thrown away", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"))
				c.Sleep(time.Second)
				c.Send(w, []byte("cd"))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"a request behind a body belongs to the same time of activity", "new, active, idle after 2, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"))
				c.Sleep(time.Second)
				c.Send(w, []byte("cd"+get("")))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"the client has to take a large answer first", "new, active, reset or broken (sim: connection reset by peer)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("large")))
				c.Sleep(time.Second)
				w.Reset()
				c.Sleep(time.Second)
			}},
		{"and is idle then", "new, active, idle after 1, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("large")))
				c.Sleep(time.Second)
				for n := 0; n < 200_000; {
					p, _ := c.Receive(w, nil, 200_000)
					n += len(p)
				}
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"the last answer is followed by the end", "new, active, closed",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET / HTTP/1.0\r\n\r\n"))
				c.ReceiveAll(w)
				w.Close()
				c.Sleep(time.Second)
			}},
		{"an idle connection ends with its time", "new, active, idle after 1, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")))
				c.ReceiveAll(w)
			}},
		{"a connection that is hijacked leaves as that", "new, active, hijacked",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("hijack")))
				c.ReceiveAll(w)
				w.Close()
			}},
		{"a client that leaves before it is hijacked has closed", "new, active, reset or broken (sim: connection reset by peer)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("large")+get("hijack")))
				c.Sleep(time.Second)
				w.Reset()
				c.Sleep(time.Second)
			}},
		{"a tunnel is one until it closes", "new, active, tunnel, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello"))
				c.Sleep(time.Second)
				w.CloseWrite()
				c.ReceiveAll(w)
			}},
		{"a handler that breaks the connection aborts it", "new, active, aborted (http: the handler breaks the connection)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("abort")))
				c.ReceiveAll(w)
			}},
		{"a reset is reported", "new, active, idle after 1, reset or broken (sim: connection reset by peer)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")))
				c.Sleep(time.Second)
				w.Reset()
				c.Sleep(time.Second)
			}},
		{"so is the need for its room", "new, active, idle after 1, evicted (eventloop: another connection needed the room)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")))
				c.Sleep(2 * time.Second)
				for range 2 {
					w, _ := k.Dial()
					c.Send(w, []byte(get("")))
					c.Sleep(2 * time.Second)
					defer w.Close()
				}
			}},
		{"a stop ends what is idle", "new, active, idle after 1, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")))
				c.Sleep(time.Second)
				s.Stop()
				c.ReceiveAll(w)
			}},
		{"a stop lets a request come to its end", "new, active, closed",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("held")))
				c.Sleep(time.Second / 2)
				s.Stop()
				goodbye(c, w)
			}},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			k.Buffer = 10_000
			d := &diary{}
			var s *Server
			_ = stage(t, k, Config{Handler: visits, OnConn: d.note, Limits: Limits{Conns: 2, HighWater: 1000}}, func(server *Server, c *sim.Script, w *sim.Wire) {
				s = server
				row.client(k, s, c, w)
				c.Sleep(10 * time.Second)
			})
			if got := d.of(1); got != row.want {
				t.Errorf("it reported: %s", got)
			}
			if len(s.watched)+len(s.connValues) > 0 {
				t.Errorf("left: %d connections, %d with values", len(s.watched), len(s.connValues))
			}
		})
	}
}
