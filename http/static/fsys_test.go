package static

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

//go:embed testdata/site
var embedded embed.FS

// siteFS is the part of it that is served.
func siteFS(t testing.TB) fs.FS {
	t.Helper()
	sub, err := fs.Sub(embedded, "testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// filesOf returns the content of all files.
func filesOf(t testing.TB, fsys fs.FS) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		p, err := fs.ReadFile(fsys, path)
		files[path] = string(p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// zipped returns them in a zip.
func zipped(t testing.TB, files map[string]string, method uint16, modified time.Time) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		to, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: modified})
		if err == nil {
			_, err = to.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unzip(t testing.TB, p []byte) fs.FS {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(p), int64(len(p)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serveFS serves an FS until the test is over.
func serveFS(t testing.TB, fsys fs.FS, o Options) *Files {
	t.Helper()
	files, err := FS(fsys, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return files
}

// onlyReader hides all that a file can do but to be read from its beginning.
type onlyReader struct{ fs.FS }

func (f onlyReader) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return struct{ fs.File }{file}, nil
}

func (f onlyReader) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

// TestAnFSIsServedLikeAFolder asks the same of a folder and of several kinds of FS with
// the same files. The answers differ in times and tags only.
func TestAnFSIsServedLikeAFolder(t *testing.T) {
	content := filesOf(t, siteFS(t))
	folder := tree(t, content)
	mapped := fstest.MapFS{}
	for name, text := range content {
		mapped[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	for _, o := range []Options{
		{Small: 1000, Encoders: []Encoder{{"gzip", gzipped}}, Private: []string{"private.txt"}},
		{Small: 1000, Listing: true, CleanURLs: true, Prefix: "/docs/x/", Private: []string{"private.txt"}},
		{Fallback: "index.html", Inject: "<script>", Fields: func(path string) [][2]string { return [][2]string{{"X-Path", path}} }, Prefix: "docs"},
	} {
		asIs := o
		for i, name := range o.Private {
			asIs.Private = append(asIs.Private[:i:i], filepath.Join(folder, name))
		}
		want := answersOf(t, open(t, folder, asIs))
		for name, fsys := range map[string]fs.FS{
			"embed.FS": siteFS(t), "a zip": unzip(t, zipped(t, content, zip.Deflate, written)), "a zip without compression": unzip(t, zipped(t, content, zip.Store, time.Time{})),
			"a map": mapped, "os.DirFS": os.DirFS(folder), "an FS that is read from the beginning only": onlyReader{mapped},
		} {
			got := answersOf(t, serveFS(t, fsys, o))
			for ask := range want {
				if got[ask] != want[ask] {
					t.Errorf("%s: %s:\n%s\nand the folder:\n%s", name, ask, got[ask], want[ask])
				}
			}
		}
	}
}

// answersOf asks for everything, twice.
func answersOf(t *testing.T, files *Files) map[string]string {
	t.Helper()
	all := map[string]string{}
	visit(t, files, func(v *visitor) {
		for range 2 {
			for _, path := range []string{
				"", "/", "/index.html", "/about", "/about.html", "/a.css", "/fly.css", "/a.css.gz", "/large.txt", "/sub", "/sub/", "/sub/b.txt", "/sub/b.txt/",
				"/bare", "/bare/", "/bare/d%20e.txt", "/missing", "/..%2f..%2fetc/passwd", "/%ff", "/sub/../a.css", "//a.css", "/private.txt", "/sub%5cb.txt",
			} {
				for _, fields := range [][]string{
					{"Accept-Encoding: gzip, br"}, {"Accept-Encoding: gzip"}, {"Range: bytes=0-3"}, {"Range: bytes=0-1,4-5"}, {"Range: bytes=9999999-"}, {"Accept: application/json"}, {"Accept: text/html"}, {"If-None-Match: *"},
				} {
					path := files.options.Prefix + path
					if path == "" || strings.HasSuffix(path, "/bare/") && strings.HasPrefix(fields[0], "Range") {
						continue // listings differ by their times, and so in size
					}
					for _, method := range []string{"GET", "HEAD"} {
						if method == "HEAD" && fields[0] != "Accept: text/html" {
							continue
						}
						got := v.ask(method+" "+path, fields...)
						text := fmt.Sprint(got.status)
						for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length", "Location", "Content-Range", "Accept-Ranges", "Vary", "X-Path", "Link"} {
							if strings.HasPrefix(got.header.Get("Content-Type"), "multipart/") {
								got.header.Set("Content-Type", "multipart/byteranges")
							}
							if name != "Content-Length" || !strings.Contains(path, "bare/") {
								text += fmt.Sprintf(" %s=%q", name, got.header.Get(name))
							}
						}
						body := times.ReplaceAllString(got.body, "")
						all[method+" "+path+" "+fields[0]] = text + " " + body
						if got.status == 200 && got.header.Get("ETag") == "" && !strings.HasSuffix(path, "/") {
							t.Errorf("%s %s has no ETag", method, path)
						}
					}
				}
			}
			v.s.Sleep(2 * time.Second)
		}
	})
	return all
}

// TestTagsInAnFS: the tag of a file in an FS is the same on each machine and after each
// start, and another one when the file has changed.
func TestTagsInAnFS(t *testing.T) {
	text := letters(20_000)
	changed := text[:10_000] + "#" + text[10_001:]
	mapOf := func(text string) fs.FS { return fstest.MapFS{"a.txt": {Data: []byte(text)}} }
	zipOf := func(text string, when time.Time) fs.FS {
		return unzip(t, zipped(t, map[string]string{"a.txt": text}, zip.Deflate, when))
	}
	epoch := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, small := range []int64{0, 1} {
		for _, row := range []struct {
			name              string
			one, other, after fs.FS
		}{
			{"without times", mapOf(text), mapOf(text), mapOf(changed)},
			{"in a zip", zipOf(text, written), zipOf(text, written), zipOf(changed, written.Add(time.Hour))},
			{"in a zip that is made anew", zipOf(text, epoch), zipOf(text, epoch), zipOf(changed, epoch)},
		} {
			tag := func(fsys fs.FS) (tag string) {
				visit(t, serveFS(t, fsys, Options{Small: small}), func(v *visitor) {
					tag = tagOf(v, "/a.txt")
					if got := v.ask("GET /a.txt", "If-None-Match: "+tag); got.status != 304 {
						t.Errorf("%s: %v", row.name, got)
					}
				})
				return tag
			}
			one, other, after := tag(row.one), tag(row.other), tag(row.after)
			if one != other || one == after || !strings.HasPrefix(one, `"`) {
				t.Errorf("%s: %s, %s, and after a change %s", row.name, one, other, after)
			}
		}
	}
}

// TestAChangeInAnFSIsSeen changes a file of an FS without times.
func TestAChangeInAnFSIsSeen(t *testing.T) {
	for _, small := range []int64{0, 1} {
		fsys := fstest.MapFS{"a.txt": {Data: []byte("first")}}
		visit(t, serveFS(t, fsys, Options{Small: small}), func(v *visitor) {
			for _, text := range []string{"first", "other", "thing"} {
				fsys["a.txt"] = &fstest.MapFile{Data: []byte(text)}
				v.s.Sleep(2 * time.Second)
				if got := v.ask("GET /a.txt"); got.body != text {
					t.Errorf("%v, want %s", got, text)
				}
			}
		})
	}
}

// counting counts how often files are read.
type counting struct {
	fs.FS
	reads *int
}

func (c counting) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return countingFile{f, c.reads}, nil
}

type countingFile struct {
	fs.File
	reads *int
}

func (c countingFile) Read(p []byte) (int, error) {
	*c.reads++
	return c.File.Read(p)
}

// TestAnEmbeddedFileIsReadOnce: its FileInfo tells that it has not changed.
func TestAnEmbeddedFileIsReadOnce(t *testing.T) {
	for name, fsys := range map[string]fs.FS{
		"embed": siteFS(t), "zip": unzip(t, zipped(t, filesOf(t, siteFS(t)), zip.Deflate, time.Time{})),
	} {
		reads := 0
		visit(t, serveFS(t, counting{fsys, &reads}, Options{}), func(v *visitor) {
			for range 5 {
				v.ask("GET /index.html")
				v.s.Sleep(2 * time.Second)
			}
		})
		if reads > 3 {
			t.Errorf("%s: %d reads", name, reads)
		}
	}
}

// TestALargeFileOfAnFSLeavesNothing copies files that are larger than what is kept in
// memory.
func TestALargeFileOfAnFSLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	site := map[string]string{"a.bin": letters(3 << 20), "b.bin": letters(2 << 20)}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		files := serveFS(t, unzip(t, zipped(t, site, method, written)), Options{})
		visit(t, files, func(v *visitor) {
			for name, text := range site {
				if got := v.ask("GET /" + name); got.body != text {
					t.Errorf("%s: %d bytes", name, len(got.body))
				}
				if got := v.ask("GET /"+name, "Range: bytes=1000000-1000007"); got.status != 206 || got.body != text[1000000:1000008] {
					t.Errorf("a part of %s: %v", name, got)
				}
			}
			if list, err := os.ReadDir(temp); err != nil || len(list) > 0 {
				t.Errorf("%v, %v are left", list, err)
			}
		})
	}
	t.Setenv("TMPDIR", filepath.Join(temp, "missing"))
	visit(t, serveFS(t, unzip(t, zipped(t, site, zip.Deflate, written)), Options{}), func(v *visitor) {
		if got := v.ask("GET /a.bin"); got.status != 500 {
			t.Errorf("without a place to copy it: %v", got)
		}
	})
}

// TestADamagedZip has files whose bytes do not match their checksums, and names that lead
// out of it.
func TestADamagedZip(t *testing.T) {
	p := zipped(t, map[string]string{"a.txt": letters(1000), "large.txt": letters(5000)}, zip.Store, written)
	p = bytes.ReplaceAll(p, []byte("0000002\n"), []byte("######2\n"))
	visit(t, serveFS(t, unzip(t, p), Options{Small: 2000}), func(v *visitor) {
		for _, path := range []string{"/a.txt", "/large.txt"} {
			if got := v.ask("GET " + path); got.status != 500 {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
	p = zipped(t, map[string]string{"../../outside.txt": secret, "/etc/passwd": secret, "c:\\a.txt": secret, "a/../b.txt": secret, ".hidden": secret}, zip.Store, written)
	visit(t, serveFS(t, unzip(t, p), Options{Listing: true}), func(v *visitor) {
		for _, path := range []string{"/", "/../../outside.txt", "/outside.txt", "/etc/passwd", "/c:%5ca.txt", "/.hidden", "/%2e%2e/%2e%2e/outside.txt"} {
			if got := v.ask("GET " + path); got.status == 500 || path == "/.hidden" && got.status != 404 {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
}

// failing is an FS whose files fail.
type failing struct{ err error }

func (f failing) Open(name string) (fs.File, error) {
	if name == "." {
		return fstest.MapFS{}.Open(".")
	}
	if f.err == nil {
		panic("a bug in an FS")
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

func TestErrorsOfAnFS(t *testing.T) {
	for _, row := range []struct {
		err    error
		status int
	}{
		{fs.ErrNotExist, 404}, {fs.ErrPermission, 403}, {fs.ErrInvalid, 404}, {zip.ErrAlgorithm, 500}, {errors.New("the network is down"), 500}, {nil, 500},
	} {
		visit(t, serveFS(t, failing{row.err}, Options{}), func(v *visitor) {
			if got := v.ask("GET /a.txt"); got.status != row.status {
				t.Errorf("%v: %v, want %d", row.err, got, row.status)
			}
		})
	}
	if _, err := FS(os.DirFS(filepath.Join(t.TempDir(), "missing")), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an FS that is not there: %v", err)
	}
	for _, prefix := range []string{"/a//b", "/a/../b", "/.", "/a\x00"} {
		if _, err := FS(fstest.MapFS{}, Options{Prefix: prefix}); err == nil {
			t.Errorf("the prefix %q is taken", prefix)
		}
	}
}

// times are the times in listings.
var times = regexp.MustCompile(`<time.*?</time>|,"mtime":"[^"]*"`)
