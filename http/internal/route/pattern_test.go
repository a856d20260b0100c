package route

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// FuzzPattern checks that every pattern that net/http refuses is refused here, that there
// is a known reason if only we refuse one, that the same pairs conflict, and that the
// examples in errors are examples.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"GET /a/{x}", "/a/b"}, {"GET /", "/index.html"}, {"/a/{x}/", "/{y}/b"}, {"/{x...}", "/{x}/{$}"},
		{"h.example/{x}/b", "h.example/a/{y}"}, {"HEAD /a", "GET /a"}, {"PUT /{x}", "POST /a"},
		{"/x/{x...}", "/{x}/{y}/{$}"}, {"/%41", "/A"}, {"/{x}/{$}", "/{y}/x"}, {"/{a}/{b...}", "/a/{$}"},
		{"", "a"}, {"/{", "/}"}, {"/{}", "/{...}"}, {"/{a}/{a}", "/a{b}"}, {"/{$}/a", "/{a...}/b"}, {"/{1}", "/{a-b}"},
		{"get /", "BREW /"}, {"BREW /a", "/a"}, {"BREW /{x}", "/a"}, {"BREW /a", "STEEP /a"}, {"BREW /{x}", "BREW /a"}, {"CONNECT /", "B{W /"}, {"/%", "/%zz"}, {"a:80/", "a b/"}, {"//", "/a/../b"}, {" /", "GET\t /"}, {"{x}/", "/{é}"},
	} {
		f.Add(seed[0], seed[1])
	}
	onTheList := []string{"no handler ever sees", "is another method than", "ports are not compared", "is no host", "is cleaned before", "percent sign"}
	f.Fuzz(func(t *testing.T, first, second string) {
		var parsed []*Pattern
		for _, text := range []string{first, second} {
			p, err := Parse(text)
			theirs := refusedByMux(text)
			if err == nil && theirs != "" {
				t.Errorf("%q is taken, and net/http says %s", text, theirs)
			}
			if err != nil && theirs == "" && !slices.ContainsFunc(onTheList, func(s string) bool { return strings.Contains(err.Error(), s) }) {
				t.Errorf("net/http takes %q, and we say: %v", text, err)
			}
			if err != nil {
				return
			}
			parsed = append(parsed, p)
		}
		a, b := parsed[0], parsed[1]
		if a.host != b.host {
			return
		}
		conflict := comparePatterns(a, b).conflict()
		asTheirs := func(text string) string {
			method, _, path := Cut(text)
			return method + path
		}
		alike := !strings.Contains(strings.ToLower(first+second), "%2f") // which is the end of a path to them
		if theirs := refusedByMux(asTheirs(first), asTheirs(second)); alike && conflict != (theirs != "") {
			t.Errorf("%q and %q conflict: %v, with net/http: %s", first, second, conflict, theirs)
		}
		if !conflict {
			var both Table
			if err := errors.Join(both.Add(a), both.Add(b)); err != nil {
				t.Error(err)
			}
			return
		}
		if strings.Contains(strings.ToLower(first+second), "%2e") {
			return // an example might be cleaned
		}
		both := a.request(b, a.methods&b.methods, commonPath(a.segments, b.segments))
		examples(t, both, a, b, true, true)
		if comparePatterns(a, b).first {
			examples(t, a.alone(b), a, b, true, false)
			examples(t, b.alone(a), a, b, false, true)
		}
	})
}

// examples tests which of two patterns match a quoted request.
func examples(t *testing.T, quoted string, a, b *Pattern, wantA, wantB bool) {
	t.Helper()
	for p, want := range map[*Pattern]bool{a: wantA, b: wantB} {
		method, path, _ := strings.Cut(strings.Trim(quoted, `"`), " ")
		var n node
		n.add(p)
		path = strings.TrimPrefix(path, p.host)
		if got := n.find([]byte(path), search{method: h1.MethodOf([]byte(method)), escaped: true}) != nil; got != want {
			t.Errorf("of %q and %q: that %q matches %s is %v", a.Text, b.Text, p.Text, quoted, got)
		}
	}
}

// refusedByMux registers patterns with net/http, and returns why it panics, or "".
func refusedByMux(patterns ...string) (why string) {
	defer func() {
		if p := recover(); p != nil {
			why = fmt.Sprint(p)
		}
	}()
	mux := new(nethttp.ServeMux)
	for _, p := range patterns {
		mux.Handle(p, nethttp.NotFoundHandler())
	}
	return ""
}
