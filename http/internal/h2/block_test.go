package h2

import (
	"strings"
	"testing"
)

// literals returns a block whose fields are literals. A name with "+" before it is added to the
// table.
func literals(fields ...[2]string) (p []byte) {
	for _, f := range fields {
		name, insert := strings.CutPrefix(f[0], "+")
		first := byte(literalBits)
		if insert {
			first = insertBit
		}
		p = appendString(append(p, first), name)
		p = appendString(p, f[1])
	}
	return p
}

// TestMalformed has blocks whose message is refused, and which are decoded to their end.
func TestMalformed(t *testing.T) {
	tests := []struct {
		name  string
		field [2]string
		want  *Error
	}{
		{"a name is not empty", [2]string{"", "v"}, malformed[faultEmptyName]},
		{"a pseudo-field has a name, too", [2]string{":", "v"}, malformed[faultEmptyName]},
		{"upper case is not in names", [2]string{"x-Y", "v"}, malformed[faultUpperCase]},
		{"upper case is not in names that are known", [2]string{"Cookie", "v"}, malformed[faultUpperCase]},
		{"a colon is only the first", [2]string{"a:b", "v"}, malformed[faultName]},
		{"nor is it the second", [2]string{"::a", "v"}, malformed[faultName]},
		{"a blank is not in names", [2]string{"a b", "v"}, malformed[faultName]},
		{"a byte above ASCII is not in names", [2]string{"a\x80", "v"}, malformed[faultName]},
		{"DEL is not in names", [2]string{"a\x7f", "v"}, malformed[faultName]},
		{"NUL is not in names", [2]string{"a\x00", "v"}, malformed[faultName]},
		{"CR is not in names", [2]string{"a\r", "v"}, malformed[faultName]},
		{"NUL is not in values", [2]string{"a", "v\x00v"}, malformed[faultControl]},
		{"CR is not in values", [2]string{"a", "long before it, \rlong behind it, and longer"}, malformed[faultControl]},
		{"LF is not in values", [2]string{"a", "12345678\n"}, malformed[faultControl]},
		{"LF is not in values that have another control character before", [2]string{"a", "\x01234567812345678\n"}, malformed[faultControl]},
		{"LF is not in values of known names", [2]string{"cookie", "v\nv"}, malformed[faultControl]},
		{"LF is not in the first eight bytes of a value either", [2]string{"a", "ab\ncdefghi"}, malformed[faultControl]},
		{"a space does not begin a value", [2]string{"a", " v"}, malformed[faultBlanks]},
		{"a space does not end a value", [2]string{"a", "v "}, malformed[faultBlanks]},
		{"a tab does not begin a value", [2]string{"a", "\tv"}, malformed[faultBlanks]},
		{"a tab does not end a value", [2]string{"a", "v\t"}, malformed[faultBlanks]},
		{"a value is not one blank", [2]string{"a", " "}, malformed[faultBlanks]},
		{"a pseudo-field is not behind another field", [2]string{":late", "v"}, errPseudoLate},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder(DefaultTable)
			bad := [2]string{"+" + test.field[0], test.field[1]}
			p := literals([2]string{":path", "/"}, [2]string{"a", "b"}, bad, [2]string{"+last", "one"})
			for range 2 { // the second time, the table has both
				var b Block
				if err := d.Decode(p, &b, ample); err != nil {
					t.Fatal(err)
				}
				checkBlock(t, &b)
				if b.Malformed != test.want || b.TooLarge || !b.Malformed.Stream {
					t.Errorf("malformed is %v, want %v", b.Malformed, test.want)
				}
				if got := lines(&b); got != ":path: /\na: b\n" {
					t.Errorf("the fields are %q", got)
				}
				p = append(literals([2]string{":path", "/"}, [2]string{"a", "b"}), indexedBit|staticCount+2, indexedBit|staticCount+1)
			}
			if got := d.table.len(); got != 2 {
				t.Errorf("the table has %d fields, want 2", got)
			}
		})
	}
}

// TestFaultsOfNames looks at which faults a name in the table hands on.
func TestFaultsOfNames(t *testing.T) {
	tests := []struct {
		name  string
		field [2]string
		want  *Error
	}{
		{"a bad name is bad with another value", [2]string{"+a b", "v"}, malformed[faultName]},
		{"a name is good behind a bad value", [2]string{"+ab", "v\n"}, nil},
		{"a pseudo-field is late with another value", [2]string{"+:a", "v\n"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder(DefaultTable)
			var b Block
			if err := d.Decode(literals(test.field), &b, ample); err != nil || b.Malformed == nil {
				t.Fatalf("%v, malformed %v", err, b.Malformed)
			}
			if err := d.Decode([]byte{insertBit | staticCount + 1, 1, 'w'}, &b, ample); err != nil || b.Malformed != test.want {
				t.Errorf("%v, malformed %v, want %v", err, b.Malformed, test.want)
			}
			checkBlock(t, &b)
		})
	}
}

// TestAllowed has fields that look odd and are right.
func TestAllowed(t *testing.T) {
	for name, f := range map[string][2]string{
		"a value may be empty":                    {"a", ""},
		"a value may hold a tab":                  {"a", "b\tc"},
		"a value may hold what HTTP/1.1 looks at": {"a", "b\x01\x7f"},
		"a value may have bytes above ASCII":      {"a", "\xff\x80 12345678 \xff"},
		"a name may have all marks of a token":    {"!#$%&'*+-.^_`|~09az", "v"},
		"a pseudo-field may be unknown":           {":a", "v"},
	} {
		t.Run(name, func(t *testing.T) {
			var b Block
			if err := NewDecoder(DefaultTable).Decode(literals(f), &b, ample); err != nil || b.Malformed != nil {
				t.Fatalf("%v, malformed %v", err, b.Malformed)
			}
			checkBlock(t, &b)
			if got := lines(&b); got != f[0]+": "+f[1]+"\n" {
				t.Errorf("the field is %q", got)
			}
		})
	}
}

// TestLimits looks at what fits and what does not.
func TestLimits(t *testing.T) {
	request := literals([2]string{":path", "/"}, [2]string{"a", "b"}, [2]string{"cookie", "x"}, [2]string{"cookie", "y"}, [2]string{"c", "d"})
	size := 5 + 1 + 2 + 2*7 + 2 + 5*FieldOverhead
	all := ":path: /\na: b\ncookie: x; y\nc: d\n"
	tests := []struct {
		name  string
		limit Limit
		want  string
		large bool
	}{
		{"all fits exactly", Limit{size, 4, 1}, all, false},
		{"a byte is missing", Limit{size - 1, 4, 1}, ":path: /\na: b\ncookie: x; y\n", true},
		{"a field is too much", Limit{size, 3, 1}, ":path: /\na: b\ncookie: x; y\n", true},
		{"a crumb is too much", Limit{size, 4, 0}, ":path: /\na: b\ncookie: x\n", true},
		{"the first crumb counts as a field", Limit{size, 2, 1}, ":path: /\na: b\n", true},
		{"nothing fits", Limit{}, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder(DefaultTable)
			var b Block
			p := append(append([]byte{}, request...), literals([2]string{"+table", "kept"})...)
			limit := test.limit
			if !test.large { // for the field behind the others
				limit.Bytes, limit.Fields = limit.Bytes+len("table")+len("kept")+FieldOverhead, limit.Fields+1
				test.want += "table: kept\n"
			}
			if err := d.Decode(p, &b, limit); err != nil || b.Malformed != nil {
				t.Fatal(err, b.Malformed)
			}
			checkBlock(t, &b)
			if got := lines(&b); got != test.want || b.TooLarge != test.large {
				t.Errorf("the fields are %q, too large %v; want %q, %v", got, b.TooLarge, test.want, test.large)
			}
			if d.table.len() != 1 {
				t.Errorf("the table has %d fields, want 1", d.table.len())
			}
		})
	}
}

// TestBombStaysSmall decodes a block of 16 KiB that names a field of 4 KB again and again, which
// would be 60 MB.
func TestBombStaysSmall(t *testing.T) {
	bomb := literals([2]string{"+" + strings.Repeat("n", 2000), strings.Repeat("v", 2000)})
	for name, again := range map[string]string{
		"as a field": "\xbe", "as the name of a literal": "\x0f\x2f\x00", "as a name that is added": "\x7e\x00",
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder(DefaultTable)
			var b Block
			if err := d.Decode(append(bomb, strings.Repeat(again, (16<<10-len(bomb))/len(again))...), &b, Limit{32 << 10, 100, 256}); err != nil {
				t.Fatal(err)
			}
			if !b.TooLarge || len(b.Text) > 32<<10 || cap(b.Text) > 64<<10 || len(d.table.ring) > DefaultTable {
				t.Errorf("too large is %v with %d bytes of %d, and %d of the table", b.TooLarge, len(b.Text), cap(b.Text), len(d.table.ring))
			}
		})
	}
}

// TestLongName has a name that is longer than a Field can say.
func TestLongName(t *testing.T) {
	d := NewDecoder(DefaultTable)
	for _, n := range []int{nameMost, nameMost + 1, nameMost + 2} {
		var b Block
		if err := d.Decode(literals([2]string{"a", "b"}, [2]string{"+" + strings.Repeat("n", n), "v"}, [2]string{"c", "d"}), &b, ample); err != nil {
			t.Fatal(err)
		}
		checkBlock(t, &b)
		if fits := n <= nameMost; b.TooLarge == fits || len(b.Fields) != map[bool]int{true: 3, false: 1}[fits] {
			t.Errorf("a name of %d bytes: too large %v, %d fields", n, b.TooLarge, len(b.Fields))
		}
	}
}

// TestCookies joins the pieces of Cookie.
func TestCookies(t *testing.T) {
	c := func(v string) [2]string { return [2]string{"cookie", v} }
	x, y := [2]string{"x", "1"}, [2]string{"y", "2"}
	tests := []struct {
		name   string
		fields [][2]string
		want   string
	}{
		{"one is one", [][2]string{x, c("a=b"), y}, "x: 1\ncookie: a=b\ny: 2\n"},
		{"pieces in a row are joined in their place", [][2]string{x, c("a=b"), c("c=d"), c("e"), y}, "x: 1\ncookie: a=b; c=d; e\ny: 2\n"},
		{"pieces with fields between them come last", [][2]string{c("a"), x, c("b"), y}, "x: 1\ny: 2\ncookie: a; b\n"},
		{"pieces in several rows come last", [][2]string{x, c("a"), c("b"), y, c("c"), c("d")}, "x: 1\ny: 2\ncookie: a; b; c; d\n"},
		{"pieces may be empty", [][2]string{c(""), c(""), x, c("")}, "x: 1\ncookie: ; ; \n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := Block{Text: []byte("before: it\r\n"), Fields: []Field{{Name: 6, Value: 2, Known: NameCookie}}}
			if err := NewDecoder(DefaultTable).Decode(literals(test.fields...), &b, ample); err != nil || b.Malformed != nil {
				t.Fatal(err, b.Malformed)
			}
			b.Fields[0].Known = NameOther
			checkBlock(t, &b)
			if got := lines(&b); got != "before: it\n"+test.want {
				t.Errorf("the fields are %q, want %q", got, test.want)
			}
		})
	}
}
