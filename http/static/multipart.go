package static

import (
	"fmt"
	"io"
	"sort"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Several ranges are one body with a part for each (RFC 9110 section 14.6), and a head in
// front of each part. The body is read like a file: it is not in memory in whole, so that
// its size has no limit.

// fewRanges is how many ranges may take more bytes than the file, because of the heads of
// the parts.
const fewRanges = 16

// Parts are such a body. They are an eventloop.Source, and belong to the loop, except
// for ReadAt.
type parts struct {
	from        io.ReaderAt // the file
	file        *openFile   // the file, nil if it is in memory
	contentType string
	whole       int64 // bytes of the file
	list        []part
	size        int64 // bytes of the body
}

// A part is a range of the file with its head.
type part struct {
	byteRange
	at    int64 // in the body
	bytes int64 // with the head
}

func newParts(e *entry, rep *representation, list []byteRange) *parts {
	m := &parts{file: rep.file, contentType: e.contentType, whole: rep.size, list: make([]part, len(list))}
	if m.file != nil {
		m.from = m.file
	}
	for i, r := range list {
		m.list[i] = part{r, m.size, int64(len(m.head(nil, r))) + r.size}
		m.size += m.list[i].bytes
	}
	m.size += int64(len(m.end()))
	return m
}

// head appends what stands in front of the bytes of a range.
func (m *parts) head(b []byte, r byteRange) []byte {
	return fmt.Appendf(b, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, m.contentType, contentRange(r, m.whole))
}

func (m *parts) end() string { return "\r\n--" + boundary + "--\r\n" }

// ReadAt implements io.ReaderAt, for the body.
func (m *parts) ReadAt(b []byte, at int64) (n int, err error) {
	i := sort.Search(len(m.list), func(i int) bool { return m.list[i].at+m.list[i].bytes > at })
	for ; i < len(m.list) && n < len(b); i++ {
		p := &m.list[i]
		head := m.head(nil, p.byteRange)
		skip := at + int64(n) - p.at // bytes of the part that are before b
		if skip < int64(len(head)) {
			n += copy(b[n:], head[skip:])
			skip = int64(len(head))
		}
		skip -= int64(len(head))
		want := min(int64(len(b)-n), p.size-skip)
		got, err := m.from.ReadAt(b[n:n+int(want)], p.offset+skip)
		n += got
		if int64(got) < want {
			return n, err
		}
	}
	if n < len(b) {
		end := m.end()
		if skip := at + int64(n) - (m.size - int64(len(end))); skip < int64(len(end)) {
			n += copy(b[n:], end[skip:])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Fd implements bobbin.File.
func (m *parts) Fd() uintptr { return noFD }

// Next implements eventloop.Source. A worker reads each stretch of the body first,
// because the file may not be in memory.
func (m *parts) Next(p eventloop.Part) ([]byte, error) {
	if !p.Cached() {
		return nil, eventloop.ErrCold
	}
	text, err := p.Read()
	if err == nil && !m.file.Intact() {
		return nil, eventloop.ErrChanged
	}
	return text, err
}

// Intact implements eventloop.Source.
func (m *parts) Intact() bool { return m.file.Intact() }

// Place implements eventloop.Source.
func (m *parts) Place() string { return m.file.Place() }

// Release implements eventloop.File.
func (m *parts) Release() { m.file.Release() }

var _ eventloop.Source = (*parts)(nil)

// sendParts answers with several ranges (RFC 9110 section 15.3.7.2).
func (e *entry) sendParts(w *http.Response, rep *representation, list []byteRange) error {
	m := newParts(e, rep, list)
	if len(list) > fewRanges && m.size > rep.size {
		return e.send(w, rep)
	}
	w.SetStatus(http.StatusPartialContent).AddPrepared(rep.fields).
		Add("Content-Type", "multipart/byteranges; boundary="+boundary)
	if rep.file != nil {
		rep.file.retain()
		return w.SendFile(m, 0, m.size)
	}
	body := make([]byte, m.size)
	m.from = bytesAt(rep.body)
	if _, err := m.ReadAt(body, 0); err != nil {
		return err
	}
	return w.WriteNoCopy(body)
}

// bytesAt are bytes that are read like a file.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, at int64) (int, error) { return copy(p, b[at:]), nil }
