package h2

import (
	"encoding/binary"
	"slices"
)

// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). It is canonical: codes of the
// same length are consecutive numbers in the order of their symbols, so the lengths are all
// that has to be written down. All tables are made from them when the program starts, in
// some 20 µs.

// huffmanSymbols are the bytes whose codes have as many bits as the index says. Behind the
// last one of 30 bits is EOS.
var huffmanSymbols = [...]string{
	5:  "012aceiost",
	6:  " %-./3456789=A_bdfghlmnpru",
	7:  ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
	8:  "&*,;XZ",
	10: "!\"()?",
	11: "'+|",
	12: "#>",
	13: "\x00$@[]~",
	14: "^}",
	15: "<`{",
	19: "\\\xc3\xd0",
	20: "\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
	21: "\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
	22: "\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
	23: "\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
	24: "\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
	25: "\xc7\xcf\xea\xeb",
	26: "\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
	27: "\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
	28: "\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
	30: "\x0a\x0d\x16",
}

const (
	lookupBits  = 12 // of the code that are looked up at once: 16 KiB of table
	longestCode = 30 // bits
	endOfString = 256
	paddingMost = 7 // bits behind the last code
)

// huffman has the tables.
var huffman = makeHuffman()

// A huffmanCode is the code of one symbol, in its lowest bits.
type huffmanCode struct {
	code uint32
	bits uint8
}

// A lookup is what the next bits of a string mean: one symbol, or two if the codes of both fit.
// From its lowest bits on it has the first symbol, the second, the bits of the first code, the bits
// of both, and how many symbols there are. With none, the code is longer than lookupBits.
type lookup uint32

func makeLookup(first, second byte, firstBits, bits, n uint8) lookup {
	return lookup(first) | lookup(second)<<8 | lookup(firstBits)<<16 | lookup(bits)<<20 | lookup(n)<<24
}

func (l lookup) first() byte    { return byte(l) }
func (l lookup) second() byte   { return byte(l >> 8) }
func (l lookup) firstBits() int { return int(l >> 16 & 0x0f) }
func (l lookup) bits() int      { return int(l >> 20 & 0x0f) }
func (l lookup) symbols() int   { return int(l >> 24) }

// A codeRange is all codes of one length.
type codeRange struct {
	end    uint32 // the first code of the next length, at the top of 32 bits; of the last, nothing
	first  uint32 // the first code, likewise
	bits   uint8
	symbol int // place of the first symbol in order
}

// huffmanTables are made from huffmanSymbols.
type huffmanTables struct {
	codes  [endOfString + 1]huffmanCode
	lookup [1 << lookupBits]lookup
	long   []codeRange // of the codes longer than lookupBits, shortest first
	order  []uint16    // all symbols in the order of their codes
}

func makeHuffman() *huffmanTables {
	t := new(huffmanTables)
	var code uint32
	for bits, symbols := range huffmanSymbols {
		code <<= 1
		all := []uint16{}
		for i := range len(symbols) {
			all = append(all, uint16(symbols[i]))
		}
		if bits == longestCode {
			all = append(all, endOfString)
		}
		first, at := code, len(t.order)
		for _, symbol := range all {
			t.codes[symbol] = huffmanCode{code, uint8(bits)}
			code++
		}
		t.order = append(t.order, all...)
		if len(all) > 0 && bits > lookupBits {
			t.long = append(t.long, codeRange{code << (32 - bits), first << (32 - bits), uint8(bits), at})
		}
	}
	t.fillLookup()
	return t
}

// fillLookup fills the table of short codes: first each entry with one symbol, then with the
// symbol behind it, too.
func (t *huffmanTables) fillLookup() {
	var single [1 << lookupBits]lookup
	for symbol, c := range t.codes[:endOfString] {
		if c.bits > lookupBits {
			continue
		}
		spare := lookupBits - c.bits
		for i := c.code << spare; i < (c.code+1)<<spare; i++ {
			single[i] = makeLookup(byte(symbol), 0, c.bits, c.bits, 1)
		}
	}
	for i, l := range single {
		next := single[i<<l.bits()&(len(single)-1)]
		if bits := l.bits() + next.bits(); l != 0 && next != 0 && bits <= lookupBits {
			l = makeLookup(l.first(), next.first(), uint8(l.firstBits()), uint8(bits), 2)
		}
		t.lookup[i] = l
	}
}

// longCode finds the symbol whose code the top bits begin with, and the length of the code,
// which is more than lookupBits. The last range has all that are in no other.
func (t *huffmanTables) longCode(top uint32) (symbol uint16, bits uint8) {
	r := &t.long[0]
	for i := 1; top >= r.end && i < len(t.long); i++ {
		r = &t.long[i]
	}
	return t.order[r.symbol+int((top-r.first)>>(32-r.bits))], r.bits
}

// Why a Huffman code is refused (RFC 7541 section 5.2).
var (
	errEOS            = connError(CompressionError, "a Huffman code holds EOS")
	errHuffmanPadding = connError(CompressionError, "a Huffman code ends with other padding than up to 7 bits of EOS")
)

// appendDecoded appends the bytes whose Huffman codes src holds.
func appendDecoded(dst, src []byte) ([]byte, *Error) {
	from := len(dst)
	dst = slices.Grow(dst, len(src)*8/5+2) // the shortest code has 5 bits; lookups write two bytes
	out := dst[from:cap(dst)]
	var acc uint64 // the next bits, at its top
	var have int   // how many
	n := 0
	for len(src) >= 8 {
		// The bits behind those that count come again, and are the same then.
		acc |= binary.BigEndian.Uint64(src) >> (have & 63)
		more := (63 - have) >> 3
		src, have = src[more:], have+more*8
		for have >= longestCode {
			l := huffman.lookup[acc>>(64-lookupBits)]
			if l == 0 {
				symbol, bits := huffman.longCode(uint32(acc >> 32))
				if symbol == endOfString {
					return dst, errEOS
				}
				out[n] = byte(symbol)
				n++
				acc <<= bits & 63
				have -= int(bits)
				continue
			}
			out[n], out[n+1] = l.first(), l.second()
			n += l.symbols()
			acc <<= l.bits()
			have -= l.bits()
		}
	}
	n, err := decodeTail(out, n, src, acc, have)
	return dst[:from+n], err
}

// decodeTail decodes the last bytes of a string, fewer than eight, behind the bits that are
// left in acc. Bits that are missing are taken for ones, as those of the padding are.
func decodeTail(out []byte, n int, src []byte, acc uint64, have int) (int, *Error) {
	for _, c := range src {
		if have > 56 {
			break
		}
		acc |= uint64(c) << (56 - have)
		have += 8
		src = src[1:]
	}
	for have > 0 {
		bits := acc | ^uint64(0)>>have
		l := huffman.lookup[bits>>(64-lookupBits)]
		used := l.bits()
		switch {
		case l == 0:
			symbol, length := huffman.longCode(uint32(bits >> 32))
			if int(length) > have {
				return n, checkPadding(bits, have)
			}
			if symbol == endOfString {
				return n, errEOS
			}
			out[n], used = byte(symbol), int(length)
			n++
		case used <= have:
			out[n], out[n+1] = l.first(), l.second()
			n += l.symbols()
		case l.firstBits() <= have:
			out[n], used = l.first(), l.firstBits()
			n++
		default:
			return n, checkPadding(bits, have)
		}
		acc <<= used
		have -= used
		for len(src) > 0 && have <= 56 {
			acc |= uint64(src[0]) << (56 - have)
			have += 8
			src = src[1:]
		}
	}
	return n, nil
}

// checkPadding checks the bits behind the last code, with ones behind them.
func checkPadding(bits uint64, have int) *Error {
	return errIf(have > paddingMost || bits != ^uint64(0), errHuffmanPadding)
}

// huffmanSize returns how many bytes the Huffman codes of s take.
func huffmanSize[T string | []byte](s T) int {
	bits := 0
	for i := range len(s) {
		bits += int(huffman.codes[s[i]].bits)
	}
	return (bits + 7) / 8
}

// appendEncoded appends the Huffman codes of s.
func appendEncoded[T string | []byte](dst []byte, s T) []byte {
	var acc uint64 // the bits that are not written yet, in its lowest ones
	var have int
	for i := range len(s) {
		c := huffman.codes[s[i]]
		acc = acc<<c.bits | uint64(c.code)
		for have += int(c.bits); have >= 8; {
			have -= 8
			dst = append(dst, byte(acc>>have))
		}
	}
	if have > 0 {
		dst = append(dst, byte(acc<<(8-have))|0xff>>have)
	}
	return dst
}
