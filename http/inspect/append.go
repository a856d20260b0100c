package inspect

import (
	"strconv"
	"time"
)

// JSON, piece by piece and without an allocation.

func appendInt[N int | int64 | uint64](b []byte, n N) []byte {
	return strconv.AppendInt(b, int64(n), 10)
}

// appendList appends an array of numbers.
func appendList(b []byte, list ...int64) []byte {
	b = append(b, '[')
	for i, n := range list {
		b = strconv.AppendInt(separate(b, i), n, 10)
	}
	return append(b, ']')
}

// separate appends the comma in front of an element of an array.
func separate(b []byte, element int) []byte {
	if element == 0 {
		return b
	}
	return append(b, ',')
}

// appendMicros appends a time in milliseconds, with the microseconds as decimals.
func appendMicros(b []byte, d time.Duration) []byte {
	micros := max(d.Microseconds(), 0)
	b = append(strconv.AppendInt(b, micros/1000, 10), '.')
	rest := micros % 1000
	return append(b, byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

// appendText appends a string of JSON (RFC 8259 section 7).
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
