package static

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// These tests are about Options.

func TestFallback(t *testing.T) {
	root := tree(t, map[string]string{"index.html": "the application", "app.js": "script", "sub/a.txt": "a"})
	files := open(t, root, Options{Fallback: "index.html"})
	const page = "Accept: text/html,application/xhtml+xml"
	visit(t, files, func(v *visitor) {
		for range 2 {
			for _, row := range []struct {
				name   string
				ask    string
				accept string
				status int
				body   string
			}{
				{"a page that is not there is the application", "GET /users/7", page, 200, "the application"},
				{"also deeper, and with a slash", "GET /users/7/", page, 200, "the application"},
				{"also in a folder without an index", "GET /sub/", page, 200, "the application"},
				{"with an extension of pages, too", "GET /about.html", page, 200, "the application"},
				{"its head, too", "HEAD /users/7", page, 200, ""},
				{"a dot in its name decides nothing", "GET /users/john.doe", page, 200, "the application"},
				{"nor do the dots of a version", "GET /v/1.2.3", page, 200, "the application"},
				{"nor does a host as a name", "GET /sites/example.com", page, 200, "the application"},
				{"a browser that navigates wants a page, whatever it accepts", "GET /users/john.doe", "Sec-Fetch-Mode: navigate", 200, "the application"},
				{"also without a dot", "GET /users/7", "Sec-Fetch-Mode: navigate", 200, "the application"},
				{"a script that loads does not", "GET /users/7", "Sec-Fetch-Mode: cors", 404, ""},
				{"a picture that is opened in a window is one all the same", "GET /logo.png", "Sec-Fetch-Mode: navigate", 404, ""},
				{"a script that is not there is missing", "GET /app.1234.js", page, 404, ""},
				{"in capitals, too", "GET /APP.JS", page, 404, ""},
				{"so is a source map", "GET /app.js.map", page, 404, ""},
				{"so is a picture", "GET /logo.png", page, 404, ""},
				{"so is a page for a program", "GET /users/7", "Accept: application/json", 404, ""},
				{"or for a client without Accept", "GET /users/7", "A: b", 404, ""},
				{"a file that exists is served", "GET /app.js", page, 200, "script"},
				{"a hidden file stays hidden, behind the application", "GET /.git/config.html", page, 200, "the application"},
				{"other methods are not for files", "POST /users/7", page, 405, ""},
			} {
				got := v.ask(row.ask, row.accept)
				if got.status != row.status || row.status == 200 && got.body != row.body {
					t.Errorf("%s: %v", row.name, got)
				}
			}
		}
		tag := tagOf(v, "/users/7", page)
		if got := v.ask("GET /users/8", page, "If-None-Match: "+tag); got.status != 304 {
			t.Errorf("it is one and the same: %v", got)
		}
	})
	if n := len(marks(t, &files.cache)); n != 2 {
		t.Errorf("%d entries for two files", n)
	}
}

func TestCleanURLs(t *testing.T) {
	root := tree(t, map[string]string{"about.html": "about", "both": "plain", "both.html": "page", "sub/index.html": "sub", "sub.html": "beside"})
	visit(t, open(t, root, Options{CleanURLs: true}), func(v *visitor) {
		for path, want := range map[string]string{"/about": "about", "/about.html": "about", "/both": "plain", "/sub/": "sub", "/about?q": "about"} {
			if got := v.ask("GET " + path); got.status != 200 || got.body != want {
				t.Errorf("%s: %v", path, got)
			}
		}
		for path, status := range map[string]int{"/about/": 404, "/missing": 404, "/sub": 301, "/.html": 404} {
			if got := v.ask("GET " + path); got.status != status {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		if got := v.ask("GET /about"); got.status != 404 {
			t.Errorf("unasked: %v", got)
		}
	})
}

// TestAPageBesideItsFolder: with CleanURLs, /blog is blog.html, and the folder blog only if
// it has an index.
func TestAPageBesideItsFolder(t *testing.T) {
	root := tree(t, map[string]string{
		"blog.html": "the blog", "blog/first.html": "the first", "docs.html": "beside", "docs/index.html": "the docs",
		"bare/a.html": "a", "odd.html/x": "", "odd/a.html": "a", "folder.html/index.html": "", "deep/blog.html": "deep", "deep/blog/a.html": "a",
	})
	for _, listing := range []bool{false, true} {
		visit(t, open(t, root, Options{CleanURLs: true, Listing: listing}), func(v *visitor) {
			for range 2 {
				for _, row := range []struct {
					name   string
					path   string
					status int
					want   string // the body, or the Location of a redirect
				}{
					{"the page beside a folder without an index", "/blog", 200, "the blog"},
					{"a page in the folder", "/blog/first", 200, "the first"},
					{"also deeper", "/deep/blog", 200, "deep"},
					{"a folder with an index goes first", "/docs", 301, "/docs/"},
					{"and is its index", "/docs/", 200, "the docs"},
					{"a folder without a page beside it", "/bare", 301, "/bare/"},
					{"the page by its name", "/blog.html", 200, "the blog"},
				} {
					got := v.ask("GET " + row.path)
					if got.status != row.status || got.what() != row.want {
						t.Errorf("%s: %v, want %d %q", row.name, got, row.status, row.want)
					}
				}
				got := v.ask("GET /blog/?q")
				if listing && (got.status != 200 || !strings.Contains(got.body, "first.html")) {
					t.Errorf("a listing goes before the page: %v", got)
				}
				if !listing && (got.status != 301 || got.header.Get("Location") != "/blog?q") {
					t.Errorf("a folder without an index leads to the page: %v", got)
				}
				if got := v.ask("GET /odd"); got.status != 301 || got.header.Get("Location") != "/odd/" {
					t.Errorf("a folder with the name of a page is none: %v", got)
				}
				if got := v.ask("GET /folder"); got.status != 404 {
					t.Errorf("not even without a folder beside it: %v", got)
				}
			}
		})
	}
	visit(t, open(t, root, Options{}), func(v *visitor) {
		if got := v.ask("GET /blog"); got.status != 301 {
			t.Errorf("unasked: %v", got)
		}
	})
}

func TestErrorPages(t *testing.T) {
	root := tree(t, map[string]string{"404.html": "<h1>lost", "a.txt": "a"})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		for range 2 {
			got := v.ask("GET /missing", "If-None-Match: *")
			if got.status != 404 || got.body != "<h1>lost" || got.header.Get("Content-Type") != "text/html; charset=utf-8" || got.header.Get("ETag") != "" {
				t.Errorf("it is %v", got)
			}
			if got := v.ask("HEAD /missing"); got.status != 404 || got.header.Get("Content-Length") != "8" {
				t.Errorf("its head: %v", got)
			}
		}
		if got := v.ask("GET /404.html"); got.status != 200 {
			t.Errorf("the page itself: %v", got)
		}
	})
}

func TestSymlinks(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "sub/b.txt": "b"})
	outside := filepath.Join(filepath.Dir(root), "outside.txt")
	write(t, outside, "outside")
	for name, to := range map[string]string{"in": "a.txt", "folder": "sub", "sub/up": "../a.txt", "out": "../outside.txt", "far": outside, "nowhere": "missing"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		links  Symlinks
		served string
		not    string
	}{
		{LinksInside, "/a.txt /sub/b.txt /in /folder/b.txt /sub/up", "/out /far /nowhere"},
		{NoLinks, "/a.txt /sub/b.txt", "/in /folder/b.txt /folder /sub/up /out /far /nowhere"},
		{AllLinks, "/a.txt /sub/b.txt /in /folder/b.txt /sub/up /out /far", "/nowhere"},
	} {
		visit(t, open(t, root, Options{Symlinks: row.links}), func(v *visitor) {
			for path := range strings.FieldsSeq(row.served) {
				if got := v.ask("GET " + path); got.status != 200 || got.body == "" {
					t.Errorf("%d: %s is %v", row.links, path, got)
				}
			}
			for path := range strings.FieldsSeq(row.not) {
				if got := v.ask("GET " + path); got.status != 404 {
					t.Errorf("%d: %s is %v", row.links, path, got)
				}
			}
		})
	}
}

// TestADeploymentIsSeen: the folder that is served is a symbolic link, and is
// pointed elsewhere.
func TestADeploymentIsSeen(t *testing.T) {
	above := t.TempDir()
	for _, release := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(above, release), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(above, release, "a.txt"), release)
		write(t, filepath.Join(above, release, release+".txt"), release)
	}
	link := filepath.Join(above, "site")
	if err := os.Symlink("one", link); err != nil {
		t.Fatal(err)
	}
	visit(t, open(t, link, Options{}), func(v *visitor) {
		if got := v.ask("GET /a.txt"); got.body != "one" {
			t.Errorf("before: %v", got)
		}
		if err := os.Symlink("two", link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
		if got := v.ask("GET /two.txt"); got.body != "two" {
			t.Errorf("what is new: %v", got)
		}
		if got := v.ask("GET /a.txt"); got.body != "two" {
			t.Errorf("what was there before: %v", got)
		}
		if got := v.ask("GET /one.txt"); got.status != 404 {
			t.Errorf("what is gone: %v", got)
		}
	})
}

func TestTypesAndFields(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "b.xyz": "b", "assets/c.js": "c", "large.bin": letters(300_000)})
	files := open(t, root, Options{
		Types: map[string]string{"xyz": "chemical/x-xyz", "txt": "text/x-mine"},
		Fields: func(path string) [][2]string {
			if strings.HasPrefix(path, "/assets/") || path == "/large.bin" {
				return [][2]string{{"Cache-Control", "max-age=31536000, immutable"}}
			}
			return nil
		},
	})
	visit(t, files, func(v *visitor) {
		for path, want := range map[string]string{"/a.txt": "text/x-mine", "/b.xyz": "chemical/x-xyz", "/assets/c.js": "text/javascript; charset=utf-8"} {
			if got := v.ask("GET " + path); got.header.Get("Content-Type") != want {
				t.Errorf("%s: %v", path, got)
			}
		}
		for _, path := range []string{"/assets/c.js", "/large.bin"} {
			tag := tagOf(v, path)
			for _, fields := range [][]string{nil, {"Range: bytes=0-0"}, {"If-None-Match: " + tag}} {
				if got := v.ask("GET "+path, fields...); got.header.Get("Cache-Control") != "max-age=31536000, immutable" {
					t.Errorf("%s %s: %v", path, fields, got)
				}
			}
		}
	})
}

func TestListing(t *testing.T) {
	const odd = `<img src=x onerror=alert(1)>&"'.txt`
	root := tree(t, map[string]string{
		"file10.txt": "0123456789", "File9.txt": letters(2500), "file1.txt": "", ".hidden": "x", odd: "odd", "a:b": "colon", "#?%.txt": "signs",
		"sub/x.txt": "x", "with/index.html": "index", "empty/": "",
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub", filepath.Join(root, "in")); err != nil {
		t.Fatal(err)
	}
	visit(t, open(t, root, Options{Listing: true}), func(v *visitor) {
		got := v.ask("GET /")
		if got.status != 200 || got.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("it is %v", got)
		}
		for _, want := range []string{
			`<a href="./%23%3F%25.txt"><bdi>#?%.txt</bdi></a>`, `<a href="./a:b"><bdi>a:b</bdi></a>`, `<a href="./sub/"><bdi>sub</bdi>/</a>`, `<a href="./in/"><bdi>in</bdi>/</a>`,
			`&lt;img src=x onerror=alert(1)&gt;&amp;&#34;&#39;.txt`, `>2.5 kB<`, `>10 B<`, `2024-05-06 07:08`, "4 folders, 6 files",
		} {
			if !strings.Contains(got.body, want) {
				t.Errorf("there is no %s in %s", want, got.body)
			}
		}
		for _, not := range []string{"<img", "hidden\"", "out", "passwd", "{rows}"} {
			if strings.Contains(strings.ReplaceAll(got.body[strings.Index(got.body, "<tbody>"):strings.Index(got.body, "</tbody>")], "&#", ""), not) {
				t.Errorf("there is %s", not)
			}
		}
		for query, want := range map[string]string{
			"":                      "empty/ in/ sub/ with/ #?%.txt",
			"?sort=name&order=desc": "with/ sub/ in/ empty/ file10.txt File9.txt file1.txt",
			"?sort=size":            "empty/ in/ sub/ with/ file1.txt",
			"?sort=size&order=desc": "empty/ in/ sub/ with/ File9.txt file10.txt",
			"?sort=nonsense":        "empty/ in/ sub/ with/ #?%.txt",
		} {
			if got := strings.Join(linked(v.ask("GET /"+query).body), " "); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s", query, got)
			}
		}
		if got := v.ask("GET /sub/"); !strings.Contains(got.body, `<a href="../">Parent folder</a>`) || !strings.Contains(got.body, "x.txt") || !strings.Contains(got.body, `<h1><a href="../">/</a> <bdi>sub</bdi></h1>`) {
			t.Errorf("a folder below: %v", got)
		}
		if got := v.ask("GET /with/"); got.body != "index" {
			t.Errorf("a folder with an index: %v", got)
		}
		if got := v.ask("GET /empty/"); !strings.Contains(got.body, "This folder is empty.") || strings.Contains(got.body, "<th ") {
			t.Errorf("an empty folder: %v", got)
		}
		if got := v.ask("GET /sub"); got.status != 301 {
			t.Errorf("without a slash: %v", got)
		}
		if got := v.ask("HEAD /"); got.status != 200 || got.header.Get("Content-Length") == "0" {
			t.Errorf("its head: %v", got)
		}
		var entries []struct {
			Name, Type string
			Size       *int64
			MTime      time.Time
		}
		list := v.ask("GET /?sort=size", "Accept: application/json")
		if err := json.Unmarshal([]byte(list.body), &entries); err != nil || list.header.Get("Content-Type") != "application/json" || len(entries) != 10 {
			t.Fatalf("as JSON: %v, %v", err, list)
		}
		if e := entries[9]; e.Name != "File9.txt" || e.Type != "file" || *e.Size != 2500 || !e.MTime.Equal(written) || entries[0].Type != "directory" || entries[0].Size != nil {
			t.Errorf("as JSON: %s", list.body)
		}
	})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		if got := v.ask("GET /"); got.status != 404 {
			t.Errorf("unasked: %v", got)
		}
	})
}

// TestEveryNameOfALargeFolderIsReachable walks through the pages of a listing, to
// its end and back, in each order.
func TestEveryNameOfALargeFolderIsReachable(t *testing.T) {
	const names = 2*listPage + 345
	root := tree(t, map[string]string{"small/a.txt": "a"})
	folder := filepath.Join(root, "large")
	for i := range names {
		at := filepath.Join(folder, fmt.Sprintf("%d & ü.txt", i))
		if i%100 == 7 {
			at = filepath.Join(folder, fmt.Sprintf("folder %d", i), "x")
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, at, letters(i%3))
		if i%2 == 0 {
			if err := os.Chtimes(at, written, written.Add(time.Duration(i%5)*time.Nanosecond)); err != nil {
				t.Fatal(err)
			}
		}
	}
	visit(t, open(t, root, Options{Listing: true}), func(v *visitor) {
		for _, order := range []string{"", "?sort=name&order=desc", "?sort=size", "?sort=size&order=desc", "?sort=date", "?sort=date&order=desc"} {
			for _, accept := range []string{"text/html", "application/json"} {
				if accept != "text/html" && strings.Contains(order, "desc") {
					continue
				}
				read := func(at string) (names []string, links map[string]string) {
					a := v.ask("GET /large/"+at, "Accept: "+accept)
					if a.status != 200 {
						t.Fatalf("%s: %v", at, a)
					}
					links = map[string]string{}
					for link := range strings.SplitSeq(a.header.Get("Link"), ", ") {
						if to, rel, ok := strings.Cut(link, ">; rel="); ok {
							links[strings.Trim(rel, `"`)] = to[1:]
						}
					}
					if accept == "text/html" {
						for rel, to := range links {
							if rel != "first" && !strings.Contains(a.body, fmt.Sprintf(`<a rel="%s" href="%s">`, rel, strings.ReplaceAll(to, "&", "&amp;"))) {
								t.Errorf("%s: the page has no link to %s", at, to)
							}
						}
						return linked(a.body)[1:], links // the folder above is no name of it
					}
					var entries []struct{ Name, Type string }
					if err := json.Unmarshal([]byte(a.body), &entries); err != nil {
						t.Fatal(err)
					}
					for _, e := range entries {
						if e.Type == "directory" {
							e.Name += "/"
						}
						names = append(names, e.Name)
					}
					return names, links
				}
				var all, pages []string
				at, seen, list := order, map[string]bool{}, []string(nil)
				for {
					names, links := read(at)
					list = append(list, at)
					pages = append(pages, strings.Join(names, "|"))
					all = append(all, names...)
					for _, name := range names {
						if seen[name] {
							t.Errorf("%s: %s is there twice", at, name)
						}
						seen[name] = true
					}
					if (links["prev"] == "") != (len(pages) == 1) || (links["next"] == "") != (len(pages) == 3) {
						t.Errorf("%s: page %d has links to %v", at, len(pages), links)
					}
					if at = links["next"]; at == "" {
						break
					}
				}
				if len(all) != names {
					t.Errorf("%s as %s: %d of %d names are shown", order, accept, len(all), names)
				}
				if !strings.HasSuffix(all[0], "/") || strings.HasSuffix(all[len(all)-1], "/") {
					t.Errorf("%s: folders are not first: %s, %s", order, all[0], all[len(all)-1])
				}
				for i, at := len(pages)-2, list[len(list)-1]; i >= 0; i-- {
					_, links := read(at)
					at = links["prev"]
					if names, _ := read(at); strings.Join(names, "|") != pages[i] {
						t.Errorf("%s: back on page %d there is something else", at, i)
					}
				}
			}
		}
		page := v.ask("GET /large/?after=500.txt", "Accept: text/html").body
		if !strings.Contains(page, "2,345") && !strings.Contains(page, "2,321 files") {
			t.Errorf("it does not say how many there are: %s", page[len(page)-3000:])
		}
		if got := v.ask("GET /large/?sort=name&order=desc&after=0"); strings.Contains(got.header.Get("Link"), "next") {
			t.Errorf("behind the end: %v", got)
		}
		for _, odd := range []string{"?after=%zz", "?after=", "?before=", "?sort=size&at=x&after=", "?&&=&after"} {
			if got := linked(v.ask("GET /large/" + odd).body); len(got) != listPage+1 || got[1] != "folder 7/" {
				t.Errorf("%s: %d names, %s", odd, len(got), got[1])
			}
		}
		first := v.ask("GET /large/")
		if got := v.ask("GET /large/", "If-None-Match: "+first.header.Get("ETag")); got.status != 304 || first.header.Get("ETag") == "" {
			t.Errorf("it has not changed: %v", got)
		}
		if got := v.ask("GET /large/", "If-Modified-Since: Mon, 06 May 2030 00:00:00 GMT"); got.status != 200 {
			t.Errorf("by its time: %v", got)
		}
	})
}

// TestAListingIsKeptAndCompressed counts how often a folder is read.
func TestAListingIsKeptAndCompressed(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a"})
	for i := range 100 {
		write(t, filepath.Join(root, fmt.Sprintf("%d.txt", i)), "")
	}
	encoded := 0
	files := open(t, root, Options{Listing: true, Encoders: []Encoder{{"gzip", func(dst, src []byte) []byte {
		encoded++
		return append(dst, "small"...)
	}}}})
	if err := os.Chtimes(root, written, written); err != nil {
		t.Fatal(err)
	}
	visit(t, files, func(v *visitor) {
		reads := func() uint64 { return files.Counters().Asked }
		for range 5 {
			got := v.ask("GET /", "Accept-Encoding: gzip")
			if got.status != 200 || got.body != "small" || got.header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(got.header.Values("Vary"), ", "), "Accept-Encoding") {
				t.Errorf("it is %v", got)
			}
		}
		if encoded != 1 || reads() != 5+1 { // five times whether it is still the same
			t.Errorf("it was compressed %d times, %d questions were asked", encoded, reads())
		}
		write(t, filepath.Join(root, "new.txt"), "")
		if got := v.ask("GET /"); !strings.Contains(got.body, "new.txt") {
			t.Error("a new name is not seen at once")
		}
		if err := os.WriteFile(filepath.Join(root, "a.txt"), []byte(letters(2500)), 0o644); err != nil {
			t.Fatal(err)
		}
		v.s.Sleep(listFor)
		if got := v.ask("GET /"); !strings.Contains(got.body, "2.5 kB") {
			t.Error("a new size is not seen after two seconds")
		}
	})
}

// linked returns the names that a listing shows, in their order.
func linked(page string) (names []string) {
	for _, row := range strings.Split(page, "<tr")[2:] {
		_, name, _ := strings.Cut(row, "<a href=\"")
		_, name, _ = strings.Cut(name, ">")
		name, _, _ = strings.Cut(name, "</a>")
		name = strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(name)
		names = append(names, name)
	}
	return names
}

func TestNatural(t *testing.T) {
	sorted := []string{"", "01", "1", "2", "10", "99999999999999999999", "a", "A1", "a1b", "a2", "a10", "B", "b"}
	for i, a := range sorted {
		for j, b := range sorted {
			got := natural(a, b)
			if i < j && got > 0 || i > j && got < 0 || (i == j) != (got == 0) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

func TestHumanSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1500: "1.5 kB", 9949: "9.9 kB", 9999: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 5e9: "5.0 GB", 1 << 62: "4612 PB"} {
		if got := humanSize(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// TestAnEntryThatIsEvictedMeanwhileIsAskedForAgain: the disk answers that nothing has
// changed, and the entry is gone by then.
func TestAnEntryThatIsEvictedMeanwhileIsAskedForAgain(t *testing.T) {
	for _, ago := range []time.Duration{700 * time.Millisecond, 2 * time.Second} { // asked ahead, or before it is answered
		files := open(t, tree(t, map[string]string{"a.txt": "a"}), Options{})
		k := sim.New(1)
		visitOn(t, k, files, func(v *visitor) {
			for range 2 {
				if got := v.ask("GET /a.txt"); got.body != "a" {
					t.Errorf("before: %v", got)
				}
			}
			v.s.Sleep(ago)
			k.Luck.SlowWork = 1000
			w := v.dial("GET /a.txt")
			v.s.Sleep(100 * time.Microsecond)
			files.Forget()
			whole, err := v.s.ReceiveAll(w)
			if got := parse(t, "GET /a.txt", whole); got.status != 200 || got.body != "a" || err != nil {
				t.Errorf("%v ago: %v, %v", ago, got, err)
			}
			v.s.Sleep(3 * time.Second)
		})
	}
}
