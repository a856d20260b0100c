package h2

// Field blocks that are decoded or refused. A row's name is a sentence that is true when the
// row passes.

import (
	"encoding/hex"
	"strings"
	"testing"
)

// ample is a limit that no block of these tests reaches.
var ample = Limit{Bytes: 1 << 20, Fields: 1 << 20, Crumbs: 1 << 20}

// unhex returns the bytes of hexadecimal digits with spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lines returns the fields of a block, one a line, from what Fields says of them.
func lines(b *Block) string {
	var s strings.Builder
	for _, f := range b.Fields {
		s.WriteString(string(b.NameOf(f)) + ": " + string(b.ValueOf(f)) + "\n")
	}
	return s.String()
}

// checkBlock complains if what a block says of its fields is not what its text has.
func checkBlock(t testing.TB, b *Block) {
	t.Helper()
	if got := strings.ReplaceAll(string(b.Text), "\r\n", "\n"); got != lines(b) {
		t.Errorf("the text is %q, and the fields say %q", got, lines(b))
	}
	at := 0
	for i, f := range b.Fields {
		name := string(b.NameOf(f))
		if int(f.At) != at {
			t.Errorf("field %d begins at %d and not at %d", i, f.At, at)
		}
		at += f.lineSize()
		if f.Known != NameOf(name) || f.Pseudo() != strings.HasPrefix(name, ":") {
			t.Errorf("the field %q is number %d, pseudo %v", name, f.Known, f.Pseudo())
		}
		if f.Pseudo() != (i < b.Pseudo) {
			t.Errorf("the field %q is number %d of %d pseudo-fields", name, i, b.Pseudo)
		}
	}
}

// TestExamplesOfTheRFC decodes the examples of RFC 7541 appendix C.
func TestExamplesOfTheRFC(t *testing.T) {
	const (
		request1 = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
		request2 = request1 + "cache-control: no-cache\n"
		request3 = ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value\n"
		answer1  = ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n"
		answer2  = ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n"
		answer3  = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\n" +
			"content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"
	)
	type block struct {
		hex  string
		want string
		size uint32 // of the table afterwards
	}
	tests := []struct {
		name   string
		limit  uint32
		blocks []block
	}{
		{"C.2.1 is a literal that is added", 4096, []block{
			{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header\n", 55}}},
		{"C.2.2 is a literal that is not", 4096, []block{{"040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n", 0}}},
		{"C.2.3 is a literal that is never", 4096, []block{{"1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret\n", 0}}},
		{"C.2.4 is an index", 4096, []block{{"82", ":method: GET\n", 0}}},
		{"C.3 has requests as they are", 4096, []block{
			{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", request1, 57},
			{"8286 84be 5808 6e6f 2d63 6163 6865", request2, 110},
			{"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", request3, 164}}},
		{"C.4 has them in Huffman codes", 4096, []block{
			{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", request1, 57},
			{"8286 84be 5886 a8eb 1064 9cbf", request2, 110},
			{"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", request3, 164}}},
		{"C.5 has answers that evict", 256, []block{
			{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d" +
				"546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", answer1, 222},
			{"4803 3330 37c1 c0bf", answer2, 222},
			{"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f" +
				"6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b" +
				"2076 6572 7369 6f6e 3d31", answer3, 215}}},
		{"C.6 has them in Huffman codes", 256, []block{
			{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7" +
				"8f0b 97c8 e9ae 82ae 43d3", answer1, 222},
			{"4883 640e ffc1 c0bf", answer2, 222},
			{"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335" +
				"dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07", answer3, 215}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder(test.limit)
			for i, block := range test.blocks {
				var b Block
				if err := d.Decode(unhex(t, block.hex), &b, ample); err != nil {
					t.Fatalf("block %d: %v", i, err)
				}
				checkBlock(t, &b)
				if got := lines(&b); got != block.want || b.Malformed != nil || b.TooLarge {
					t.Errorf("block %d is %q (%v), want %q", i, got, b.Malformed, block.want)
				}
				if d.table.size != block.size {
					t.Errorf("the table has %d bytes after block %d, want %d", d.table.size, i, block.size)
				}
			}
		})
	}
}

// TestIntegersOfTheRFC has RFC 7541 appendix C.1, and what lies at the ends.
func TestIntegersOfTheRFC(t *testing.T) {
	tests := []struct {
		name string
		mask byte
		hex  string
		want uint32
		err  *Error
	}{
		{"C.1.1: 10 fits in a prefix of 5 bits", 0x1f, "0a", 10, nil},
		{"C.1.2: 1337 does not", 0x1f, "1f 9a 0a", 1337, nil},
		{"C.1.3: 42 fits in 8 bits", 0xff, "2a", 42, nil},
		{"a prefix of ones needs a byte more", 0x1f, "1f 00", 31, nil},
		{"bits above the prefix are not of the integer", 0x0f, "f3", 3, nil},
		{"28 bits behind the prefix are the most", 0x7f, "7f ff ff ff 7f", 1<<28 - 1 + 0x7f, nil},
		{"a fifth byte is too much", 0x7f, "7f ff ff ff ff 00", 0, errInteger},
		{"a fifth byte is too much even if it adds nothing", 0x7f, "7f 80 80 80 80 00", 0, errInteger},
		{"nothing is no integer", 0x7f, "", 0, errTruncated},
		{"an integer does not end after its prefix", 0x7f, "7f", 0, errTruncated},
		{"an integer does not end in a byte that says more", 0x7f, "7f 80", 0, errTruncated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := unhex(t, test.hex)
			n, end, err := readInteger(p, 0, test.mask)
			if n != test.want || err != test.err || err == nil && end != len(p) {
				t.Errorf("read %d, %d bytes, %v; want %d, %v", n, end, err, test.want, test.err)
			}
		})
	}
	for _, n := range []uint32{0, 1, 14, 15, 16, 126, 127, 128, 254, 255, 256, 1337, 1 << 14, 1<<28 - 1} {
		for _, mask := range []byte{0x0f, 0x1f, 0x3f, 0x7f} {
			p := appendInteger(nil, 0, mask, n)
			if got, end, err := readInteger(p, 0, mask); got != n || end != len(p) || err != nil {
				t.Errorf("%d with the prefix %#x is % x, which is read as %d, %v", n, mask, p, got, err)
			}
		}
	}
}

// TestBlockRefused has blocks that end the connection.
func TestBlockRefused(t *testing.T) {
	tests := []struct {
		name string
		hex  string
		want *Error
	}{
		{"index 0 is no field", "80", errIndex},
		{"index 62 is no field of an empty table", "be", errIndex},
		{"index 63 is no field of a table with one", "4001 61 01 62 bf", errIndex},
		{"an index of many bytes is no field", "ff ff ff 7f", errIndex},
		{"index 62 is no name of an empty table", "7e 01 61", errIndex},
		{"index 62 is no name for a literal that is not added", "0f 2f 01 61", errIndex},
		{"index 62 is no name for one that is never added", "1f 2f 01 61", errIndex},
		{"an integer of five bytes behind its prefix is too large", "ff 80 80 80 80 00", errInteger},
		{"a length may be too large, too", "00 7f ff ff ff ff 0f", errInteger},
		{"a block does not end inside an index", "ff", errTruncated},
		{"a block does not end inside the index of a name", "7f", errTruncated},
		{"a block does not end before a name", "40", errTruncated},
		{"a block does not end inside a name", "40 03 61 62", errTruncated},
		{"a block does not end before a value", "40 01 61", errTruncated},
		{"a block does not end inside a value", "40 01 61 05 61", errTruncated},
		{"a block does not end inside a value in Huffman codes", "40 01 61 85 ff", errTruncated},
		{"a size update is not behind a field", "82 20", errUpdateLate},
		{"a size update is not behind an update and a field", "20 82 20", errUpdateLate},
		{"a size update is at most our limit", "3f e2 1f", errUpdateHigh},
		{"a block does not end inside a size update", "3f", errTruncated},
		{"padding of 8 bits is too much", "00 81 ff 00", errHuffmanPadding},
		{"padding behind a code of 5 bits is at most 7", "00 82 07 ff 00", errHuffmanPadding},
		{"padding is ones", "00 81 00 00", errHuffmanPadding},
		{"padding is no part of a longer code", "00 82 ff c0 00", errHuffmanPadding},
		{"EOS is not in a string", "00 84 ff ff ff ff 00", errEOS},
		{"EOS is not behind a symbol", "00 85 07 ff ff ff ff 00", errEOS},
		{"EOS is not in a long string", "00 8d 07 ff ff ff ff ff ff ff ff ff ff ff ff 00", errEOS},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := unhex(t, test.hex)
			for _, l := range []Limit{ample, {}} {
				var b Block
				if err := NewDecoder(DefaultTable).Decode(p, &b, l); err != test.want {
					t.Errorf("with the limit %v: %v, want %v", l, err, test.want)
				}
			}
			if test.want.Code != CompressionError || test.want.Stream {
				t.Errorf("%v does not end the connection as a COMPRESSION_ERROR", test.want)
			}
		})
	}
}

// TestSizeUpdates has those that are right.
func TestSizeUpdates(t *testing.T) {
	d := NewDecoder(DefaultTable)
	decode := func(hex, want string, err *Error) {
		t.Helper()
		var b Block
		if got := d.Decode(unhex(t, hex), &b, ample); got != err || lines(&b) != want {
			t.Errorf("%s: %q, %v; want %q, %v", hex, lines(&b), got, want, err)
		}
	}
	decode("40 01 61 01 62", "a: b\n", nil)
	decode("be", "a: b\n", nil)
	decode("20 3f e1 1f 82", ":method: GET\n", nil) // the table is emptied, and as large as before
	if d.table.ring != nil || d.table.max != DefaultTable {
		t.Errorf("a table of %d bytes holds %d", d.table.max, len(d.table.ring))
	}
	decode("be", "", errIndex)
	decode("20", "", nil) // a block may have nothing else
	decode("40 01 61 01 62 82", "a: b\n"[:5], nil)
	if d.table.len() != 0 {
		t.Error("a table of 0 bytes has an entry")
	}
}

// TestLimitLowered looks for the size update that has to follow.
func TestLimitLowered(t *testing.T) {
	d := NewDecoder(DefaultTable)
	var b Block
	d.SetLimit(1 << 20)
	if other := NewDecoder(1 << 20); d.limit != 65535 || other.limit != 65535 || other.table.max != DefaultTable {
		t.Errorf("limits above the highest are %d and %d", d.limit, other.limit)
	}
	d.SetLimit(8192) // the peer may go on with less
	if err := d.Decode([]byte{0x82}, &b, ample); err != nil {
		t.Fatal(err)
	}
	d.SetLimit(100)
	if err := d.Decode([]byte{0x82}, &b, ample); err != errUpdateDue {
		t.Errorf("a block without the update: %v", err)
	}
	if err := d.Decode(unhex(t, "3f 45 82"), &b, ample); err != nil { // 31 + 69 = 100
		t.Errorf("a block with the update: %v", err)
	}
	if err := d.Decode([]byte{0x82}, &b, ample); err != nil {
		t.Errorf("the block behind it: %v", err)
	}
	if err := d.Decode(unhex(t, "3f 46 82"), &b, ample); err != errUpdateHigh {
		t.Errorf("an update above the limit: %v", err)
	}
}
