package h2

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// TestHuffmanCodes compares every code with hpack's.
func TestHuffmanCodes(t *testing.T) {
	seen := 0
	for c := range 256 {
		for _, s := range []string{string([]byte{byte(c)}), string([]byte{byte(c), 'a'}), strings.Repeat(string([]byte{byte(c)}), 9)} {
			want := hpack.AppendHuffmanString(nil, s)
			if got := appendEncoded(nil, s); !bytes.Equal(got, want) || huffmanSize(s) != len(want) {
				t.Errorf("%q is % x, %d bytes; want % x", s, got, huffmanSize(s), want)
			}
			if got, err := appendDecoded(nil, want); string(got) != s || err != nil {
				t.Errorf("% x is %q, %v; want %q", want, got, err, s)
			}
		}
		seen++
	}
	if got := huffman.codes[endOfString]; got != (huffmanCode{1<<30 - 1, 30}) || seen != 256 {
		t.Errorf("EOS is %v behind %d symbols", got, seen)
	}
}

// TestLookups looks at how many symbols are found at once: two wherever both fit, as most small
// letters do.
func TestLookups(t *testing.T) {
	for text, want := range map[string]int{"ee": 2, "bd": 2, "ej": 2, "jj": 1, "X": 1, "\"": 1, "<": 0, "\n": 0} {
		top := append(appendEncoded(nil, text), 0xff)
		l := huffman.lookup[int(top[0])<<4|int(top[1])>>4]
		if l.symbols() != want {
			t.Errorf("%q begins with %d symbols, want %d", text, l.symbols(), want)
		}
	}
}

// TestHuffmanTails decodes codes of every length modulo 64 bits, with what lies at their end.
func TestHuffmanTails(t *testing.T) {
	for n := range 70 {
		for _, last := range []string{"", "0", "\n", "Z", "~", "\x01"} {
			s := strings.Repeat("e/", n) + last
			p := appendEncoded(nil, s)
			if got, err := appendDecoded([]byte("before"), p); string(got) != "before"+s || err != nil {
				t.Errorf("%q comes back as %q, %v", s, got, err)
			}
			if _, err := appendDecoded(nil, append(p, 0xff)); err != errHuffmanPadding {
				t.Errorf("%q with a byte more: %v", s, err)
			}
			if len(p) == 0 || p[len(p)-1]&1 == 0 {
				continue // a code ends where the byte does
			}
			p[len(p)-1] &^= 1
			if got, err := appendDecoded(nil, p); err == nil && string(got) == s {
				t.Errorf("%q with padding that ends with 0 comes back as %q", s, got)
			}
		}
	}
}

// TestAppendHuffman looks at what is shorter.
func TestAppendHuffman(t *testing.T) {
	tests := []struct{ name, s, want string }{
		{"codes that are shorter are used", "www.example.com", "\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"},
		{"codes that are longer are not", "\x01\x02", "\x02\x01\x02"},
		{"codes as long are not either", "&&", "\x02&&"},
		{"nothing is nothing", "", "\x00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := AppendHuffman(nil, test.s); string(got) != test.want {
				t.Errorf("%q is % x, want % x", test.s, got, test.want)
			}
			if got := AppendHuffman(nil, []byte(test.s)); string(got) != test.want {
				t.Errorf("as bytes, %q is % x, want % x", test.s, got, test.want)
			}
		})
	}
}
