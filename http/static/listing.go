package static

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// What is in a folder, as a page for people and as JSON for programs. The page
// works without its script; that adds a filter and the keyboard.

// listMost is how many names are shown of one folder.
const listMost = 10_000

// A listForm is how a list is asked for.
type listForm struct {
	key  string
	down bool
	json bool
}

// formOf reads it from a request.
func formOf(r *http.Request) (f listForm) {
	f.key, f.down = order(r.RawQuery())
	f.json = wantsJSON(string(r.HeaderBytes("accept")))
	return f
}

// A list is what is in a folder.
type list struct {
	path    string
	entries []listEntry
	more    bool // than listMost
}

type listEntry struct {
	name     string
	folder   bool
	size     int64
	modified time.Time
}

// readList reads an open folder, on a worker. What would not be served is not
// shown.
func readList(folder *os.File, s *search, name string) (*list, error) {
	l := &list{path: s.path}
	for !l.more {
		batch, err := folder.ReadDir(256)
		for _, d := range batch {
			if hidden(d.Name(), s.options) {
				continue
			}
			info, err := d.Info()
			if err == nil && d.Type()&fs.ModeSymlink != 0 {
				info, err = s.follow(name, d.Name())
			}
			if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
				continue
			}
			if len(l.entries) == listMost {
				l.more = true
				break
			}
			l.entries = append(l.entries, listEntry{d.Name(), info.IsDir(), info.Size(), info.ModTime()})
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, statusOf(err)
		}
	}
	return l, nil
}

// follow looks at what a symbolic link leads to, if that is served.
func (s *search) follow(folder, name string) (fs.FileInfo, error) {
	if folder != "." {
		name = folder + "/" + name
	}
	file, info, err := s.open(name)
	if err != nil {
		return nil, err
	}
	file.Close()
	return info, nil
}

// prepare makes the answer, on a worker: ten thousand names take a while.
func (l *list) prepare(f listForm) (*http.Prepared, error) {
	l.sort(f.key, f.down)
	common := [][2]string{{"Cache-Control", "no-cache"}, {"Vary", "Accept"}}
	if f.json {
		return http.Prepare(l.json(), append(common, [2]string{"Content-Type", "application/json"})...)
	}
	return http.Prepare(l.page(f.key, f.down), append(common,
		[2]string{"Content-Type", "text/html; charset=utf-8"},
		[2]string{"Content-Security-Policy", listingPolicy})...)
}

// wantsJSON reports whether a program asks, which says so before it says HTML.
func wantsJSON(accept string) bool {
	at := strings.Index(accept, "application/json")
	page := strings.Index(accept, "text/html")
	return at >= 0 && (page < 0 || at < page)
}

// order reads "?sort=size&order=desc". What is unknown is passed over.
func order(query string) (key string, down bool) {
	key = "name"
	for pair := range strings.SplitSeq(query, "&") {
		switch name, value, _ := strings.Cut(pair, "="); {
		case name == "sort" && (value == "name" || value == "size" || value == "date"):
			key = value
		case name == "order":
			down = value == "desc"
		}
	}
	return key, down
}

// sort puts folders first, and what is equal into the order of the names.
func (l *list) sort(key string, down bool) {
	slices.SortFunc(l.entries, func(a, b listEntry) int {
		if a.folder != b.folder {
			if a.folder {
				return -1
			}
			return 1
		}
		n := 0
		switch key {
		case "size":
			if !a.folder {
				n = cmp.Compare(a.size, b.size)
			}
		case "date":
			n = a.modified.Compare(b.modified)
		}
		if n == 0 {
			n = natural(a.name, b.name)
			if key != "name" {
				return n
			}
		}
		if down {
			return -n
		}
		return n
	})
}

// natural compares names as people do: without regard to case, and numbers by
// their value.
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

// digits returns how many there are at the beginning of s.
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

// json writes the list as nginx' autoindex does.
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
		panic("static: internal error: " + err.Error()) // nothing in there can fail
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

	// listingPolicy lets the page do what it does and nothing else, whatever
	// the names in it are.
	listingPolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; style-src 'sha256-%s'; script-src 'sha256-%s'",
		digest(listingStyle), digest(listingScript))
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page writes the list for people.
func (l *list) page(key string, down bool) []byte {
	var rows bytes.Buffer
	if l.path != "/" {
		rows.WriteString("<tr class=\"folder\"><td><a href=\"../\">..</a></td><td class=\"n\"></td><td class=\"n date\"></td></tr>\n")
	}
	folders := 0
	for i := range l.entries {
		e := &l.entries[i]
		class, name, size := "", e.name, humanSize(e.size)
		if e.folder {
			class, name, size = " class=\"folder\"", e.name+"/", ""
			folders++
		}
		// "./" keeps a name with a colon from being taken for a scheme.
		fmt.Fprintf(&rows, "<tr%s><td><a href=\"./%s\">%s</a></td><td class=\"n\">%s</td><td class=\"n date\">%s</td></tr>\n",
			class, html.EscapeString(string(http.EscapePath(nil, name))), html.EscapeString(name), size,
			e.modified.UTC().Format("2006-01-02 15:04"))
	}
	note := fmt.Sprintf("%s, %s. Times are UTC.", plural(folders, "folder"), plural(len(l.entries)-folders, "file"))
	if l.more {
		note = fmt.Sprintf("Only the first %d names are shown. Times are UTC.", listMost)
	}
	return []byte(strings.NewReplacer(
		"{title}", html.EscapeString(l.path),
		"{style}", listingStyle,
		"{script}", listingScript,
		"{crumbs}", crumbs(l.path),
		"{heads}", heads(key, down),
		"{rows}", rows.String(),
		"{note}", note,
	).Replace(listingPage))
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// crumbs is the path with a link for each folder on the way.
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

// heads are the heads of the columns; each sorts by it, and once more the other
// way.
func heads(key string, down bool) string {
	var b strings.Builder
	for _, column := range []struct{ key, class, title string }{
		{"name", "", "Name"}, {"size", "n", "Size"}, {"date", "n date", "Changed"},
	} {
		sorted, next := "", ""
		if column.key == key {
			sorted = " aria-sort=\"ascending\""
			if down {
				sorted = " aria-sort=\"descending\""
			} else {
				next = "&amp;order=desc"
			}
		}
		fmt.Fprintf(&b, "<th scope=\"col\" class=\"%s\"%s><a href=\"?sort=%s%s\">%s</a></th>", column.class, sorted, column.key, next, column.title)
	}
	return b.String()
}

// humanSize writes a size in the unit that suits it.
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
