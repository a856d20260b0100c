package static

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A file may be stored compressed, such as .svgz. It is sent as it is, with its
// Content-Encoding, and never compressed again. For a client that declines gzip, a worker
// decompresses it. One that cannot be decompressed here is sent as it is to all clients,
// because there is no other form of it.

// answerCompressed answers with a compressed file. Without Accept-Encoding, any coding is
// acceptable (RFC 9110 section 12.5.3).
func (f *Files) answerCompressed(w *http.Response, r *http.Request, e *entry) error {
	stored := e.representations[e.stored]
	if w.Status() != http.StatusOK { // on an error page there are no conditions
		return e.send(w, stored)
	}
	n := readNegotiation(r)
	if e.decodable && r.HeaderBytes("accept-encoding") != nil {
		var there [codings]bool
		there[e.stored] = true
		there[identity] = stored.size <= f.options.EncodeMax
		if c, ok := negotiate.Weights(n.codings[:]).Choose(there[:]); ok && coding(c) == identity {
			if plain := e.representations[identity]; plain != nil {
				return e.conditionally(w, r, &n, plain)
			}
			return f.decode(w, r, e)
		}
	}
	return e.conditionally(w, r, &n, stored)
}

// decode decompresses the file of an entry and answers with the result. A file that is
// damaged, or too large, stays compressed.
func (f *Files) decode(w *http.Response, r *http.Request, e *entry) error {
	most := f.options.EncodeMax
	job := &encoded{
		e: e.retain(), from: e.representations[e.stored], coding: identity,
		encode: func(_, src []byte) []byte { return gunzip(src, most) },
	}
	return http.OffloadJob(w,
		eventloop.Job{Lane: eventloop.LaneLarge, Place: e.path, Memory: job.from.size + most, Over: job.over},
		func() (*encoded, error) { job.run(); return job, nil },
		func(w *http.Response, job *encoded) error {
			n := readNegotiation(r)
			if job.err == nil && job.body == nil {
				e.decodable = false
				return e.conditionally(w, r, &n, job.from)
			}
			if err := f.addEncoded(job); err != nil {
				return err
			}
			return e.conditionally(w, r, &n, e.representations[identity])
		})
}

// gunzip returns the decompressed bytes, or nil if src is damaged or they are more than most.
func gunzip(src []byte, most int64) []byte {
	from, err := stdgzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil
	}
	p, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil || int64(len(p)) > most {
		return nil
	}
	return p
}
