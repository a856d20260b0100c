package static

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A listQuery selects a page of a list.
type listQuery struct {
	order string // name, size or date
	down  bool
	json  bool

	after, before bool // the name below
	mark          listEntry
}

// listQueryOf returns the query of a request.
func listQueryOf(r *http.Request) *listQuery {
	q := &listQuery{order: "name", json: wantsJSON(string(r.HeaderBytes("accept")))}
	q.read(r.RawQuery())
	return q
}

// read parses "sort=size&order=desc&after=NAME&at=SIZE" and ignores other names.
func (q *listQuery) read(query string) {
	at := ""
	for pair := range strings.SplitSeq(query, "&") {
		switch name, value, _ := strings.Cut(pair, "="); {
		case name == "sort" && (value == "name" || value == "size" || value == "date"):
			q.order = value
		case name == "order":
			q.down = value == "desc"
		case name == "at":
			at = value
		case name == "after" || name == "before":
			text, err := url.QueryUnescape(value)
			if err != nil || text == "" {
				continue
			}
			q.after, q.before = name == "after", name == "before"
			q.mark.name, q.mark.folder = strings.CutSuffix(text, "/")
		}
	}
	switch q.order {
	case "size":
		q.mark.size, _ = strconv.ParseInt(at, 10, 64) // 0 if it is no number
	case "date":
		q.mark.modified = readMark(at)
	}
}

// link returns the query string of the page after or before an entry, or of the
// first page if e is nil.
func (q *listQuery) link(where string, e *listEntry) string {
	s := "?sort=" + q.order
	if q.down {
		s += "&order=desc"
	}
	if e == nil {
		return s
	}
	name := e.name
	if e.folder {
		name += "/"
	}
	s += "&" + where + "=" + url.QueryEscape(name)
	switch q.order {
	case "size":
		s += "&at=" + strconv.FormatInt(e.size, 10)
	case "date":
		s += "&at=" + formatMark(e.modified)
	}
	return s
}

// key returns the end of the page's key in the cache. It differs for every page of a
// folder, and no path ends like it.
func (q *listQuery) key() string {
	where, mark := "", (*listEntry)(nil)
	switch {
	case q.after:
		where, mark = "after", &q.mark
	case q.before:
		where, mark = "before", &q.mark
	}
	key := "\x00" + q.link(where, mark)
	if q.json {
		key += "\x00"
	}
	return key
}

// wantsJSON reports whether an Accept field names JSON, and not HTML before it.
func wantsJSON(accept string) bool {
	at := strings.Index(accept, "application/json")
	page := strings.Index(accept, "text/html")
	return at >= 0 && (page < 0 || at < page)
}

// compare orders folders before files, then by the query's order, then by name.
func (q *listQuery) compare(a, b *listEntry) int {
	if a.folder != b.folder {
		if a.folder {
			return -1
		}
		return 1
	}
	n := 0
	switch q.order {
	case "size":
		if !a.folder {
			n = cmp.Compare(a.size, b.size)
		}
	case "date":
		n = a.modified.Compare(b.modified)
	}
	if n == 0 {
		n = natural(a.name, b.name)
		if q.order != "name" {
			return n
		}
	}
	if q.down {
		return -n
	}
	return n
}

// natural compares names without regard to case, and the numbers in them by value.
func natural(a, b string) int {
	whole := strings.Compare(a, b)
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			n, m := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(n), len(m)), strings.Compare(n, m)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if c := cmp.Compare(lower(a[0]), lower(b[0])); c != 0 {
			return c
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), whole)
}

// digits returns the number of digits at the beginning of s.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
