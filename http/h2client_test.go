package http

import (
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// A client of HTTP/2 for tests, as text: what it says, frame by frame.

// h2Begin is what a client says before its first request.
var h2Begin = h2.Preface + string(h2.AppendSettings(nil))

// h2Fetch is a GET without a body, on a stream.
func h2Fetch(stream uint32, path string) string { return h2Head(stream, path, 0x82, h2.FlagEndStream) }

// h2Post is the head of a POST, on a stream whose body is still to come.
func h2Post(stream uint32, path string) string { return h2Head(stream, path, 0x83, 0) }

// h2Head is HEADERS with a method of the static table.
func h2Head(stream uint32, path string, method byte, flags h2.Flags) string {
	const schemeHTTP, withPath, withAuthority = 0x86, 0x04, 0x01 // RFC 7541 appendix A
	block := append([]byte{method, schemeHTTP, withPath, byte(len(path))}, path...)
	block = append(block, withAuthority, 1, 'a')
	head := h2.FrameHeader{Length: uint32(len(block)), Type: h2.FrameHeaders, Flags: flags | h2.FlagEndHeaders, Stream: stream}
	return string(append(head.Append(nil), block...))
}

// h2Reset is RST_STREAM with CANCEL.
func h2Reset(stream uint32) string { return string(h2.AppendReset(nil, stream, h2.Cancel)) }

// h2Site has a handler of each sort that a picture of a connection tells apart.
func h2Site() *Router {
	var site Router
	site.Handle("/ok", hello)
	site.Handle("/held", func(w *Response, _ *Request) error { _, err := w.Hold(); return err })
	site.Handle("/body", func(w *Response, r *Request) error { _, err := r.Body(); return err })
	site.Handle("/large", func(w *Response, _ *Request) error { return w.Text(strings.Repeat("x", 1<<20)) })
	return &site
}
