package static

import (
	"fmt"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// partsMax is the most that several ranges of a file may come to that is not
// in memory: they are read into it. Who wants more gets the whole.
const partsMax = 1 << 20

// sendParts answers with several ranges, as RFC 9110 section 15.3.7.2 has it.
func (e *entry) sendParts(w *http.Response, fm *representation, list []byteRange) error {
	total := int64(0)
	for _, part := range list {
		total += part.size
	}
	if fm.body != nil {
		body, err := e.joinParts(fm, list, func(b []byte, r byteRange) ([]byte, error) {
			return append(b, fm.body[r.offset:r.end()]...), nil
		})
		if err != nil {
			return err
		}
		return e.shareParts(w, fm, body)
	}
	if total > partsMax {
		return e.send(w, fm)
	}
	fm.file.retain()
	read := &parts{e: e.retain(), fm: fm, list: append([]byteRange(nil), list...)}
	return http.OffloadJob(w,
		eventloop.Job{Lane: eventloop.LaneLarge, Place: e.path, Memory: total, Over: read.over},
		func() ([]byte, error) { return read.run() },
		func(w *http.Response, body []byte) error {
			if !fm.file.Unchanged() {
				return http.StatusServiceUnavailable // it is another by now
			}
			return e.shareParts(w, fm, body)
		})
}

// parts are ranges of a file, read by a worker.
type parts struct {
	e    *entry
	fm   *representation
	list []byteRange
}

// run makes the answer's body.
func (p *parts) run() ([]byte, error) {
	return p.e.joinParts(p.fm, p.list, func(b []byte, r byteRange) ([]byte, error) {
		at := len(b)
		b = b[:at+int(r.size)]
		n, err := p.fm.file.ReadAt(b[at:], r.offset)
		if err != nil && err != io.EOF {
			return nil, statusOf(err)
		}
		return b[:at+n], nil
	})
}

// over is called on the loop.
func (p *parts) over() {
	p.fm.file.Release()
	p.e.release()
}

// joinParts writes parts between boundaries, into memory that is made once.
func (e *entry) joinParts(fm *representation, list []byteRange, read func(b []byte, r byteRange) ([]byte, error)) (b []byte, err error) {
	const between = 200 // bytes before a part, its type aside
	size := int64(between)
	for _, r := range list {
		size += r.size + int64(between+len(e.contentType))
	}
	b = make([]byte, 0, size)
	for _, r := range list {
		b = fmt.Appendf(b, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, e.contentType, contentRange(r, fm.size))
		if b, err = read(b, r); err != nil {
			return nil, err
		}
	}
	return fmt.Appendf(b, "\r\n--%s--\r\n", boundary), nil
}

// shareParts answers with parts that were joined.
func (e *entry) shareParts(w *http.Response, fm *representation, body []byte) error {
	w.SetStatus(http.StatusPartialContent).AddPrepared(fm.fields).
		Add("Content-Type", "multipart/byteranges; boundary="+boundary)
	return w.WriteNoCopy(body)
}
