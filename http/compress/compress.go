// Package compress has the codings that bodies are compressed in. Its functions
// take a whole body at a time and may be called from any goroutine; they are too
// slow for the loop's.
package compress

import (
	"bytes"
	"fmt"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A Coding is a way to compress.
type Coding struct {
	Name   string // as Accept-Encoding has it
	Suffix string // of the files that are compressed so
	Ahead  bool   // too slow to be used while somebody waits

	// Encode appends src, compressed, to dst.
	Encode func(dst, src []byte) []byte
}

// Codings are all there are, the best first.
var Codings = []Coding{
	{"br", ".br", true, Brotli},
	{"zstd", ".zst", false, Zstd},
	{"gzip", ".gz", false, Gzip},
}

// Gzip appends src in the gzip format (RFC 1952) to dst.
func Gzip(dst, src []byte) []byte {
	b := bytes.NewBuffer(dst)
	w, err := gzip.NewWriterLevel(b, 6)
	if err == nil {
		_, err = w.Write(src)
	}
	if err == nil {
		err = w.Close()
	}
	must(err)
	return b.Bytes()
}

// zstdWindow is the largest window that every client has to support (RFC 9659).
const zstdWindow = 8 << 20

// Zstd appends src in the Zstandard format (RFC 8878) to dst.
func Zstd(dst, src []byte) []byte {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithLowerEncoderMem(true))
	must(err)
	defer e.Close()
	return e.EncodeAll(src, dst)
}

// Brotli appends src in the Brotli format (RFC 7932) to dst, as small as it
// gets. A megabyte takes seconds.
func Brotli(dst, src []byte) []byte {
	b := bytes.NewBuffer(dst)
	w := brotli.NewWriterLevel(b, brotli.BestCompression)
	_, err := w.Write(src)
	if err == nil {
		err = w.Close()
	}
	must(err)
	return b.Bytes()
}

// must is for what cannot fail: memory is written to, with settings that are
// ours.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("compress: internal error: %v", err))
	}
}
