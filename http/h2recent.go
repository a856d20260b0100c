package http

import "github.com/bobbin-http/bobbin/http/internal/h2"

// A client that asks for the same again sends the same field block, byte for byte, once its table
// has the fields: a program that calls one method, a page that asks for news. While the table
// stays as it is, the block means the same, so its request is laid out once. Only the
// connection that has sent a block is asked about it.

const (
	h2RecentBlocks = 64      // of a server
	h2RecentBlock  = 512     // bytes of one at most
	h2RecentText   = 4 << 10 // bytes of its request as text
)

// h2Recents are the last blocks of connections, by their numbers modulo h2RecentBlocks.
type h2Recents [h2RecentBlocks]h2Known

// An h2Known is a block, and its request when it has come twice.
type h2Known struct {
	conn    uint32
	changes uint64 // of the connection's table
	block   []byte
	text    []byte // of the request, as layOut has made it; empty before it has come twice

	priority h2.Priority
}

// of returns the place of a connection.
func (r *h2Recents) of(conn uint32) *h2Known { return &r[conn%h2RecentBlocks] }

// forget forgets the block of a connection whose number begins to be another's.
func (r *h2Recents) forget(conn uint32) {
	if k := r.of(conn); k.conn == conn {
		k.block, k.text = k.block[:0], k.text[:0]
	}
}

// has reports whether k is a block of a connection, with its table as it is.
func (k *h2Known) has(p *h2Conn, block []byte) bool {
	return k.conn == p.c.conn.ID() && string(k.block) == string(block) && p.decoder != nil && k.changes == p.decoder.Changes()
}

// recall returns a block if its request is known, or nil.
func (p *h2Conn) recall(block []byte) *h2Known {
	if k := p.server.h2Recent.of(p.c.conn.ID()); len(k.text) > 0 && k.has(p, block) {
		return k
	}
	return nil
}

// remember keeps the block of a request that was laid out, and the text of one that comes again.
func (s *h2Stream) remember(block, text []byte) {
	p := s.on
	if s.early || s.extended || p.server.h2Block.TooLarge || len(block) > h2RecentBlock || len(text) > h2RecentText {
		return
	}
	k := p.server.h2Recent.of(p.c.conn.ID())
	if k.has(p, block) {
		k.text, k.priority = append(k.text[:0], text...), s.priority
		return
	}
	k.conn, k.changes, k.text = p.c.conn.ID(), p.decoder.Changes(), k.text[:0]
	k.block = append(k.block[:0], block...)
}

// head returns the request of a block as text: see layOut.
func (s *h2Stream) head(block []byte, known *h2Known) ([]byte, *h2.Error) {
	srv := s.on.server
	if known == nil {
		text, why := s.layOut(&srv.h2Block)
		if why == nil {
			s.remember(block, text)
		}
		return text, why
	}
	if !s.early {
		s.priority = known.priority
	}
	srv.h2Block.TooLarge = false
	srv.h2Text = append(srv.h2Text[:0], known.text...)
	return srv.h2Text, nil
}
