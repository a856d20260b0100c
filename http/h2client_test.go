package http

import (
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// A client of HTTP/2 for tests, as text: what it says, frame by frame.

// h2Begin is what a client says before its first request.
var h2Begin = h2.Preface + string(h2.AppendSettings(nil))

// h2Fetch is a GET without a body, on a stream.
func h2Fetch(stream uint32, path string) string { return h2Head(stream, path, 0x82, h2.FlagEndStream) }

// h2FetchMore is a GET of "/" whose field block has more at its end.
func h2FetchMore(stream uint32, more string) string {
	block := h2Fetch(stream, "/")[h2.HeaderSize:] + more
	return h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, stream, block)
}

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

// h2Frame is a frame with a payload.
func h2Frame(kind h2.FrameType, flags h2.Flags, stream uint32, payload string) string {
	h := h2.FrameHeader{Length: uint32(len(payload)), Type: kind, Flags: flags, Stream: stream}
	return string(h.Append(nil)) + payload
}

// h2Body is DATA of n bytes, in frames.
func h2Body(stream uint32, n int) (all string) {
	for n > 0 {
		size := min(n, h2.MinFrameSize)
		all += h2Frame(h2.FrameData, 0, stream, strings.Repeat("b", size))
		n -= size
	}
	return all
}

// h2Pings is n frames of PING.
func h2Pings(n int) string {
	return strings.Repeat(string(h2.AppendPing(nil, [8]byte{})), n)
}

// h2GetOf is a GET of "/" at "a" with more fields, or others in place of these.
func h2GetOf(stream uint32, lines ...string) h2Lines {
	return h2LinesOf(stream, h2.FlagEndStream, "GET", lines)
}

// h2PostOf is the head of a POST, whose body is still to come.
func h2PostOf(stream uint32, lines ...string) h2Lines { return h2LinesOf(stream, 0, "POST", lines) }

func h2LinesOf(stream uint32, flags h2.Flags, method string, lines []string) h2Lines {
	all := []string{":method: " + method, ":scheme: http", ":path: /", ":authority: a"}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ": ")
		at := slices.IndexFunc(all[:4], func(of string) bool { return strings.HasPrefix(of, name+": ") })
		if at >= 0 {
			all[at] = line
		} else {
			all = append(all, line)
		}
	}
	return h2Lines{stream, flags, all}
}

// h2Only is HEADERS with these fields and no others, which end the stream: a request, or trailers.
func h2Only(stream uint32, lines ...string) h2Lines {
	return h2Lines{stream, h2.FlagEndStream, lines}
}

// h2Data is DATA, which is not the last.
func h2Data(stream uint32, data string) string { return h2Frame(h2.FrameData, 0, stream, data) }

// h2Last is DATA that ends the stream.
func h2Last(stream uint32, data string) string {
	return h2Frame(h2.FrameData, h2.FlagEndStream, stream, data)
}

// h2Site has a handler of each sort that a picture of a connection tells apart.
func h2Site() *Router {
	var site Router
	site.Handle("/ok", hello)
	site.Handle("/held", func(w *Response, _ *Request) error { _, err := w.Hold(); return err })
	site.Handle("/body", func(w *Response, r *Request) error { _, err := r.Body(); return err })
	site.Handle("/large", func(w *Response, _ *Request) error { return w.Text(strings.Repeat("x", 1<<20)) })
	return &site
}
