package h2

// Integers and strings of HPACK (RFC 7541 section 5).

// integerMost is how many bytes an integer may have behind its prefix. 28 bits are more than
// any length or table has, and RFC 7541 section 5.1 lets a decoder refuse longer ones.
const integerMost = 4

// Why an integer or a string is refused.
var (
	errTruncated = connError(CompressionError, "a field block ends inside a field") // RFC 7541 section 5
	errInteger   = connError(CompressionError, "an integer is too large")           // RFC 7541 section 5.1
)

// readInteger reads the integer at p[i], whose prefix is the bits of mask. It returns where
// the integer ends.
func readInteger(p []byte, i int, mask byte) (n uint32, end int, err *Error) {
	if i >= len(p) {
		return 0, i, errTruncated
	}
	if n = uint32(p[i] & mask); n < uint32(mask) {
		return n, i + 1, nil
	}
	i++
	for shift := 0; shift < 7*integerMost; shift += 7 {
		if i >= len(p) {
			return 0, i, errTruncated
		}
		c := p[i]
		i++
		n += uint32(c&0x7f) << shift
		if c < 0x80 {
			return n, i, nil
		}
	}
	return 0, i, errInteger
}

// appendInteger appends an integer. First has the bits above its prefix, which is the bits of
// mask.
func appendInteger(dst []byte, first, mask byte, n uint32) []byte {
	if n < uint32(mask) {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|mask)
	for n -= uint32(mask); n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

// huffmanBit marks a string whose bytes are Huffman codes.
const huffmanBit = 0x80

// appendStringAt appends the string that is encoded at p[i] to dst, and returns where it ends.
func appendStringAt(dst, p []byte, i int) (_ []byte, end int, err *Error) {
	n, at, err := readInteger(p, i, 0x7f)
	if err != nil {
		return dst, at, err
	}
	if int(n) > len(p)-at {
		return dst, at, errTruncated
	}
	end = at + int(n)
	if p[i]&huffmanBit == 0 {
		return append(dst, p[at:end]...), end, nil
	}
	dst, err = appendDecoded(dst, p[at:end])
	return dst, end, err
}

// appendString appends s as it is.
func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = appendInteger(dst, 0, 0x7f, uint32(len(s)))
	return append(dst, s...)
}

// AppendHuffman appends a string, by Huffman codes if these are shorter.
func AppendHuffman[T string | []byte](dst []byte, s T) []byte {
	n := huffmanSize(s)
	if n >= len(s) {
		return appendString(dst, s)
	}
	return appendEncoded(appendInteger(dst, huffmanBit, 0x7f, uint32(n)), s)
}
