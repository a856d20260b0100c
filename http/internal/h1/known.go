package h1

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A client sends the same fields with each of its requests, byte for byte: reading them
// again would lead to the same meaning. So the last block of fields, with the empty line at
// its end, is kept beside what it means.

const (
	knownBlocks = 64      // in a Memory
	knownBytes  = 4 << 10 // of a block that is kept
	knownFields = 40      // in a block that is kept
)

// A Memory has the last blocks of fields that were read on the connections of a server. It
// holds 280 KiB at most. All heads that it is used for have the same Limits.
type Memory struct {
	blocks [knownBlocks]*block // by the number of the connection
}

// A block is the bytes of all fields of a head in HTTP/1.1 and in origin form, and what they
// mean. Its spans count from its first byte.
type block struct {
	bytes   []byte
	owner   uint32 // the connection that sent it
	private bool   // for its owner alone, see isPrivate
	meaning
	fields []field
}

// recall fills h with the meaning of the fields in p, if they are those that the connection
// with that number has sent last, or that others have.
func (m *Memory) recall(h *Head, p []byte, conn uint32) bool {
	if m == nil || !h.mayBeKnown() {
		return false
	}
	b := m.blocks[conn%knownBlocks]
	if b == nil || b.private && b.owner != conn {
		return false
	}
	at, n := h.FieldsAt, len(b.bytes)
	if len(p)-at < n || !bytes.Equal(p[at:at+n], b.bytes) {
		return false
	}
	h.Size, h.meaning = at+n, b.meaning
	h.Host = b.Host.moved(at)
	for i, f := range b.fields {
		h.Fields[i] = field{f.Name.moved(at), f.Value.moved(at)}
	}
	return true
}

// remember keeps the fields of h, which was read from p on the connection with that number.
func (m *Memory) remember(h *Head, p []byte, conn uint32) {
	from, to := h.FieldsAt, h.Size
	if m == nil || !h.mayBeKnown() || to-from > knownBytes || h.NFields > knownFields {
		return
	}
	at := &m.blocks[conn%knownBlocks]
	if *at == nil {
		*at = &block{}
	}
	b := *at
	b.bytes = append(b.bytes[:0], p[from:to]...)
	b.owner, b.private, b.meaning = conn, false, h.meaning
	b.Host = h.Host.moved(-from)
	b.fields = b.fields[:0]
	for _, f := range h.Fields[:h.NFields] {
		b.fields = append(b.fields, field{f.Name.moved(-from), f.Value.moved(-from)})
		b.private = b.private || isPrivate(f.Name.Of(p))
	}
}

// mayBeKnown reports whether the request line is one of those behind which the same fields
// mean the same: their meaning depends on the version and on the form of the target.
func (h *Head) mayBeKnown() bool { return h.Form == originForm && h.Minor == 1 }

// isPrivate reports whether a field holds a secret of its client. Whether such a block is known
// must not depend on other connections: the time of an answer would tell a stranger that a
// guess is right.
func isPrivate(name []byte) bool {
	switch len(name) {
	case len("cookie"):
		return negotiate.SameFold(name, "cookie")
	case len("authorization"):
		return negotiate.SameFold(name, "authorization")
	case len("proxy-authorization"):
		return negotiate.SameFold(name, "proxy-authorization")
	}
	return false
}

// moved returns the span that lies n bytes behind s.
func (s Span) moved(n int) Span { return Span{s.From + uint16(n), s.To + uint16(n)} }
