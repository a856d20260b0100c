package websocket

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// deflated returns a message as a client may deflate it.
func deflated(p string) string {
	return string(new(deflater).deflate(nil, []byte(p)))
}

// text returns n bytes that can be deflated.
func text(n int) string {
	return strings.Repeat(`{"name":"bobbin","thread":1,"of":"linen"},`, n/42+1)[:n]
}

// TestDeflatedMessages has an echo of all sizes and windows, in frames of some sizes.
func TestDeflatedMessages(t *testing.T) {
	stage(t, echo(Options{Deflate: true}), func(_ *http.Server, main *client) {
		for bits := 8; bits <= 15; bits++ {
			for _, size := range []int{0, 1, 16, 511, 512, 4096, 40_000, 131_072, 1 << 20} {
				for _, part := range []int{100, 1 << 20} {
					if size > 100_000 && part < size && bits != 10 {
						continue
					}
					name := fmt.Sprintf("%d bytes, a window of %d bits, frames of %d", size, bits, part)
					c := main.connect(fmt.Sprintf("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%d\r\n", bits))
					p, say, first := deflated(text(size)), "", byte(0x41)
					for len(p) > part {
						say += frame(first, p[:part])
						p, first = p[part:], 0
					}
					c.say(say + frame(first|0x80, p))
					want := "deflated text "
					if size < deflateFrom || bits < 15 && size > 1<<bits {
						want = "text "
					}
					if got := c.next(); got != want+text(size) {
						t.Errorf("%s: got %.100q of %d bytes", name, got, len(got))
					}
					c.leave()
				}
			}
		}
	})
}

// TestWhatADeflatedMessageMayBe has messages that others than a Writer make.
func TestWhatADeflatedMessageMayBe(t *testing.T) {
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	bomb := deflated(strings.Repeat("\x00", 64<<20))
	for _, row := range []struct{ name, say, want string }{
		{"the example of RFC 7692", frame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), "text Hello"},
		{"its stored block", frame(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "text Hello"},
		{"its last block", frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "text Hello"},
		{"its two blocks", frame(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "text Hello"},
		{"two last blocks", frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "text HelloHello"},
		{"an empty message", frame(0xc1, "\x00"), "text"},
		{"one that is not deflated", frame(0x81, "plain"), "text plain"},
		{"what cannot be deflated comes back as it is", frame(0x82, string(noise)), "binary " + string(noise)},
		{"too many last blocks", frame(0xc1, strings.Repeat("\x03\x00", 100)), "close 1007 a message is of too many deflated streams"},
		{"nothing that can be inflated", frame(0xc1, "\xff\xff\xff"), "close 1007 a message cannot be inflated"},
		{"a distance before the beginning", frame(0xc1, "\x02\x23\x00"), "close 1007 a message cannot be inflated"},
		{"a text that is none", frame(0xc1, deflated("\xff")), "close 1007 a text is not UTF-8"},
		{"64 MiB of zeros are not inflated", frame(0xc2, bomb), "close 1009 a message is too large"},
		{"a continuation that says it is deflated", frame(0x41, "") + frame(0xc0, ""), "close 1002 a reserved bit is set"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stage(t, echo(Options{Deflate: true}), func(_ *http.Server, c *client) {
				c = c.connect(offersDeflate)
				c.say(row.say)
				c.wants(row.want)
				c.wire.Close()
			})
		})
	}
}

// TestABombIsInflatedToItsLimit looks at the memory for one.
func TestABombIsInflatedToItsLimit(t *testing.T) {
	bomb := deflated(strings.Repeat("\x00", 64<<20))
	p, why := new(deflater).inflate(nil, []byte(bomb), 1<<20)
	if why == nil || cap(p) > 2<<20 {
		t.Errorf("%v, and %d bytes of memory", why, cap(p))
	}
}

// FuzzInflate holds that no bytes cause a panic, or more than the limit.
func FuzzInflate(f *testing.F) {
	f.Add([]byte(deflated("hello")))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var d deflater
		q, why := d.inflate(nil, p, 1000)
		if why == nil && len(q) > 1000 {
			t.Errorf("%d bytes", len(q))
		}
		if again := d.deflate(nil, q); why == nil {
			if r, why := d.inflate(nil, again, 1000); why != nil || !bytes.Equal(r, q) {
				t.Errorf("%v, %q has become %q", why, q, r)
			}
		}
	})
}

func BenchmarkDeflate190(b *testing.B) {
	var d deflater
	p, q := []byte(text(190)), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		q = d.deflate(q[:0], p)
	}
}

func BenchmarkInflate190(b *testing.B) {
	var d deflater
	p, q := []byte(deflated(text(190))), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		q, _ = d.inflate(q[:0], p, 1<<20)
	}
}
