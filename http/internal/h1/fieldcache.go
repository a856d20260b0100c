package h1

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A client sends the same fields with each of its requests, byte for byte, and reading them
// again would lead to the same result. So the last block of fields, with the empty line at
// its end, is cached with that result.

// CachedBlocks is how many blocks a FieldCache has at most.
const CachedBlocks = 64

const (
	cachedBytes  = 4 << 10 // of a block at most
	cachedFields = 40      // of a block at most
)

// A FieldCache has the last blocks of fields that were read on the connections of a server:
// 350 KiB at most. All heads that are read with it have the same Limits.
type FieldCache struct {
	blocks [CachedBlocks]*fieldBlock // by the number of the connection, modulo CachedBlocks
}

// A fieldBlock has the bytes of all fields of a head, and the result of reading them. Its
// spans count from its first byte.
type fieldBlock struct {
	bytes   []byte
	conn    uint32 // the number of the connection that sent it
	private bool   // for that connection alone, see isPrivate
	info    fieldInfo
	fields  []field
}

// lookup fills h with the cached result for the fields in p, and reports whether there is
// one: the connection with the number conn, or one with the same place in the cache, has sent
// the same bytes last.
func (cache *FieldCache) lookup(h *Head, p []byte, conn uint32) bool {
	if cache == nil || !h.cacheable() {
		return false
	}
	b := cache.blocks[conn%CachedBlocks]
	if b == nil || b.private && b.conn != conn {
		return false
	}
	at, n := h.FieldsAt, len(b.bytes)
	if len(p)-at < n || !bytes.Equal(p[at:at+n], b.bytes) {
		return false
	}
	h.Size, h.fieldInfo = at+n, b.info
	h.Host = b.info.Host.moved(at)
	for i, f := range b.fields {
		h.Fields[i] = field{f.Name.moved(at), f.Value.moved(at)}
	}
	return true
}

// store caches the fields of h, which was read from p on the connection with the number conn.
func (cache *FieldCache) store(h *Head, p []byte, conn uint32) {
	from, to := h.FieldsAt, h.Size
	if cache == nil || !h.cacheable() || to-from > cachedBytes || h.NFields > cachedFields {
		return
	}
	place := &cache.blocks[conn%CachedBlocks]
	if *place == nil {
		*place = &fieldBlock{}
	}
	b := *place
	b.bytes = append(b.bytes[:0], p[from:to]...)
	b.conn, b.private, b.info = conn, false, h.fieldInfo
	b.info.Host = h.Host.moved(-from)
	b.fields = b.fields[:0]
	for _, f := range h.Fields[:h.NFields] {
		b.fields = append(b.fields, field{f.Name.moved(-from), f.Value.moved(-from)})
		b.private = b.private || isPrivate(f.Name.Of(p))
	}
}

// cacheable reports whether the fields of h may be cached. Their result depends on the version
// and on the form of the target, so only the usual ones are: HTTP/1.1, and a path.
func (h *Head) cacheable() bool { return h.Form == originForm && h.Minor == 1 }

// isPrivate reports whether a field holds a secret of its client. A hit in the cache is quicker
// than a miss, so hits on another connection's secret would tell a stranger that a guess is
// right. Secrets in other fields, such as X-Api-Key, are part of a block that has to be guessed
// as a whole.
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
