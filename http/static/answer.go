package static

import (
	"fmt"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// answer answers a request with an entry.
func (f *Files) answer(w *http.Response, r *http.Request, e *entry) error {
	if e.special {
		return f.answerSpecial(w, r, e)
	}
	accept, only := r.OnlyAcceptEncoding()
	if only && accept == nil || w.Status() != http.StatusOK { // on an error page there are no conditions
		return e.send(w, e.representations[identity])
	}
	if only {
		if c, ok := f.accepts.choose(accept, f.offered(e)); ok && e.representations[c] != nil {
			return e.send(w, e.representations[c])
		}
	}
	n := readNegotiation(r)
	there := f.has(e)
	c, ok := negotiate.Weights(n.codings[:]).Choose(there[:])
	if !ok {
		w.Add("Vary", "Accept-Encoding")
		return http.StatusNotAcceptable
	}
	if e.representations[c] == nil {
		return f.encode(w, r, e, coding(c))
	}
	return e.conditionally(w, r, &n, e.representations[c])
}

// answerSpecial answers with an entry that is not a plain file.
func (f *Files) answerSpecial(w *http.Response, r *http.Request, e *entry) error {
	switch {
	case e.err != nil:
		return e.answerError(w)
	case e.redirect != "":
		return redirect(w, r, e.redirect)
	case e.folder != "":
		return f.list(w, r, e)
	}
	return f.answerCompressed(w, r, e)
}

// answerError answers with the error, as the site's own page for it if there is one.
func (e *entry) answerError(w *http.Response) error {
	page := e.representations[identity]
	status, ok := e.err.(http.Status)
	if page == nil || !ok {
		return e.err
	}
	w.SetStatus(status).Add("Content-Type", e.contentType)
	if status == http.StatusServiceUnavailable {
		w.Add("Retry-After", "1").Add("Cache-Control", "no-store")
	}
	return w.WriteNoCopy(page.body)
}

// conditionally answers with a representation, with ranges of it, or with 304 or
// 412, as the request's conditions say.
func (e *entry) conditionally(w *http.Response, r *http.Request, n *negotiation, rep *representation) error {
	switch status := n.preconditions(r, e, rep); status {
	case http.StatusNotModified:
		w.SetStatus(status).AddPrepared(rep.fields)
		return nil
	case http.StatusPreconditionFailed:
		return status
	}
	if r.Method() != "GET" || !n.partial(e, rep) {
		return e.send(w, rep)
	}
	var space [fewRanges]byteRange
	list, what := parseRanges(space[:], n.ranges, rep.size)
	switch {
	case what == noSuch:
		w.Add("Content-Range", fmt.Sprintf("bytes */%d", rep.size))
		return http.StatusRangeNotSatisfiable
	case what == all:
		return e.send(w, rep)
	case len(list) == 1:
		return e.sendPart(w, rep, list[0])
	}
	return e.sendParts(w, rep, list)
}

// send answers with a whole representation.
func (e *entry) send(w *http.Response, rep *representation) error {
	if rep.whole != nil {
		return w.WritePrepared(rep.whole)
	}
	w.AddPrepared(rep.fields).Add("Accept-Ranges", "bytes").Add("Content-Type", e.contentType)
	return w.SendFile(rep.file.retain(), 0, rep.size)
}

// sendPart answers with one range (RFC 9110 section 15.3.7.1).
func (e *entry) sendPart(w *http.Response, rep *representation, part byteRange) error {
	w.SetStatus(http.StatusPartialContent).AddPrepared(rep.fields).
		Add("Content-Type", e.contentType).
		Add("Content-Range", contentRange(part, rep.size))
	if rep.file != nil {
		return w.SendFile(rep.file.retain(), part.offset, part.size)
	}
	return w.WriteNoCopy(rep.body[part.offset:part.end()])
}

func contentRange(part byteRange, size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", part.offset, part.end()-1, size)
}

// redirect sends the client to the same folder with its slash. The clean path
// begins with exactly one slash, so that the target is not taken for a host.
func redirect(w *http.Response, r *http.Request, path string) error {
	target := http.EscapePath(nil, path)
	if query, ok := r.QueryBytes(); ok {
		target = http.EscapeURI(append(target, '?'), string(query))
	}
	w.Add("Location", string(target))
	return http.StatusMovedPermanently
}
