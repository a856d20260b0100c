package main

import (
	"strings"
	"testing"
)

func TestHeaderRules(t *testing.T) {
	for _, row := range []struct {
		name    string
		text    string
		pattern string
		field   string
		value   string
	}{
		{"a header is for all files", "X-A: b", "", "X-A", "b"},
		{"blanks do not matter", " X-A :b ", "", "X-A", "b"},
		{"its value may have colons", "Content-Security-Policy: img-src data: https:", "", "Content-Security-Policy", "img-src data: https:"},
		{"and begin with a word and a colon", "X-Robots-Tag: googlebot: nofollow", "", "X-Robots-Tag", "googlebot: nofollow"},
		{"and be a URL", "Foo: https://example.org/", "", "Foo", "https://example.org/"},
		{"and be a time", "Foo: 12:30", "", "Foo", "12:30"},
		{"a header that is not known has a value without one", "Foo: bar", "", "Foo", "bar"},
		{"a path is a pattern", "/api/**: X-A: b", "/api/**", "X-A", "b"},
		{"so is a star", "*.js: X-A: b", "*.js", "X-A", "b"},
		{"so is the name of a file", "sw.js: Cache-Control: no-store", "sw.js", "Cache-Control", "no-store"},
		{"also in front of a header that is not known", "sw.js: Foo: bar", "sw.js", "Foo", "bar"},
		{"a name without a dot is a pattern in front of a known header", "LICENSE: Content-Type: text/plain", "LICENSE", "Content-Type", "text/plain"},
		{"also in front of one of the site's own", "CNAME: X-A: b", "CNAME", "X-A", "b"},
		{"behind a pattern, a value may have colons, too", "/**: X-Robots-Tag: googlebot: nofollow", "/**", "X-Robots-Tag", "googlebot: nofollow"},
		{"a file may have a type by its path", "/.well-known/apple-app-site-association: Content-Type: application/json", "/.well-known/apple-app-site-association", "Content-Type", "application/json"},
		{"a type may have parameters", "/a: Content-Type: text/html; charset=koi8-r", "/a", "Content-Type", "text/html; charset=koi8-r"},
		{"a file may be stored compressed", "*.wasm.gz: Content-Encoding: gzip", "*.wasm.gz", "Content-Encoding", "gzip"},
	} {
		rule, err := parseHeaderRule(row.text)
		if want := [2]string{row.field, row.value}; err != nil || rule.where.String() != row.pattern || rule.field != want {
			t.Errorf("%s: %q is %q, %q, %v", row.name, row.text, rule.where, rule.field, err)
		}
	}
	for _, row := range []struct {
		name string
		text string
		says string
	}{
		{"a file's name is no header", "sw.js: no-store", `"sw.js" is a pattern, and "no-store" behind it has no colon: write 'sw.js: NAME: VALUE'`},
		{"a value alone is nothing", "no-store", "has no colon"},
		{"a text that may be both is refused", "Foo: bar: baz", "write '**: Foo: bar: baz' or '/Foo: bar: baz'"},
		{"a colon in a pattern would end it", "/a:b: Foo: bar", "write ? for a colon in a pattern"},
		{"a pattern in the middle of a path has a slash in front", "api/a: X-A: b", "begin with one"},
		{"a type is not for all files", "Content-Type: text/plain", "name them"},
		{"nor is a coding", "content-encoding: gzip", "name them"},
		{"a type is one", "/a: Content-Type: json", "not a media type"},
		{"a coding is one", "/a: Content-Encoding: deflate", "write br, zstd, gzip"},
		{"a header's name has no dot", "/a: sw.js: no-store", "is the name of a file"},
		{"the server sets its own", "/a: ETag: x", "ETag is set by the server itself"},
		{"a password is not sent", "Basic-Auth: a:b", "use --auth"},
		{"a header has a name", ": b", "is no field name"},
		{"and a value", "X-A: \x01", "X-A"},
	} {
		if _, err := parseHeaderRule(row.text); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %q: %v, want %q", row.name, row.text, err, row.says)
		}
	}
}

func FuzzHeaderRule(f *testing.F) {
	for _, text := range []string{"X-A: b", "sw.js: Cache-Control: no-store", "/a*/?: X-A: b: c", "a:b:c", "Foo: bar: baz", "::", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := parseHeaderRule(text)
		if err == nil && (strings.ContainsAny(rule.field[0], "./?") || rule.field[0] == "") {
			t.Errorf("%q is a header %q", text, rule.field)
		}
	})
}
