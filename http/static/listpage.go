package static

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
)

// A list is written as JSON for programs, and as a page for people.

// json returns the list in the form of nginx' autoindex, with a reference to each entry:
// a name that is no UTF-8 cannot be written in JSON.
func (l *list) json() []byte {
	type entry struct {
		Name  string `json:"name"`
		URL   string `json:"url"`
		Type  string `json:"type"`
		MTime string `json:"mtime,omitempty"` // "" if it is not known, or cannot be written
		Size  *int64 `json:"size,omitempty"`
	}
	all := make([]entry, len(l.entries))
	for i, e := range l.entries {
		all[i] = entry{Name: e.name, URL: e.reference(), Type: "file", MTime: rfc3339(e.modified), Size: &l.entries[i].size}
		if e.folder {
			all[i].Type, all[i].Size = "directory", nil
		}
	}
	p, err := json.Marshal(all)
	if err != nil {
		panic("static: internal error: " + err.Error()) // these types cannot fail
	}
	return append(p, '\n')
}

var (
	//go:embed page/listing.html
	listingPage string

	//go:embed page/listing.css
	listingStyle string

	//go:embed page/listing.js
	listingScript string

	// listingPolicy allows the page's own style, script and icons and nothing else, so
	// that no file name can add to the page.
	listingPolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; img-src data:; style-src 'sha256-%s'; script-src 'sha256-%s'",
		digest(listingStyle), digest(listingScript))
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page returns the list as HTML.
func (l *list) page() []byte {
	var rows bytes.Buffer
	if l.path != l.prefix+"/" {
		rows.WriteString("<tr class=\"up\"><td><a href=\"../\">Parent folder</a></td><td></td><td></td></tr>\n")
	}
	for i := range l.entries {
		l.entries[i].row(&rows)
	}
	before, behind := l.neighbours()
	below := pages(before, behind)
	heads, foot, note := l.query.heads(), "<footer><p id=\"zone\">Times are in UTC.</p></footer>\n", "<p>"+l.note(below != "")+l.archives.links()+l.uploadLink()+"</p>\n"
	switch {
	case len(l.entries) > 0:
	case l.folders+l.files == 0:
		heads, foot, note = "", "", ""
		if l.uploads {
			note = "<p>" + l.uploadLink() + "</p>\n"
		}
		below = "<p>This folder is empty.</p>\n"
	default:
		below = "<p>There are no names here. Other pages have some.</p>\n" + below
	}
	return []byte(strings.NewReplacer(
		"{title}", html.EscapeString(readable(l.path)),
		"{style}", listingStyle,
		"{script}", listingScript,
		"{crumbs}", crumbs(l.path, l.prefix),
		"{heads}", heads,
		"{rows}", rows.String(),
		"{pages}", below,
		"{note}", note,
		"{readme}", l.article(),
		"{foot}", foot,
	).Replace(listingPage))
}

// row writes the row of an entry. The page's script replaces the time by the one of the
// reader's time zone.
func (e *listEntry) row(to *bytes.Buffer) {
	class, slash, size := "", "", humanSize(e.size)
	if e.folder {
		class, slash, size = " class=\"d\"", "/", ""
	}
	when := ""
	if at := e.modified.UTC(); at.Unix() >= firstSecond {
		when = fmt.Sprintf("<time datetime=\"%s\">%s</time>", at.Format("2006-01-02T15:04:05Z"), at.Format("2006-01-02 15:04"))
	}
	fmt.Fprintf(to, "<tr%s><td><a href=\"%s\">%s%s</a></td><td>%s</td><td>%s</td></tr>\n",
		class, html.EscapeString(e.reference()), isolated(e.name), slash, size, when)
}

// note returns how many names there are, and which of them are on the page if there are
// others.
func (l *list) note(others bool) string {
	all := plural(l.folders, "folder") + ", " + plural(l.files, "file")
	if !others || len(l.entries) == 0 {
		return all
	}
	return fmt.Sprintf("%s to %s of %s", grouped(l.skipped+1), grouped(l.skipped+len(l.entries)), all)
}

// uploadLink returns the link to the form that sends files here.
func (l *list) uploadLink() string {
	if !l.uploads {
		return ""
	}
	return " <a rel=\"nofollow\" href=\"?upload\">upload</a>"
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return grouped(n) + " " + what
}

// grouped formats a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// pages returns the links to the previous and the next page.
func pages(before, behind string) string {
	var b strings.Builder
	for _, link := range []struct{ to, rel, text string }{{before, "prev", "Previous"}, {behind, "next", "Next"}} {
		if link.to != "" {
			fmt.Fprintf(&b, "<a rel=\"%s\" href=\"%s\">%s</a> ", link.rel, html.EscapeString(link.to), link.text)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "<nav aria-label=\"Pages\">" + b.String() + "</nav>\n"
}

// crumbs returns the path with a link for each folder above.
func crumbs(path, prefix string) string {
	below := strings.Trim(strings.TrimPrefix(path, prefix), "/")
	parts := strings.Split(below, "/")
	if below == "" {
		parts = nil
	}
	var b strings.Builder
	for i := -1; i < len(parts); i++ {
		name := "/"
		if prefix != "" {
			name = isolated(prefix[1:]) + "/"
		}
		if i >= 0 {
			name = isolated(parts[i])
		}
		if up := len(parts) - 1 - i; up > 0 {
			name = fmt.Sprintf("<a href=\"%s\">%s</a>", strings.Repeat("../", up), name)
		}
		if i > 0 {
			b.WriteString("<span>/</span>")
		}
		b.WriteString(name)
		if i < 0 && len(parts) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// heads returns the heads of the columns. Each is a link that sorts by its column, or
// reverses the order.
func (q *listQuery) heads() string {
	var b strings.Builder
	for _, column := range []struct{ key, title string }{{"name", "Name"}, {"size", "Size"}, {"date", "Changed"}} {
		sorted, next := "", ""
		if column.key == q.order {
			sorted = " aria-sort=\"ascending\""
			if q.down {
				sorted = " aria-sort=\"descending\""
			} else {
				next = "&amp;order=desc"
			}
		}
		fmt.Fprintf(&b, "<th scope=\"col\"%s><a href=\"?sort=%s%s\">%s</a></th>", sorted, column.key, next, column.title)
	}
	return b.String()
}

// humanSize formats a size in the unit that fits.
func humanSize(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), 0
	for f >= 999.5 && unit < 5 {
		f /= 1000
		unit++
	}
	if f < 9.95 {
		return fmt.Sprintf("%.1f %s", f, [...]string{"B", "kB", "MB", "GB", "TB", "PB"}[unit])
	}
	return fmt.Sprintf("%.0f %s", f, [...]string{"B", "kB", "MB", "GB", "TB", "PB"}[unit])
}
