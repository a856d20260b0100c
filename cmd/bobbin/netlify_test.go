package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

// rulesOf reads a site's files, and returns the number of its redirects and of its
// headers, the warnings without the folder, and the error.
func rulesOf(t testing.TB, files map[string]string) (redirects, headers int, warnings string, err error) {
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fields := &fieldRules{}
	list, err := fields.readNetlify(dir)
	return len(list), len(fields.header), strings.ReplaceAll(strings.Join(fields.warnings, "\n"), dir+"/", ""), err
}

func TestARuleThatCannotBeKeptIsSkippedOrRefused(t *testing.T) {
	for _, row := range []struct {
		name  string
		rule  string
		kept  int
		warns string // "" for nothing
		fails string
	}{
		{"a plain rule", "/a /b", 1, "", ""},
		{"a comment behind a rule", "/a /b 301 # since March", 1, "", ""},
		{"a comment behind a rule without a status", "/a /b #since March", 1, "", ""},
		{"a fragment is no comment", "/a /b#c 301", 1, "", ""},
		{"a rule for another host", "https://old.example/* https://new.example/:splat 301!", 1, "", ""},
		{"a rule for HTTPS", "http://a.example/* https://a.example/:splat 301!", 0, "_redirects:1 is skipped: HTTPS is a matter of --redirect-http", ""},
		{"a star in a segment", "/draft* /404.html 404", 1, "", ""},
		{"a star in the middle", "/*/terms /terms 302", 0, "the * must be at the end", ""},
		{"languages", "/ /zh 302 Language=zh", 0, "_redirects:1 is skipped: rules with a condition, such as Language=zh, are not supported", ""},
		{"countries", "/ /anz 302 Country=au,nz", 0, "Country=au,nz", ""},
		{"cookies", "/* /new/:splat 200 Cookie=is_new", 0, "Cookie=is_new", ""},
		{"a query", "/store id=:id /blog/:id 301", 0, "rules with a query, such as id=:id, are not supported", ""},
		{"a proxy", "/api/* https://api.example/:splat 200", 0, "bobbin is no proxy for https://api.example/:splat", ""},
		{"a function", "/api/* /.netlify/functions/:splat 200", 0, "no functions of Netlify here", ""},
		{"a status that is not", "/a /b 410", 0, "is not a status of a redirect", ""},
		{"half a rule", "/a 301", 0, "neither a path nor a URL", ""},
		{"a word", "/a", 0, "is not a redirect", ""},
		{"a target of another host by two slashes", "/a //b 301", 0, "neither a path nor a URL", ""},

		{"roles", "/admin/* /admin/:splat 200 Role=admin", 0, "", "_redirects:1: the rule is for users of a role"},
		{"roles with precedence, without a target", "/* 200! role=member", 0, "", "users of a role"},
		{"a language with precedence", "/a/* /b/:splat 302! Language=zh", 0, "", "Language=zh, are not supported; and without the rule, which has precedence over files by its !"},
		{"a proxy with precedence", "/api/* https://api.example/:splat 200!", 0, "", "_redirects:1: bobbin is no proxy"},
		{"a query with precedence", "/a id=1 /b 302!", 0, "", "a query"},
		{"a star in the middle with precedence", "/*.map /404.html 404!", 0, "", "the * must be at the end"},
		{"a status that is not, with precedence", "/a /b 410!", 0, "", "is not a status"},
	} {
		redirects, _, warnings, err := rulesOf(t, map[string]string{"_redirects": row.rule + "\n"})
		if redirects != row.kept || !strings.Contains(warnings, row.warns) || (warnings == "") != (row.warns == "") {
			t.Errorf("%s: %d are kept, and it warns of %q", row.name, redirects, warnings)
		}
		if (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
			t.Errorf("%s: %v, want %q", row.name, err, row.fails)
		}
	}
}

func TestHeadersThatCannotBeKeptAreSkipped(t *testing.T) {
	for _, row := range []struct {
		name  string
		text  string
		kept  int
		warns string
	}{
		{"a path with headers", "/*\n  X-A: b\n  X-C: d\n", 2, ""},
		{"headers need no indentation", "/*\nX-A: b\n", 1, ""},
		{"nor do paths lack it", "  /a\n    X-A: b\n", 1, ""},
		{"comments", "# a\n/*\n  # b\n  X-A: b # part of the value\n", 1, ""},
		{"a byte order mark and lines of Windows", "\ufeff/*\r\n  X-A: b\r\n", 1, ""},
		{"lines of an old Mac", "/*\r  X-A: b\r", 1, ""},
		{"a header that is taken back", "/a\n  ! X-A\n  X-A: c\n", 2, ""},
		{"the type of a file, and that it is taken back", "/a\n  Content-Type: application/json\n  ! Content-Type\n", 2, ""},
		{"a type that is none", "/a\n  Content-Type: json\n", 0, "_headers:2 is skipped: Content-Type: \"json\" is not a media type"},
		{"a header of the server's own", "/a\n  ETag: \"a\"\n  X-A: b\n", 1, "_headers:2 is skipped: ETag is set by the server itself"},
		{"no colon", "/a\n  X-A\n  X-A: b\n", 1, `_headers:2 is skipped: "X-A" has no colon`},
		{"no name", "/a\n  : b\n", 0, "_headers:2 is skipped"},
		{"no path", "X-A: b\n", 0, "_headers:1 is skipped: a header before the first path"},
		{"another host, once for all of its headers", "https://a.pages.dev/*\n  X-A: b\n  X-C: d\n/b\n  X-E: f\n", 1, "_headers:1 is skipped: headers for one host, such as https://a.pages.dev/*, are not supported, nor those below it"},
		{"a value that is filled in", "/films/:title\n  X-Film: :title\n", 0, "_headers:2 is skipped: the value would have to be filled in for :title"},
		{"and by a star", "/*\n  Link: <https://a.example/:splat>\n", 0, "filled in for :splat"},
		{"a pattern that is none here", "/[a]\n  X-A: b\n", 0, `_headers:1 is skipped: pattern "/[a]"`},
	} {
		_, headers, warnings, err := rulesOf(t, map[string]string{"_headers": row.text})
		if err != nil || headers != row.kept || !strings.Contains(warnings, row.warns) || (warnings == "") != (row.warns == "") || strings.Contains(warnings, "\n") {
			t.Errorf("%s: %d are kept, and it warns of %q, %v", row.name, headers, warnings, err)
		}
	}
}

// TestAHeaderIsForThePathsOfItsRule and for no others: a site's policy may depend on it.
func TestAHeaderIsForThePathsOfItsRule(t *testing.T) {
	for _, row := range []struct{ rule, path, other string }{
		{"/*", "/a/b/c.html", ""},
		{"/private/*", "/private/a/b", "/public/private/a"},
		{"/private/*", "/private/", "/private"},
		{"/*.js", "/a/b.js", "/a/b.css"},
		{"/users/:id/photo", "/users/7/photo", "/users/7/8/photo"},
		{"/users/:id", "/users/7", "/users/7/photo"},
		{"/a", "/a", "/b/a"},
	} {
		dir := folder(t, map[string][]byte{"_headers": []byte(row.rule + "\n  X-A: b\n")})
		fields := &fieldRules{}
		if _, err := fields.readNetlify(dir); err != nil || len(fields.header) != 1 {
			t.Fatalf("%s: %d are kept, %v", row.rule, len(fields.header), err)
		}
		if rule := &fields.header[0]; !rule.match(row.path) || row.other != "" && rule.match(row.other) {
			t.Errorf("%s is for %s: %v, and for %s: %v", row.rule, row.path, rule.match(row.path), row.other, rule.match(row.other))
		}
	}
}

// TestAPasswordIsRefusedHoweverItIsWritten has what Netlify would ask a password for.
func TestAPasswordIsRefusedHoweverItIsWritten(t *testing.T) {
	for _, text := range []string{
		"/*\n  Basic-Auth: a:b\n", "/*\n\tBASIC-AUTH:a:b", "/*\nbasic-auth : a:b\n", "/*\r  Basic-Auth: a:b\r", "Basic-Auth: a:b\n", "\ufeff/*\r\n Basic-Auth: a:b",
		"https://a.example/*\n  Basic-Auth: a:b\n", "/[a]\n  Basic-Auth: a:b\n", "/*\n  X-A: b\n  Basic-Auth: a:b c:d\n", "/*\n  ! Basic-Auth\n",
	} {
		if _, _, _, err := rulesOf(t, map[string]string{"_headers": text}); err == nil || !strings.Contains(err.Error(), "--auth") || strings.Contains(err.Error(), "a:b") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"[[headers]]\nfor = '/*'\n[headers.values]\nBasic-Auth = 'a:b'\n", "[[headers]]\nvalues = { \"basic-auth\" = \"a:b\" }\n"} {
		if _, _, _, err := rulesOf(t, map[string]string{"netlify.toml": text}); err == nil || !strings.Contains(err.Error(), "--auth") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, warnings, err := rulesOf(t, map[string]string{"netlify.toml": "[build]\n# Basic-Auth\n"}); err != nil || !strings.Contains(warnings, "netlify.toml is not read") {
		t.Errorf("%q, %v", warnings, err)
	}
	for _, text := range []string{"/*\x00\n  X-A: b\n", "\xff\xfe/\x00*\x00", "/*\n  X-A: \xe9\n", strings.Repeat("#", netlifyMax+1)} {
		if _, _, _, err := rulesOf(t, map[string]string{"_headers": text}); err == nil {
			t.Errorf("%.20q is read", text)
		}
	}
	if _, _, warnings, err := rulesOf(t, map[string]string{"_redirects": strings.Repeat("/a /b 410\n", 1000)}); err != nil || strings.Count(warnings, "\n") != skippedMax || !strings.Contains(warnings, "more lines are skipped") {
		t.Errorf("a thousand: %v, %q", err, warnings)
	}
}

// TestASiteFromNetlifyIsServed has what such sites have, and a browser of it.
func TestASiteFromNetlifyIsServed(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"index.html": []byte("start"), "about/index.html": []byte("about"), "app.html": []byte("app"), "zh/index.html": []byte("zh"),
		"_redirects": []byte("https://old.example/* https://new.example/:splat 301! # moved\n/ /zh 302 Language=zh\n/store id=:id /blog/:id 301\n/api/* https://api.example/:splat 200\n/* /app.html 200\n"),
		"_headers":   []byte("/*\n  X-Frame-Options: DENY\n  Content-Security-Policy: default-src 'self'\nhttps://a.pages.dev/*\n  X-Robots-Tag: noindex\n/about/*\n  ! X-Frame-Options\n  ! content-security-policy\n  Content-Security-Policy: default-src *\n"),
	})
	s, o := prepared(t, "--netlify", "--loops", "2", dir)
	if len(o.warnings) != 4 || !strings.Contains(o.warnings[0], "_redirects:2 ") || !strings.Contains(o.warnings[3], "_headers:4 ") {
		t.Errorf("it warns of %q", o.warnings)
	}
	httptest.Run(t, httptest.Config{Handler: s.loops[0].handler}, func(c *httptest.Client) {
		ask := func(host, path string) httptest.Answer {
			conn := c.Dial()
			defer conn.Close()
			conn.Send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
			return conn.Answer("GET")
		}
		if a := ask("localhost", "/"); a.Body != "start" || a.Header("x-frame-options") != "DENY" || a.Header("x-robots-tag") != "" {
			t.Errorf("the start: %v", a)
		}
		if a := ask("localhost", "/about/"); a.Body != "about" || a.Header("x-frame-options") != "" || a.Header("content-security-policy") != "default-src *" {
			t.Errorf("about: %v", a)
		}
		if a := ask("localhost", "/api/x"); a.Body != "app" || a.Status != 200 {
			t.Errorf("what would be a proxy's: %v", a)
		}
		for _, name := range []string{"/_redirects", "/_headers"} {
			if a := ask("localhost", name); a.Body != "app" {
				t.Errorf("%s: %v", name, a)
			}
		}
	})
	if code, _, complaint := try([]string{"config", "test", "--netlify", filepath.Join(dir, "app.html")}, "", nil); code != exitUsage || !strings.Contains(complaint, "serve its folder") {
		t.Errorf("%d, %q", code, complaint)
	}
}

// FuzzNetlify reads anything: no line with a password is accepted, and none that
// has precedence over files is only skipped.
func FuzzNetlify(f *testing.F) {
	f.Add("/a /b 301!\n/c id=:id /d 302 Language=en # e\nhttps://a/* /:splat", "/*\n  X-A: b\n  ! X-C\nhttps://a/*\n Basic-Auth: a:b")
	f.Add("/* 200! Role=admin", "\ufeff/a/:b\r X-A: :b\r\n")
	f.Fuzz(func(t *testing.T, redirects, headers string) {
		kept, _, _, err := rulesOf(t, map[string]string{"_redirects": redirects})
		forced := 0
		for line := range strings.SplitSeq(strings.NewReplacer("\r", "\n").Replace(redirects), "\n") {
			line, _, _ = strings.Cut(line, "#")
			if words := strings.Fields(line); len(words) > 2 && isForced(words[2]) && !strings.HasPrefix(words[0], "http://") {
				forced++
			}
		}
		if err == nil && kept < forced {
			t.Errorf("%q: of %d rules with precedence %d are kept", redirects, forced, kept)
		}
		_, _, _, err = rulesOf(t, map[string]string{"_headers": headers})
		for line := range strings.SplitSeq(strings.NewReplacer("\r", "\n").Replace(headers), "\n") {
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "basic-auth:") && err == nil {
				t.Errorf("%q is accepted", headers)
			}
		}
	})
}
