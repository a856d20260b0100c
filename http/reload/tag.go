package reload

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/html"
)

// Which pages can take the script element. Appended to others it would break them, or do
// nothing. A page does not show that, so the log has a line.

// A tagLog remembers of which pages the log has a line. Several loops share it.
type tagLog struct {
	mu   sync.Mutex
	told map[string]string // reason by path
}

// toldMax is the most pages that are remembered, and logged.
const toldMax = 100

// MayInject reports whether the script element works at the end of a page, given its path
// and the header fields of its answer. If not, it logs the reason, once for each page. A
// page that is nil is too large. Any goroutine may call it; it is for
// static.Options.MayInject.
func (r *Reloader) MayInject(path string, fields [][2]string, page []byte) bool {
	why := untaggable(fields, page)
	if why == "" {
		return true
	}
	t := r.tags
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told[path] == why || len(t.told) >= toldMax {
		return false
	}
	t.told[path] = why
	r.log().Warn("this page is not reloaded by itself", "path", path, "because", why)
	return false
}

func (r *Reloader) log() *slog.Logger {
	if r.Log == nil {
		return slog.Default()
	}
	return r.Log
}

// untaggable returns why the script element would not work at the end of a page, or "".
func untaggable(fields [][2]string, page []byte) string {
	switch {
	case page == nil:
		return "it is too large"
	case bytes.HasPrefix(page, []byte("\x1f\x8b")):
		return "it is stored compressed"
	case bytes.HasPrefix(page, []byte("\xff\xfe")), bytes.HasPrefix(page, []byte("\xfe\xff")), bytes.IndexByte(page, 0) >= 0:
		return "it is in UTF-16, or not a text"
	case bytes.IndexByte(page, 0x1b) >= 0:
		return "it is in ISO-2022" // whose end may not be in ASCII
	}
	for _, f := range fields {
		switch {
		case strings.EqualFold(f[0], "Content-Encoding") && !strings.EqualFold(f[1], "identity"):
			return "it is stored compressed"
		case strings.EqualFold(f[0], "Content-Security-Policy") && !allows(f[1], true):
			return "its Content-Security-Policy does not allow scripts and connections of 'self'"
		}
	}
	return untaggableHTML(page)
}

// untaggableHTML parses the page as a browser does, with the element at its end.
func untaggableHTML(page []byte) string {
	root, err := html.Parse(bytes.NewReader(append(bytes.Clone(page), Inject...)))
	if err != nil {
		return "it cannot be parsed: " + err.Error()
	}
	found, forbidden := false, false
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Namespace != "" {
			continue
		}
		switch n.Data {
		case "script":
			found = found || value(n, "src") == scriptPath && !inert(n)
		case "meta":
			if strings.EqualFold(value(n, "http-equiv"), "Content-Security-Policy") && !allows(value(n, "content"), false) {
				forbidden = true
			}
		}
	}
	switch {
	case forbidden:
		return "its policy in a meta element does not allow scripts and connections of 'self'"
	case !found:
		return "a comment or an element is open at its end"
	}
	return ""
}

// value returns an attribute's value, or "".
func value(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// inert reports whether an element is in a template, where no script runs.
func inert(n *html.Node) bool {
	for p := range n.Ancestors() {
		if p.Type == html.ElementNode && p.Data == "template" {
			return true
		}
	}
	return false
}

// allows reports whether policies, separated by commas, let a page load a script of its
// own site and connect to it (Content Security Policy Level 3). A sandbox counts in a
// header only.
func allows(policies string, header bool) bool {
	for policy := range strings.SplitSeq(policies, ",") {
		directives := make(map[string][]string)
		for text := range strings.SplitSeq(policy, ";") {
			words := strings.Fields(strings.ToLower(text))
			if len(words) > 0 && directives[words[0]] == nil { // the first of a name counts
				directives[words[0]] = words
			}
		}
		if s := directives["sandbox"]; header && s != nil && !(slices.Contains(s, "allow-scripts") && slices.Contains(s, "allow-same-origin")) {
			return false
		}
		if !own(directives, "script-src-elem", "script-src", "default-src") || !own(directives, "connect-src", "default-src") {
			return false
		}
	}
	return true
}

// own reports whether the first directive that is there lists the page's own site.
func own(directives map[string][]string, names ...string) bool {
	for _, name := range names {
		if list := directives[name]; list != nil {
			return !slices.Contains(list, "'strict-dynamic'") && (slices.Contains(list, "'self'") || slices.Contains(list, "*") || slices.Contains(list, "http:"))
		}
	}
	return true
}
