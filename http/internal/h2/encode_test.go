package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// A peerDecoder decodes with hpack what an Encoder has made.
type peerDecoder struct {
	t *testing.T
	d *hpack.Decoder
}

func newPeer(t *testing.T) peerDecoder {
	return peerDecoder{t, hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) {})}
}

// decode complains if p is not the fields, one a line. One that may not be indexed has "!" at its
// end.
func (peer peerDecoder) decode(p []byte, want string) {
	peer.t.Helper()
	fields, err := peer.d.DecodeFull(p)
	if err != nil {
		peer.t.Fatalf("% x: %v", p, err)
	}
	var got strings.Builder
	for _, f := range fields {
		got.WriteString(f.Name + ": " + f.Value)
		if f.Sensitive {
			got.WriteString("!")
		}
		got.WriteString("\n")
	}
	if got.String() != want {
		peer.t.Errorf("% x is %q, want %q", p, got.String(), want)
	}
}

// TestAppendField has single fields.
func TestAppendField(t *testing.T) {
	tests := []struct {
		name         string
		field, value string
		hex          string
		want         string
	}{
		{"a name of the static table is an index", "Date", "x", "0f 12 01 78", "date: x\n"},
		{"so is the last one", "WWW-Authenticate", "x", "0f 2e 01 78", "www-authenticate: x\n"},
		{"a low one fits in the first byte", ":path", "x", "04 01 78", ":path: x\n"},
		{"another name is a string in lower case", "X-Ab", "Cd", "00 04 78 2d 61 62 02 43 64", "x-ab: Cd\n"},
		{"a name that is known besides is a string, too", "Priority", "i", "00 08 70 72 69 6f 72 69 74 79 01 69", "priority: i\n"},
		{"Set-Cookie is never indexed", "Set-Cookie", "a", "1f 28 01 61", "set-cookie: a!\n"},
		{"a value may be empty", "Age", "", "0f 06 00", "age: \n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := unhex(t, test.hex)
			if got := AppendField(nil, test.field, test.value); string(got) != string(want) {
				t.Errorf("% x, want % x", got, want)
			}
			if got := AppendField(nil, []byte(test.field), []byte(test.value)); string(got) != string(want) {
				t.Errorf("as bytes, % x, want % x", got, want)
			}
			newPeer(t).decode(want, test.want)
			newPeer(t).decode(AppendHuffmanField(nil, test.field, test.value), test.want)
		})
	}
	if got := AppendHuffmanField(nil, "Date", "Fri, 27 Nov 2026 16:05:51 GMT"); len(got) != 25 {
		t.Errorf("a date in Huffman codes has %d bytes: % x", len(got), got)
	}
}

// TestAppendStatus decodes every status.
func TestAppendStatus(t *testing.T) {
	for status := 100; status < 1000; status++ {
		p := AppendStatus(nil, status)
		want := string(byte('0'+status/100)) + string(byte('0'+status/10%10)) + string(byte('0'+status%10))
		newPeer(t).decode(p, ":status: "+want+"\n")
		indexed := strings.Contains(" 200 204 206 304 400 404 500 ", " "+want+" ")
		if (len(p) == 1) != indexed {
			t.Errorf("%s has %d bytes", want, len(p))
		}
	}
}

// TestEncoderTable sends fields again.
func TestEncoderTable(t *testing.T) {
	const (
		server = "server: bobbin\n"
		html   = "content-type: text/html\n"
		own    = "x-own: 1\n"
	)
	peer := newPeer(t)
	e := NewEncoder()
	send := func(want string, size int) {
		t.Helper()
		p := e.Begin(nil)
		for line := range strings.Lines(want) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			p = e.AppendStableBytes(p, []byte(strings.ToUpper(name)), []byte(value))
		}
		peer.decode(p, want)
		if len(p) != size {
			t.Errorf("%q has %d bytes, want %d", want, len(p), size)
		}
	}
	send(server+html, 8+11)
	send(server+html+own, 1+1+9)
	send(own+server+html+own, 4)
	send("x-own: 2\n", 9) // another value is another field

	peer.d.SetAllowedMaxDynamicTableSize(100)
	e.SetPeerLimit(100)
	send("x-own: 2\n", 2+1) // it is left of the table
	send(server, 9)         // there is no room for it

	e.SetPeerLimit(0)
	e.SetPeerLimit(4096)
	peer.d.SetAllowedMaxDynamicTableSize(4096)
	send(server, 1+3+8) // two updates empty the table
	send(server, 1)

	e.SetPeerLimit(0)
	send(server, 1+9) // announced, and not added
	send(server, 9)
	e.SetPeerLimit(1 << 31)
	send(server, 3+8)
	e.SetPeerLimit(1 << 20) // we use no more than 4,096
	send(server, 1)
}

// TestEncoderLimits looks at which fields are not added.
func TestEncoderLimits(t *testing.T) {
	peer := newPeer(t)
	e := NewEncoder()
	for i := range encoderEntries + 2 {
		value := string(rune('a' + i))
		peer.decode(e.AppendStable(nil, "x", value), "x: "+value+"\n")
	}
	if len(e.entries) != encoderEntries {
		t.Errorf("the table has %d fields", len(e.entries))
	}
	for limit, want := range map[uint32]int{37: 0, 38: 1} {
		e = NewEncoder()
		e.SetPeerLimit(limit)
		if e.AppendStable(nil, "x-own", "1"); len(e.entries) != want {
			t.Errorf("a table of %d bytes has %d fields of 38", limit, len(e.entries))
		}
	}
	e = NewEncoder()
	for name, value := range map[string]string{"set-cookie": "a", "x": strings.Repeat("v", encoderField)} {
		e.AppendStable(nil, name, value)
	}
	if len(e.entries) != 0 || e.size != 0 {
		t.Errorf("a field was added that may not be: %d, %d bytes", len(e.entries), e.size)
	}
	e.AppendStable(nil, "x", strings.Repeat("v", encoderField-1))
	if len(e.entries) != 1 || e.size != encoderField+FieldOverhead {
		t.Errorf("the longest field was not added: %d, %d bytes", len(e.entries), e.size)
	}
}

// TestNoAllocations encodes and decodes in the steady state.
func TestNoAllocations(t *testing.T) {
	e := NewEncoder()
	d := NewDecoder(DefaultTable)
	first, known := blocks(chromium)
	known = append(known, literals([2]string{"cookie", "a"}, [2]string{"x", "y"}, [2]string{"cookie", "b"}, [2]string{"+again", "new"})...)
	var p []byte
	var b Block
	if err := d.Decode(first, &b, ample); err != nil {
		t.Fatal(err)
	}
	status := 200
	got := testing.AllocsPerRun(1000, func() {
		p = e.Begin(p[:0])
		p = AppendStatus(p, status)
		p = e.AppendStable(p, "Server", "bobbin")
		p = AppendField(p, "X-Own", "value")
		p = AppendHuffmanField(p, "Etag", "value")
		p = AppendGoAway(AppendSettings(p, Setting{SettingMaxFrameSize, uint32(status)}), 1, NoError, "text")
		b.Text, b.Fields = b.Text[:0], b.Fields[:0]
		if d.Decode(known[:len(known):len(known)], &b, ample) != nil {
			status = 500
		}
	})
	if got != 0 || status != 200 {
		t.Errorf("%v allocations, status %d", got, status)
	}
}
