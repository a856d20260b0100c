package h1

// A HeadReader is the state of a head that is incomplete. The zero value is ready.
//
// Nearly every head arrives as a whole and is parsed at once. If one does not, Read
// only searches new bytes for the ends of lines, until the request line or the head
// must be complete, or must contain a reason to refuse it. Then everything is parsed
// again from the start, with the same verdict as if it had come at once. So no byte is
// read more than twice, except for those of the request line and of the few empty lines
// that may precede it.
type HeadReader struct {
	seen   uint16 // bytes that were searched
	line   uint16 // where the incomplete line begins
	first  uint16 // where the fields begin, or 0 while the request line is incomplete
	fields uint8  // complete fields
	cr     bool   // the last byte seen was CR
}

// Read parses the head at the beginning of p. At each call for the same head, p begins
// with the same byte; bytes behind the head are allowed. It returns the size of the
// head, or 0 while the head is incomplete. Cache may be nil; conn is the number of the
// connection.
func (r *HeadReader) Read(h *Head, p []byte, l *Limits, cache *FieldCache, conn uint32) (n int, why *Refusal) {
	if r.seen > 0 && !r.mayComplete(p, l) {
		return 0, nil
	}
	why = h.parse(p, l, cache, conn)
	if why == nil {
		return h.Size, nil
	}
	if why != NeedMore {
		return 0, why
	}
	*r = HeadReader{
		seen:   uint16(len(p)),
		line:   uint16(h.Size),
		first:  uint16(h.FieldsAt),
		fields: uint8(h.NFields),
		cr:     len(p) > 0 && p[len(p)-1] == '\r',
	}
	return 0, nil
}

// mayComplete reports whether parsing p would lead to a verdict now. It gives none
// itself, so it cannot disagree with the parser.
func (r *HeadReader) mayComplete(p []byte, l *Limits) bool {
	if len(p) >= MaxHead {
		return true
	}
	for _, c := range p[r.seen:] {
		begins, cr := r.seen == r.line, r.cr
		r.seen++
		r.cr = c == '\r'
		switch {
		case c == '\n' && cr:
			if r.seen-r.line == 2 || r.first == 0 {
				return true // an empty line, or a request line
			}
			r.fields++
			r.line = r.seen
		case c == '\n' || cr:
			return true // half the end of a line
		case begins && r.first > 0 && c != '\r' && int(r.fields) >= fieldCount(l):
			return true
		}
		end := fieldEnd(int(r.line), int(r.first), l)
		if r.first == 0 {
			end = lineEnd(int(r.line), l)
		}
		if int(r.seen) >= end {
			return true
		}
	}
	return false
}

// EmptyLines reports whether p is nothing but empty lines, the last of which may be cut.
// They begin no request, so that a client that sends nothing else is owed no answer (RFC
// 9112 section 2.2).
func EmptyLines(p []byte) bool {
	for i, c := range p {
		if c != "\r\n"[i&1] {
			return false
		}
	}
	return true
}
