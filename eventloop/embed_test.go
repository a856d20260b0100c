package eventloop

import (
	"testing"
)

// A whole is a protocol that has its connection as a field.
type whole struct {
	script
	conn Conn
}

// TestAConnectionIsAFieldOfItsProtocol has connections made by their protocols, which get
// each of them whole: in plain text, and over TLS when the handshake is done.
func TestAConnectionIsAFieldOfItsProtocol(t *testing.T) {
	l := &Loop{}
	var made *whole
	if c := l.makeConn(); c.Protocol() != nil {
		t.Error("a loop that nothing was said to has given a connection a protocol")
	}
	l.embed = func() (*Conn, Protocol) { made = new(whole); return &made.conn, made }
	if c := l.makeConn(); c != &made.conn || c.Protocol() != Protocol(made) {
		t.Error("the accept function gets another protocol than the connection's")
	}

	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(c *Conn) Protocol {
		w, ok := c.Protocol().(*whole)
		if !ok || c != &w.conn {
			t.Error("after the handshake, the accept function gets another protocol than the connection's")
		}
		w.script = *echoing()
		return w
	})
	h.EmbedConns(func() (*Conn, Protocol) { w := new(whole); return &w.conn, w })
	h.call(func(l *line) {
		if err := converse(h.client(l, clientConfig())); err != nil {
			t.Error(err)
		}
		h.Stop()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}
