package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// chromium is the head of a page as Chromium asks for it.
var chromium = [][2]string{
	{":method", "GET"},
	{":authority", "www.example.com"},
	{":scheme", "https"},
	{":path", "/articles/2026/spinning?page=2"},
	{"sec-ch-ua", `"Chromium";v="156", "Not.A/Brand";v="24"`},
	{"sec-ch-ua-mobile", "?0"},
	{"sec-ch-ua-platform", `"Linux"`},
	{"upgrade-insecure-requests", "1"},
	{"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"},
	{"sec-fetch-site", "same-origin"},
	{"sec-fetch-mode", "navigate"},
	{"sec-fetch-user", "?1"},
	{"sec-fetch-dest", "document"},
	{"referer", "https://www.example.com/articles/"},
	{"accept-encoding", "gzip, deflate, br, zstd"},
	{"accept-language", "en-GB,en;q=0.9,de;q=0.8"},
	{"cookie", "session=4cf2a7be90d14ad2; theme=dark"},
	{"priority", "u=0, i"},
}

// blockWriter is where hpack's encoder writes.
type blockWriter struct{ p []byte }

func (w *blockWriter) Write(p []byte) (int, error) {
	w.p = append(w.p, p...)
	return len(p), nil
}

// blocks encodes a head twice with hpack's encoder, which adds its fields to the table first.
func blocks(fields [][2]string) (first, second []byte) {
	var w blockWriter
	e := hpack.NewEncoder(&w)
	encode := func() []byte {
		w.p = nil
		for _, f := range fields {
			e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		return w.p
	}
	return encode(), encode()
}

// BenchmarkDecodeKnown decodes 17 fields that the tables have.
func BenchmarkDecodeKnown(b *testing.B) {
	first, known := blocks(chromium[:17])
	b.Run("h2", func(b *testing.B) {
		d := NewDecoder(DefaultTable)
		var block Block
		if err := d.Decode(first, &block, ample); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			block.Text, block.Fields = block.Text[:0], block.Fields[:0]
			if err := d.Decode(known, &block, ample); err != nil || len(block.Fields) != 17 {
				b.Fatal(err)
			}
		}
	})
	b.Run("hpack", func(b *testing.B) {
		n := 0
		d := hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) { n++ })
		d.Write(first)
		b.ReportAllocs()
		for b.Loop() {
			d.Write(known)
			d.Close()
		}
	})
}

// BenchmarkDecodeNewPath decodes them with a path that is new, in Huffman codes.
func BenchmarkDecodeNewPath(b *testing.B) {
	first, known := blocks(chromium[:17])
	known = append([]byte{literalBits | byte(NamePath)}, append(AppendHuffman(nil, "/articles/2026/weaving?page=13&sort=newest"), known...)...)
	b.Run("h2", func(b *testing.B) {
		d := NewDecoder(DefaultTable)
		var block Block
		d.Decode(first, &block, ample)
		b.ReportAllocs()
		for b.Loop() {
			block.Text, block.Fields = block.Text[:0], block.Fields[:0]
			if err := d.Decode(known, &block, ample); err != nil || len(block.Fields) != 18 {
				b.Fatal(err)
			}
		}
	})
	b.Run("hpack", func(b *testing.B) {
		d := hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) {})
		d.Write(first)
		b.ReportAllocs()
		for b.Loop() {
			d.Write(known)
			d.Close()
		}
	})
}

// BenchmarkDecodeFirst decodes the first request of a connection.
func BenchmarkDecodeFirst(b *testing.B) {
	first, _ := blocks(chromium)
	b.Run("h2", func(b *testing.B) {
		b.ReportAllocs()
		var block Block
		for b.Loop() {
			block.Text, block.Fields = block.Text[:0], block.Fields[:0]
			if err := NewDecoder(DefaultTable).Decode(first, &block, ample); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := hpack.NewDecoder(DefaultTable, func(hpack.HeaderField) {})
			d.Write(first)
			d.Close()
		}
	})
}

// BenchmarkDecodeBomb decodes 16 KiB that name a field of 4 KB again and again.
func BenchmarkDecodeBomb(b *testing.B) {
	long := literals([2]string{"+" + strings.Repeat("n", 4000), ""})
	for _, again := range [][2]string{{"field", "\xbe"}, {"name", "\x0f\x2f\x00"}, {"added", "\x7e\x00"}} {
		b.Run(again[0], func(b *testing.B) {
			p := append(long, strings.Repeat(again[1], (16<<10-len(long))/len(again[1]))...)
			d := NewDecoder(DefaultTable)
			var block Block
			b.ReportAllocs()
			for b.Loop() {
				block.Text, block.Fields = block.Text[:0], block.Fields[:0]
				if err := d.Decode(p, &block, Limit{32 << 10, 100, 256}); err != nil || !block.TooLarge {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodeAnswer encodes the head of an answer whose date was encoded before.
func BenchmarkEncodeAnswer(b *testing.B) {
	b.Run("h2", func(b *testing.B) {
		e := NewEncoder()
		date := AppendHuffmanField(nil, "Date", "Fri, 27 Nov 2026 16:05:51 GMT")
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			dst = e.Begin(dst[:0])
			dst = AppendStatus(dst, 200)
			dst = append(dst, date...)
			dst = e.AppendStable(dst, "Server", "bobbin")
			dst = e.AppendStable(dst, "Content-Type", "text/plain; charset=utf-8")
			dst = AppendField(dst, "Content-Length", "13")
		}
		b.ReportMetric(float64(len(dst)), "B/answer")
	})
	b.Run("hpack", func(b *testing.B) {
		var w blockWriter
		e := hpack.NewEncoder(&w)
		b.ReportAllocs()
		for b.Loop() {
			w.p = w.p[:0]
			e.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			e.WriteField(hpack.HeaderField{Name: "date", Value: "Fri, 27 Nov 2026 16:05:51 GMT"})
			e.WriteField(hpack.HeaderField{Name: "server", Value: "bobbin"})
			e.WriteField(hpack.HeaderField{Name: "content-type", Value: "text/plain; charset=utf-8"})
			e.WriteField(hpack.HeaderField{Name: "content-length", Value: "13"})
		}
	})
}

// BenchmarkHuffman decodes a user agent.
func BenchmarkHuffman(b *testing.B) {
	agent := chromium[8][1]
	p := appendEncoded(nil, agent)
	b.Run("h2", func(b *testing.B) {
		var dst []byte
		b.SetBytes(int64(len(agent)))
		for b.Loop() {
			var err *Error
			if dst, err = appendDecoded(dst[:0], p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hpack", func(b *testing.B) {
		b.SetBytes(int64(len(agent)))
		for b.Loop() {
			if _, err := hpack.HuffmanDecodeToString(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
