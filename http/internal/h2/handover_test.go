package h2

import (
	"slices"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// TestFieldsAreReadAsHTTP1 puts a request line before the fields of a block and an empty line
// behind them, and has the parser of HTTP/1.1 read them.
func TestFieldsAreReadAsHTTP1(t *testing.T) {
	first, again := blocks(chromium)
	d := NewDecoder(DefaultTable)
	for _, p := range [][]byte{first, again} {
		var b Block
		if err := d.Decode(p, &b, ample); err != nil || b.Malformed != nil || b.Pseudo != 4 {
			t.Fatal(err, b.Malformed, b.Pseudo)
		}
		head := slices.Concat([]byte("GET "+chromium[3][1]+" HTTP/1.1\r\nhost: "+chromium[1][1]+"\r\n"),
			b.Text[b.Fields[b.Pseudo].At:], []byte("\r\n"))
		var h h1.Head
		limits := h1.Limits{RequestLine: 8 << 10, FieldLine: 8 << 10, FieldBytes: 32 << 10, FieldCount: 100}
		if why := h.Parse(head, &limits); why != nil || h.Size != len(head) {
			t.Fatalf("%v after %d of %d bytes", why, h.Size, len(head))
		}
		fields := h.Fields[1:h.NFields] // behind Host
		if len(fields) != len(b.Fields)-b.Pseudo {
			t.Fatalf("%d fields, want %d", len(fields), len(b.Fields)-b.Pseudo)
		}
		for i, f := range fields {
			want := b.Fields[b.Pseudo+i]
			name, value := f.Name.Of(h.FieldsOf(head)), f.Value.Of(h.FieldsOf(head))
			if string(name) != string(b.NameOf(want)) || string(value) != string(b.ValueOf(want)) {
				t.Errorf("field %d is %s: %s, want %s: %s", i, name, value, b.NameOf(want), b.ValueOf(want))
			}
		}
	}
}
