package http

import "math"

// A body finds the end of a request's body in the bytes that come, and what of
// them is content (RFC 9112 sections 6.3 and 7.1). It is as pure as the parser
// of heads: it stops at any byte, and goes on there.
type body struct {
	state    bodyState
	digits   uint8  // of a chunk's size
	line     uint16 // bytes of an extension, or of a trailer's line
	trailers uint16 // bytes of all trailers
	fields   uint8  // trailers
	left     int64  // bytes of content that are to come before the next framing
	content  int64  // bytes of content so far
	framing  int64  // bytes of everything else so far
}

type bodyState uint8

const (
	bodyDone    bodyState = iota
	bodyFixed             // left bytes, and done
	chunkSize             // digits
	chunkBlank            // blanks behind the size or an extension
	extBegin              // behind ';'
	extName               // in an extension's name
	extNamed              // blanks behind it
	extEqual              // behind '='
	extToken              // in a value
	extQuoted             // in a quoted value
	extEscape             // behind a backslash in one
	extUnquoted           // behind a quoted value
	chunkLF               // behind the CR of a size line
	chunkData             // left bytes
	dataCR                // behind them
	dataLF
	trailerBegin // at the beginning of a line
	trailerName
	trailerValue
	trailerLF // behind the CR of a trailer
	lastLF    // behind the CR of the empty line that ends everything
)

// What a body may get wrong. The sections are those of RFC 9112.
var (
	errChunkSize      = &refusal{StatusBadRequest, "a chunk's size is not a hexadecimal number"} // 7.1
	errChunkTooLarge  = &refusal{StatusBadRequest, "a chunk's size is beyond counting"}          // 7.1
	errChunkExtension = &refusal{StatusBadRequest, "a chunk extension is malformed"}             // 7.1.1
	errExtensionLong  = &refusal{StatusBadRequest, "a chunk extension is too long"}              // 7.1.1
	errChunkLine      = &refusal{StatusBadRequest, "a chunk's line does not end with CR LF"}     // 7.1
	errChunkEnd       = &refusal{StatusBadRequest, "a chunk does not end with CR LF"}            // 7.1
	errChunkOverhead  = &refusal{StatusBadRequest, "far more framing than content"}              // 7.1.1
	errTrailer        = &refusal{StatusBadRequest, "a trailer is malformed"}                     // 7.1.2
)

// maxDigits is how many digits a chunk's size may have: those of 64 bits.
const maxDigits = 16

// start prepares for the body that a head announces.
func (b *body) start(h *head) {
	*b = body{}
	switch {
	case h.chunked:
		b.state = chunkSize
	case h.length > 0:
		b.state, b.left = bodyFixed, h.length
	}
}

// done reports whether everything is here.
func (b *body) done() bool { return b.state == bodyDone }

// next takes bytes from the beginning of p and returns how many, with the piece
// of them that is content. It stops behind a piece of content, at the end of
// the body and at the end of p.
func (b *body) next(p []byte, l *Limits) (content []byte, used int, why *refusal) {
	for used < len(p) && b.state != bodyDone {
		if b.state == bodyFixed || b.state == chunkData {
			n := int(min(b.left, int64(len(p)-used)))
			content = p[used : used+n]
			b.take(n)
			return content, used + n, nil
		}
		if why := b.step(p[used], l); why != nil {
			return nil, used, why
		}
		used++
		b.framing++
		if b.state < trailerBegin && b.framing > b.content+int64(l.ChunkOverhead) {
			return nil, used, errChunkOverhead
		}
	}
	return nil, used, nil
}

// take counts content.
func (b *body) take(n int) {
	b.content += int64(n)
	if b.left -= int64(n); b.left > 0 {
		return
	}
	if b.state == bodyFixed {
		b.state = bodyDone
	} else {
		b.state = dataCR
	}
}

// step takes one byte of framing.
func (b *body) step(c byte, l *Limits) *refusal {
	switch b.state {
	case chunkSize:
		return b.sizeByte(c)
	case chunkLF:
		if c != '\n' {
			return errChunkLine
		}
		b.line, b.digits = 0, 0
		if b.left == 0 {
			b.state = trailerBegin
		} else {
			b.state = chunkData
		}
	case dataCR:
		if c != '\r' {
			return errChunkEnd
		}
		b.state = dataLF
	case dataLF:
		if c != '\n' {
			return errChunkEnd
		}
		b.state = chunkSize
	case trailerBegin, trailerName, trailerValue, trailerLF, lastLF:
		return b.trailerByte(c, l)
	default:
		if b.line++; int(b.line) > l.ChunkExtension {
			return errExtensionLong
		}
		return b.extensionByte(c)
	}
	return nil
}

func (b *body) sizeByte(c byte) *refusal {
	if d := hexValue(c); d >= 0 {
		if b.digits == maxDigits || b.left > math.MaxInt64>>4 {
			return errChunkTooLarge
		}
		b.digits++
		b.left = b.left<<4 | int64(d)
		return nil
	}
	if b.digits == 0 {
		return errChunkSize
	}
	switch {
	case c == '\r':
		b.state = chunkLF
	case c == ';':
		b.state = extBegin
	case isBlank(c):
		b.state = chunkBlank
	case c == '\n':
		return errChunkLine
	default:
		return errChunkSize
	}
	return nil
}

// extensionByte takes one byte of *( BWS ";" BWS name [ BWS "=" BWS value ] ).
// Nothing is done with extensions, but what is malformed is refused: somebody
// else may read it in another way.
func (b *body) extensionByte(c byte) *refusal {
	blank, token := isBlank(c), tokens[c]
	switch b.state {
	case chunkBlank:
		if !blank && c != ';' {
			return errChunkExtension
		}
		if c == ';' {
			b.state = extBegin
		}
	case extBegin:
		if token {
			b.state = extName
		} else if !blank {
			return errChunkExtension
		}
	case extName, extNamed:
		return b.extensionNameByte(c)
	case extEqual:
		switch {
		case c == '"':
			b.state = extQuoted
		case token:
			b.state = extToken
		case !blank:
			return errChunkExtension
		}
	case extToken:
		if !token {
			return b.extensionEnds(c)
		}
	case extQuoted:
		switch {
		case c == '"':
			b.state = extUnquoted
		case c == '\\':
			b.state = extEscape
		case c < 0x20 && c != '\t' || c == 0x7f:
			return errChunkExtension
		}
	case extEscape:
		if c < 0x20 && c != '\t' || c == 0x7f {
			return errChunkExtension
		}
		b.state = extQuoted
	case extUnquoted:
		return b.extensionEnds(c)
	}
	return nil
}

func (b *body) extensionNameByte(c byte) *refusal {
	switch {
	case b.state == extName && tokens[c]:
	case c == '=':
		b.state = extEqual
	case isBlank(c):
		b.state = extNamed
	default:
		return b.extensionEnds(c)
	}
	return nil
}

// extensionEnds takes what may stand behind an extension.
func (b *body) extensionEnds(c byte) *refusal {
	switch {
	case c == '\r':
		b.state = chunkLF
	case c == ';':
		b.state = extBegin
	case isBlank(c):
		b.state = chunkBlank
	case c == '\n':
		return errChunkLine
	default:
		return errChunkExtension
	}
	return nil
}

// trailerByte takes one byte of the trailers, which are judged like fields and
// then dropped: nobody here asked for them (RFC 9110 section 6.5.1).
func (b *body) trailerByte(c byte, l *Limits) *refusal {
	if b.state == lastLF {
		if c != '\n' {
			return errBareCR
		}
		b.state = bodyDone
		return nil
	}
	if b.state == trailerBegin && c == '\r' {
		b.state = lastLF
		return nil
	}
	b.line++
	b.trailers++
	if int(b.line) > l.FieldLine+2 {
		return errFieldTooLong
	}
	if int(b.trailers) > l.FieldBytes {
		return errFieldsTooLong
	}
	switch b.state {
	case trailerBegin:
		if int(b.fields) == l.FieldCount {
			return errTooManyFields
		}
		if !tokens[c] {
			return errTrailer
		}
		b.fields++
		b.state = trailerName
	case trailerName:
		if c == ':' {
			b.state = trailerValue
		} else if !tokens[c] {
			return errTrailer
		}
	case trailerValue:
		if c == '\r' {
			b.state = trailerLF
		} else if c < 0x20 && c != '\t' || c == 0x7f {
			return errTrailer
		}
	case trailerLF:
		if c != '\n' {
			return errBareCR
		}
		b.state, b.line = trailerBegin, 0
	}
	return nil
}
