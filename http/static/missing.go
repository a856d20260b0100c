package static

import (
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The answer in place of a missing file: Options.Missing, then Options.Fallback, then the
// folder's own page for a 404.

// reply answers with an entry. For a 404, missing answers in its place unless it is nil or
// returns a plain 404 as well.
func (f *Files) reply(w *http.Response, r *http.Request, q *question, e *entry, missing http.Handler) error {
	if e.err == http.StatusNotFound && missing != nil {
		if err := missing(w, r); err != http.StatusNotFound {
			return err
		}
		if f.mayFallBack(q.path) && wantsPage(r) {
			return f.find(w, r, q.path, nil)
		}
	}
	if f.mayFallBack(q.path) && (e.err == http.StatusNotFound || q.page && e.path != q.path) {
		w.OnHead(varyByPage) // the other answer is for other clients
	}
	return f.answer(w, r, e)
}

// varyByPage adds the fields to Vary that wantsPage reads, so that no shared cache gives a
// script the page, nor a browser the 404.
func varyByPage(w *http.Response) {
	for _, name := range []string{"Accept", "Sec-Fetch-Mode"} {
		if !negotiate.Lists(w.Header("Vary"), name) {
			w.Add("Vary", name)
		}
	}
}

// find asks the disk about a clean path and answers with the result.
func (f *Files) find(w *http.Response, r *http.Request, path string, missing http.Handler) error {
	q := &question{search: search{path: path}, key: path, lane: f.lane}
	if missing == nil && f.mayFallBack(path) && wantsPage(r) {
		q.page = true
		q.key += "\x00"
	}
	return f.await(w, r, q, missing)
}
