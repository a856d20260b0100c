package eventloop

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestRoomThatIsNotUsedIsNothing reserves room in a queue, of which nothing is committed
// before something else is queued.
func TestRoomThatIsNotUsedIsNothing(t *testing.T) {
	large := bytes.Repeat([]byte("x"), chunkSize)
	for _, row := range []struct {
		name string
		says func(c *Conn)
		want string
	}{
		{"behind it comes a copy", func(c *Conn) { c.Write([]byte("copy")) }, "copy"},
		{"behind it comes a loan", func(c *Conn) { c.WriteNoCopy([]byte("lent")) }, "lent"},
		{"behind it comes a file", func(c *Conn) {
			c.SendFile(&text{strings.NewReader("file"), new([]string)}, 0, 4)
		}, "file"},
		{"behind it comes nothing", func(c *Conn) {}, ""},
	} {
		for _, before := range []string{"", string(large)} {
			for _, over := range []string{"plain", "TLS"} {
				name := row.name + ", over " + over
				if before != "" {
					name += ", and before it is a full chunk"
				}
				t.Run(name, func(t *testing.T) {
					speaks := func(*Conn) Protocol {
						return &script{speak: func(c *Conn, p []byte) int {
							c.Write([]byte(before))
							c.Reserve(2 * chunkSize)
							row.says(c)
							c.Close()
							return len(p)
						}}
					}
					heard := ""
					if over == "TLS" {
						h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, speaks)
						h.call(func(l *line) {
							conn := h.client(l, clientConfig())
							conn.Write([]byte("hello"))
							p, _ := io.ReadAll(conn)
							heard = string(p)
						})
						if err := h.over(); err != nil {
							t.Error(err)
						}
					} else {
						h := build(t, Limits{}, speaks)
						h.visit(func(s *sim.Script, w *sim.Wire) {
							s.Send(w, []byte("hello"))
							p, _ := s.ReceiveAll(w)
							heard = string(p)
							w.Close()
						})
						if err := h.live(); err != nil {
							t.Error(err)
						}
					}
					if heard != before+row.want {
						t.Errorf("the client has heard %.20q (%d bytes), not %.20q behind %d", heard, len(heard), row.want, len(before))
					}
				})
			}
		}
	}
}
