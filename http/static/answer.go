package static

import (
	"fmt"

	"github.com/bobbin-http/bobbin/http"
)

// answer answers a request with an entry.
func (f *Files) answer(w *http.Response, r *http.Request, e *entry) error {
	switch {
	case e.err != nil:
		return e.fail(w)
	case e.redirect != "":
		return redirect(w, r, e.redirect)
	case e.folder != "":
		return f.list(w, r, e)
	}
	if wantsNothing(r) || w.Status() != http.StatusOK { // on an error page there are no conditions
		return e.send(w, e.forms[identity])
	}
	wish := readNegotiation(r)
	c, ok := wish.codings.choose(f.has(e))
	if !ok {
		w.Add("Vary", "Accept-Encoding")
		return http.StatusNotAcceptable
	}
	if e.forms[c] == nil {
		return f.encode(w, r, e, c)
	}
	return e.conditionally(w, r, &wish, e.forms[c])
}

// fail answers with why there is no file: the site's own page for it, if there
// is one.
func (e *entry) fail(w *http.Response) error {
	page := e.forms[identity]
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

// conditionally answers with a form, or with a part of it, or that it is not
// needed.
func (e *entry) conditionally(w *http.Response, r *http.Request, wish *negotiation, fm *representation) error {
	switch status := wish.preconditions(r, e, fm); status {
	case http.StatusNotModified:
		w.SetStatus(status).AddPrepared(fm.fields)
		return nil
	case http.StatusPreconditionFailed:
		return status
	}
	if r.Method() != "GET" || !wish.partial(e, fm) {
		return e.send(w, fm)
	}
	var space [maxRanges]byteRange
	list, what := parseRanges(space[:0], wish.ranges, fm.size)
	switch {
	case what == noSuch:
		w.Add("Content-Range", fmt.Sprintf("bytes */%d", fm.size))
		return http.StatusRangeNotSatisfiable
	case what == all:
		return e.send(w, fm)
	case len(list) == 1:
		return e.sendPart(w, fm, list[0])
	}
	return e.sendParts(w, fm, list)
}

// send answers with the whole of a form.
func (e *entry) send(w *http.Response, fm *representation) error {
	if fm.whole != nil {
		return w.WritePrepared(fm.whole)
	}
	w.AddPrepared(fm.fields).Add("Accept-Ranges", "bytes").Add("Content-Type", e.contentType)
	return w.SendFile(fm.file.retain(), 0, fm.size)
}

// sendPart answers with one range (RFC 9110 section 15.3.7.1).
func (e *entry) sendPart(w *http.Response, fm *representation, part byteRange) error {
	w.SetStatus(http.StatusPartialContent).AddPrepared(fm.fields).
		Add("Content-Type", e.contentType).
		Add("Content-Range", contentRange(part, fm.size))
	if fm.file != nil {
		return w.SendFile(fm.file.retain(), part.offset, part.size)
	}
	return w.WriteNoCopy(fm.body[part.offset:part.end()])
}

func contentRange(part byteRange, size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", part.offset, part.end()-1, size)
}

// redirect sends a visitor to the same folder with its slash. The target is
// made of the clean path, so that it begins with exactly one slash and is not
// taken for another host.
func redirect(w *http.Response, r *http.Request, path string) error {
	target := string(http.EscapePath(nil, path))
	if query, ok := r.QueryBytes(); ok {
		target += "?" + string(query)
	}
	w.Add("Location", target)
	return http.StatusMovedPermanently
}
