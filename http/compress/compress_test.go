package compress

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var decoders = map[string]func(io.Reader) (io.Reader, error){
	"gzip": func(r io.Reader) (io.Reader, error) { return stdgzip.NewReader(r) },
	"zstd": func(r io.Reader) (io.Reader, error) {
		// What a client has to support, and no more.
		return zstd.NewReader(r, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1))
	},
	"br": func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
}

func TestWhatIsCompressedComesBack(t *testing.T) {
	noise := make([]byte, 100_000)
	r := rand.NewChaCha8([32]byte{})
	r.Read(noise)
	for name, src := range map[string][]byte{
		"nothing": nil, "a byte": {'a'}, "text": []byte(strings.Repeat("all work and no play\n", 5000)), "noise": noise,
		"more than a window": bytes.Repeat(noise[:50_000], 200),
	} {
		for _, c := range Codings {
			for quick, encode := range map[bool]func(dst, src []byte) []byte{false: c.Encode, true: c.Quick} {
				if c.Ahead && !quick && len(src) > 1<<20 {
					continue // it takes too long for a test
				}
				got := encode([]byte("before"), src)
				packed, ok := bytes.CutPrefix(got, []byte("before"))
				if !ok {
					t.Fatalf("%s of %s is not appended", c.Name, name)
				}
				d, err := decoders[c.Name](bytes.NewReader(packed))
				if err != nil {
					t.Fatalf("%s of %s: %v", c.Name, name, err)
				}
				plain, err := io.ReadAll(d)
				if err != nil || !bytes.Equal(plain, src) {
					t.Errorf("%s of %s: %d bytes of %d came back, %v", c.Name, name, len(plain), len(src), err)
				}
				if name == "text" && len(packed) > len(src)/20 {
					t.Errorf("%s of %s has %d bytes of %d", c.Name, name, len(packed), len(src))
				}
			}
		}
	}
}
