package static

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// secret is in all that must not be served.
const secret = "for nobody's eyes"

func TestWhatAPathNames(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.txt"), secret)
	root := tree(t, map[string]string{
		"index.html":               "the start",
		"a.txt":                    "a",
		"empty.txt":                "",
		"with space.txt":           "space",
		"@scope/name":              "a package",
		"back\\slash.txt":          "backslash",
		"a+b.txt":                  "plus",
		"100%.txt":                 "percent",
		"%2e%2e":                   "escaped twice",
		"ü.txt":                    "umlaut",
		"what?.txt":                "question",
		"sub/index.html":           "the start of sub",
		"sub/b.txt":                "b",
		"sub/deep/c.txt":           "c",
		"a:b/index.html":           "colon",
		"a\ttab":                   "tab",
		"a\r\nline":                "line",
		"\t/evil.com/index.html":   "behind a tab",
		"sub\r\nLocation: x/a.txt": "a folder like a header",
		"über #1?/index.html":      "odd",
		"evil.com/index.html":      "a folder like a host",
		"bare/c.txt":               "c",
		"looping/index.html/x":     "",
		".secret":                  secret,
		".git/config":              secret,
		".git/index.html":          secret,
		"sub/.htpasswd":            secret,
		"...":                      secret,
		"..data/x":                 secret,
		".well-known/security.txt": "well known",
		".well-known/.key":         secret,
		".well-known.txt":          secret,
	})
	for link, to := range map[string]string{
		"link.txt":    "sub/b.txt",
		"up.txt":      "sub/../a.txt",
		"sub/up.txt":  "../a.txt",
		"linked":      "sub",
		"out.txt":     "../../../../../../../../../../../../../../etc/passwd",
		"absolute":    filepath.Join(outside, "secret.txt"),
		"outside":     outside,
		"dangling":    "nowhere",
		"circle":      "circle",
		"sub/out.txt": "../../root/../../../../../../../../../../../etc/passwd",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 255)
	write(t, filepath.Join(root, long), "long")

	tests := []struct {
		name   string
		ask    string
		status int
		want   string // the body, or the Location of a redirect
	}{
		{"a file", "GET /a.txt", 200, "a"},
		{"a file in a folder", "GET /sub/b.txt", 200, "b"},
		{"a file deep in folders", "GET /sub/deep/c.txt", 200, "c"},
		{"an empty file", "GET /empty.txt", 200, ""},
		{"the root is its index", "GET /", 200, "the start"},
		{"a folder is its index", "GET /sub/", 200, "the start of sub"},
		{"an index has a name too", "GET /index.html", 200, "the start"},
		{"a query is not part of the name", "GET /a.txt?b=/c&d=..", 200, "a"},
		{"an escaped question mark is", "GET /what%3f.txt", 200, "question"},
		{"a target may be a whole URI", "GET http://a/a.txt", 200, "a"},
		{"a whole URI may have no path", "GET http://a", 200, "the start"},
		{"or nothing but a query", "GET http://a?b", 200, "the start"},

		{"an escape is decoded", "GET /%61.txt", 200, "a"},
		{"a space is escaped", "GET /with%20space.txt", 200, "space"},
		{"a tab is escaped", "GET /a%09tab", 200, "tab"},
		{"so is the end of a line", "GET /a%0D%0aline", 200, "line"},
		{"a plus is a plus", "GET /a+b.txt", 200, "plus"},
		{"an escaped plus is one too", "GET /a%2Bb.txt", 200, "plus"},
		{"a plus is no space", "GET /with+space.txt", 404, ""},
		{"a percent sign is escaped", "GET /100%25.txt", 200, "percent"},
		{"letters of all languages are escaped", "GET /%c3%BC.txt", 200, "umlaut"},
		{"or sent as they are", "GET /\u00fc.txt", 200, "umlaut"},
		{"a query may have them, too", "GET /a.txt?\u00fc=\xff", 200, "a"},
		{"no name has bytes that are none", "GET /\xfc.txt", 404, ""},
		{"escapes are decoded once", "GET /%252e%252e", 200, "escaped twice"},
		{"a percent sign alone is no path", "GET /100%.txt", 400, ""},
		{"nor is half an escape", "GET /a.tx%7", 400, ""},
		{"nor is one with a sign", "GET /a.tx%+7", 400, ""},

		{"a folder has a slash behind it", "GET /sub", 301, "/sub/"},
		{"the query goes along", "GET /sub?a=b&c=%20d", 301, "/sub/?a=b&c=%20d"},
		{"an empty query goes along", "GET /sub?", 301, "/sub/?"},
		{"a query may look like a host", "GET /sub?//evil.com", 301, "/sub/?//evil.com"},
		{"a redirect has the clean path", "GET //sub/./deep/../../sub", 301, "/sub/"},
		{"odd names are escaped again", "GET /%C3%BCber%20%231%3f", 301, "/%C3%BCber%20%231%3F/"},
		{"names that were not escaped are", "GET /\u00fcber%20%231%3f?\u00fc=\xff|", 301, "/%C3%BCber%20%231%3F/?%C3%BC=%FF%7C"},
		{"a colon behind a slash is none of a scheme", "GET /a:b", 301, "/a:b/"},
		{"HEAD is redirected too", "HEAD /sub", 301, "/sub/"},
		{"a link to a folder is a folder", "GET /linked", 301, "/linked/"},
		{"no redirect leads to another host", "GET //evil.com", 301, "/evil.com/"},
		{"not by more slashes", "GET ////evil.com", 301, "/evil.com/"},
		{"not by dots", "GET /.//evil.com", 301, "/evil.com/"},
		{"not by dots and back", "GET /sub/..//evil.com", 301, "/evil.com/"},
		{"not by escaped dots", "GET /sub/%2e%2e//evil.com", 301, "/evil.com/"},
		{"not by a whole URI", "GET http://a//evil.com", 301, "/evil.com/"},
		{"what looks like a host and goes back is the root", "GET //evil.com/..", 200, "the start"},
		{"not by a host that does not exist", "GET //nowhere.com/", 404, ""},
		{"not by a backslash", `GET /\evil.com`, 404, ""},
		{"not by two backslashes", `GET \\evil.com`, 400, ""},
		{"not by an escaped backslash", "GET /%5cevil.com", 404, ""},
		{"not by an escaped slash", "GET /%2fevil.com", 301, "/evil.com/"},
		{"not by a tab, which stays escaped", "GET /%09/evil.com", 301, "/%09/evil.com/"},
		{"no redirect holds a line's end", "GET /sub%0d%0aLocation:%20x", 301, "/sub%0D%0ALocation:%20x/"},

		{"nothing is below a file", "GET /a.txt/", 404, ""},
		{"not even a file", "GET /a.txt/b", 404, ""},
		{"not even itself", "GET /a.txt/.", 404, ""},
		{"empty segments do not matter", "GET //sub///b.txt", 200, "b"},
		{"a file that does not exist is not found", "GET /b.txt", 404, ""},
		{"nor in a folder", "GET /sub/a.txt", 404, ""},
		{"nor below one", "GET /missing/a.txt", 404, ""},
		{"case matters", "GET /A.TXT", 404, ""},
		{"a folder without index shows nothing", "GET /bare/", 404, ""},
		{"but a file in it", "GET /bare/c.txt", 200, "c"},
		{"an index that is a folder is none", "GET /looping/", 403, ""},

		{"one dot is here", "GET /./a.txt", 200, "a"},
		{"two dots are up", "GET /sub/../a.txt", 200, "a"},
		{"up from what does not exist", "GET /missing/../a.txt", 200, "a"},
		{"two dots at the end are a folder", "GET /sub/..", 200, "the start"},
		{"escaped dots are dots", "GET /sub/%2e%2E/a.txt", 200, "a"},
		{"half escaped ones too", "GET /sub/.%2e/%2e/a.txt", 200, "a"},
		{"no path leads out of the root", "GET /../root/a.txt", 404, ""},
		{"nor by going down first", "GET /sub/../../root/a.txt", 404, ""},
		{"nor to the system", "GET /../../../../../../../../../../etc/passwd", 404, ""},
		{"nor by escaped dots", "GET /%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404, ""},
		{"nor by escaped slashes", "GET /..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", 404, ""},
		{"nor by escapes in escapes", "GET /%252e%252e/%252e%252e/etc/passwd", 404, ""},
		{"nor by backslashes", `GET /..\..\..\..\..\etc\passwd`, 404, ""},
		{"nor by escaped backslashes", "GET /sub%5c..%5ca.txt", 404, ""},
		{"nor by slashes in too many bytes", "GET /..%c0%af..%c0%af..%c0%afetc/passwd", 404, ""},
		{"nor by dots in too many bytes", "GET /%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", 404, ""},
		{"nor by an absolute name", "GET //etc/passwd", 404, ""},
		{"an escaped slash is one, as npm asks for packages", "GET /@scope%2fname", 200, "a package"},
		{"before dots are looked at", "GET /sub%2F..%2fa.txt", 200, "a"},
		{"at the beginning, too", "GET /%2f/", 200, "the start"},
		{"at the end, too", "GET /sub%2f", 200, "the start of sub"},
		{"a hidden file is so behind one, too", "GET /sub%2f.htpasswd", 404, ""},
		{"and in front of one", "GET /.git%2fconfig", 404, ""},
		{"an escaped backslash is part of a name", "GET /back%5cslash.txt", 200, "backslash"},
		{"so is one that is not escaped", "GET /back\\slash.txt", 200, "backslash"},
		{"a NUL cuts nothing off", "GET /a.txt%00.html", 400, ""},
		{"nor at the end", "GET /a.txt%00", 400, ""},
		{"an escaped end of a line is part of a name", "GET /a.txt%0a", 404, ""},

		{"a link inside is followed", "GET /link.txt", 200, "b"},
		{"also over two dots", "GET /up.txt", 200, "a"},
		{"also up", "GET /sub/up.txt", 200, "a"},
		{"also as a folder", "GET /linked/b.txt", 200, "b"},
		{"a link to outside is not", "GET /out.txt", 404, ""},
		{"nor from a folder", "GET /sub/out.txt", 404, ""},
		{"nor if it is absolute", "GET /absolute", 404, ""},
		{"nor through a folder", "GET /outside/secret.txt", 404, ""},
		{"nor is the folder redirected to", "GET /outside", 404, ""},
		{"a link to nowhere is not found", "GET /dangling", 404, ""},
		{"a link to itself neither", "GET /circle", 404, ""},

		{"what begins with a dot is hidden", "GET /.secret", 404, ""},
		{"a folder too", "GET /.git/config", 404, ""},
		{"and its index", "GET /.git/", 404, ""},
		{"and that it exists", "GET /.git", 404, ""},
		{"in folders too", "GET /sub/.htpasswd", 404, ""},
		{"if it is escaped too", "GET /%2esecret", 404, ""},
		{"if it begins with two dots too", "GET /..data/x", 404, ""},
		{"if it is three dots too", "GET /...", 404, ""},
		{"except .well-known", "GET /.well-known/security.txt", 200, "well known"},
		{"though not a hidden file in there", "GET /.well-known/.key", 404, ""},
		{"nor what only begins like it", "GET /.well-known.txt", 404, ""},

		{"the longest name that there is", "GET /" + long, 200, "long"},
		{"a longer one is not found", "GET /" + long + "x", 404, ""},
		{"a longer one inside a path neither", "GET /" + long + "x/a.txt", 404, ""},
		{"a path that is too long neither", "GET /" + strings.Repeat("x/", 2500), 404, ""},
		{"a target that is too long is refused before", "GET /" + strings.Repeat("x/", 4100), 414, ""},
	}
	files := open(t, root, Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			visit(t, files, func(v *visitor) {
				for range 2 { // from the disk, and perhaps from memory
					got := v.ask(test.ask)
					if got.status != test.status || got.what() != test.want {
						t.Errorf("%.100s: %v, want %d %q", test.ask, got, test.status, test.want)
					}
					if strings.Contains(got.body, secret) || strings.Contains(got.body, "root:") {
						t.Errorf("%.100s shows what is not to be seen", test.ask)
					}
				}
			})
		})
	}
}

func TestDotfilesAreServedIfTheOperatorWantsIt(t *testing.T) {
	files := open(t, tree(t, map[string]string{".profile": "here", ".config/a": "a"}), Options{Dotfiles: true})
	visit(t, files, func(v *visitor) {
		for ask, want := range map[string]string{"GET /.profile": "here", "GET /.config/a": "a"} {
			if got := v.ask(ask); got.status != 200 || got.body != want {
				t.Errorf("%s: %v", ask, got)
			}
		}
		if got := v.ask("GET /../.profile"); got.status != 404 {
			t.Errorf("two dots: %v", got)
		}
	})
}

func TestWhatComesWithAFile(t *testing.T) {
	const inMemory, byTheKernel = "in memory", "by the kernel"
	sizes := map[string]int{inMemory: 1000, byTheKernel: 300_000}
	for how, size := range sizes {
		content := letters(size)
		files := open(t, tree(t, map[string]string{
			"index.html": content, "a.css": content, "b": content, "sub/c.PNG": content,
		}), Options{})
		tests := []struct {
			name string
			path string
			typ  string
		}{
			{"the type is that of the extension", "/a.css", "text/css; charset=utf-8"},
			{"an index has its own", "/", "text/html; charset=utf-8"},
			{"capitals do not matter", "/sub/c.PNG", "image/png"},
			{"without extension nothing is known", "/b", "application/octet-stream"},
		}
		for _, test := range tests {
			t.Run(how+"/"+test.name, func(t *testing.T) {
				visit(t, files, func(v *visitor) {
					for _, method := range []string{"HEAD", "GET", "HEAD", "GET"} {
						got := v.ask(method + " " + test.path)
						want := content
						if method == "HEAD" {
							want = ""
						}
						if got.status != 200 || got.body != want {
							t.Errorf("%s: %v", method, got)
						}
						for name, want := range map[string]string{
							"Content-Type":   test.typ,
							"Content-Length": map[string]string{inMemory: "1000", byTheKernel: "300000"}[how],
							"Last-Modified":  "Mon, 06 May 2024 07:08:09 GMT",
							"Server":         "bobbin",
						} {
							if values := got.header.Values(name); len(values) != 1 || values[0] != want {
								t.Errorf("%s: %s is %q, want %q", method, name, values, want)
							}
						}
					}
				})
			})
		}
	}
}

func TestNoFileIsNewerThanItsAnswer(t *testing.T) {
	root := tree(t, map[string]string{"small.txt": "a", "large.txt": letters(300_000)})
	k := sim.New(1)
	future := k.Now().Add(1000 * time.Hour)
	for _, name := range []string{"small.txt", "large.txt"} {
		if err := os.Chtimes(filepath.Join(root, name), future, future); err != nil {
			t.Fatal(err)
		}
	}
	visitOn(t, k, open(t, root, Options{}), func(v *visitor) {
		for _, ask := range []string{"GET /small.txt", "GET /large.txt"} {
			got := v.ask(ask)
			if got.header.Get("Last-Modified") != got.header.Get("Date") {
				t.Errorf("%s: changed at %s, sent at %s", ask, got.header.Get("Last-Modified"), got.header.Get("Date"))
			}
		}
	})
}

func TestEveryByteOfEverySizeArrives(t *testing.T) {
	const small = 5000
	for _, size := range []int{0, 1, small - 1, small, small + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 + 7} {
		content := letters(size)
		files := open(t, tree(t, map[string]string{"a.txt": content}), Options{Small: small})
		k := sim.New(uint64(size))
		k.Buffer = 3000
		visitOn(t, k, files, func(v *visitor) {
			for range 2 {
				if got := v.ask("GET /a.txt"); got.status != 200 || got.body != content {
					t.Errorf("size %d: %v, %d bytes", size, got.status, len(got.body))
				}
			}
		})
	}
}

func TestOtherMethodsAreNotForFiles(t *testing.T) {
	files := open(t, tree(t, map[string]string{"a.txt": "a"}), Options{})
	visit(t, files, func(v *visitor) {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, path := range []string{"/a.txt", "/", "/missing", "/../x"} {
				got := v.ask(method + " " + path)
				if got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: %v", method, path, got)
				}
			}
		}
	})
}

// TestOptionsOfAFileIsAnswered asks as balancers do, also for what is not there: the disk
// is not asked.
func TestOptionsOfAFileIsAnswered(t *testing.T) {
	files := open(t, tree(t, map[string]string{"a.txt": "a"}), Options{})
	visit(t, files, func(v *visitor) {
		for _, path := range []string{"/a.txt", "/", "/missing"} {
			got := v.ask("OPTIONS " + path)
			if got.status != 204 || got.header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("OPTIONS %s: %v", path, got)
			}
		}
	})
}

func TestOnlyPlainFilesAreServed(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "sub/": ""})
	for _, name := range []string{"pipe", "sub/index.html"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("unix", filepath.Join(root, "s"))
	if err != nil {
		t.Skipf("no Unix socket in %s: %v", root, err)
	}
	defer socket.Close()
	files := open(t, root, Options{})
	tests := []struct {
		name string
		ask  string
		want int
	}{
		{"a pipe keeps no client waiting", "GET /pipe", 403},
		{"nor its head", "HEAD /pipe", 403},
		{"nor as an index", "GET /sub/", 403},
		{"a socket is not served", "GET /s", 403},
		{"nothing is below a pipe", "GET /pipe/", 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			visit(t, files, func(v *visitor) {
				if got := v.ask(test.ask); got.status != test.want {
					t.Errorf("%s: %v, want %d", test.ask, got, test.want)
				}
				if got := v.ask("GET /a.txt"); got.body != "a" {
					t.Errorf("the next one: %v", got)
				}
			})
		})
	}
	for _, name := range []string{"pipe", "s"} {
		if f, err := Open(filepath.Join(root, name), Options{}); err == nil {
			f.Close()
			t.Errorf("%s can be opened as the only file", name)
		}
	}
}

func TestWhatTheServerMayNotReadIsForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything: run this test as another user")
	}
	root := tree(t, map[string]string{"a.txt": secret, "sub/b.txt": secret, "sub/index.html": secret})
	for _, name := range []string{"a.txt", "sub"} {
		at := filepath.Join(root, name)
		if err := os.Chmod(at, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(at, 0o755)
	}
	visit(t, open(t, root, Options{}), func(v *visitor) {
		for _, path := range []string{"/a.txt", "/sub", "/sub/", "/sub/b.txt", "/sub/missing"} {
			if got := v.ask("GET " + path); got.status != 403 || strings.Contains(got.body, secret) {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
	if f, err := Open(filepath.Join(root, "sub"), Options{}); err == nil {
		f.Close()
		t.Error("a folder that cannot be read can be opened")
	}
}

func TestASingleFile(t *testing.T) {
	root := tree(t, map[string]string{
		"page.html": "the page", "index.html": secret, "other.txt": secret, "sub/x": secret, ".hidden.txt": "shown",
	})
	tests := []struct {
		name   string
		only   string
		path   string
		status int
		want   string
	}{
		{"it is the start", "page.html", "/", 200, "the page"},
		{"it has its name too", "page.html", "/page.html", 200, "the page"},
		{"its name may be escaped", "page.html", "/%70age.html", 200, "the page"},
		{"a query does not matter", "page.html", "/?a=b", 200, "the page"},
		{"nothing is below it", "page.html", "/page.html/", 404, ""},
		{"nor beside it", "page.html", "/other.txt", 404, ""},
		{"not even an index", "page.html", "/index.html", 404, ""},
		{"nor a folder", "page.html", "/sub/", 404, ""},
		{"nor a file in one", "page.html", "/sub/x", 404, ""},
		{"nor by dots", "page.html", "/page.html/../other.txt", 404, ""},
		{"it may begin with a dot, because the operator has named it", ".hidden.txt", "/", 200, "shown"},
		{"and be asked for by that name", ".hidden.txt", "/.hidden.txt", 200, "shown"},
		{"an index alone is a file like any other", "index.html", "/other.txt", 404, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := open(t, filepath.Join(root, test.only), Options{})
			visit(t, files, func(v *visitor) {
				for range 2 {
					got := v.ask("GET " + test.path)
					if got.status != test.status || test.status == 200 && got.body != test.want {
						t.Errorf("%s: %v, want %d %q", test.path, got, test.status, test.want)
					}
					if test.status == 200 {
						if typ, want := got.header.Get("Content-Type"), TypeByExtension(test.only); typ != want {
							t.Errorf("%s: the type is %q, want %q", test.path, typ, want)
						}
					}
				}
			})
		})
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a"})
	tests := []struct {
		name string
		path string
	}{
		{"what is missing", filepath.Join(root, "missing")},
		{"what is below a file", filepath.Join(root, "a.txt", "b")},
		{"a device", os.DevNull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files, err := Open(test.path, Options{})
			if err == nil {
				files.Close()
				t.Fatalf("%s can be opened", test.path)
			}
			if !strings.Contains(err.Error(), filepath.Base(test.path)) {
				t.Errorf("the error does not name it: %v", err)
			}
		})
	}
}

// An answer from memory may be a second old. It is never half of one content
// and half of another, and after that second it is the file on the disk.
func TestAChangedFileIsServedAsItIs(t *testing.T) {
	before := letters(2000)
	other := strings.ToUpper(strings.ReplaceAll(before, "0", "x"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	overwrite := func(content string) func(string) {
		return func(at string) { must(os.WriteFile(at, []byte(content), 0o644)) }
	}
	replace := func(content string) func(string) {
		return func(at string) {
			write(t, at+".new", content) // as old as the first
			must(os.Rename(at+".new", at))
		}
	}
	tests := []struct {
		name   string
		change func(at string)
		status int
		want   string
	}{
		{"written over", overwrite(other), 200, other},
		{"made longer", overwrite(before + other), 200, before + other},
		{"made shorter", overwrite(before[:10]), 200, before[:10]},
		{"emptied", overwrite(""), 200, ""},
		{"replaced by one of the same size and time", replace(other), 200, other},
		{"replaced by a large one", replace(letters(300_000)), 200, letters(300_000)},
		{"deleted", func(at string) { must(os.Remove(at)) }, 404, ""},
		{"deleted and made again", func(at string) { must(os.Remove(at)); overwrite(other)(at) }, 200, other},
		{"made a folder", func(at string) { must(os.Remove(at)); must(os.Mkdir(at, 0o755)) }, 301, ""},
		{"made a pipe", func(at string) { must(os.Remove(at)); must(syscall.Mkfifo(at, 0o644)) }, 403, ""},
		{"made a link to another", func(at string) { write(t, at+"2", other); must(os.Remove(at)); must(os.Symlink("a.txt2", at)) }, 200, other},
		{"made a link to outside", func(at string) { must(os.Remove(at)); must(os.Symlink("/etc/passwd", at)) }, 404, ""},
	}
	for _, memory := range []bool{true, false} {
		for _, test := range tests {
			name, o := "in memory/", Options{}
			if !memory {
				name, o = "by the kernel/", Options{Small: 1}
			}
			t.Run(name+test.name, func(t *testing.T) {
				root := tree(t, map[string]string{"a.txt": before})
				visit(t, open(t, root, o), func(v *visitor) {
					if got := v.ask("GET /a.txt"); got.status != 200 || got.body != before {
						t.Errorf("before: %v", got)
					}
					since := v.k.Now()
					test.change(filepath.Join(root, "a.txt"))
					for past := false; !past; {
						past = v.k.Now().Sub(since) > checkEvery
						got := v.ask("GET /a.txt")
						isNew := got.status == test.status && (got.status != 200 || got.body == test.want)
						isOld := got.status == 200 && got.body == before
						if !isNew && (past || !isOld) {
							t.Errorf("%v after: %v", v.k.Now().Sub(since), got)
						}
						v.s.Sleep(90 * time.Millisecond)
					}
					if got := v.ask("GET /a.txt"); got.status != test.status {
						t.Errorf("later: %v", got)
					}
				})
			})
		}
	}
}

func TestAFileThatComesLaterIsFound(t *testing.T) {
	root := tree(t, map[string]string{"sub/": ""})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		for _, path := range []string{"/a.txt", "/sub/"} {
			if got := v.ask("GET " + path); got.status != 404 {
				t.Errorf("%s before: %v", path, got)
			}
		}
		write(t, filepath.Join(root, "a.txt"), "a")
		write(t, filepath.Join(root, "sub", "index.html"), "sub")
		for path, want := range map[string]string{"/a.txt": "a", "/sub/": "sub"} {
			if got := v.ask("GET " + path); got.status != 200 || got.body != want {
				t.Errorf("%s after: %v", path, got)
			}
		}
	})
}

// Bytes that Content-Length has promised and that are gone cannot be replaced: the
// client must see that the answer is broken.
func TestAFileThatShrinksWhileItIsSent(t *testing.T) {
	content := letters(1 << 20)
	for _, test := range []struct {
		name string
		size int64 // that is left after 100,000 bytes were read
	}{
		{"to nothing", 0},
		{"to less than was sent", 50_000},
		{"to more than was sent", 400_001},
		{"by one byte", 1<<20 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, map[string]string{"a.txt": content})
			k := sim.New(1)
			k.Buffer = 8 << 10
			visitOn(t, k, open(t, root, Options{}), func(v *visitor) {
				w := v.dial("GET /a.txt")
				var got []byte
				var err error
				for err == nil {
					cut := len(got) < 100_000
					got, err = v.s.Receive(w, got, 4096)
					if cut && len(got) >= 100_000 {
						if err := os.Truncate(filepath.Join(root, "a.txt"), test.size); err != nil {
							t.Error(err)
						}
					}
					v.s.Sleep(time.Millisecond)
				}
				if !w.Broken() {
					t.Errorf("after %d bytes the end looks like a proper one: %v", len(got), err)
				}
				_, body, _ := strings.Cut(string(got), "\r\n\r\n")
				if !strings.HasPrefix(content, body) {
					t.Error("what came is not the beginning of the file")
				}
				if int64(len(body)) > max(test.size, 100_000+2*int64(k.Buffer)) {
					t.Errorf("%d bytes came of a file of %d", len(body), test.size)
				}
			})
		})
	}
}

// A file that grows is sent as long as it was promised to be.
func TestAFileThatGrowsWhileItIsSent(t *testing.T) {
	content := letters(500_000)
	root := tree(t, map[string]string{"a.log": content})
	k := sim.New(1)
	k.Buffer = 8 << 10
	visitOn(t, k, open(t, root, Options{}), func(v *visitor) {
		w := v.dial("GET /a.log")
		got, _ := v.s.Receive(w, nil, 4096)
		f, err := os.OpenFile(filepath.Join(root, "a.log"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString("more"); err != nil {
			t.Error(err)
		}
		rest, err := v.s.ReceiveAll(w)
		if err != nil {
			t.Error(err)
		}
		if a := parse(t, "GET /a.log", append(got, rest...)); a.body != content {
			t.Errorf("%d bytes came of %d", len(a.body), len(content))
		}
	})
}

func TestFilesAreGivenBack(t *testing.T) {
	root := tree(t, map[string]string{"large.txt": letters(1 << 20), "small.txt": "a", "bare/": "", "a/index.html": "a"})
	files := open(t, root, Options{})
	visit(t, files, func(v *visitor) { v.ask("GET /large.txt") }) // which stays open
	before := descriptors(t)
	k := sim.New(1)
	k.Buffer = 4 << 10
	visitOn(t, k, files, func(v *visitor) {
		for range 20 {
			for _, ask := range []string{"GET /small.txt", "GET /a", "GET /a/", "GET /bare/", "GET /small.txt/", "HEAD /large.txt", "POST /large.txt", "GET /none"} {
				v.ask(ask)
			}
			w := v.dial("GET /large.txt")
			v.s.Receive(w, nil, 4096)
			w.Reset()
			w = v.dial("GET /large.txt")
			v.s.Receive(w, nil, 4096)
			w.Close()
		}
		v.s.Sleep(time.Second)
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors are open, %d were before", n, before)
		}
	})
}

// descriptors returns how many there are in this process.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skipf("the system does not tell which descriptors are open: %v", err)
	}
	return len(list)
}
