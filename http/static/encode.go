package static

import (
	"cmp"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Files are compressed on a worker, once for each version, and the result is kept
// in the entry.

// has returns the codings in which an entry exists, or could be made. One that is
// being made is not among them, so that other requests need not wait for it.
func (f *Files) has(e *entry) (there [codings]bool) {
	for c := range codings {
		there[c] = e.representations[c] != nil
	}
	size := e.representations[identity].size
	if size < encodeMin || size > f.options.EncodeMax || !Compressible(e.contentType) {
		return there
	}
	for c := identity + 1; c < codings; c++ {
		there[c] = there[c] || !e.encoding[c] && f.encoder(c) != nil
	}
	return there
}

// encoder returns the function that compresses into a coding, or nil.
func (f *Files) encoder(c coding) func(dst, src []byte) []byte {
	for _, encoder := range f.options.Encoders {
		if encoder.Coding == c.String() {
			return encoder.Encode
		}
	}
	return nil
}

// encode compresses the file of an entry and answers with the result.
func (f *Files) encode(w *http.Response, r *http.Request, e *entry, c coding) error {
	e.encoding[c] = true
	job := &encoded{e: e.retain(), from: e.representations[identity], coding: c, encode: f.encoder(c)}
	return http.OffloadJob(w,
		eventloop.Job{Lane: eventloop.LaneLarge, Place: e.path, Memory: 2 * job.from.size, Over: job.over},
		func() (*encoded, error) { job.run(); return job, nil },
		func(w *http.Response, job *encoded) error {
			if err := f.addEncoded(job); err != nil {
				return err
			}
			n := readNegotiation(r)
			return e.conditionally(w, r, &n, e.representations[c])
		})
}

// addEncoded adds the result to its entry.
func (f *Files) addEncoded(job *encoded) error {
	e, from := job.e, job.from
	switch {
	case job.err != nil:
		return job.err
	case from.file != nil && !from.file.Intact():
		return http.StatusServiceUnavailable // it has changed meanwhile
	}
	before := e.bytes
	if e.representations[job.coding] != nil {
		return nil
	}
	e.add(job.coding, &content{info: cmp.Or(e.info, e.listed), body: job.body, tag: from.tag, weak: from.weak})
	f.cache.grow(e, e.bytes-before)
	return e.err
}

// An encoded is the compression of a file on a worker.
type encoded struct {
	e      *entry
	from   *representation
	coding coding
	encode func(dst, src []byte) []byte
	body   []byte
	err    error
}

func (job *encoded) run() {
	body := job.from.body
	if body == nil {
		body = make([]byte, job.from.size)
		if _, err := job.from.file.ReadAt(body, 0); err != nil && err != io.EOF {
			job.err = statusOf(err)
			return
		}
	}
	job.body = job.encode(nil, body)
}

// over is called on the loop.
func (job *encoded) over() {
	job.e.encoding[job.coding], job.e.offers = false, 0
	job.e.release()
}
