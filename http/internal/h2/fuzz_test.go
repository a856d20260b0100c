package h2

// Fuzzing, most of it against golang.org/x/net/http2/hpack.

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// fuzzLimits are limits of table sizes that a fuzzer chooses from.
var fuzzLimits = []uint32{0, 31, 32, 33, 60, 100, 256, 1000, 4096, 65535}

// A script reads decisions and strings from a fuzzer's bytes. At their end it returns zeros.
type script struct{ p []byte }

func (s *script) byte() int {
	if len(s.p) == 0 {
		return 0
	}
	c := s.p[0]
	s.p = s.p[1:]
	return int(c)
}

// text returns a string of at most most bytes, or sometimes one that is longer.
func (s *script) text(most int) string {
	n := min(s.byte()%(most+1), len(s.p))
	text := string(s.p[:n])
	s.p = s.p[n:]
	if n == most {
		text = strings.Repeat(text, 30)
	}
	return text
}

// addScripts adds scripts that are drawn by lot, so that a test without fuzzing runs some.
func addScripts(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		p := make([]byte, random.IntN(500))
		for i := range p {
			if p[i] = byte(random.Uint32()); seed%2 == 0 && random.IntN(2) == 0 {
				p[i] = 'a' + p[i]%26 // more names that are right
			}
		}
		f.Add(p)
	}
}

// field returns a field: names and values are from lists half of the time, so that they repeat.
func (s *script) field() hpack.HeaderField {
	f := hpack.HeaderField{Sensitive: s.byte()%8 == 0}
	if n := s.byte(); n < 2*len(staticFields) {
		f.Name, f.Value = staticFields[n/2][0], staticFields[n/2][1]
	} else {
		f.Name = s.text(12)
	}
	switch s.byte() % 3 {
	case 0:
		f.Value = s.text(40)
	case 1:
		f.Value = "again"
	}
	return f
}

// expected returns the lines of a block with these fields, the pieces of Cookie joined: in
// their place if they come in a row, and last otherwise. It ends before a field that makes the
// block malformed, which it reports.
func expected(fields []hpack.HeaderField) (want string, malformed bool) {
	var all, crumbs []string
	place, split := -1, false
	for i, f := range fields {
		late := strings.HasPrefix(f.Name, ":") && i > 0 && !strings.HasPrefix(fields[i-1].Name, ":")
		if checkName([]byte(f.Name)) != faultNone || checkValue([]byte(f.Value)) != faultNone || late {
			malformed = true
			break
		}
		if f.Name != "cookie" {
			all = append(all, f.Name+": "+f.Value+"\n")
			continue
		}
		if place < 0 {
			place = len(all)
		}
		split = split || place < len(all)
		crumbs = append(crumbs, f.Value)
	}
	if place < 0 {
		return strings.Join(all, ""), malformed
	}
	if split {
		place = len(all)
	}
	cookie := "cookie: " + strings.Join(crumbs, "; ") + "\n"
	return strings.Join(slices.Insert(all, place, cookie), ""), malformed
}

// checkDecoded complains if a block is not these fields. The fields of one that is malformed are
// not joined.
func checkDecoded(t *testing.T, b *Block, fields []hpack.HeaderField) {
	t.Helper()
	checkBlock(t, b)
	want, malformed := expected(fields)
	if (b.Malformed != nil) != malformed || b.TooLarge {
		t.Fatalf("malformed is %v, want %v; too large %v", b.Malformed, malformed, b.TooLarge)
	}
	if got := lines(b); got != want && !malformed {
		t.Fatalf("the fields are %q, want %q", got, want)
	}
	if malformed && (len(b.Text) > 0) != (len(want) > 0) {
		t.Fatalf("the fields before the bad one are %q, want %q", lines(b), want)
	}
}

// checkTables complains if the tables of two decoders differ.
func checkTables(t *testing.T, d *Decoder, other *hpack.Decoder) {
	t.Helper()
	for n := range d.table.len() + 1 {
		fields, err := other.DecodeFull(appendInteger(nil, indexedBit, indexedMask, staticCount+1+n))
		f := d.table.entry(n)
		if f == nil {
			if err == nil {
				t.Fatalf("hpack's table has a field %d, %v", n, fields)
			}
			other.Close()
			return
		}
		got := string(appendRing(nil, d.table.ring, f.At, f.lineSize()))
		if err != nil || got != fields[0].Name+": "+fields[0].Value+"\r\n" {
			t.Fatalf("the table has %q, and hpack's %v, %v", got, fields, err)
		}
	}
}

// FuzzDecode decodes what hpack's encoder has made, with table sizes that change.
func FuzzDecode(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		s := script{p}
		limit := fuzzLimits[s.byte()%len(fuzzLimits)]
		d := NewDecoder(limit)
		peer := hpack.NewDecoder(limit, func(hpack.HeaderField) {})
		peer.SetMaxDynamicTableSize(min(limit, DefaultTable))
		var w blockWriter
		e := hpack.NewEncoder(&w)
		e.SetMaxDynamicTableSizeLimit(limit)
		if limit < DefaultTable { // our SETTINGS have come before the first block
			d.SetLimit(limit)
		}
		for len(s.p) > 0 {
			w.p = nil
			if s.byte()%4 == 0 {
				limit = fuzzLimits[s.byte()%len(fuzzLimits)]
				d.SetLimit(limit)
				e.SetMaxDynamicTableSizeLimit(limit)
				peer.SetAllowedMaxDynamicTableSize(limit)
			}
			if s.byte()%4 == 0 {
				e.SetMaxDynamicTableSize(fuzzLimits[s.byte()%len(fuzzLimits)])
			}
			var fields []hpack.HeaderField
			for range s.byte() % 16 {
				field := s.field()
				fields = append(fields, field)
				e.WriteField(field)
			}
			small := Limit{s.byte() * 4, s.byte() % 16, s.byte() % 4}
			twin := NewDecoder(0)
			*twin = *d
			twin.table.ring, twin.table.entries = slices.Clone(d.table.ring), slices.Clone(d.table.entries)
			var b, little Block
			if err := d.Decode(w.p, &b, ample); err != nil && len(fields) > 0 {
				t.Fatalf("% x: %v", w.p, err)
			} else if err != nil {
				return // hpack's encoder announces its size with the next field only
			}
			checkDecoded(t, &b, fields)
			if _, err := peer.DecodeFull(w.p); err != nil {
				t.Skip("hpack does not decode two size updates")
			}
			checkTables(t, d, peer)
			checkLimited(t, twin, d, w.p, &little, &b, small)
		}
	})
}

// checkLimited decodes a block again with a limit, which has to leave the same table, and complains
// if more is laid out than the limit allows.
func checkLimited(t *testing.T, d, unlimited *Decoder, p []byte, b, whole *Block, l Limit) {
	t.Helper()
	if err := d.Decode(p, b, l); err != nil {
		t.Fatalf("with the limit %v: %v", l, err)
	}
	checkBlock(t, b)
	if !slices.Equal(tableLines(&d.table), tableLines(&unlimited.table)) || d.table.size != unlimited.table.size {
		t.Fatalf("the limit %v leaves another table", l)
	}
	size := 0
	for _, f := range b.Fields {
		size += f.size()
	}
	if size > l.Bytes+len(crumbSep)*l.Crumbs || len(b.Fields) > l.Fields {
		t.Fatalf("%d fields of %d bytes for the limit %v", len(b.Fields), size, l)
	}
	if !b.TooLarge && (lines(b) != lines(whole) || b.Malformed != whole.Malformed) {
		t.Fatalf("the fields are %q, %v; without the limit %q, %v", lines(b), b.Malformed, lines(whole), whole.Malformed)
	}
}

// laxer reports whether hpack takes a block that is refused here: integers with more than four
// bytes behind the prefix, which may be refused (RFC 7541 section 5.1), and a size update behind
// a field while the table is empty, which has to be (section 4.2).
func laxer(err *Error) bool { return err == errInteger || err == errUpdateLate }

// stricter reports whether hpack refuses a block that is right: it has no two size updates at
// the beginning while the table is not empty (section 4.2 asks for them).
func stricter(p []byte) bool {
	_, end, err := readInteger(p, 0, updateMask)
	return len(p) > 0 && p[0]&^updateMask == updateBit && err == nil && end < len(p) && p[end]&^updateMask == updateBit
}

// FuzzBlocks decodes any bytes, as blocks of any lengths, and compares the verdicts and the tables.
func FuzzBlocks(f *testing.F) {
	addScripts(f)
	first, again := blocks(chromium[4:8])
	for _, p := range [][]byte{first, again, literals([2]string{"+a", "b"}, [2]string{"+:path", "/"})} {
		f.Add(slices.Concat([]byte{byte(len(p))}, p, []byte{byte(len(again))}, again, []byte{2, 0x20, 0x82}))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		s := script{p}
		d := NewDecoder(DefaultTable)
		peer := hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) {})
		for len(s.p) > 0 {
			n := min(s.byte(), len(s.p))
			block := s.p[:n]
			s.p = s.p[n:]
			var b Block
			err := d.Decode(block, &b, ample)
			fields, other := peer.DecodeFull(block)
			checkBlock(t, &b)
			switch {
			case err != nil && other != nil:
				return
			case err != nil && laxer(err), other != nil && stricter(block):
				return
			case (err != nil) != (other != nil):
				t.Fatalf("% x: %v, and hpack says %v", block, err, other)
			}
			checkDecoded(t, &b, fields)
			checkTables(t, d, peer)
		}
	})
}

// FuzzEncode lets hpack decode what is encoded here.
func FuzzEncode(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		s := script{p}
		e := NewEncoder()
		d := NewDecoder(DefaultTable)
		peer := hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) {})
		for len(s.p) > 0 {
			for range s.byte() % 3 {
				limit := fuzzLimits[s.byte()%len(fuzzLimits)]
				e.SetPeerLimit(limit)
				peer.SetAllowedMaxDynamicTableSize(min(limit, DefaultTable))
				d.SetLimit(min(limit, DefaultTable))
			}
			block := e.Begin(nil)
			updates := stricter(block)
			status := 100 + s.byte()
			block = AppendStatus(block, status)
			want := []hpack.HeaderField{{Name: ":status", Value: hpackStatus(status)}}
			for range s.byte() % 16 {
				field := s.field()
				if field.Name == "" || field.Name[0] == ':' {
					continue // no handler's fields
				}
				switch s.byte() % 3 {
				case 0:
					block = e.AppendStable(block, field.Name, field.Value)
				case 1:
					block = AppendField(block, field.Name, field.Value)
				default:
					block = AppendHuffmanField(block, []byte(field.Name), []byte(field.Value))
				}
				name := []byte(field.Name)
				for i := range name {
					name[i] = toLower(name[i])
				}
				want = append(want, hpack.HeaderField{Name: string(name), Value: field.Value, Sensitive: string(name) == "set-cookie"})
			}
			var b Block
			if err := d.Decode(block, &b, ample); err != nil {
				t.Fatalf("% x: %v", block, err)
			}
			checkDecoded(t, &b, want)
			fields, err := peer.DecodeFull(block)
			if err != nil && updates {
				return
			}
			if err != nil || !slices.Equal(fields, want) {
				t.Fatalf("% x is %v, %v; want %v", block, fields, err, want)
			}
			checkTables(t, d, peer)
		}
	})
}

// hpackStatus returns a status of three digits.
func hpackStatus(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// FuzzHuffman compares verdicts and bytes, and encodes again.
func FuzzHuffman(f *testing.F) {
	for _, field := range chromium {
		f.Add(appendEncoded(nil, field[1]))
	}
	addScripts(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := appendDecoded(nil, p)
		want, other := hpack.HuffmanDecodeToString(p)
		if (err != nil) != errors.Is(other, hpack.ErrInvalidHuffman) || err == nil && string(got) != want {
			t.Fatalf("% x is %q, %v; and for hpack %q, %v", p, got, err, want, other)
		}
		if err == nil && string(appendEncoded(nil, got)) != string(p) {
			t.Fatalf("% x is %q, and that is % x", p, got, appendEncoded(nil, got))
		}
		if got, err := appendDecoded(nil, appendEncoded(nil, p)); string(got) != string(p) || err != nil {
			t.Fatalf("%q comes back as %q, %v", p, got, err)
		}
	})
}
