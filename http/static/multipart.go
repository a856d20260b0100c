package static

import (
	"fmt"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// partsMax is how many bytes several ranges of a file that is not in memory may
// have together, because they are read into memory. A request for more is answered
// with the whole file.
const partsMax = 1 << 20

// sendParts answers with several ranges (RFC 9110 section 15.3.7.2).
func (e *entry) sendParts(w *http.Response, rep *representation, list []byteRange) error {
	total := int64(0)
	for _, part := range list {
		total += part.size
	}
	if rep.body != nil {
		body, err := e.joinParts(rep, list, func(b []byte, r byteRange) ([]byte, error) {
			return append(b, rep.body[r.offset:r.end()]...), nil
		})
		if err != nil {
			return err
		}
		return e.shareParts(w, rep, body)
	}
	if total > partsMax {
		return e.send(w, rep)
	}
	rep.file.retain()
	read := &parts{e: e.retain(), rep: rep, list: append([]byteRange(nil), list...)}
	return http.OffloadJob(w,
		eventloop.Job{Lane: eventloop.LaneLarge, Place: e.path, Memory: total, Over: read.over},
		func() ([]byte, error) { return read.run() },
		func(w *http.Response, body []byte) error {
			if !rep.file.Intact() {
				return http.StatusServiceUnavailable // it has changed meanwhile
			}
			return e.shareParts(w, rep, body)
		})
}

// parts are ranges of a file, read by a worker.
type parts struct {
	e    *entry
	rep  *representation
	list []byteRange
}

// run makes the answer's body.
func (p *parts) run() ([]byte, error) {
	return p.e.joinParts(p.rep, p.list, func(b []byte, r byteRange) ([]byte, error) {
		at := len(b)
		b = b[:at+int(r.size)]
		n, err := p.rep.file.ReadAt(b[at:], r.offset)
		if err != nil && err != io.EOF {
			return nil, statusOf(err)
		}
		return b[:at+n], nil
	})
}

// over is called on the loop.
func (p *parts) over() {
	p.rep.file.Release()
	p.e.release()
}

// joinParts writes the ranges between boundaries, into memory that is allocated
// once.
func (e *entry) joinParts(rep *representation, list []byteRange, read func(b []byte, r byteRange) ([]byte, error)) (b []byte, err error) {
	const between = 200 // bytes before a part, its type aside
	size := int64(between)
	for _, r := range list {
		size += r.size + int64(between+len(e.contentType))
	}
	b = make([]byte, 0, size)
	for _, r := range list {
		b = fmt.Appendf(b, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, e.contentType, contentRange(r, rep.size))
		if b, err = read(b, r); err != nil {
			return nil, err
		}
	}
	return fmt.Appendf(b, "\r\n--%s--\r\n", boundary), nil
}

// shareParts answers with the joined ranges.
func (e *entry) shareParts(w *http.Response, rep *representation, body []byte) error {
	w.SetStatus(http.StatusPartialContent).AddPrepared(rep.fields).
		Add("Content-Type", "multipart/byteranges; boundary="+boundary)
	return w.WriteNoCopy(body)
}
