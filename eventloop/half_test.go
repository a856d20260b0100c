package eventloop

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestOneHalfEndsAndTheOtherGoesOn has the server end its half behind a large answer, and
// read the client's bytes after that; and a second protocol that goes on.
func TestOneHalfEndsAndTheOtherGoesOn(t *testing.T) {
	answer := strings.Repeat("answer", 1000)
	var heard []string
	second := func(c *Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				if heard = append(heard, string(p)); string(p) == "bc" {
					c.Write([]byte(answer))
					c.CloseWrite()
					c.Write([]byte("lost"))
				}
				return len(p)
			},
			ended: func(c *Conn) {
				heard = append(heard, "end")
				c.Close()
			},
			gone: func(_ *Conn, why error) {
				if heard = append(heard, "closed"); why != nil {
					t.Error(why)
				}
			},
		}
	}
	begin := func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				c.SetProtocol(second(c))
				return 1
			},
			gone: func(*Conn, error) { t.Error("the first protocol was told") },
		}
	}
	for _, over := range []string{"plain", "TLS"} {
		t.Run(over, func(t *testing.T) {
			heard = nil
			h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, begin)
			h.k.Buffer = 2000
			talk := func(s *sim.Script, conn io.ReadWriter, end func()) {
				io.WriteString(conn, "abc")
				if got, err := io.ReadAll(conn); string(got) != answer || err != nil {
					t.Errorf("the client got %d bytes, %v", len(got), err)
				}
				io.WriteString(conn, "still")
				s.Sleep(time.Second)
				io.WriteString(conn, "here")
				end()
				s.Sleep(time.Second)
			}
			if over == "plain" {
				h.visit(func(s *sim.Script, w *sim.Wire) { talk(s, wired{s, w}, w.CloseWrite) })
			} else {
				h.call(func(l *line) {
					conn := h.client(l, clientConfig())
					talk(l.s, conn, func() {
						if err := conn.CloseWrite(); err != nil {
							t.Error(err)
						}
						l.w.CloseWrite()
					})
				})
			}
			if err := h.over(); err != nil {
				t.Error(err)
			}
			if got := strings.Join(heard, ","); got != "bc,still,here,end,closed" {
				t.Errorf("the server heard %s", got)
			}
		})
	}
}

// wired is a client in plain text, as io has it.
type wired struct {
	s *sim.Script
	w *sim.Wire
}

func (c wired) Read(p []byte) (int, error) {
	got, err := c.s.Receive(c.w, nil, len(p))
	return copy(p, got), err
}

func (c wired) Write(p []byte) (int, error) { return len(p), c.s.Send(c.w, p) }

// TestAHalfThatHasEndedIsClosedByTheOther has each way to end what is left.
func TestAHalfThatHasEndedIsClosedByTheOther(t *testing.T) {
	for _, row := range []struct {
		name   string
		client func(h *house, s *sim.Script, w *sim.Wire)
		want   string
	}{
		{"the client resets", func(_ *house, s *sim.Script, w *sim.Wire) { w.Reset() }, "closed sim: connection reset by peer"},
		{"its deadline is over", func(_ *house, s *sim.Script, w *sim.Wire) { s.Sleep(time.Hour) }, "timeout, closed <nil>"},
		{"the loop has to end", func(h *house, s *sim.Script, w *sim.Wire) {
			h.Stop()
			s.Sleep(time.Minute)
		}, "stop, closed <nil>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var heard []string
			note := func(what string) { heard = append(heard, what) }
			h := build(t, Limits{}, func(*Conn) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.SetDeadline(time.Minute * 2)
						c.CloseWrite()
						return len(p)
					},
					due:      func(c *Conn) { note("timeout"); c.Close() },
					stopping: func(c *Conn) { note("stop"); c.Close() },
					gone: func(_ *Conn, why error) {
						if why == nil {
							note("closed <nil>")
						} else {
							note("closed " + why.Error())
						}
					},
				}
			})
			h.visit(func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("abc"))
				s.Sleep(time.Second)
				row.client(h, s, w)
			})
			_ = h.live()
			if got := strings.Join(heard, ", "); got != row.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestTheCutOfATunnelIsNoEnd has TCP end without TLS saying so, on a connection that is
// idle: before another protocol has it, the peer has only left.
func TestTheCutOfATunnelIsNoEnd(t *testing.T) {
	for _, row := range []struct {
		name   string
		tunnel bool
		want   error
	}{{"a protocol between two requests", false, nil}, {"a tunnel", true, ErrTruncated}} {
		why := errors.New("none")
		var begin func(*Conn) Protocol
		begin = func(*Conn) Protocol {
			return &script{
				speak: func(c *Conn, p []byte) int {
					if string(p) == "a" && row.tunnel {
						c.SetProtocol(begin(c))
					}
					c.SetIdle(true)
					return len(p)
				},
				gone: func(_ *Conn, err error) { why = err },
			}
		}
		h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, begin)
		h.call(func(l *line) {
			conn := h.client(l, clientConfig())
			for _, text := range []string{"a", "b"} {
				io.WriteString(conn, text)
				l.s.Sleep(time.Second)
			}
			l.w.CloseWrite()
			l.s.Sleep(time.Minute)
		})
		_ = h.over()
		if why != row.want {
			t.Errorf("%s: %v", row.name, why)
		}
	}
}
