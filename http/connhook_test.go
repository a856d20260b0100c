package http

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

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
		{ConnIdle, get(""), "new, active, idle after 1"},
		{ConnIdle, get("held"), "new, active, idle after 1"},
		{ConnTunnel, upgrade, "new, active, tunnel"},
		{ConnHijacked, get("hijack"), "new, active, hijacked"},
		{ConnClosed, "GET / HTTP/1.0\r\n\r\n", "new, active, closed"},
	} {
		for _, how := range []string{"panic", "abort"} {
			t.Run(row.at.String()+" "+how, func(t *testing.T) {
				d := &diary{}
				asked := 0
				handler := func(w *Response, r *Request) error {
					if r.ConnID() == 1 {
						asked++
					}
					return visits(w, r)
				}
				var s *Server
				hook := func(c *Conn, is ConnState) {
					d.note(c, is)
					switch {
					case c.ID() != 1 || is != row.at:
					case how == "panic":
						panic("the hook is on fire")
					default:
						c.Abort()
					}
				}
				k := sim.New(1)
				err := stage(t, k, Config{Handler: handler, OnConn: hook}, func(server *Server, c *sim.Script, w *sim.Wire) {
					s = server
					c.Send(w, []byte(row.ask))
					c.Sleep(5 * time.Second)
					if row.at == ConnClosed && w.Broken() {
						t.Error("what has closed is reset")
					}
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
				if row.at <= ConnActive && asked > 0 {
					t.Error("a request is served on a connection that the hook has ended")
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
					t.Errorf("it reported: %s", got)
				}
				if len(s.watched)+len(s.connValues) > 0 {
					t.Errorf("left: %d connections, %d with values", len(s.watched), len(s.connValues))
				}
			})
		}
	}
}

// TestEveryConnectionHasOneEnd has many clients over a kernel full of misfortunes, and
// looks at the order of the reports.
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
// fails is not reported, nor is plain text.
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
				t.Errorf("%s: it reported %s in place of %s", row.url, got, want)
			}
		}
	}
}

// TestPlainHTTPOnAnHTTPSPortLeavesNoValues has middleware set one, for the 400.
func TestPlainHTTPOnAnHTTPSPortLeavesNoValues(t *testing.T) {
	k := sim.New(1)
	var heard diary
	config := Config{Handler: visits, OnConn: heard.note, Log: slog.New(slog.DiscardHandler)}
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
		t.Errorf("left: %d connections with values; it reported %q", len(s.connValues), heard.lines)
	}
}

// TestAValueThatIsSetAgainReplacesTheOneBefore, so that a long connection does not grow.
func TestAValueThatIsSetAgainReplacesTheOneBefore(t *testing.T) {
	_ = stage(t, sim.New(1), Config{Handler: visits}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte(strings.Repeat(get(""), 10)))
		c.Sleep(time.Second)
		for _, v := range s.connValues {
			if v.is != 10 || v.next != nil {
				t.Errorf("there is %v, and %v behind it", v.is, v.next)
			}
		}
		if len(s.connValues) != 1 {
			t.Errorf("%d connections have values", len(s.connValues))
		}
		w.Close()
	})
}
