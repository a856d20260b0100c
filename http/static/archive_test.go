package static

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// archives are those in both formats.
func archives(t testing.TB) *Archives {
	t.Helper()
	a, err := NewArchives()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// unpacked is an archive that was read: by name the content of each file, and folders with
// a slash at the end.
type unpacked struct {
	content map[string]string
	times   map[string]time.Time
	modes   map[string]fs.FileMode
}

// unpack reads an archive, all of it.
func unpack(t testing.TB, format, archive string) unpacked {
	t.Helper()
	u := unpacked{map[string]string{}, map[string]time.Time{}, map[string]fs.FileMode{}}
	add := func(name string, info fs.FileInfo, from io.Reader) {
		text, err := io.ReadAll(from)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, twice := u.content[name]; twice || !filepath.IsLocal(name) || strings.Contains(name, `\`) {
			t.Errorf("%q is there twice, or leads elsewhere", name)
		}
		u.content[name], u.times[name], u.modes[name] = string(text), info.ModTime().UTC(), info.Mode()
	}
	if format == "zip" {
		r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Errorf("zip: %v: %.60q", err, archive)
			return u
		}
		for _, f := range r.File {
			from, err := f.Open()
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			add(f.Name, f.FileInfo(), from)
			from.Close()
		}
		return u
	}
	for r := tar.NewReader(strings.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return u
		}
		if err != nil {
			t.Errorf("tar: %v: %.60q", err, archive)
			return u
		}
		add(h.Name, h.FileInfo(), r)
	}
}

var formats = []string{"zip", "tar"}

// TestAnArchiveHasWhatTheListingsLink has a row for each rule of what is in it.
func TestAnArchiveHasWhatTheListingsLink(t *testing.T) {
	root := tree(t, map[string]string{
		"docs/a.txt": "a", "docs/empty": "", "docs/large.bin": letters(300_000), "docs/sub/b.txt": "b", "docs/sub/deep/c.txt": "c", "docs/none/": "",
		"docs/.hidden": secret, "docs/.git/config": secret, "docs/.well-known/x": "x", "docs/users.txt": secret, "docs/keys/k.pem": secret,
		"docs/site/index.html": "a page", "docs/site/unlinked.txt": secret,
		"names/größe 日本.txt": "ü", "names/\xff.txt": "no UTF-8", `names/..\up.txt`: "up", "names/" + strings.Repeat("é", 120): "long", "names/a\nb": "line", "names/" + strings.Repeat("d/", 120) + "f": "deep",
		"none/": "", "ü/f": "f", `C:\ "x"/f`: "f", "indexed/index.html": "index", "indexed/f": "f",
		"skip/in.txt": "in", "skip/out.txt": secret, "skip/out/f.txt": secret, "skip/page/index.html": secret,
		"links/target/f.txt": "f", "links/real.txt": "real", "changed/f": "f", "programs/run": "run",
	})
	outside := tree(t, map[string]string{"o.txt": secret})
	at := func(name string) string { return filepath.Join(root, name) }
	for link, to := range map[string]string{
		"links/file": "real.txt", "links/folder": "target", "links/loop": ".", "links/target/up": "..", "links/gone": "nowhere",
		"links/outside": filepath.Join(outside, "o.txt"), "links/users": "../docs/users.txt",
	} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(at("programs/run"), 0o4751); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(at("docs/users.txt"), at("docs/hard.txt")); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	private := []string{at("docs/users.txt"), at("docs/keys")}
	long := strings.Repeat("é", 120)
	deep := map[string]string{}
	for i := range 121 {
		deep["names/"+strings.Repeat("d/", i)] = ""
	}
	for _, row := range []struct {
		name    string
		path    string
		options Options
		file    string // its name, without .zip and .tar
		want    map[string]string
	}{
		{"files, folders and empty ones are in it, hidden, private and unlisted ones are not", "/docs/", Options{Private: private}, `"docs.%s"`, map[string]string{
			"docs/": "", "docs/a.txt": "a", "docs/empty": "", "docs/large.bin": letters(300_000), "docs/sub/": "", "docs/sub/b.txt": "b", "docs/sub/deep/": "", "docs/sub/deep/c.txt": "c", "docs/none/": "",
			"docs/.well-known/": "", "docs/.well-known/x": "x", "docs/site/": "", "docs/site/index.html": "a page",
		}},
		{"a folder deeper down has its own name", "/docs/sub/", Options{}, `"sub.%s"`, map[string]string{"sub/": "", "sub/b.txt": "b", "sub/deep/": "", "sub/deep/c.txt": "c"}},
		{"hidden files are in it where they are served", "/docs/.git/", Options{Dotfiles: true}, `".git.%s"`, map[string]string{".git/": "", ".git/config": secret}},
		{"a folder below a prefix is the same", "/p/docs/sub/deep/", Options{Prefix: "/p"}, `"deep.%s"`, map[string]string{"deep/": "", "deep/c.txt": "c"}},
		{"names have any characters, and no backslash", "/names/", Options{}, `"names.%s"`, with(deep, map[string]string{
			"names/größe 日本.txt": "ü", "names/\xff.txt": "no UTF-8", "names/" + long: "long", "names/a\nb": "line", "names/" + strings.Repeat("d/", 120) + "f": "deep",
		})},
		{"backslashes are escaped where names with dots in front are served", "/names/", Options{Dotfiles: true}, `"names.%s"`, with(deep, map[string]string{
			"names/größe 日本.txt": "ü", "names/\xff.txt": "no UTF-8", "names/" + long: "long", "names/a\nb": "line", "names/" + strings.Repeat("d/", 120) + "f": "deep", "names/..%5Cup.txt": "up",
		})},
		{"the file has the name in UTF-8", "/%C3%BC/", Options{}, `"_.%s"; filename*=UTF-8''%%C3%%BC.%[1]s`, map[string]string{"ü/": "", "ü/f": "f"}},
		{"and nothing that a name on Windows cannot have", "/C%3A%5C%20%22x%22/", Options{}, `"C__ _x_.%s"`, map[string]string{"C__ _x_/": "", "C__ _x_/f": "f"}},
		{"links within the folder are followed, and have an end", "/links/", Options{Private: private}, `"links.%s"`, map[string]string{
			"links/": "", "links/file": "real", "links/real.txt": "real", "links/folder/": "", "links/folder/f.txt": "f", "links/target/": "", "links/target/f.txt": "f",
		}},
		{"no link is followed", "/links/", Options{Symlinks: NoLinks}, `"links.%s"`, map[string]string{
			"links/": "", "links/real.txt": "real", "links/target/": "", "links/target/f.txt": "f",
		}},
		{"all links are followed", "/links/", Options{Symlinks: AllLinks, Private: private}, `"links.%s"`, map[string]string{
			"links/": "", "links/file": "real", "links/real.txt": "real", "links/folder/": "", "links/folder/f.txt": "f", "links/target/": "", "links/target/f.txt": "f", "links/outside": secret,
		}},
		{"paths that have another answer are skipped", "/skip/", Options{Archive: &Archives{Skip: func(host, path string) bool {
			return host == "a" && (strings.HasPrefix(path, "/skip/out") || path == "/skip/page/index.html")
		}}}, `"skip.%s"`, map[string]string{"skip/": "", "skip/in.txt": "in"}},
		{"whether a program can be executed is kept", "/programs/", Options{}, `"programs.%s"`, map[string]string{"programs/": "", "programs/run": "run"}},
	} {
		o := row.options
		o.Listing = true
		skip := o.Archive
		o.Archive = archives(t)
		if skip != nil {
			o.Archive.Skip = skip.Skip
		}
		visit(t, open(t, root, o), func(v *visitor) {
			for _, format := range formats {
				t.Run(row.name+", as "+format, func(t *testing.T) {
					got := v.ask("GET " + row.path + "?archive=" + format)
					disposition := fmt.Sprintf("attachment; filename="+row.file, format)
					if got.status != 200 || got.header.Get("Content-Type") != map[string]string{"zip": "application/zip", "tar": "application/x-tar"}[format] || got.header.Get("Content-Disposition") != disposition ||
						got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) || got.header.Get("Cache-Control") != "no-store" {
						t.Fatalf("%d %v, want %s", got.status, got.header, disposition)
					}
					is := unpack(t, format, got.body)
					if !maps.Equal(is.content, row.want) {
						t.Errorf("it has %.2000q", slices.Sorted(maps.Keys(is.content)))
					}
					for name, mode := range is.modes {
						want := fs.FileMode(0o644)
						switch {
						case strings.HasSuffix(name, "/"):
							want = 0o755 | fs.ModeDir
						case is.times[name] != written:
							t.Errorf("%s is of %v", name, is.times[name])
						case name == "programs/run":
							want = 0o755
						}
						if mode != want {
							t.Errorf("%s has mode %v", name, mode)
						}
					}
					head := v.ask("HEAD " + row.path + "?archive=" + format)
					got.header.Del("Date")
					head.header.Del("Date")
					if head.status != 200 || head.body != "" || !maps.EqualFunc(head.header, got.header, slices.Equal) {
						t.Errorf("HEAD: %v, GET: %v", head, got.header)
					}
					readByOthers(t, format, got.body)
				})
			}
		})
	}
}

// with returns what is in either of two maps.
func with(a, b map[string]string) map[string]string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// readByOthers has the programs that are here look at an archive.
func readByOthers(t *testing.T, format, archive string) {
	t.Helper()
	name, args := "unzip", []string{"-tqq"}
	if format == "tar" {
		name, args = "tar", []string{"-tf"}
	}
	if _, err := exec.LookPath(name); err != nil {
		t.Logf("%s is not here", name)
		return
	}
	at := filepath.Join(t.TempDir(), "archive")
	write(t, at, archive)
	cmd := exec.Command(name, append(args, at)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %.500s", name, err, out)
	}
}

// TestWhereThereIsNoArchive asks for archives where none is offered: the query means
// nothing there.
func TestWhereThereIsNoArchive(t *testing.T) {
	root := tree(t, map[string]string{"docs/a.txt": "a", "indexed/index.html": "index", "empty/": ""})
	tarOnly, err := NewArchives("tar", "tar")
	if err != nil {
		t.Fatal(err)
	}
	both := archives(t)
	for _, row := range []struct {
		name    string
		options Options
		ask     string
		status  int
		begins  string // the body
		links   string // of those in the page
	}{
		{"a listing links both", Options{Listing: true, Archive: both}, "/docs/", 200, "<!doctype html>", "zip tar"},
		{"a listing links the one that is offered", Options{Listing: true, Archive: tarOnly}, "/docs/", 200, "<!doctype html>", "tar"},
		{"a format that is not offered is ignored", Options{Listing: true, Archive: tarOnly}, "/docs/?archive=zip", 200, "<!doctype html>", "tar"},
		{"so is one that there is not", Options{Listing: true, Archive: both}, "/docs/?archive=rar", 200, "<!doctype html>", "zip tar"},
		{"none is offered unless it is asked for", Options{Listing: true}, "/docs/?archive=zip", 200, "<!doctype html>", ""},
		{"where folders are not listed there is none", Options{Archive: both}, "/docs/?archive=zip", 404, "", ""},
		{"a folder with an index is not listed", Options{Listing: true, Archive: both}, "/indexed/?archive=zip", 200, "index", ""},
		{"a file is none", Options{Listing: true, Archive: both}, "/docs/a.txt?archive=zip", 200, "a", ""},
		{"a folder without its slash is redirected with the query", Options{Listing: true, Archive: both}, "/docs?archive=zip", 301, "", ""},
		{"a folder that is missing", Options{Listing: true, Archive: both}, "/none/?archive=zip", 404, "", ""},
		{"nothing above the root is reached", Options{Listing: true, Archive: both}, "/docs/../../?archive=none", 404, "", ""},
		{"other parts of the query do not matter", Options{Listing: true, Archive: both}, "/docs/?sort=size&archive=zip&x", 200, "PK\x03\x04", ""},
		{"an empty folder has an empty archive", Options{Listing: true, Archive: both}, "/empty/?archive=zip", 200, "PK\x03\x04", ""},
		{"an empty folder has no links", Options{Listing: true, Archive: both}, "/empty/", 200, "<!doctype html>", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			visit(t, open(t, root, row.options), func(v *visitor) {
				got := v.ask("GET " + row.ask)
				var links []string
				for _, format := range formats {
					if strings.Contains(got.body, `href="?archive=`+format+`"`) {
						links = append(links, format)
					}
				}
				if got.status != row.status || !strings.HasPrefix(got.body, row.begins) || strings.Join(links, " ") != row.links {
					t.Errorf("%v, links %v", got, links)
				}
				if got.status == 301 && got.header.Get("Location") != "/docs/?archive=zip" {
					t.Errorf("it leads to %q", got.header.Get("Location"))
				}
			})
		})
	}
	single := open(t, filepath.Join(root, "docs/a.txt"), Options{Listing: true, Archive: both})
	visit(t, single, func(v *visitor) {
		for _, path := range []string{"/", "/a.txt"} {
			if got := v.ask("GET " + path + "?archive=zip"); got.status != 200 || got.body != "a" {
				t.Errorf("a single file at %s is answered as itself: %v", path, got)
			}
		}
	})
	if _, err := NewArchives("zip", "rar"); err == nil || !strings.Contains(err.Error(), `"rar"`) {
		t.Errorf("rar is taken: %v", err)
	}
}

// TestAnArchiveOfAnFS has FS that can seek and such that cannot.
func TestAnArchiveOfAnFS(t *testing.T) {
	content := filesOf(t, siteFS(t))
	delete(content, "index.html")
	mapped := fstest.MapFS{}
	for name, text := range content {
		mapped[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644, ModTime: written}
	}
	for _, row := range []struct {
		name string
		fsys fs.FS
	}{
		{"files in memory", mapped},
		{"files that can only be read", onlyReader{mapped}},
		{"files in a zip", unzip(t, zipped(t, content, zip.Deflate, written))},
		{"files without times", func() fs.FS {
			old := fstest.MapFS{}
			for name, text := range content {
				old[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			return old
		}()},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := map[string]string{}
			folders := map[string]bool{}
			for name, text := range content {
				if first, _, _ := strings.Cut(name, "/"); name == "private.txt" || content[first+"/index.html"] != "" && name != first+"/index.html" || hidden(first, &Options{}) {
					continue
				}
				want["files/"+name] = text
				for at := filepath.Dir(name); at != "."; at = filepath.Dir(at) {
					folders["files/"+at+"/"] = true
				}
			}
			visit(t, serveFS(t, row.fsys, Options{Listing: true, Archive: archives(t), Private: []string{"private.txt"}}), func(v *visitor) {
				for _, format := range formats {
					got := v.ask("GET /?archive=" + format)
					is := unpack(t, format, got.body)
					for name, text := range is.content {
						if strings.HasSuffix(name, "/") {
							delete(folders, name)
						} else if want[name] != text {
							t.Errorf("%s: %q, want %q", name, text, want[name])
						}
						if is.times[name].Before(time.Unix(0, 0)) {
							t.Errorf("%s is of %v", name, is.times[name])
						}
					}
					for name := range want {
						if _, ok := is.content[name]; !ok {
							t.Errorf("%s is missing", name)
						}
					}
					if got.status != 200 || got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) || len(folders) > 0 {
						t.Errorf("%d %v, without %v", got.status, got.header, folders)
					}
					readByOthers(t, format, got.body)
				}
			})
		})
	}
}

// TestAFolderThatIsTooLargeIsRefusedInWords has limits that a test reaches.
func TestAFolderThatIsTooLargeIsRefusedInWords(t *testing.T) {
	root := tree(t, map[string]string{"f/a": letters(1000), "f/sub/b": letters(1000), "f/sub/c": "", "f/.hidden": letters(100_000)})
	for _, row := range []struct {
		name  string
		limit func(a *Archives)
		says  string // "" if it is not refused
	}{
		{"four entries are few enough", func(a *Archives) { a.maxEntries = 4 }, ""},
		{"four are more than three, and hidden ones do not count", func(a *Archives) { a.maxEntries = 3 }, "more than 3 files and folders"},
		{"a folder that has more is not read to its end", func(a *Archives) { a.maxEntries = 1 }, "more than 1 files and folders"},
		{"its bytes with those of the format fit", func(a *Archives) { a.maxBytes = 6000 }, ""},
		{"its files are larger", func(a *Archives) { a.maxBytes = 1999 }, "more than 2.0 kB"},
		{"its files fit, and what the format adds does not", func(a *Archives) { a.maxBytes = 2001 }, "more than 2.0 kB"},
		{"its names are too long", func(a *Archives) { a.maxNames = 20 }, "too long names"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := archives(t)
			row.limit(a)
			visit(t, open(t, root, Options{Listing: true, Archive: a}), func(v *visitor) {
				for _, format := range formats {
					for _, method := range []string{"GET", "HEAD"} {
						got := v.ask(method + " /f/?archive=" + format)
						refused := row.says != ""
						if refused != (got.status == 403) || !refused && got.status != 200 || method == "GET" && !strings.Contains(got.body, row.says) || refused && got.header.Get("Content-Disposition") != "" {
							t.Errorf("%s as %s: %v", method, format, got)
						}
					}
				}
			})
		})
	}
}

// TestAnArchiveThatCannotBeCompletedIsCut has a row for each thing that may happen to a file
// after it was counted. The hook runs before a file is opened: the first time of a file
// that all may read is when it is sent.
func TestAnArchiveThatCannotBeCompletedIsCut(t *testing.T) {
	for _, row := range []struct {
		name    string
		happens func(at string) error
		cut     string // in the log; "" if the archive is complete
	}{
		{"nothing happens", func(string) error { return nil }, ""},
		{"it is removed", os.Remove, "cannot be read any more"},
		{"it shrinks", func(at string) error { return os.Truncate(at, 10) }, "is shorter than when the archive was begun"},
		{"it grows, as a log does", func(at string) error {
			f, err := os.OpenFile(at, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more")
				f.Close()
			}
			return err
		}, ""},
		{"a larger one takes its place", func(at string) error {
			if err := os.WriteFile(at+".new", []byte(letters(200_000)), 0o644); err != nil {
				return err
			}
			return os.Rename(at+".new", at)
		}, "has changed since the archive was begun"},
		{"a folder takes its place", func(at string) error {
			if err := os.Remove(at); err != nil {
				return err
			}
			return os.Mkdir(at, 0o755)
		}, "has changed since the archive was begun"},
		{"a link to outside takes its place", func(at string) error {
			if err := os.Remove(at); err != nil {
				return err
			}
			return os.Symlink("/etc/passwd", at)
		}, "cannot be read any more"},
	} {
		for _, format := range formats {
			t.Run(row.name+", as "+format, func(t *testing.T) {
				content := letters(100_000)
				root := tree(t, map[string]string{"f/a.txt": content, "f/b.txt": content, "f/c.txt": "c"})
				files := open(t, root, Options{Listing: true, Archive: archives(t)})
				done := false
				files.root.hook = func(name string) {
					if name == "f/b.txt" && !done {
						done = true
						if err := row.happens(filepath.Join(root, name)); err != nil {
							t.Error(err)
						}
					}
				}
				var log bytes.Buffer
				httptest.Run(t, httptest.Config{Handler: files.Serve, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *httptest.Client) {
					conn := c.Dial()
					conn.Send("GET /f/?archive=" + format + " HTTP/1.0\r\nHost: a\r\n\r\n")
					var body strings.Builder
					head, err := conn.Next("\r\n\r\n")
					for err == nil {
						var line string
						line, err = conn.Next("\n")
						body.WriteString(line)
					}
					if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !done {
						t.Errorf("%q, %v", head, done)
					}
					broken := err != io.EOF
					if broken != (row.cut != "") {
						t.Errorf("it ends with %v", err)
					}
				})
				if n := strings.Count(log.String(), "\n"); row.cut == "" && n != 0 || row.cut != "" && (n != 1 || !strings.Contains(log.String(), "f/b.txt "+row.cut)) {
					t.Errorf("the log says %s", log.String())
				}
			})
		}
	}
}

// TestAFileThatCannotBeReadIsLeftOut is of a file and a folder that the server may not read.
func TestAFileThatCannotBeReadIsLeftOut(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	root := tree(t, map[string]string{"f/a.txt": "a", "f/closed.txt": secret, "f/closed/b.txt": secret, "f/page/index.html": secret, "f/page/c.txt": secret})
	for name, mode := range map[string]fs.FileMode{"f/closed.txt": 0, "f/closed": 0, "f/page/index.html": 0} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "f/closed"), 0o755) })
	visit(t, open(t, root, Options{Listing: true, Archive: archives(t)}), func(v *visitor) {
		for _, format := range formats {
			got := v.ask("GET /f/?archive=" + format)
			if is := unpack(t, format, got.body); !maps.Equal(is.content, map[string]string{"f/": "", "f/a.txt": "a"}) {
				t.Errorf("%s: %v", format, is.content)
			}
		}
	})
}

// An oddFS has files that fail.
type oddFS struct {
	fstest.MapFS
	errs    map[string]error // of Open
	changes string           // a file that is overwritten while it is read
}

func (f oddFS) Open(name string) (fs.File, error) {
	if err := f.errs[name]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	file, err := f.MapFS.Open(name)
	if name == f.changes {
		return &oddFile{File: file}, err
	}
	return file, err
}

// An oddFile has another time when it was read.
type oddFile struct {
	fs.File
	read bool
}

func (f *oddFile) Read(p []byte) (int, error) {
	f.read = true
	return f.File.Read(p)
}

func (f *oddFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if f.read {
		return later{info}, err
	}
	return info, err
}

type later struct{ fs.FileInfo }

func (l later) ModTime() time.Time { return l.FileInfo.ModTime().Add(time.Second) }

// TestAnArchiveSaysThatItIsIncomplete has files that cannot be opened for several reasons.
func TestAnArchiveSaysThatItIsIncomplete(t *testing.T) {
	site := fstest.MapFS{}
	for _, name := range []string{"f/a", "f/b", "f/sub/c", "f/page/index.html", "f/page/d"} {
		site[name] = &fstest.MapFile{Data: []byte(name), Mode: 0o600, ModTime: written}
	}
	all := map[string]string{"f/": "", "f/a": "f/a", "f/b": "f/b", "f/sub/": "", "f/sub/c": "f/sub/c", "f/page/": "", "f/page/index.html": "f/page/index.html"}
	without := func(names ...string) map[string]string {
		some := maps.Clone(all)
		for _, name := range names {
			delete(some, name)
		}
		return some
	}
	damaged := errors.New("the disk is damaged")
	for _, row := range []struct {
		name   string
		fsys   oddFS
		status int
		want   map[string]string
	}{
		{"all can be read", oddFS{}, 200, all},
		{"a file may not be read, which is left out", oddFS{errs: map[string]error{"f/b": fs.ErrPermission}}, 200, without("f/b")},
		{"a folder may not be read, which is left out", oddFS{errs: map[string]error{"f/sub": fs.ErrPermission}}, 200, without("f/sub/", "f/sub/c")},
		{"an index may not be read, so that its folder is not listed", oddFS{errs: map[string]error{"f/page/index.html": fs.ErrPermission}}, 200, without("f/page/", "f/page/index.html")},
		{"a file is damaged", oddFS{errs: map[string]error{"f/b": damaged}}, 500, nil},
		{"a folder is damaged", oddFS{errs: map[string]error{"f/sub": damaged}}, 500, nil},
		{"an index is damaged", oddFS{errs: map[string]error{"f/page/index.html": damaged}}, 500, nil},
		{"a file is overwritten while it is read, before the head is out", oddFS{changes: "f/b"}, 500, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.fsys.MapFS = site
			files := serveFS(t, row.fsys, Options{Listing: true, Archive: archives(t)})
			var log bytes.Buffer
			httptest.Run(t, httptest.Config{Handler: files.Serve, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *httptest.Client) {
				got := c.Get("/f/?archive=zip")
				failed := strings.Count(log.String(), "\n") == 1 && (strings.Contains(log.String(), "damaged") || strings.Contains(log.String(), "f/b has changed"))
				if got.Status != row.status || failed != (row.status == 500) || failed && got.Header("Content-Disposition") != "" {
					t.Errorf("%v, and the log says %s", got, log.String())
				}
			})
			if row.status != 200 {
				return
			}
			visit(t, files, func(v *visitor) {
				for _, format := range formats {
					got := v.ask("GET /f/?archive=" + format)
					if is := unpack(t, format, got.body); !maps.Equal(is.content, row.want) {
						t.Errorf("%s: %v", format, is.content)
					}
				}
			})
		})
	}
}

// TestAFewArchivesAtATime has clients that do not read, and one that comes too late.
func TestAFewArchivesAtATime(t *testing.T) {
	root := tree(t, map[string]string{"f/a.bin": letters(8 << 20)})
	files := open(t, root, Options{Listing: true, Archive: archives(t)})
	ask := httptest.Request("GET", "/f/?archive=tar", "")
	httptest.Run(t, httptest.Config{Handler: files.Serve}, func(c *httptest.Client) {
		var slow []*httptest.Conn
		for i := range archivesMax {
			conn := c.At(fmt.Sprintf("10.0.1.%d", i)).Dial()
			conn.Send(ask)
			if head, err := conn.Next("\r\n\r\n"); err != nil || !strings.HasPrefix(head, "HTTP/1.1 200 ") {
				t.Fatalf("the %d. is answered by %q, %v", i+1, head, err)
			}
			slow = append(slow, conn)
		}
		if late := c.At("10.0.2.1").Get("/f/?archive=tar"); late.Status != 503 || late.Header("Retry-After") == "" {
			t.Errorf("one more is answered by %v", late)
		}
		if other := c.Get("/f/"); other.Status != 200 {
			t.Errorf("meanwhile the listing is answered by %v", other)
		}
		slow[0].Reset()
		c.Sleep(time.Second)
		if got := c.At("10.0.2.1").Get("/f/?archive=tar"); got.Status != 200 || len(unpack(t, "tar", got.Body).content) != 2 {
			t.Errorf("when a client has gone, another one is answered by %v", got.Status)
		}
		c.Sleep(10 * time.Minute)
		if got := c.At("10.0.2.1").Get("/f/?archive=zip"); got.Status != 200 || len(unpack(t, "zip", got.Body).content) != 2 {
			t.Errorf("the answer is %v", got.Status)
		}
		for _, conn := range slow[1:] {
			var err error
			for n := 0; err == nil; n++ {
				_, err = conn.Next("\n")
			}
			if err == io.EOF {
				t.Error("a client that does not read is not under a deadline")
			}
		}
	})
}

// TestArchivesOverHTTP1AndHTTP2 downloads by clients of the standard library over the system's
// sockets, while files are large, and looks at the memory that this takes.
func TestArchivesOverHTTP1AndHTTP2(t *testing.T) {
	root := tree(t, map[string]string{"f/small.txt": "small"})
	const size = 64 << 20
	large := filepath.Join(root, "f/large.bin")
	write(t, large, "x")
	if err := os.Truncate(large, size); err != nil {
		t.Fatal(err)
	}
	files := open(t, root, Options{Listing: true, Archive: archives(t)})
	server, err := http.NewServer(http.Config{Handler: files.Serve})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer server.Stop()
		for _, http2 := range []bool{false, true} {
			transport := &nethttp.Transport{Protocols: new(nethttp.Protocols)}
			transport.Protocols.SetHTTP1(!http2)
			transport.Protocols.SetUnencryptedHTTP2(http2)
			client := &nethttp.Client{Transport: transport, Timeout: time.Minute}
			for _, format := range formats {
				url := fmt.Sprintf("http://%s/f/?archive=%s", listeners[0].Addr(), format)
				most := download(t, client, url, size)
				if most > 24<<20 {
					t.Errorf("%s, HTTP/2 %v: it took %d MB of memory", format, http2, most>>20)
				}
				leave(t, client, url)
			}
			transport.CloseIdleConnections()
		}
	}()
	if err := server.Run(); err != nil {
		t.Error(err)
	}
	// The goroutines of clients that have left come to their end.
	for range 100 {
		stacks := make([]byte, 1<<20)
		if !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "static.serveArchive") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("an archive is still being made")
}

// download reads an archive and returns by how much the heap has grown at most.
func download(t *testing.T, client *nethttp.Client, url string, size int64) (most uint64) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	r, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer r.Body.Close()
	for read := int64(0); ; {
		n, err := io.CopyN(io.Discard, r.Body, 8<<20)
		if now := heap(); now > before {
			most = max(most, now-before)
		}
		if read += n; err == nil {
			continue
		}
		if err != io.EOF || read != r.ContentLength || read < size {
			t.Errorf("%s: %d of %d bytes, %v", url, read, r.ContentLength, err)
		}
		return most
	}
}

// leave begins a download and ends it early.
func leave(t *testing.T, client *nethttp.Client, url string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ask, err := nethttp.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	r, err := client.Do(ask)
	if err != nil || r.StatusCode != 200 {
		t.Errorf("%v, %v", r, err)
		return
	}
	io.CopyN(io.Discard, r.Body, 1<<20)
	cancel()
	r.Body.Close()
}
