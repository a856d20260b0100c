package main

import (
	"crypto/tls"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/bobbin-http/bobbin/http/certs"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// ofParts are the files of the tests below, and a configuration with several sites.
var ofParts = map[string]string{
	"main/index.html": "main", "main/a.txt": "a of main", "main/members/a.txt": "a of members", "main/members/deep/b.txt": "b", "main/old/index.html": "old",
	"blog/index.html": "blog", "blog/a.txt": "a of blog", "blog/docs/index.html": "docs of blog",
	"manual/index.html": "manual", "manual/deep/index.html": "deep", "manual/one.html": "one",
	"wide/index.html": "wide", "exact/index.html": "exact", "page.html": "page",
	"users": "ali" + hashOfUU,
	"bobbin.toml": `path = 'DIR/main'
host = ['www.example']
cache = ['1h']
header = ['X-A: above']
redirect = ['/gone /a.txt']

[[site]]
host = 'blog.example'
path = 'DIR/blog'
header = ['X-A: blog']

[[site]]
at = '/docs'
path = 'DIR/manual'
clean-urls = true
cache = ['/docs/deep/**=1y']

[[site]]
at = '/docs/deep/'
path = 'DIR/page.html'

[[site]]
host = ['*.wide.example', 'wide.example']
path = 'DIR/wide'

[[site]]
host = ['a.wide.example']
path = 'DIR/exact'

[[site]]
at = '/members'
path = 'DIR/main/members'
auth = 'DIR/users'
listing = 'on'

[[site]]
host = 'closed.example'
path = 'DIR/blog'
deny = ['0.0.0.0/0', '::/0']

[[site]]
host = 'moved.example'
path = 'DIR/blog'
redirect = ['/* https://blog.example/:splat 301!']
`,
}

// TestEachSiteHasItsNamesAndPaths asks for paths of names.
func TestEachSiteHasItsNamesAndPaths(t *testing.T) {
	t.Parallel()
	r := reloadable(t, ofParts)
	auth := basic("ali")
	for _, row := range []struct{ name, host, path, want string }{
		{"what no table is for is served by the settings above them", "www.example", "/a.txt", "200 above a of main"},
		{"a table has its own rules for the same field", "blog.example", "/", "200 blog blog"},
		{"a name has no port, no final dot, and letters of either case", "BLOG.example.:80", "/a.txt", "200 blog a of blog"},
		{"a path is the same for all names without a table", "www.example", "/docs/", "200 above manual"},
		{"a name goes before a path", "blog.example", "/docs/", "200 blog docs of blog"},
		{"a folder gets its slash", "localhost", "/docs", "301 /docs/"},
		{"a path ends with a name", "localhost", "/docsx", "404"},
		{"a path may have escapes", "localhost", "/%64ocs/", "200 above manual"},
		{"a path is cleaned before", "localhost", "/docs/../a.txt", "200 above a of main"},
		{"a file is found below the path", "localhost", "/docs/one", "200 above one"},
		{"the longest path goes before", "localhost", "/docs/deep/", "200 above page"},
		{"a name below is meant by a star", "b.a.wide.example", "/", "200 above wide"},
		{"the name itself is not", "x.closed.example", "/", "421"},
		{"a name goes before a star", "a.wide.example", "/", "200 above exact"},
		{"a redirect is of its own site", "blog.example", "/gone", "404"},
		{"a redirect of one name", "moved.example", "/b", "301 https://blog.example/b"},
		{"addresses are refused at one name", "closed.example", "/", "403"},
		{"a foreign name is refused as ever", "rebound.example", "/docs/", "421"},
		{"a password is asked for below a path", "localhost", "/members/a.txt", "401"},
		{"also with escapes", "localhost", "/%6dembers/a.txt", "401"},
		{"also with an escaped slash", "localhost", "/members%2fa.txt", "40"},
		{"also for what is deep in there", "localhost", "/members/deep/b.txt", "401"},
		{"not for others", "localhost", "/a.txt", "200 above a of main"},
	} {
		r.ask(t, row.name, row.path, row.want, "Host: "+row.host)
	}
	r.ask(t, "with the password", "/members/a.txt", "200 above a of members", auth)
	r.ask(t, "with the password, of a folder", "/members/", "200 ", auth)
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestNoOtherSiteServesWhatHasAPassword has ways around the path that asks for one: links, another
// name, a folder above.
func TestNoOtherSiteServesWhatHasAPassword(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"main/index.html": []byte("main"), "main/members/a.txt": []byte("secret"), "main/members/deep/b.txt": []byte("secret"), "users": []byte("ali" + hashOfUU),
		"dl/open.txt": []byte("open"),
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	for link, target := range map[string]string{"main/folder": "members", "main/file": "members/a.txt", "main/deep": "members/deep", "dl/folder": "../main/members", "dl/file": "../main/members/a.txt", "dl/deep": "../main/members/deep", "now": "dl"} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(at("main/members/a.txt"), at("dl/hard")); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	config := strings.ReplaceAll("path = 'DIR/main'\nlisting = 'on'\nsymlinks = 'all'\n[[site]]\nat = '/m'\npath = 'DIR/main/members'\nauth = 'DIR/users'\n[[site]]\nhost = 'other.example'\npath = 'DIR/main'\n"+
		"[[site]]\nhost = 'all.example'\npath = 'DIR'\n[[site]]\nhost = 'dl.example'\npath = 'DIR/dl'\nspa = 'open.txt'\n[[site]]\nhost = 'now.example'\npath = 'DIR/now'\n", "DIR", dir)
	if err := os.WriteFile(at("bobbin.toml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	s, _ := prepared(t, "-c", at("bobbin.toml"))
	httptest.Run(t, httptest.Config{Handler: s.loops[0].handler}, func(c *httptest.Client) {
		if a := c.Get("/open.txt", "Host: now.example"); a.Status != 200 {
			t.Errorf("before the link is switched: %v", a)
		}
		if err := os.Remove(at("now")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("main", at("now")); err != nil {
			t.Fatal(err)
		}
		c.Sleep(time.Minute)
		if a := c.Get("/", "Host: now.example"); a.Body != "main" {
			t.Errorf("after the link was switched: %v", a)
		}
		for _, host := range []string{"localhost", "other.example", "all.example", "dl.example", "now.example"} {
			for _, path := range []string{"/hard", "/folder/", "/members/a.txt", "/members/", "/folder/a.txt", "/file", "/deep/b.txt", "/main/members/a.txt", "/main/file", "/m/a.txt", "/users", "/main/%2e/members/a.txt"} {
				a := c.Get(path, "Host: "+host)
				if a.Status == 200 || strings.Contains(a.Body, "secret") { // some of them are not there at all
					t.Errorf("%s%s is %v", host, path, a)
				}
			}
		}
		if a := c.Get("/"); a.Status != 200 {
			t.Errorf("the rest is %v", a)
		}
	})
}

// TestWithoutAPathOnlyTheTablesAreServed has no site beside them.
func TestWithoutAPathOnlyTheTablesAreServed(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "[[site]]\nhost = 'a.localhost'\npath = 'DIR/a'\n", "a/index.html": "a"})
	r.ask(t, "at the start", "/", "200  a", "Host: a.localhost")
	r.ask(t, "at the start", "/", "421", "Host: localhost")
	r.ask(t, "at the start", "/-/xray", "404", "Host: a.localhost")
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestSIGHUPReloadsSites adds a site, changes its password, and removes it.
func TestSIGHUPReloadsSites(t *testing.T) {
	t.Parallel()
	const base = "path = 'DIR/main'\nloops = 2\nlog = 'common=DIR/log'\n"
	r := reloadable(t, map[string]string{"bobbin.toml": base, "main/index.html": "main", "a/index.html": "a", "users": "ali" + hashOfUU, "others": "bob" + hashOfUU})
	table := "[[site]]\nat = '/a'\npath = 'DIR/a'\n"
	r.ask(t, "at the start", "/a/", "404")
	for _, row := range []struct {
		name, config, want, changed string
		header                      []string
	}{
		{"a site", base + table, "200  a", "changed=site", nil},
		{"a password", base + table + "auth = 'DIR/users'\n", "401", "changed=site", nil},
		{"the password that is given", base + table + "auth = 'DIR/users'\n", "200  a", `changed="no setting"`, []string{basic("ali")}},
		{"other users", base + table + "auth = 'DIR/others'\n", "401", "changed=site", []string{basic("ali")}},
		{"another user", base + table + "auth = 'DIR/others'\n", "200  a", `changed="no setting"`, []string{basic("bob")}},
		{"no password", base + table, "200  a", "changed=site", nil},
		{"maintenance", base + table + "maintenance = 'on'\n[[test]]\nget = '/a/'\nexpect = 200\n", "503", "changed=site", nil},
		{"no site", base, "404", "changed=site", nil},
	} {
		r.write(t, "bobbin.toml", row.config)
		r.hangUp(t, "SIGHUP: reloaded")
		r.ask(t, "with "+row.name, "/a/", row.want, row.header...)
		if said := r.said.String(); !strings.HasSuffix(strings.TrimSpace(said), row.changed) {
			t.Errorf("with %s it says %s, without %s", row.name, said, row.changed)
		}
	}
	r.write(t, "bobbin.toml", base+table+"lsting = 'on'\n")
	r.hangUp(t, "SIGHUP: not reloaded")
	r.ask(t, "after a mistake", "/", "200  main")
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	text, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{" - ali [", " - bob [", " - - ["} {
		if !strings.Contains(string(text), user) {
			t.Errorf("the log has no line with %q:\n%s", user, text)
		}
	}
}

// TestAMistakeInASiteIsNamedWithItsPlace has a row for each.
func TestAMistakeInASiteIsNamedWithItsPlace(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"site = 5":                           `:1:1: each site is a table of its own: write [[site]]`,
		"[site]":                             `:1:2: each site is a table of its own`,
		"sites = 5":                          `:1:1: unknown setting "sites"; did you mean site?`,
		"[[site]]\n":                         `:1:3: the site has no path`,
		"[[site]]\npath = 'DIR'":             `:1:3: the site has neither host nor at`,
		"[[site]]\npath = 'DIR'\nhsot = 'a'": `:3:1: unknown key "hsot" of a site; did you mean host?`,
		"[[site]]\npath = 'DIR'\nat = '/a'\nport = 1":                                                  `:4:1: unknown key "port" of a site: it is for all sites, above the first [[site]]`,
		"[[site]]\npath = 5\nat = '/a'":                                                                `:2:8: path must be a string, not a number`,
		"[[site]]\npath = ''\nat = '/a'":                                                               `:2:8: path is empty`,
		"[[site]]\npath = 'DIR'\nat = 'a'":                                                             `:3:6: at must be a path such as /docs`,
		"[[site]]\npath = 'DIR'\nat = '//'":                                                            `:3:6: at must be a path`,
		"[[site]]\npath = 'DIR'\nat = '/a//b'":                                                         `:3:6: at must be a path`,
		"[[site]]\npath = 'DIR'\nat = '/a/..'":                                                         `:3:6: at must be a path`,
		"[[site]]\npath = 'DIR'\nat = '/a%20b'":                                                        `:3:6: at must be a path such as /docs, as it is in the address without escapes`,
		"[[site]]\npath = 'DIR'\nat = '/a/*'":                                                          `:3:6: at must be a path`,
		"[[site]]\npath = 'DIR'\nat = '/-/a'":                                                          `:3:6: at is "/-/a", and paths that begin with /-/ are the server's own`,
		"[[site]]\npath = 'DIR'\nhost = 'http://a.example'":                                            `:3:8: host has "http://a.example": write a name without scheme, port and path`,
		"[[site]]\npath = 'DIR'\nhost = 'a.example:80'":                                                `:3:8: host has "a.example:80": write a name`,
		"[[site]]\npath = 'DIR'\nhost = 'a.*'":                                                         `:3:8: host has "a.*": write a name`,
		"[[site]]\npath = 'DIR'\nhost = '*'":                                                           `:3:8: host has "*": write a name`,
		"[[site]]\npath = 'DIR'\nhost = 'bücher.example'":                                              `:3:8: host has "bücher.example", which browsers send in ASCII`,
		"[[site]]\npath = 'DIR'\nhost = '*.*.example'":                                                 `:3:8: host has "*.*.example": write a name`,
		"[[site]]\npath = 'DIR'\nhost = '.a.example'":                                                  `:3:8: host has ".a.example": write a name without scheme, port and path, such as www.example.com, or *.example.com for all`,
		"[[site]]\npath = 'DIR'\nat = '/'":                                                             `:1:3: at = "/" is what path above the first [[site]] is for`,
		"[[site]]\npath = 'DIR'\nhost = ['a', 'A.']":                                                   `:3:8: host has "A." twice`,
		"[[site]]\npath = 'DIR'\nhost = [5]":                                                           `:3:8: host has 5, which is no name`,
		"[[site]]\npath = 'DIR'\nhost = 5":                                                             `:3:8: host must be a name or a list of names, not a number`,
		"[[site]]\npath = 'DIR'\nhost = []":                                                            `:3:8: host must be a name or a list of names`,
		"[[site]]\npath = 'DIR'\nat = '/a'\ncache = 'no-cache'":                                        `:4:9: cache must be a list of strings, not a string: write cache = ['no-cache']`,
		"[[site]]\npath = 'DIR'\nat = '/a'\n\nlisting = 'yes'":                                         `unknown value "yes": choose one of auto, off, on (in the [[site]] at FILE:1:3) (--listing comes from FILE:5:1)`,
		"listing = 'yes'\n[[site]]\npath = 'DIR'\nat = '/a'":                                           `(--listing comes from FILE:1:1)`,
		"[[site]]\npath = 'DIR/none'\nat = '/a'":                                                       `none: no such folder or file`,
		"[[site]]\npath = 'DIR'\nat = '/a'\nauth = 'DIR/none'":                                         `(--auth comes from FILE:4:1)`,
		"[[site]]\npath = 'DIR'\nat = '/a'\nauth = ''":                                                 `--auth has an empty value`,
		"[[site]]\npath = 'DIR'\nat = '/a'\nrealm = 'b'":                                               `--realm needs --auth`,
		"[[site]]\npath = 'DIR'\nat = '/a'\nspa = 'none.html'":                                         `there is no none.html in`,
		"[[site]]\npath = 'DIR'\nat = '/a'\ntls-cert = 'DIR/a'":                                        `:1:3: tls-cert needs tls-key`,
		"[[site]]\npath = 'DIR'\nat = '/a'\n[[site]]\npath = 'DIR'\nat = '/a/'":                        `:4:3: a request could be for this site and for that of FILE:1:3`,
		"[[site]]\npath = 'DIR'\nhost = ['a', 'b']\n[[site]]\npath = 'DIR'\nhost = ['B', 'c']":         `:4:3: a request could be for this site and for that of FILE:1:3`,
		"[[site]]\npath = 'DIR'\nhost = ['a', 'b']\nat = '/x'\n[[site]]\npath = 'DIR'\nhost = ['B']\n": ``,
	} {
		file := filepath.Join(dir, "bobbin.toml")
		text, want = strings.ReplaceAll(text, "DIR", dir), strings.ReplaceAll(want, "FILE", file)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, complaint := try([]string{"config", "test", "-c", file}, "", nil)
		if want == "" && code == exitOK {
			continue
		}
		if code != exitUsage || !strings.Contains(complaint, want) || strings.Count(complaint, "\n") != 1 {
			t.Errorf("%q: %d, %q, want %q", text, code, complaint, want)
		}
	}
}

// TestASiteHasWhatIsAboveIt compares the settings of a table with those that it does not name.
func TestASiteHasWhatIsAboveIt(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/index.html": nil, "users": []byte("ali" + hashOfUU)})
	file := filepath.Join(dir, "bobbin.toml")
	text := strings.ReplaceAll("path = 'DIR/a'\nauth = 'DIR/users'\nrealm = 'all'\nindex = ['a.html', 'b.html']\nlisting = 'on'\nspa = 'index.html'\ntls = 'self'\nmaintenance = 'on'\nredirect = ['/a /b']\nheader = ['X-A: b']\n"+
		"[[site]]\nat = '/a'\npath = 'DIR/a'\nindex = ['c.html']\n[[site]]\nhost = ['open.example', '*.b.example']\npath = 'DIR/a'\nauth = 'off'\n", "DIR", dir)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"-c", file, "-H", "X-A: typed"}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	a, b := o.parts[0].options, o.parts[1].options
	for name, is := range map[string]bool{
		"the password is that above":        a.site.auth == o.site.auth && a.site.realm == "all",
		"a list is replaced as a whole":     slices.Equal(a.site.index, []string{"c.html"}) && slices.Equal(b.site.index, []string{"a.html", "b.html"}),
		"the list above stays as it is":     slices.Equal(o.site.index, []string{"a.html", "b.html"}),
		"what is typed is above":            slices.Equal(a.site.header, []string{"X-A: typed"}),
		"off is no password":                b.site.auth == "",
		"the listing is that above":         a.site.listing == "on",
		"a page for missing ones is not":    a.site.fallback == "",
		"redirects are not":                 len(a.site.redirect) == 0,
		"maintenance closes all once":       a.closed.maintenance == "",
		"names are in the certificate":      slices.Equal(o.https.domains, []string{"open.example"}),
		"the addresses are those of before": slices.Equal(a.at, o.at),
	} {
		if !is {
			t.Errorf("%s: it is not so", name)
		}
	}
	code, printed, complaint := try([]string{"config", "print", "-c", file}, "", nil)
	if code != exitOK {
		t.Fatal(complaint)
	}
	again := filepath.Join(dir, "again.toml")
	if err := os.WriteFile(again, []byte(printed), 0o644); err != nil {
		t.Fatal(err)
	}
	_, once, complaint := try([]string{"config", "print", "-c", again}, "", nil)
	values := func(text string) string { return regexp.MustCompile(` # [^\n]*`).ReplaceAllString(text, "") }
	if _, tables, _ := strings.Cut(printed, "[[site]]"); values(tables) == "" || !strings.HasSuffix(values(once), values(tables)) {
		t.Errorf("printed\n%s\nand read and printed again\n%s%s", printed, once, complaint)
	}
}

// TestWhatATableMayNotMeanIsWarnedOf has a table, and what is said of it; nothing if it is clear.
func TestWhatATableMayNotMeanIsWarnedOf(t *testing.T) {
	dir := folder(t, map[string][]byte{"main/index.html": nil, "members/index.html": nil, "members/deep/index.html": nil, "users": []byte("ali" + hashOfUU)})
	const above = "path = 'DIR/main'\n[[site]]\nat = '/members'\npath = 'DIR/members'\nauth = 'DIR/users'\n"
	for _, row := range []struct{ name, text, want string }{
		{"files with a password, by another name", above + "[[site]]\nhost = 'a.example'\npath = 'DIR/members'\n", `a.example: DIR/members is served without the password that is asked for elsewhere: write auth = "off" if that is meant`},
		{"files in there", above + "[[site]]\nhost = 'a.example'\npath = 'DIR/members/deep'\n", `is served without the password`},
		{"the same, and that is meant", above + "[[site]]\nhost = 'a.example'\npath = 'DIR/members/deep'\nauth = 'off'\n", ""},
		{"other files", above + "[[site]]\nhost = 'a.example'\npath = 'DIR/main'\n", ""},
		{"a redirect from outside of the path", "[[site]]\nat = '/docs'\npath = 'DIR/main'\nredirect = ['/old/* /new/:splat 301']\n", `/docs: redirect "/old/* /new/:splat 301" is for no path, because all paths here begin with /docs/: write /docs/old/* /new/:splat 301`},
		{"a cache rule for what is outside of the path", "[[site]]\nat = '/docs'\npath = 'DIR/main'\ncache = ['/deep/**=1y']\n", `write /docs/deep/**=1y`},
		{"a header for what is outside of the path", "[[site]]\nat = '/docs'\npath = 'DIR/main'\nheader = ['/deep/a: X-A: b']\n", `write /docs/deep/a: X-A: b`},
		{"rules for what is there", "[[site]]\nat = '/docs'\npath = 'DIR/main'\ncache = ['/docs/deep/**=1y', '/**=1h', '*.css=1y', '/d*/a=1y', '1h']\nredirect = ['/docs/a /b', '/:a/b /c']\n", ""},
		{"rules of a name", "[[site]]\nhost = 'a.example'\npath = 'DIR/main'\ncache = ['/deep/**=1y']\n", ""},
	} {
		file := filepath.Join(dir, "bobbin.toml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(row.text, "DIR", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, said := try([]string{"config", "test", "-c", file}, "", nil)
		if want := strings.ReplaceAll(row.want, "DIR", dir); code != exitOK || (want == "") != (said == "") || !strings.Contains(said, want) {
			t.Errorf("%s: %d, %q, want %q", row.name, code, said, want)
		}
	}
}

// FuzzSiteTables has no text end the program, and every error say its place.
func FuzzSiteTables(f *testing.F) {
	for _, text := range []string{
		"[[site]]\nat = '/a'\npath = '.'\n", "[[site]]\nhost.a = '/'\n", "[[\"si\\u0074e\"]]\n'at' = '/'\n[site.header]\na = 1\n", "site = [{at = '/'}]",
		"[[site]]\n[[site.host]]\na = 1\n[[site]]\nat = 1\n", "[[site]]\npath='a'\nhost=['*.a','b']\nauth='off'\nspa='a'\ntls-cert='a'\ntls-key='b'",
	} {
		f.Add(text)
	}
	place := regexp.MustCompile(`f:[1-9][0-9]*:[1-9][0-9]*`)
	f.Fuzz(func(t *testing.T, text string) {
		var all map[string]any
		if toml.Unmarshal([]byte(text), &all) != nil || all["site"] == nil {
			return
		}
		var o options
		o.define()
		err := o.noteParts("f", []byte(text), all["site"], placesIn([]byte(text))["site"])
		if err == nil {
			err = o.readParts()
		}
		if err != nil && !place.MatchString(err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
		if tables, _ := all["site"].([]any); err == nil && len(o.parts) != len(tables) {
			t.Errorf("%q: %d parts, not %d", text, len(o.parts), len(tables))
		}
	})
}

// TestASitesCertificateIsForItsNames has a certificate in a table, beside that of all others.
func TestASitesCertificateIsForItsNames(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"main/index.html": []byte("main"), "a/index.html": []byte("a")})
	main, roots := pair(t, filepath.Join(dir, "certs"))
	own, err := certs.Make(time.Now(), filepath.Join(dir, "own"), "a.example")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("path = '%s/main'\ntls-cert = ['%s']\ntls-key = ['%s']\n[[site]]\nhost = 'a.example'\npath = '%[1]s/a'\ntls-cert = '%[4]s'\ntls-key = '%[5]s'\n",
		dir, main.Pair.Cert, main.Pair.Key, own.Pair.Cert, own.Pair.Key)
	file := filepath.Join(dir, "bobbin.toml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(own.CA)
	if err != nil || !roots.AppendCertsFromPEM(authority) {
		t.Fatalf("the second authority: %v", err)
	}
	p := startAs(t, withoutHost, "", "-c", file)
	for name, want := range map[string]string{"localhost": "main", "a.example": "a"} {
		client := &nethttp.Client{Transport: &nethttp.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}}}
		q, err := nethttp.NewRequest("GET", p.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host = name
		a, err := client.Do(q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(a.Body)
		if a.Body.Close(); string(body) != want || err != nil {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		client.CloseIdleConnections()
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}
