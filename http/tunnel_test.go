package http

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// tunnels is a site of tunnels, each with a temper of its own.
func tunnels(w *Response, r *Request) error {
	protocol := "echo"
	if r.Method() == "CONNECT" {
		protocol = ""
	}
	what := strings.TrimPrefix(r.Path(), "/")
	if r.Method() == "CONNECT" {
		what, _, _ = strings.Cut(r.Target(), ":")
	}
	switch what {
	case "text":
		return w.Text("hello")
	case "forbidden":
		return StatusForbidden
	case "by-itself":
		w.SetStatus(StatusSwitchingProtocols)
		return nil
	case "body":
		if _, err := r.Body(); err != nil {
			return err
		}
	}
	open := func(w *Response) error {
		w.Add("X-Tunnel", what)
		t, err := w.Tunnel(protocol)
		if err != nil {
			return err
		}
		digs[what](t)
		return nil
	}
	switch what {
	case "streaming":
		return Streaming(func(w *Response, _ *Request) error {
			if err := w.Pause(time.Second); err != nil {
				return err
			}
			return open(w)
		})(w, r)
	case "offload":
		return Offload(w, work, func(w *Response, _ string) error { return open(w) })
	}
	return open(w)
}

// echo returns the bytes that it gets, in upper case.
func echo(t *Tunnel) func([]byte) int {
	return func(p []byte) int {
		t.Write([]byte(strings.ToUpper(string(p))))
		return len(p)
	}
}

// digs are the protocols of the tunnels.
var digs = map[string]func(t *Tunnel){
	"echo":      func(t *Tunnel) { t.OnBytes(echo(t)) },
	"body":      func(t *Tunnel) { t.OnBytes(echo(t)) },
	"streaming": func(t *Tunnel) { t.OnBytes(echo(t)) },
	"offload":   func(t *Tunnel) { t.OnBytes(echo(t)) },
	"lines": func(t *Tunnel) {
		t.OnBytes(func(p []byte) int {
			n := strings.IndexByte(string(p), '\n') + 1
			t.Write([]byte(strings.ToUpper(string(p[:n]))))
			return n
		})
	},
	"late": func(t *Tunnel) {
		t.server.loop.After(time.Minute, func() { t.OnBytes(echo(t)) })
	},
	"pauses": func(t *Tunnel) {
		t.OnBytes(func(p []byte) int {
			t.Pause()
			t.server.loop.After(time.Minute, t.Resume)
			return echo(t)(p)
		})
	},
	"waits": func(t *Tunnel) {
		t.Pause()
		t.OnBytes(func(p []byte) int { t.Write([]byte("early ")); return echo(t)(p) })
		t.server.loop.After(time.Second, func() { t.OnBytes(func(p []byte) int { t.Write([]byte("too early ")); return echo(t)(p) }) })
		t.server.loop.After(time.Minute, func() {
			t.OnBytes(echo(t))
			t.Resume()
		})
	},
	"resumes-early": func(t *Tunnel) {
		t.server.loop.After(time.Second, t.Resume)
		t.server.loop.After(time.Minute, func() { t.OnBytes(echo(t)) })
	},
	"hesitates": func(t *Tunnel) {
		times := 0
		t.OnBytes(func(p []byte) int {
			t.Pause()
			t.Resume()
			switch times++; {
			case times > 10:
				t.Abort()
			case len(p) < 6:
				return 0
			}
			return echo(t)(p)
		})
	},
	"half": func(t *Tunnel) {
		t.OnBytes(echo(t))
		t.OnEOF(func() {
			t.Write([]byte(", end"))
			t.CloseWrite()
			_, err := t.Write([]byte("late"))
			t.server.loop.After(time.Second, t.Close)
			if err != ErrGone {
				t.Abort()
			}
		})
	},
	"ends-first": func(t *Tunnel) {
		t.Write([]byte("bye"))
		t.CloseWrite()
		var heard []byte
		t.OnBytes(func(p []byte) int { heard = append(heard, p...); return len(p) })
		t.OnClose(func() { endsFirst = string(heard) })
	},
	"counts": func(t *Tunnel) {
		before := t.Buffered()
		t.Write([]byte("hello"))
		after := t.Buffered()
		t.server.loop.After(time.Second, func() {
			fmt.Fprintf(t, " %d %d", after-before, t.Buffered())
			t.Close()
			if t.Buffered() != 0 {
				panic("bytes are owed by a tunnel that is over")
			}
		})
	},
	"scratches": func(t *Tunnel) {
		t.OnBytes(func(p []byte) int {
			t.Write(p[:1])
			p[0] = 'x' // is not shown again
			return 1
		})
	},
	"closes": func(t *Tunnel) {
		t.Write([]byte("bye"))
		t.Close()
	},
	"aborts": func(t *Tunnel) { t.OnBytes(func(p []byte) int { t.Abort(); return len(p) }) },
	"panics": func(t *Tunnel) { t.OnBytes(func(p []byte) int { panic("the mole is ill") }) },
	"greedy": func(t *Tunnel) { t.OnBytes(func(p []byte) int { return len(p) + 1 }) },
	"impatient": func(t *Tunnel) {
		t.OnBytes(echo(t))
		t.SetIdleTimeout(3 * time.Second)
	},
	"stops": func(t *Tunnel) {
		t.OnBytes(echo(t))
		t.OnStop(func() {
			t.Write([]byte(" stop"))
			t.Close()
		})
	},
	"pours": func(t *Tunnel) {
		t.OnBytes(func(p []byte) int { return len(p) })
		n := 0
		pour := func() {
			for n < 100 {
				if _, err := t.Write(make([]byte, 10_000)); err != nil {
					if err == ErrFull != t.Full() {
						t.Abort()
					}
					return
				}
				n++
			}
			t.Close()
		}
		t.OnDrain(pour)
		pour()
	},
}

var endsFirst string

const switching = "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: other, echo\r\n\r\n"

// A dug is a conversation with a site of tunnels.
type dug struct {
	name string
	ask  string
	then []any // what is said, a time to wait, or a function
	want string
}

func TestTunnels(t *testing.T) {
	ask := func(what string) string { return fmt.Sprintf(switching, what) }
	const switched = "HTTP/1.1 101 Switching Protocols\r\nServer: bobbin\r\nDate: ...\r\nX-Tunnel: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	head := func(what string) string { return fmt.Sprintf(switched, what) }
	end := func(w *sim.Wire) { w.CloseWrite() }
	for _, row := range []dug{
		{"bytes go both ways, from behind the head on", ask("echo") + "abc", []any{"def", time.Second, "ghi", time.Second, end}, head("echo") + "ABCDEFGHI"},
		{"bytes that OnBytes leaves over are shown again", ask("lines") + "ab", []any{time.Second, "c\nde\nf", time.Second, "g\n", time.Second, end}, head("lines") + "ABC\nDE\nFG\n"},
		{"nothing is read before OnBytes was called", ask("late") + "abc", []any{time.Second, "def", end}, head("late") + "ABCDEF"},
		{"a pause keeps what comes", ask("pauses") + "abc", []any{time.Second, "def", end}, head("pauses") + "ABCDEF"},
		{"one in the handler holds until Resume, whatever OnBytes is", ask("waits") + "abc", []any{2 * time.Second, "def", end}, head("waits") + "ABCDEF"},
		{"Resume is nothing before OnBytes was called", ask("resumes-early") + "abc", []any{2 * time.Second, "def", end}, head("resumes-early") + "ABCDEF"},
		{"what OnBytes leaves over is not shown again because it has paused and resumed", ask("hesitates") + "abc", []any{time.Second, "def", end}, head("hesitates") + "ABCDEF"},
		{"a tunnel ends with the client's half", ask("echo"), []any{time.Second, end}, head("echo")},
		{"or lives on with the other half", ask("half") + "abc", []any{time.Second, end}, head("half") + "ABC, end"},
		{"a tunnel is closed behind its output", ask("closes"), nil, head("closes") + "bye"},
		{"a tunnel knows what its client has not taken", ask("counts"), nil, head("counts") + "hello 5 0"},
		{"bytes that OnBytes has used are its own to change", ask("scratches") + "ab", []any{time.Second, "cd", time.Second, end}, head("scratches") + "abcd"},
		{"a reset is one", ask("aborts") + "abc", nil, "reset"},
		{"a panic in OnBytes costs its connection", ask("panics") + "abc", nil, "reset"},
		{"so does a count that cannot be", ask("greedy") + "abc", nil, "reset"},
		{"a handler made by Streaming opens one, too", ask("streaming") + "abc", []any{time.Second, time.Second, end}, head("streaming") + "ABC"},
		{"and a reply of Offload", ask("offload") + "abc", []any{time.Second, time.Second, end}, head("offload") + "ABC"},
		{"a body comes before", "POST /body HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\nhelloabc", []any{time.Second, end}, head("body") + "ABC"},
		{"or is refused", "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\nhello" + get("text"), []any{time.Second, end}, "HTTP/1.1 400 Bad Request\r\n..."},
		{"a tunnel without a byte is closed", ask("echo") + "abc", nil, head("echo") + "ABC"},
		{"after a time of its own, too", ask("impatient") + "abc", []any{2 * time.Second, "def"}, head("impatient") + "ABCDEF"},
		{"a client that reads gets all bytes", ask("pours"), nil, head("pours") + strings.Repeat("\x00", 1_000_000)},
		{"a client that takes nothing is reset", ask("pours"), []any{time.Minute}, "reset"},
		{"a client that does not offer the protocol gets its name", "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n" + get("text"), []any{end}, "HTTP/1.1 426 Upgrade Required\r\n...\r\nConnection: Upgrade\r\nUpgrade: echo\r\n...HTTP/1.1 200 OK\r\n...hello"},
		{"so is one that lists no upgrade in Connection", "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n", []any{end}, "HTTP/1.1 426 ..."},
		{"and one of HTTP/1.0", "GET /echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", nil, "HTTP/1.1 426 ..."},
		{"a handler that answers 101 by itself is refused", ask("by-itself"), []any{end}, "HTTP/1.1 500 ..."},
		{"CONNECT makes a tunnel", "CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\n\r\nabc", []any{time.Second, end}, "HTTP/1.1 200 OK\r\nServer: bobbin\r\nDate: ...\r\nX-Tunnel: echo\r\n\r\nABC"},
		{"or has an error", "CONNECT forbidden:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + get("text"), []any{end}, "HTTP/1.1 403 ...HTTP/1.1 200 OK\r\n...hello"},
		{"but no other answer", "CONNECT text:80 HTTP/1.1\r\nHost: text:80\r\n\r\n", nil, "HTTP/1.1 500 ..."},
		{"and no body", "CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\nContent-Length: 3\r\n\r\nabc", []any{end}, "HTTP/1.1 400 ..."},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := stage(t, sim.New(1), Config{Handler: tunnels, Connect: tunnels}, func(s *Server, c *sim.Script, w *sim.Wire) {
				row.talk(t, c, w)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// dates are those of answers.
var dates = regexp.MustCompile(`Date: [^\r]*`)

// talk sends the bytes of a row, and compares those that come back.
func (row *dug) talk(t *testing.T, c *sim.Script, w *sim.Wire) {
	t.Helper()
	c.Send(w, []byte(row.ask))
	for _, step := range row.then {
		switch step := step.(type) {
		case string:
			_ = c.Send(w, []byte(step))
		case time.Duration:
			c.Sleep(step)
		case func(*sim.Wire):
			step(w)
		}
	}
	all, err := c.ReceiveAll(w)
	w.Close()
	got := dates.ReplaceAllString(string(all), "Date: ...")
	if err != nil {
		got = "reset"
	}
	if !fits(got, row.want) {
		t.Errorf("got %.500q, %v", got, err)
	}
}

// fits compares a text with one in which "..." stands for anything.
func fits(got, want string) bool {
	want = strings.ReplaceAll(want, "Date: ...", "Date: \x01")
	for i, part := range strings.Split(want, "...") {
		part = strings.ReplaceAll(part, "Date: \x01", "Date: ...")
		at := strings.Index(got, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return got == "" || strings.HasSuffix(want, "...")
}

func TestConnectIsRefusedUnlessAHandlerWantsIt(t *testing.T) {
	row := dug{"", "CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\nConnection: close\r\n\r\n", nil, "HTTP/1.1 405 ..."}
	_ = stage(t, sim.New(1), Config{Handler: tunnels}, func(s *Server, c *sim.Script, w *sim.Wire) { row.talk(t, c, w) })
}

// TestOurHalfOfATunnelEndsFirst has the server send nothing more, and read the rest.
func TestOurHalfOfATunnelEndsFirst(t *testing.T) {
	err := stage(t, sim.New(1), Config{Handler: tunnels}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, fmt.Appendf(nil, switching, "ends-first"))
		if all, err := c.ReceiveAll(w); !strings.HasSuffix(string(all), "\r\n\r\nbye") || err != nil {
			t.Errorf("%q, %v", all, err)
		}
		c.Send(w, []byte("more"))
		c.Sleep(time.Second)
		c.Send(w, []byte(" and more"))
		w.CloseWrite()
		c.Sleep(time.Second)
		if endsFirst != "more and more" {
			t.Errorf("the server got %q", endsFirst)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestATunnelIsOverWithBothOfItsHalves has them end in either order, on tunnels that may be
// silent for ever.
func TestATunnelIsOverWithBothOfItsHalves(t *testing.T) {
	for _, oursFirst := range []bool{true, false} {
		over := false
		h := func(w *Response, _ *Request) error {
			tunnel, err := w.Tunnel("echo")
			if err != nil {
				return err
			}
			tunnel.SetIdleTimeout(0)
			tunnel.OnBytes(echo(tunnel))
			tunnel.OnClose(func() { over = true })
			if oursFirst {
				tunnel.OnEOF(func() {})
				tunnel.CloseWrite()
			} else {
				tunnel.OnEOF(func() { tunnel.server.loop.After(time.Second, tunnel.CloseWrite) })
			}
			return nil
		}
		err := stage(t, sim.New(1), Config{Handler: h}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, fmt.Appendf(nil, switching, "halves"))
			c.Sleep(time.Second)
			w.CloseWrite()
			if _, err := c.ReceiveAll(w); err != nil {
				t.Error(err)
			}
			c.Sleep(time.Hour)
			if !over {
				t.Errorf("ours first %t: the tunnel is open with both of its halves closed", oursFirst)
			}
			w.Close()
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestAStopTellsTunnels has one that ends by itself, and one that is closed when the time
// for that is over.
func TestAStopTellsTunnels(t *testing.T) {
	for what, want := range map[string]string{"stops": "HELLO stop 1s", "echo": "HELLO 10s"} {
		err := stage(t, sim.New(1), Config{Handler: tunnels}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, fmt.Appendf(nil, switching+"hello", what))
			c.Sleep(time.Second)
			since := s.now()
			s.Stop()
			all, err := c.ReceiveAll(w)
			took := max(s.now().Sub(since).Truncate(time.Second), time.Second)
			if _, said, _ := strings.Cut(string(all), "\r\n\r\n"); fmt.Sprint(said, " ", took) != want || err != nil {
				t.Errorf("%s: %q after %v, %v", what, said, took, err)
			}
			w.Close()
		})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestATunnelIsLoggedAtItsEnd has the hooks of middleware called once, when it is over.
func TestATunnelIsLoggedAtItsEnd(t *testing.T) {
	log := ""
	h := func(w *Response, r *Request) error {
		w.OnAnswer(func(s Status, size int64) { log += fmt.Sprintf("%d %d, ", s, size) })
		w.OnEnd(func() { log += "end" })
		return tunnels(w, r)
	}
	err := stage(t, sim.New(1), Config{Handler: h}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, fmt.Appendf(nil, switching+"hello", "echo"))
		c.Sleep(time.Second)
		if log != "" {
			t.Errorf("too early: %s", log)
		}
		w.CloseWrite()
		c.ReceiveAll(w)
		w.Close()
	})
	if err != nil || log != "101 5, end" {
		t.Errorf("%q, %v", log, err)
	}
}

// TestASilentTunnelMakesRoom has connections run out.
func TestASilentTunnelMakesRoom(t *testing.T) {
	k := sim.New(1)
	_ = stage(t, k, Config{Handler: tunnels, Limits: Limits{Conns: 1}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, fmt.Appendf(nil, switching+"hello", "echo"))
		c.Sleep(3 * time.Second)
		other, err := k.Dial()
		if err != nil {
			t.Fatal(err)
		}
		c.Send(other, []byte(get("text")))
		if text, _ := c.Receive(other, nil, 12); string(text) != "HTTP/1.1 200" {
			t.Errorf("%q", text)
		}
		if _, err := c.ReceiveAll(w); err != nil || !w.ServerClosed() {
			t.Errorf("the tunnel is open: %v", err)
		}
		other.Reset()
	})
}

// tunnelling is a row of limitRows: a word goes through a tunnel behind each pause.
func tunnelling(pauses ...time.Duration) func(b *bitten) string {
	return func(b *bitten) string {
		m := b.dial()
		m.say(fmt.Sprintf(switching, "tunnel"))
		var echoes []string
		for _, d := range pauses {
			m.hear(d)
			if m.end != "" {
				break
			}
			m.say("word")
			m.hear(sec / 2)
			echoes = append(echoes, "echo")
		}
		if n := strings.Count(string(m.heard), "word"); n != len(echoes) {
			echoes = append(echoes, fmt.Sprintf("%d words came back", n))
		}
		return strings.Join(echoes, ", ") + "; " + m.state()
	}
}
