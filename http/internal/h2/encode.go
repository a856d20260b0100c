package h2

// The encoder of field blocks (RFC 7541) for the answers of a server. Most fields are encoded
// without any state, by index or as literals that are not added to the table, so that what
// does not change, such as a date for a second, can be encoded once for all connections. An
// Encoder adds a few fields that an answer has again and again.

// AppendStatus appends ":status", which begins each answer.
func AppendStatus(dst []byte, status int) []byte {
	switch status {
	case 200:
		return append(dst, indexedBit|8)
	case 204:
		return append(dst, indexedBit|9)
	case 206:
		return append(dst, indexedBit|10)
	case 304:
		return append(dst, indexedBit|11)
	case 400:
		return append(dst, indexedBit|12)
	case 404:
		return append(dst, indexedBit|13)
	case 500:
		return append(dst, indexedBit|14)
	}
	return append(dst, literalBits|byte(NameStatus), 3,
		byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10))
}

// AppendField appends a field that no table gets. The name may have any spelling, and is sent
// in lower case. Set-Cookie is marked so that proxies do not add it to a table either, where
// it could be guessed (RFC 7541 section 7.1.3).
func AppendField[T string | []byte](dst []byte, name, value T) []byte {
	return appendString(appendName(dst, NameOf(name), name), value)
}

// AppendHuffmanField is AppendField with the value in Huffman codes if these are shorter, for a
// value that is encoded once and sent often.
func AppendHuffmanField[T string | []byte](dst []byte, name, value T) []byte {
	return AppendHuffman(appendName(dst, NameOf(name), name), value)
}

// appendName appends the beginning of a literal, up to its value.
func appendName[T string | []byte](dst []byte, known Name, name T) []byte {
	switch {
	case known == NameSetCookie:
		return appendInteger(dst, neverBits, literalMask, uint32(known))
	case known != NameOther && known <= staticCount:
		return appendInteger(dst, literalBits, literalMask, uint32(known))
	}
	return appendLower(append(dst, literalBits), name)
}

// appendLower appends a name as a string in lower case.
func appendLower[T string | []byte](dst []byte, name T) []byte {
	dst = appendInteger(dst, 0, 0x7f, uint32(len(name)))
	for i := range len(name) {
		dst = append(dst, toLower(name[i]))
	}
	return dst
}

const (
	encoderEntries = 8   // of an encoder's table at most; a search looks at each
	encoderField   = 128 // bytes of a field's name and value at most
)

// An Encoder has the dynamic table that the peer keeps for the answers of a connection. It holds
// the fields that were added first; those that come when it is full are sent as literals. An
// Encoder that is not used holds no memory besides its own. Its zero value is not ready: see
// NewEncoder.
type Encoder struct {
	text    []byte // names in lower case and values of the entries, oldest first
	entries []encoderEntry

	size, max uint32 // of RFC 7541 section 4.1
	least     uint32 // the smallest maximum since the last block
	announced uint32 // the maximum that the peer knows of
}

// An encoderEntry is a field of the table.
type encoderEntry struct{ name, value uint8 }

// size returns the size of RFC 7541 section 4.1.
func (e encoderEntry) size() uint32 { return uint32(e.name) + uint32(e.value) + FieldOverhead }

// NewEncoder returns an encoder for a peer that has sent no HEADER_TABLE_SIZE.
func NewEncoder() Encoder {
	return Encoder{max: DefaultTable, least: DefaultTable, announced: DefaultTable}
}

// SetPeerLimit takes the peer's HEADER_TABLE_SIZE. When one frame of SETTINGS has several, it is
// called with the smallest, too, and with the last one last: the table must have been as small.
func (e *Encoder) SetPeerLimit(limit uint32) {
	e.max = min(limit, DefaultTable)
	e.least = min(e.least, e.max)
	for e.size > e.max {
		oldest := e.entries[0]
		e.size -= oldest.size()
		e.text = append(e.text[:0], e.text[int(oldest.name)+int(oldest.value):]...)
		e.entries = append(e.entries[:0], e.entries[1:]...)
	}
}

// Begin begins a block: it appends the size updates that SetPeerLimit has made necessary.
func (e *Encoder) Begin(dst []byte) []byte {
	if e.least < e.announced {
		dst = appendInteger(dst, updateBit, updateMask, e.least)
		e.announced = e.least
	}
	if e.max != e.announced {
		dst = appendInteger(dst, updateBit, updateMask, e.max)
		e.announced = e.max
	}
	e.least = e.max
	return dst
}

// AppendStable appends a field that the next answers are likely to have, too, such as Server or
// Content-Type, by its index in the table. The first time it is added to that, if there is room.
func (e *Encoder) AppendStable(dst []byte, name, value string) []byte {
	return appendStable(e, dst, name, value)
}

// AppendStableBytes is AppendStable for bytes.
func (e *Encoder) AppendStableBytes(dst, name, value []byte) []byte {
	return appendStable(e, dst, name, value)
}

func appendStable[T string | []byte](e *Encoder, dst []byte, name, value T) []byte {
	if n := lookupStable(e, name, value); n > 0 {
		return appendInteger(dst, indexedBit, indexedMask, n)
	}
	known, size := NameOf(name), len(name)+len(value)
	if known == NameSetCookie || size > encoderField || len(e.entries) == encoderEntries || e.size+uint32(size)+FieldOverhead > e.max {
		return AppendField(dst, name, value)
	}
	for i := range len(name) {
		e.text = append(e.text, toLower(name[i]))
	}
	e.text = append(e.text, value...)
	e.entries = append(e.entries, encoderEntry{uint8(len(name)), uint8(len(value))})
	e.size += uint32(size) + FieldOverhead
	if known != NameOther && known <= staticCount {
		dst = appendInteger(dst, insertBit, insertMask, uint32(known))
	} else {
		dst = appendLower(append(dst, insertBit), name)
	}
	return appendString(dst, value)
}

// lookupStable returns the number of a field in the table of e, or 0.
func lookupStable[T string | []byte](e *Encoder, name, value T) uint32 {
	at := 0
	for i, entry := range e.entries {
		valueAt := at + int(entry.name)
		end := valueAt + int(entry.value)
		if int(entry.name) == len(name) && int(entry.value) == len(value) &&
			string(e.text[valueAt:end]) == string(value) && sameLower(e.text[at:valueAt], name) {
			return uint32(staticCount + len(e.entries) - i)
		}
		at = end
	}
	return 0
}

// sameLower reports whether name is lower in any spelling. They have the same length.
func sameLower[T string | []byte](lower []byte, name T) bool {
	if string(lower) == string(name) { // is compared at once, and the usual spelling
		return true
	}
	for i := range len(name) {
		if lower[i] != toLower(name[i]) {
			return false
		}
	}
	return true
}
