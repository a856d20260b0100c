package main

import (
	"strings"
	"testing"
)

func TestARedirectThatNeverAppliesIsWarnedOf(t *testing.T) {
	for _, row := range []struct {
		name  string
		rules []string
		warns string // "" for nothing
	}{
		{"two paths", []string{"/a /b", "/c /d"}, ""},
		{"the same path", []string{"/a /b", "/a /c"}, `--redirect "/a /c" never applies to /a: --redirect "/a /b" goes before it`},
		{"the same path with a slash", []string{"/a /b", "/a/ /c 302"}, "never applies to /a/"},
		{"one of them has precedence over files", []string{"/a /b", "/a /c 301!"}, ""},
		{"both have", []string{"/a /b 301!", "/a /c 302!"}, "never applies"},
		{"the same names", []string{"/a/:id /b/:id", "/a/:id /c/:id"}, "never applies"},
		{"the same path of two hosts", []string{"https://a.example/a /b", "https://b.example/a /c"}, ""},
		{"a host before all", []string{"https://a.example/* /b", "/a /c"}, ""},
		{"below a star", []string{"/a/* /b/:splat", "/a/c /d"}, `"/a/c /d" never applies to /a/c`},
		{"the path of a star itself", []string{"/a/* /b/:splat", "/a /d"}, "never applies to /a"},
		{"a name below a star", []string{"/* /b 302", "/x/:id /d"}, "never applies to /x/:id"},
		{"beside a star", []string{"/a/* /b/:splat", "/ab /d"}, ""},
		{"a star at the end", []string{"/a /b", "/* /c 302"}, ""},
		{"the target of a star, which it leaves", []string{"/* /login 302!", "/login /in 302!"}, ""},
		{"a name before, which may not match", []string{"/:a/x/* /b", "/c/x/d /e"}, ""},
	} {
		var args []string
		for _, rule := range row.rules {
			args = append(args, "--redirect", rule)
		}
		warnings := func(args ...string) string {
			code, _, complaint := try(append([]string{"config", "test"}, args...), "", nil)
			if code != exitOK || strings.Count(complaint, "\n") > 1 {
				t.Errorf("%s: %d, %q", row.name, code, complaint)
			}
			return complaint
		}
		dir := folder(t, map[string][]byte{"site/index.html": []byte("a"), "netlify/index.html": []byte("a"), "netlify/_redirects": []byte(strings.Join(row.rules, "\n"))})
		if got := warnings(append(args, dir+"/site")...); !strings.Contains(got, row.warns) || (got == "") != (row.warns == "") {
			t.Errorf("%s: it warns of %q, want %q", row.name, got, row.warns)
		}
		want := ""
		if row.warns != "" {
			want = "_redirects:2 never applies to "
		}
		if got := warnings("--netlify", dir+"/netlify"); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s, in a file: it warns of %q, want %q", row.name, got, want)
		}
	}
}

func TestARuleForAFolderIsWarnedOf(t *testing.T) {
	dir := folder(t, map[string][]byte{"index.html": []byte("a"), "assets/a.js": []byte("a"), "about/a": []byte("a"), "about.html": []byte("a")})
	for _, row := range []struct {
		name, flag, rule string
		warns            string
	}{
		{"a header for a folder", "-H", "/assets: X-A: b", "the rule for /assets sets X-A for no file, because that is a folder: write /assets/** for the files in it"},
		{"caching for a folder", "--cache", "/assets=1y", "sets Cache-Control for no file"},
		{"for its files", "-H", "/assets/**: X-A: b", ""},
		{"for its index", "-H", "/assets/: X-A: b", ""},
		{"for a file", "-H", "/index.html: X-A: b", ""},
		{"for a name that may be anywhere", "-H", "assets: X-A: b", ""},
		{"for a page beside a folder", "-H", "/about: X-A: b", ""},
		{"for nothing that is there yet", "-H", "/later: X-A: b", ""},
	} {
		code, _, complaint := try([]string{"config", "test", row.flag, row.rule, dir}, "", nil)
		if code != exitOK || !strings.Contains(complaint, row.warns) || (complaint == "") != (row.warns == "") {
			t.Errorf("%s: %d, %q, want %q", row.name, code, complaint, row.warns)
		}
	}
}
