package h2

// The result of decoding a field block.

// A Field is one field of a block or of a table.
type Field struct {
	At    uint32 // where its line begins in Text
	Value uint32 // bytes of the value, which begins 2 bytes behind the name
	Name  uint16 // bytes of the name
	Known Name
	marks marks
}

// Pseudo reports whether the name begins with a colon.
func (f Field) Pseudo() bool { return f.marks&markPseudo != 0 }

// size returns what the field counts (RFC 7541 section 4.1).
func (f *Field) size() int { return int(f.Name) + int(f.Value) + FieldOverhead }

// lineSize returns how many bytes the line has.
func (f *Field) lineSize() int { return int(f.Name) + int(f.Value) + lineExtra }

// nameMost is the longest name that a Field can have.
const nameMost = 1<<16 - 1

// A Limit says how much of a block is laid out.
type Limit struct {
	Bytes  int // of names and values, each field counting 32 more (RFC 9113 section 6.5.2)
	Fields int // pseudo-fields among them
	Crumbs int // pieces of Cookie behind the first one, which do not count as fields
}

// A Block is where a decoder lays fields out in the shape of HTTP/1.1, "name: value\r\n". Pseudo-fields
// have that shape, too, and their lines are the first ones. The pieces of Cookie are joined to
// one field by "; " (RFC 9113 section 8.2.3).
//
// The caller sets Text and Fields, to which the decoder appends; what they had stays. If the
// block is too large or malformed, they have the fields before the one that shows it.
type Block struct {
	Text   []byte
	Fields []Field

	Pseudo    int    // how many pseudo-fields there are
	TooLarge  bool   // more than the limit: for a status of 431
	Malformed *Error // why the message is malformed, an error of the stream, or nil

	left    Limit // what may still come, less than 0 when it was too much
	stopped bool  // the rest is decoded for the table alone
	cookies int   // fields with Cookie, each with pieces that came in a row
	base    int   // how many fields there were before
}

// begin prepares for the next block.
func (b *Block) begin(l Limit) {
	b.Pseudo, b.TooLarge, b.Malformed = 0, false, nil
	b.left, b.stopped, b.cookies, b.base = l, false, 0, len(b.Fields)
}

// admit counts a field and reports whether it is laid out.
func (b *Block) admit(f *Field) bool {
	b.left.Bytes -= f.size()
	b.left.Fields--
	if b.left.Bytes|b.left.Fields >= 0 && f.Known != NameCookie {
		switch {
		case f.marks == 0:
			return true
		case f.marks == markPseudo && b.Pseudo == len(b.Fields)-b.base:
			b.Pseudo++
			return true
		}
	}
	return b.examine(f)
}

// examine is the rest of admit, for a field that is not as usual.
func (b *Block) examine(f *Field) bool {
	if b.stopped {
		return false
	}
	if f.Known == NameCookie && b.cookies > 0 {
		b.left.Fields++
		b.left.Crumbs--
	}
	switch {
	case f.marks.fault() != faultNone:
		b.Malformed = malformed[f.marks.fault()]
	case f.Pseudo() && b.Pseudo < len(b.Fields)-b.base:
		b.Malformed = errPseudoLate
	case b.left.Bytes < 0 || b.left.Fields < 0 || b.left.Crumbs < 0:
		b.TooLarge = true
	default:
		if f.Pseudo() {
			b.Pseudo++
		}
		return true
	}
	b.stop()
	return false
}

// stop ends the laying out.
func (b *Block) stop() {
	b.stopped = true
	b.left.Fields = -1 // so that admit asks examine
}

// add adds a field whose line is the last one of Text, from at on.
func (b *Block) add(f *Field, at int) {
	b.Fields = append(b.Fields, *f)
	last := len(b.Fields) - 1
	b.Fields[last].At = uint32(at)
	if f.Known != NameCookie {
		return
	}
	if last > b.base && b.Fields[last-1].Known == NameCookie {
		b.joinCrumb(&b.Fields[last-1], f, at)
		b.Fields = b.Fields[:last]
		return
	}
	b.cookies++
}

const (
	cookieName = "cookie: "
	crumbSep   = "; "
)

// joinCrumb makes the last line of Text, a piece of Cookie, a part of the line before it.
func (b *Block) joinCrumb(cookie, f *Field, at int) {
	copy(b.Text[at-len("\r\n"):], crumbSep)
	copy(b.Text[at:], b.Text[at+len(cookieName):])
	b.Text = b.Text[:len(b.Text)-len(cookieName)]
	cookie.Value += uint32(len(crumbSep)) + f.Value
}

// joinCookies joins the fields with Cookie when other fields are between them, which no browser
// does: it appends their values to Text as one more line, and moves all other lines down.
func (b *Block) joinCookies() {
	if b.cookies < 2 || b.stopped {
		return
	}
	fields := b.Fields[b.base:]
	joined := staticTable[NameCookie]
	start := len(b.Text)
	b.Text = append(b.Text, cookieName...)
	for _, f := range fields {
		if f.Known == NameCookie {
			at := f.At + uint32(len(cookieName))
			b.Text = append(append(b.Text, b.Text[at:at+f.Value]...), crumbSep...)
		}
	}
	end := len(b.Text) - len(crumbSep)
	joined.Value = uint32(end - start - len(cookieName))
	b.Text = append(b.Text[:end], "\r\n"...)

	to, kept := int(fields[0].At), fields[:0]
	for _, f := range fields {
		if f.Known != NameCookie {
			n := f.lineSize()
			copy(b.Text[to:], b.Text[f.At:int(f.At)+n])
			f.At = uint32(to)
			to += n
			kept = append(kept, f)
		}
	}
	joined.At = uint32(to)
	to += copy(b.Text[to:], b.Text[start:])
	b.Text = b.Text[:to]
	b.Fields = append(b.Fields[:b.base+len(kept)], joined)
}

// NameOf returns the name of a field of b.
func (b *Block) NameOf(f Field) []byte { return b.Text[f.At : f.At+uint32(f.Name)] }

// LineOf returns the line of a field of b, with its end.
func (b *Block) LineOf(f Field) []byte {
	return b.Text[f.At : int(f.At)+int(f.Name)+len(": ")+int(f.Value)+len("\r\n")]
}

// ValueOf returns the value of a field of b.
func (b *Block) ValueOf(f Field) []byte {
	at := f.At + uint32(f.Name) + uint32(len(": "))
	return b.Text[at : at+f.Value]
}
