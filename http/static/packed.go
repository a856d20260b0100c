package static

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A packed file is one that is stored compressed, such as .svgz. It is sent as it is, with
// its Content-Encoding, and never compressed again. For a client that declines gzip, a
// worker unpacks it. One that cannot be unpacked here is sent as it is to all clients,
// because it is that or nothing.

// answerPacked answers with a packed file. Without Accept-Encoding, any coding is
// acceptable (RFC 9110 section 12.5.3).
func (f *Files) answerPacked(w *http.Response, r *http.Request, e *entry) error {
	stored := e.representations[e.packed]
	if w.Status() != http.StatusOK { // on an error page there are no conditions
		return e.send(w, stored)
	}
	n := readNegotiation(r)
	if e.unpackable && r.HeaderBytes("accept-encoding") != nil {
		var there [codings]bool
		there[e.packed] = true
		there[identity] = stored.size <= f.options.EncodeMax
		if c, ok := negotiate.Weights(n.codings[:]).Choose(there[:]); ok && coding(c) == identity {
			if plain := e.representations[identity]; plain != nil {
				return e.conditionally(w, r, &n, plain)
			}
			return f.unpack(w, r, e)
		}
	}
	return e.conditionally(w, r, &n, stored)
}

// unpack unpacks the file of an entry and answers with the result. A file that is damaged,
// or too large, stays packed.
func (f *Files) unpack(w *http.Response, r *http.Request, e *entry) error {
	most := f.options.EncodeMax
	job := &encoded{
		e: e.retain(), from: e.representations[e.packed], coding: identity,
		encode: func(_, src []byte) []byte { return gunzip(src, most) },
	}
	return http.OffloadJob(w,
		eventloop.Job{Lane: eventloop.LaneLarge, Place: e.path, Memory: job.from.size + most, Over: job.over},
		func() (*encoded, error) { job.run(); return job, nil },
		func(w *http.Response, job *encoded) error {
			n := readNegotiation(r)
			if job.err == nil && job.body == nil {
				e.unpackable = false
				return e.conditionally(w, r, &n, job.from)
			}
			if err := f.addEncoded(job); err != nil {
				return err
			}
			return e.conditionally(w, r, &n, e.representations[identity])
		})
}

// gunzip returns the unpacked bytes, or nil if src is damaged or they are more than most.
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
