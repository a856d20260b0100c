package http

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
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

// A diary has what a program hears of its connections.
type diary struct {
	lines []string
	conns map[*Conn]bool
}

// hear is Config.OnConn.
func (d *diary) hear(c *Conn, is ConnState) {
	line := is.String()
	switch is {
	case ConnNew:
		if d.conns == nil {
			d.conns = make(map[*Conn]bool)
		}
		d.conns[c] = true
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

// TestAProgramHearsOfItsConnections has the states of the first connection.
func TestAProgramHearsOfItsConnections(t *testing.T) {
	for _, row := range []struct {
		name   string
		want   string
		client func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire)
	}{
		{"a connection without a request is new until its time is over", "new, closed by a deadline",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) { c.ReceiveAll(w) }},
		{"a connection that is kept alive is active and idle in turn", "new, active, idle, active, idle, closed by the peer",
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
		{"empty lines behind a request keep it idle", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")+"\r\n"))
				c.Sleep(time.Second)
				c.Send(w, []byte("\r\n"))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"requests that are here at once are one time of activity", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(strings.Repeat(get(""), 100)))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"so are those behind an answer that takes time", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("held")+get("streaming")+get("offload")+get("")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"an answer that is held ends in idleness", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("held")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"so does a handler that waits", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("streaming")))
				c.Sleep(5 * time.Second)
				goodbye(c, w)
			}},
		{"so does one that waits for a body", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"))
				c.Sleep(time.Second)
				c.Send(w, []byte("cd"))
				c.Sleep(time.Second)
				goodbye(c, w)
			}},
		{"so does a body that is thrown away", "new, active, idle, closed by the peer",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"))
				c.Sleep(time.Second)
				c.Send(w, []byte("cd"))
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
		{"and is idle then", "new, active, idle, closed by the peer",
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
		{"an idle connection ends with its time", "new, active, idle, closed by a deadline",
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
		{"a reset is told", "new, active, idle, reset or broken (sim: connection reset by peer)",
			func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(get("")))
				c.Sleep(time.Second)
				w.Reset()
				c.Sleep(time.Second)
			}},
		{"so is the need for its room", "new, active, idle, evicted (eventloop: another connection needed the room)",
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
		{"a stop ends what is idle", "new, active, idle, closed by a deadline",
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
			_ = stage(t, k, Config{Handler: visits, OnConn: d.hear, Limits: Limits{Conns: 2, HighWater: 1000}}, func(server *Server, c *sim.Script, w *sim.Wire) {
				s = server
				row.client(k, s, c, w)
				c.Sleep(10 * time.Second)
			})
			if got := d.of(1); got != row.want {
				t.Errorf("it heard: %s", got)
			}
			if len(s.watched)+len(s.connValues) > 0 {
				t.Errorf("left: %d connections, %d with values", len(s.watched), len(s.connValues))
			}
		})
	}
}

// TestAPanicOfTheHookCostsOneConnection has the hook panic, or end the connection, in each
// state of the first connection: the second is served.
func TestAPanicOfTheHookCostsOneConnection(t *testing.T) {
	const upgrade = "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello"
	for _, row := range []struct {
		at        ConnState
		ask, want string
	}{
		{ConnNew, get(""), "new"},
		{ConnActive, get(""), "new, active"},
		{ConnIdle, get(""), "new, active, idle"},
		{ConnIdle, get("held"), "new, active, idle"},
		{ConnTunnel, upgrade, "new, active, tunnel"},
		{ConnHijacked, get("hijack"), "new, active, hijacked"},
		{ConnClosed, "GET / HTTP/1.0\r\n\r\n", "new, active, closed"},
	} {
		for _, how := range []string{"panic", "abort"} {
			t.Run(row.at.String()+" "+how, func(t *testing.T) {
				d := &diary{}
				var s *Server
				hook := func(c *Conn, is ConnState) {
					d.hear(c, is)
					switch {
					case c.ID() != 1 || is != row.at:
					case how == "panic":
						panic("the hook is on fire")
					default:
						c.Abort()
					}
				}
				k := sim.New(1)
				err := stage(t, k, Config{Handler: visits, OnConn: hook}, func(server *Server, c *sim.Script, w *sim.Wire) {
					s = server
					c.Send(w, []byte(row.ask))
					c.Sleep(5 * time.Second)
					w.Close()
					c.Sleep(time.Second)
					second, _ := k.Dial()
					c.Send(second, []byte("GET / HTTP/1.0\r\n\r\n"))
					if text, _ := c.ReceiveAll(second); !strings.HasPrefix(string(text), "HTTP/1.1 200 ") {
						t.Errorf("the second was answered by %q", text)
					}
					second.Close()
				})
				if err != nil {
					t.Error(err)
				}
				want := row.want
				switch {
				case row.at >= ConnHijacked:
				case how == "panic":
					want += ", ended by a panic (eventloop: panic: the hook is on fire)"
				default:
					want += ", aborted (eventloop: aborted)"
				}
				if got := d.of(1); got != want {
					t.Errorf("it heard: %s", got)
				}
				if len(s.watched)+len(s.connValues) > 0 {
					t.Errorf("left: %d connections, %d with values", len(s.watched), len(s.connValues))
				}
			})
		}
	}
}

// TestEveryConnectionHasOneEnd has many clients over a kernel full of misfortunes, and
// looks at the order of what the program hears.
func TestEveryConnectionHasOneEnd(t *testing.T) {
	follows := map[string][]string{
		"": {"new"}, "new": {"active", "end"}, "active": {"idle", "tunnel", "hijacked", "end"},
		"idle": {"active", "end"}, "tunnel": {"end"},
	}
	for seed := range uint64(100) {
		last := make(map[uint32]string)
		hook := func(c *Conn, is ConnState) {
			word := is.String()
			if is == ConnClosed {
				word = "end"
			}
			if !slices.Contains(follows[last[c.ID()]], word) {
				t.Errorf("seed %d: connection %d was %q and is %q", seed, c.ID(), last[c.ID()], word)
			}
			last[c.ID()] = word
			if n, there := wasAsked.Get(c); there && is == ConnNew {
				t.Errorf("seed %d: a new connection was asked %d times", seed, n)
			}
		}
		var s *Server
		k := sim.NewUnlucky(seed)
		_ = stage(t, k, Config{Handler: visits, OnConn: hook, Limits: Limits{Conns: 4}}, func(server *Server, c *sim.Script, w *sim.Wire) {
			s = server
			for i, path := range []string{"/", "/held", "/body", "/streaming", "/offload", "/hijack", "/abort", "/large", "/tunnel"} {
				k.Go(func(c *sim.Script) {
					if w, err := k.Dial(); err == nil {
						c.Send(w, []byte(get("")+get(path[1:])+get("")))
						c.Sleep(time.Duration(i) * time.Second / 2)
						if i%2 == 0 {
							w.Close()
						} else {
							w.Reset()
						}
					}
				})
			}
			w.Close()
			c.Sleep(10 * time.Second)
		})
		for id, is := range last {
			if is != "end" && is != "hijacked" {
				t.Errorf("seed %d: connection %d was left as %q", seed, id, is)
			}
		}
		if len(s.watched)+len(s.connValues) > 0 {
			t.Errorf("seed %d: left: %d connections, %d with values", seed, len(s.watched), len(s.connValues))
		}
	}
}

// TestAConnectionOverTLSIsNewWhenItsHandshakeIsDone asks over loopback; a handshake that
// fails is not heard of, nor is plain text.
func TestAConnectionOverTLSIsNewWhenItsHandshakeIsDone(t *testing.T) {
	var version ConnKey[string]
	heard := make(chan string, 100)
	hook := func(c *Conn, is ConnState) {
		heard <- is.String()
		if is != ConnNew {
			return
		}
		if c.RemoteAddr().Port() == 0 || c.LocalAddr().Port() == 0 || c.State() != ConnNew {
			t.Errorf("from %v to %v", c.RemoteAddr(), c.LocalAddr())
		}
		version.Set(c, "plain")
		if state := c.TLS(); state != nil {
			version.Set(c, tls.VersionName(state.Version))
		}
	}
	plain, secure := secured(t, Config{OnConn: hook, Log: slog.New(slog.DiscardHandler), Handler: func(w *Response, r *Request) error {
		v, _ := version.Get(r)
		return w.Text(v)
	}})
	client := goClient(trusting())
	for _, row := range []struct{ url, want string }{
		{"https://" + secure, "TLS 1.3"},
		{"http://" + plain, "plain"},
	} {
		if got := client(t, row.url, ""); got != row.want {
			t.Errorf("%s: %q", row.url, got)
		}
		for _, want := range []string{"new", "active", "idle"} {
			if got := <-heard; got != want {
				t.Errorf("%s: it heard %s in place of %s", row.url, got, want)
			}
		}
	}
}

// TestPlainHTTPOnAnHTTPSPortLeavesNoValues has middleware set one, for the 400.
func TestPlainHTTPOnAnHTTPSPortLeavesNoValues(t *testing.T) {
	k := sim.New(1)
	var heard diary
	config := Config{Handler: visits, OnConn: heard.hear, Log: slog.New(slog.DiscardHandler)}
	config.Loop.Kernel = k
	config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
	config.Middleware = func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			wasAsked.Set(r, 1)
			if n, _ := wasAsked.Get(r); n != 1 {
				t.Errorf("the middleware finds %d", n)
			}
			return next(w, r)
		}
	}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListenTLS(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		w, _ := k.Dial()
		c.Send(w, []byte(get("")))
		if text, _ := c.ReceiveAll(w); !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
			t.Errorf("the answer is %q", text)
		}
		w.Close()
	})
	if err := k.Stage(t, s, s.loop.Stopping); err != nil {
		t.Error(err)
	}
	if len(s.connValues)+len(heard.lines) > 0 {
		t.Errorf("left: %d connections with values; it heard %q", len(s.connValues), heard.lines)
	}
}
