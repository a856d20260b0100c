package h1

import (
	"math"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The framing of a body: which bytes are data, and where the body ends. A Body steps
// through the bytes and keeps none: the data that it returns is a piece of its input. So
// it does not matter where the input is cut.
//
// Chunks are read as strictly as heads, for the same reason (RFC 9112 section 7.1).
// Extensions are checked and dropped: handlers have no use for them. Trailers are checked
// like fields, and left to the caller.

// Why a chunked body is refused.
var (
	errChunkSize      = &Refusal{400, "the size of a chunk is not a hexadecimal number"} // RFC 9112 section 7.1
	errHugeChunk      = &Refusal{400, "the size of a chunk is more than can be"}         // RFC 9112 section 7.1
	errChunkEnd       = &Refusal{400, "a chunk does not end where its size says"}        // RFC 9112 section 7.1
	errChunkExtension = &Refusal{400, "a chunk extension is not valid"}                  // RFC 9112 section 7.1.1
	errLongExtension  = &Refusal{400, "a chunk extension is too long"}                   // RFC 9112 section 7.1.1
	errChunkOverhead  = &Refusal{400, "the chunks are too small for what they carry"}    // RFC 9112 section 7.1.1
)

// sizeDigits is the most digits that the size of a chunk can have, including leading
// zeros. With the first below 8, it fits 63 bits.
const sizeDigits = 16

// A Body is the state of one request's body. The zero value is its end.
type Body struct {
	state   bodyState
	chunked bool
	count   int32 // bytes of the size, the extensions or the trailer that is being read
	nfields int32 // of the head, and the trailers so far
	fields  int   // their bytes
	left    int64 // to come, of the body or of the chunk; its size so far while that is read
	carried int64 // by chunks so far
	framing int64 // bytes that carried it
}

// bodyState says what the next byte may be.
type bodyState uint8

const (
	ended       bodyState = iota // of the next request
	inData                       // of the body
	afterData                    // CR behind a chunk
	afterDataCR                  // LF behind a chunk

	beforeSize  // the first digit of a size
	inSize      // another digit, or the end of a size
	afterSizeCR // LF behind a size and its extensions

	beforeSemicolon // blanks, then a semicolon
	beforeName      // blanks, then the name of an extension
	inName          // more of the name, or its end
	beforeEquals    // blanks, then an equals sign or a semicolon
	beforeValue     // blanks, then the value of an extension
	inToken         // more of a value without quotes, or its end
	inQuotes        // more of a value in quotes, or the quote that ends it
	afterBackslash  // any character, in quotes
	afterQuotes     // any byte that may follow a value

	beforeTrailer // the first byte of a trailer, or CR
	inTrailerName
	inTrailer      // its value, or CR
	afterTrailerCR // LF behind a trailer
	afterLastCR    // LF, the last byte of all
)

// Start begins the body of a request, which may have none (RFC 9112 section
// 6.3).
func (b *Body) Start(h *Head) {
	*b = Body{}
	switch {
	case h.Chunked:
		b.state, b.chunked = beforeSize, true
		b.nfields = int32(h.NFields)
		b.fields = h.Size - h.FieldsAt - 2
	case h.Length > 0:
		b.state, b.left = inData, h.Length
	}
}

// StartOpen begins a body that ends when End is called: a stream of HTTP/2 has an end of its
// own.
func (b *Body) StartOpen() { *b = Body{state: inData, left: math.MaxInt64} }

// End ends a body.
func (b *Body) End() { b.state, b.left = ended, 0 }

// Done reports whether the body is over.
func (b *Body) Done() bool { return b.state == ended }

// Left returns how many bytes of data are still to come, or of a body in chunks how many
// are at least: those of the chunk that is being read.
func (b *Body) Left() int64 { return b.left }

// InTrailers reports whether all that follows is trailers, and the empty line behind them.
func (b *Body) InTrailers() bool { return b.state >= beforeTrailer }

// Next reads from p. It returns when it has found a piece of data, when p is used up,
// when its trailers begin, when it is over, and when it is malformed; used counts data and
// framing. There may be more of the body in p[used:].
func (b *Body) Next(p []byte, l *Limits) (data []byte, used int, why *Refusal) {
	for used < len(p) && b.state != ended {
		if b.state == inData {
			data = p[used:]
			if int64(len(data)) > b.left {
				data = data[:b.left]
			}
			b.take(int64(len(data)))
			return data, used + len(data), nil
		}
		before := b.state
		if why = b.step(p[used], l); why != nil {
			return nil, used, why
		}
		used++
		if before == afterSizeCR && b.state == beforeTrailer {
			break
		}
	}
	return nil, used, nil
}

// take counts n bytes of data.
func (b *Body) take(n int64) {
	b.left -= n
	if b.chunked {
		b.carried += n
	}
	switch {
	case b.left > 0:
	case b.chunked:
		b.state = afterData
	default:
		b.state = ended
	}
}

// step takes one byte that is not data. Their number is limited in relation to the data:
// chunks of one byte, and extensions, have been used to keep servers busy.
func (b *Body) step(c byte, l *Limits) *Refusal {
	if b.state >= beforeTrailer {
		return b.stepTrailer(c, l)
	}
	if b.framing++; b.framing > b.carried+int64(l.ChunkOverhead) {
		return errChunkOverhead
	}
	if b.state >= beforeSemicolon {
		return b.stepExtension(c, l)
	}
	return b.stepSize(c, l)
}

// stepSize takes a byte of the size of a chunk, or of the ends of lines.
func (b *Body) stepSize(c byte, l *Limits) *Refusal {
	switch b.state {
	case beforeSize, inSize:
		d := int64(hexValues[c])
		switch {
		case d >= 0:
			if b.count++; b.count > sizeDigits || b.left >= 1<<59 {
				return errHugeChunk
			}
			b.left = b.left<<4 | d
			b.state = inSize
		case b.state == beforeSize:
			return errChunkSize
		default:
			b.count = 0
			return b.endSize(c, l)
		}
	case afterSizeCR:
		switch {
		case c != '\n':
			return errBareCR
		case b.left == 0:
			b.state = beforeTrailer
		default:
			b.state = inData
		}
		b.count = 0
	case afterData:
		if c != '\r' {
			return errChunkEnd
		}
		b.state = afterDataCR
	case afterDataCR:
		if c != '\n' {
			return errChunkEnd
		}
		b.state = beforeSize
	}
	return nil
}

// endSize takes the byte behind the digits of a size.
func (b *Body) endSize(c byte, l *Limits) *Refusal {
	switch {
	case c == '\r':
		b.state = afterSizeCR
	case c == '\n':
		return errBareLF
	case c == ';' || negotiate.IsBlank(c):
		b.state = beforeSemicolon
		return b.stepExtension(c, l)
	default:
		return errChunkSize
	}
	return nil
}

// stepExtension takes a byte of the extensions behind a size: any number of ";name",
// ";name=token" and ";name="quoted"", with blanks around each sign (RFC 9112 section
// 7.1.1).
func (b *Body) stepExtension(c byte, l *Limits) *Refusal {
	if c == '\r' && (b.state == inName || b.state == inToken || b.state == afterQuotes) {
		b.state = afterSizeCR
		return nil
	}
	if b.count++; int(b.count) > l.ChunkExtension {
		return errLongExtension
	}
	to, ok := extend(b.state, c)
	if !ok {
		return errChunkExtension
	}
	b.state = to
	return nil
}

// extend returns the state after c in an extension.
func extend(from bodyState, c byte) (to bodyState, ok bool) {
	switch from {
	case beforeSemicolon:
		if negotiate.IsBlank(c) {
			return from, true
		}
		return beforeName, c == ';'
	case beforeName:
		if negotiate.IsBlank(c) {
			return from, true
		}
		return inName, tokenChars[c]
	case inName, beforeEquals:
		switch {
		case c == '=':
			return beforeValue, true
		case c == ';':
			return beforeName, true
		case negotiate.IsBlank(c):
			return beforeEquals, true
		}
		return inName, from == inName && tokenChars[c]
	}
	return extendValue(from, c)
}

// extendValue returns the state after c in the value of an extension.
func extendValue(from bodyState, c byte) (to bodyState, ok bool) {
	switch from {
	case beforeValue:
		switch {
		case negotiate.IsBlank(c):
			return from, true
		case c == '"':
			return inQuotes, true
		}
		return inToken, tokenChars[c]
	case inQuotes:
		switch c {
		case '"':
			return afterQuotes, true
		case '\\':
			return afterBackslash, true
		}
		return inQuotes, inValue(c)
	case afterBackslash:
		return inQuotes, inValue(c)
	case inToken, afterQuotes:
		switch {
		case c == ';':
			return beforeName, true
		case negotiate.IsBlank(c):
			return beforeSemicolon, true
		}
		return inToken, from == inToken && tokenChars[c]
	}
	return from, false
}

// stepTrailer takes a byte of the fields behind the last chunk, or of the empty
// line that ends the body. The rules and limits for the fields of a head hold for them,
// and they count together.
func (b *Body) stepTrailer(c byte, l *Limits) *Refusal {
	switch b.state {
	case afterLastCR, afterTrailerCR:
		if c != '\n' {
			return errBareCR
		}
		if b.state == afterLastCR {
			b.state = ended
			return nil
		}
		b.count = 0
		b.fields += 2
		b.state = beforeTrailer
		return nil
	case beforeTrailer:
		if c == '\r' {
			b.state = afterLastCR
			return nil
		}
		if int(b.nfields) >= fieldCount(l) {
			return errFieldCount
		}
		b.nfields++
		b.state = inTrailerName
		fallthrough
	case inTrailerName:
		switch {
		case c == ':' && b.count > 0:
			b.state = inTrailer
		case !tokenChars[c]:
			return badName(c, b.count == 0)
		}
	case inTrailer:
		switch {
		case c == '\r':
			b.state = afterTrailerCR
			return nil
		case c == '\n':
			return errBareLF
		case !inValue(c):
			return errFieldValue
		}
	}
	return b.measureTrailer(l)
}

// measureTrailer counts one byte of a trailer.
func (b *Body) measureTrailer(l *Limits) *Refusal {
	b.count++
	b.fields++
	switch {
	case int(b.count) > l.FieldLine:
		return errFieldLine
	case b.fields+2 > l.FieldBytes:
		return errFieldBytes
	}
	return nil
}
