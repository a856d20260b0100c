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
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A list is written as JSON for programs, and as a page for people.

// json returns the list in the form of nginx' autoindex.
func (l *list) json() []byte {
	type entry struct {
		Name  string    `json:"name"`
		Type  string    `json:"type"`
		MTime time.Time `json:"mtime"`
		Size  *int64    `json:"size,omitempty"`
	}
	all := make([]entry, len(l.entries))
	for i, e := range l.entries {
		all[i] = entry{Name: e.name, Type: "file", MTime: e.modified.UTC().Truncate(time.Second), Size: &l.entries[i].size}
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

	// listingPolicy allows the page's own style and script and nothing else, so
	// that no file name can add to the page.
	listingPolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; style-src 'sha256-%s'; script-src 'sha256-%s'",
		digest(listingStyle), digest(listingScript))
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page returns the list as HTML.
func (l *list) page() []byte {
	var rows bytes.Buffer
	if l.path != "/" {
		rows.WriteString("<tr class=\"folder\"><td><a href=\"../\">..</a></td><td class=\"n\"></td><td class=\"n date\"></td></tr>\n")
	}
	for i := range l.entries {
		e := &l.entries[i]
		class, name, size := "", e.name, humanSize(e.size)
		if e.folder {
			class, name, size = " class=\"folder\"", e.name+"/", ""
		}
		// "./" keeps a name with a colon from being taken for a scheme.
		fmt.Fprintf(&rows, "<tr%s><td><a href=\"./%s\">%s</a></td><td class=\"n\">%s</td><td class=\"n date\">%s</td></tr>\n",
			class, html.EscapeString(string(http.EscapePath(nil, name))), html.EscapeString(name), size,
			e.modified.UTC().Format("2006-01-02 15:04"))
	}
	note := fmt.Sprintf("%s, %s. Times are UTC.", plural(l.folders, "folder"), plural(l.files, "file"))
	before, behind := l.neighbours()
	if before != "" || behind != "" {
		note = fmt.Sprintf("%s to %s of %s", grouped(l.skipped+1), grouped(l.skipped+len(l.entries)), note)
	}
	return []byte(strings.NewReplacer(
		"{title}", html.EscapeString(l.path),
		"{style}", listingStyle,
		"{script}", listingScript,
		"{crumbs}", crumbs(l.path),
		"{heads}", l.query.heads(),
		"{rows}", rows.String(),
		"{pages}", pages(before, behind),
		"{note}", note,
	).Replace(listingPage))
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
func crumbs(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if path == "/" {
		parts = nil
	}
	var b strings.Builder
	for i := -1; i < len(parts); i++ {
		name := "/"
		if i >= 0 {
			name = parts[i]
		}
		name = html.EscapeString(name)
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
	for _, column := range []struct{ key, class, title string }{
		{"name", "", "Name"}, {"size", "n", "Size"}, {"date", "n date", "Changed"},
	} {
		sorted, next := "", ""
		if column.key == q.order {
			sorted = " aria-sort=\"ascending\""
			if q.down {
				sorted = " aria-sort=\"descending\""
			} else {
				next = "&amp;order=desc"
			}
		}
		fmt.Fprintf(&b, "<th scope=\"col\" class=\"%s\"%s><a href=\"?sort=%s%s\">%s</a></th>", column.class, sorted, column.key, next, column.title)
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
