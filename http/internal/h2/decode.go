package h2

// The decoder of field blocks (RFC 7541).

// A Decoder has the state that all field blocks of a connection share, so each block has to be
// decoded, in the order in which they came. After an error the connection is lost.
type Decoder struct {
	table table
	limit uint32 // our HEADER_TABLE_SIZE
	due   bool   // the next block begins with a size update, because the limit was lowered
}

// NewDecoder returns a decoder. The limit is our HEADER_TABLE_SIZE, DefaultTable if we have not
// sent it, and at most 65,535. The table takes memory only for what is in it.
func NewDecoder(limit uint32) *Decoder {
	limit = min(limit, tableMost)
	return &Decoder{limit: limit, table: table{max: min(limit, DefaultTable)}}
}

// Changes returns how often the table has changed. While it does not, the same bytes mean the
// same fields.
func (d *Decoder) Changes() uint64 { return d.table.changes }

// SetLimit is called when the peer has acknowledged another HEADER_TABLE_SIZE of ours.
func (d *Decoder) SetLimit(limit uint32) {
	d.limit = min(limit, tableMost)
	if d.table.max > d.limit {
		d.table.setMax(d.limit)
		d.due = true
	}
}

// Why a field block is refused. Each is an error of the connection, because the tables of both
// sides may differ afterwards.
var (
	errIndex      = connError(CompressionError, "a field has an index that no table has")            // RFC 7541 section 2.3.3
	errUpdateLate = connError(CompressionError, "a table size update is behind a field")             // RFC 7541 section 4.2
	errUpdateHigh = connError(CompressionError, "a table size update is above HEADER_TABLE_SIZE")    // RFC 7541 section 6.3
	errUpdateDue  = connError(CompressionError, "a field block does not begin with its size update") // RFC 9113 section 4.3.1
)

// The representations of a field, by the bits of their first byte (RFC 7541 section 6).
const (
	indexedBit  = 0x80 // a field of a table
	indexedMask = 0x7f
	insertBit   = 0x40 // a literal that is added to the table
	insertMask  = 0x3f
	updateBit   = 0x20 // a size update
	updateMask  = 0x1f
	literalBits = 0x00 // a literal that is not added
	neverBits   = 0x10 // one that proxies do not add either
	literalMask = 0x0f
)

// Decode decodes a whole field block, gathered from HEADERS and CONTINUATION, and lays its
// fields out in b. An error ends the connection. Without one, b says whether the message is
// malformed or too large; its block is decoded to the end in any case.
func (d *Decoder) Decode(p []byte, b *Block, l Limit) *Error {
	b.begin(l)
	i, err := d.readUpdates(p)
	for i < len(p) && err == nil {
		switch c := p[i]; {
		case c >= indexedBit:
			var n uint32
			if n, i, err = readInteger(p, i, indexedMask); err == nil {
				err = d.takeIndexed(n, b)
			}
		case c >= insertBit:
			i, err = d.takeLiteral(p, i, insertMask, b)
		case c >= updateBit:
			return errUpdateLate
		default:
			i, err = d.takeLiteral(p, i, literalMask, b)
		}
	}
	if err == nil {
		b.joinCookies()
	}
	return err
}

// readUpdates reads the size updates at the beginning of a block, and returns where they end.
func (d *Decoder) readUpdates(p []byte) (i int, err *Error) {
	for i < len(p) && p[i]&^updateMask == updateBit {
		var size uint32
		if size, i, err = readInteger(p, i, updateMask); err != nil {
			return i, err
		}
		if size > d.limit {
			return i, errUpdateHigh
		}
		d.table.setMax(size)
		d.due = false
	}
	return i, errIf(d.due, errUpdateDue)
}

// takeIndexed takes the field with a number in the tables.
func (d *Decoder) takeIndexed(n uint32, b *Block) *Error {
	f, ring := d.field(n)
	if f == nil {
		return errIndex
	}
	if b.admit(f) {
		at := len(b.Text)
		b.Text = appendRing(b.Text, ring, f.At, f.lineSize())
		b.add(f, at)
	}
	return nil
}

// field returns the field with a number in the tables, and the ring that has its line, or nil.
func (d *Decoder) field(n uint32) (f *Field, ring []byte) {
	if n-1 < staticCount {
		return &staticTable[n], staticRing
	}
	return d.table.entry(n - 1 - staticCount), d.table.ring // n may be 0, which is no entry either
}

// takeLiteral takes the literal at p[i], whose name has an index with the bits of mask, or is a
// string if that is 0. It is laid out at the end of Text even if that will not keep it: there
// it is checked, and copied into the table.
func (d *Decoder) takeLiteral(p []byte, i int, mask byte, b *Block) (int, *Error) {
	at := len(b.Text)
	var f Field
	i, err := d.readName(p, i, mask, b, &f)
	valueAt := len(b.Text)
	if err == nil {
		b.Text, i, err = appendStringAt(b.Text, p, i)
	}
	if err != nil {
		b.Text = b.Text[:at]
		return i, err
	}
	value := b.Text[valueAt:]
	f.Value = uint32(len(value))
	if f.marks.fault() == faultNone {
		f.marks |= checkValue(value)
	}
	b.Text = append(b.Text, "\r\n"...)
	if mask == insertMask {
		d.table.add(b.Text[at:], f)
	}
	if b.admit(&f) {
		b.add(&f, at)
	} else {
		b.Text = b.Text[:at]
	}
	return i, nil
}

// readName reads the name of a literal, and appends it with ": " to Text. It returns where the
// value begins.
func (d *Decoder) readName(p []byte, i int, mask byte, b *Block, f *Field) (int, *Error) {
	n, i, err := readInteger(p, i, mask)
	if err != nil {
		return i, err
	}
	if n == 0 {
		at := len(b.Text)
		if b.Text, i, err = appendStringAt(b.Text, p, i); err != nil {
			return i, err
		}
		b.takeName(f, b.Text[at:])
		b.Text = append(b.Text, ": "...)
		return i, nil
	}
	other, ring := d.field(n)
	if other == nil {
		return i, errIndex
	}
	f.Name, f.Known, f.marks = other.Name, other.Known, other.marks.ofName()
	if !b.stopped || mask == insertMask { // else the copy would be for nothing
		b.Text = appendRing(b.Text, ring, other.At, int(f.Name)+len(": "))
	}
	return i, nil
}

// takeName takes a name that came as a string. One that is too long for a Field is too large.
func (b *Block) takeName(f *Field, name []byte) {
	if len(name) > nameMost && !b.stopped {
		b.TooLarge = true
		b.stop()
	}
	f.Name = uint16(len(name))
	if f.Known = nameOf(name); f.Known == NameOther {
		f.marks = checkName(name)
	}
	if len(name) > 0 && name[0] == ':' {
		f.marks |= markPseudo
	}
}
