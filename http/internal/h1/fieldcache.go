package h1

import (
	"slices"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A client sends the same fields with each of its requests, byte for byte, and reading them
// again would lead to the same result. So the last block of fields, with the empty line at
// its end, is cached with that result. Where a client changes a value, such as a cookie, the
// others are not read again.

// CachedBlocks is how many blocks a FieldCache has at most.
const CachedBlocks = 64

const (
	cachedBytes  = 4 << 10 // of a block at most
	cachedFields = 40      // of a block at most
)

// A FieldCache has the last blocks of fields that were read on the connections of a server:
// 350 KiB at most. All heads that are read with it have the same Limits: a server begins with an
// empty one when its limits change.
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
	host    int // which of them is Host
	changed int // which of them has changed last
}

// lookup fills h with the cached result for the fields in p, and reports whether there is
// one: the connection with the number conn, or one with the same place in the cache, has sent
// the same bytes last. The same connection may send other values. A proxy's connection counts as
// one client, although it may have several: they tell each other's fields apart by time at most.
func (cache *FieldCache) lookup(h *Head, p []byte, l *Limits, conn uint32) bool {
	if cache == nil || !h.cacheable() {
		return false
	}
	b := cache.blocks[conn%CachedBlocks]
	if b == nil || b.private && b.conn != conn {
		return false
	}
	rest := p[h.FieldsAt:]
	if !b.tailBegins(0, rest) && (b.conn != conn || !b.update(h, rest, l)) {
		return false
	}
	copy(h.Fields[:], b.fields)
	h.Size, h.fieldInfo = h.FieldsAt+len(b.bytes), b.info
	h.Host = b.fields[b.host].Value.Moved(h.FieldsAt)
	return true
}

// tailBegins reports whether p begins with the bytes of b behind its first n.
func (b *fieldBlock) tailBegins(n int, p []byte) bool {
	rest := b.bytes[n:]
	return len(p) >= len(rest) && string(p[:len(rest)]) == string(rest)
}

// update makes the fields in p the ones of b, if only values have changed that decide
// nothing: it reads these, and compares the others. The search begins at the field that changed
// last, which is likely to have changed again. Only the connection that sent b may ask: a
// stranger who could change one field at a time would find the others out one by one. When it
// reports false, b may have some of the new values: it is valid with them, too.
func (b *fieldBlock) update(h *Head, p []byte, l *Limits) bool {
	n := b.changed
	if from := b.begin(n); len(p) < from || string(p[:from]) != string(b.bytes[:from]) {
		n = 0
	}
	for ; n < len(b.fields); n++ {
		from, to := b.begin(n), b.begin(n+1)
		if len(p) >= to && string(p[from:to]) == string(b.bytes[from:to]) {
			continue
		}
		if to = b.replace(n, p, l); to == 0 {
			return false
		}
		if b.changed = n; b.tailBegins(to, p[to:]) {
			return true
		}
	}
	return false
}

// replace replaces the n-th field by the one in p, behind the fields that are the same in
// both, and returns where it ends. It returns 0 if that has another name, its value decides
// something, or there is no valid one.
func (b *fieldBlock) replace(n int, p []byte, l *Limits) (end int) {
	f := &b.fields[n]
	from, to := b.begin(n), b.begin(n+1)
	name := b.bytes[from : f.Name.To+1] // with its colon
	if len(p)-from < len(name) || string(p[from:from+len(name)]) != string(name) || decides(f.Name.Of(b.bytes)) {
		return 0
	}
	i := skipBlanks(p, from+len(name))
	end = endOfValue(p, i)
	if end+1 >= len(p) || p[end] != '\r' || p[end+1] != '\n' {
		return 0
	}
	value := Between(i, trimBlanks(p, i, end))
	end += len("\r\n")
	by := end - to
	if end > fieldEnd(from, 0, l) || len(b.bytes)+by > min(cachedBytes, l.FieldBytes+len("\r\n")) {
		return 0
	}
	f.Value = value
	if b.bytes = slices.Replace(b.bytes, from, to, p[from:end]...); by != 0 {
		for i := range b.fields[n+1:] {
			f := &b.fields[n+1+i]
			f.Name, f.Value = f.Name.Moved(by), f.Value.Moved(by)
		}
	}
	return end
}

// begin returns where the n-th field of b begins; where the empty line does for the one
// behind the last.
func (b *fieldBlock) begin(n int) int {
	if n < len(b.fields) {
		return int(b.fields[n].Name.From)
	}
	return len(b.bytes) - len("\r\n")
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
	b.conn, b.private, b.info, b.changed = conn, false, h.fieldInfo, 0
	b.fields = append(b.fields[:0], h.Fields[:h.NFields]...)
	for i, f := range b.fields {
		b.private = b.private || isPrivate(f.Name.Of(b.bytes))
		if f.Value.Moved(from) == h.Host {
			b.host = i
		}
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

// decides reports whether the value of a field is part of its head's result: interpretField
// has the same names.
func decides(name []byte) bool {
	for _, n := range [...]string{"host", "expect", "connection", "content-length", "transfer-encoding"} {
		if negotiate.SameFold(name, n) {
			return true
		}
	}
	return false
}
