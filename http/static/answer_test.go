package static

import (
	"bytes"
	gz "compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// gzipped is an encoder for tests.
func gzipped(dst, src []byte) []byte {
	b := bytes.NewBuffer(dst)
	w := gz.NewWriter(b)
	w.Write(src)
	w.Close()
	return b.Bytes()
}

// tagOf asks for a file's entity tag.
func tagOf(v *visitor, path string, fields ...string) string {
	return v.ask("HEAD "+path, fields...).header.Get("ETag")
}

func TestConditions(t *testing.T) {
	for _, small := range []int64{0, 1} { // from memory, and by the kernel
		files := open(t, tree(t, map[string]string{"a.txt": letters(2000), "b.txt": letters(2001)}), Options{Small: small})
		visit(t, files, func(v *visitor) {
			tag, other := tagOf(v, "/a.txt"), tagOf(v, "/b.txt")
			if tag == other || !strings.HasPrefix(tag, `"`) {
				t.Fatalf("the tags are %s and %s", tag, other)
			}
			const before, then, after = "Sun, 05 May 2024 07:08:09 GMT", "Mon, 06 May 2024 07:08:09 GMT", "Tue, 07 May 2024 07:08:09 GMT"
			for _, row := range []struct {
				name   string
				fields []string
				status int
			}{
				{"a client that has this version is told so", []string{"If-None-Match: " + tag}, 304},
				{"weakly", []string{"If-None-Match: W/" + tag}, 304},
				{"in a list", []string{`If-None-Match: "x", W/"y,z",` + tag}, 304},
				{"in a list with empty elements", []string{`If-None-Match: , "x",, ` + tag + ","}, 304},
				{"in a second field", []string{`If-None-Match: "x"`, "If-None-Match: " + tag}, 304},
				{"whichever it is", []string{"If-None-Match: *"}, 304},
				{"a client that has another gets it", []string{"If-None-Match: " + other}, 200},
				{"part of a tag is another", []string{"If-None-Match: " + tag[:len(tag)-2] + `"`}, 200},
				{"a tag without quotes is none", []string{"If-None-Match: " + strings.Trim(tag, `"`)}, 200},
				{"a star in quotes is a tag", []string{`If-None-Match: "*"`}, 200},
				{"a client that has it since it changed is told so", []string{"If-Modified-Since: " + then}, 304},
				{"or since later", []string{"If-Modified-Since: " + after}, 304},
				{"a client that has it since before gets it", []string{"If-Modified-Since: " + before}, 200},
				{"the form of RFC 850 is a date", []string{"If-Modified-Since: Monday, 06-May-24 07:08:09 GMT"}, 304},
				{"the form of C is a date", []string{"If-Modified-Since: Mon May  6 07:08:09 2024"}, 304},
				{"a value that is no date is ignored", []string{"If-Modified-Since: yesterday"}, 200},
				{"two dates are ignored", []string{"If-Modified-Since: " + then + ", " + then}, 200},
				{"in two fields, too", []string{"If-Modified-Since: " + then, "If-Modified-Since: " + then}, 200},
				{"a tag goes before a date", []string{"If-None-Match: " + other, "If-Modified-Since: " + after}, 200},
				{"also the other way", []string{"If-None-Match: " + tag, "If-Modified-Since: " + before}, 304},
				{"If-Match names this version", []string{"If-Match: " + tag}, 200},
				{"any version", []string{"If-Match: *"}, 200},
				{"or one of several", []string{`If-Match: "x", ` + tag}, 200},
				{"another version", []string{"If-Match: " + other}, 412},
				{"weak tags do not match strongly", []string{"If-Match: W/" + tag}, 412},
				{"unmodified since it changed", []string{"If-Unmodified-Since: " + then}, 200},
				{"unmodified since before", []string{"If-Unmodified-Since: " + before}, 412},
				{"unmodified since no date is ignored", []string{"If-Unmodified-Since: never"}, 200},
				{"If-Match goes before If-Unmodified-Since", []string{"If-Match: " + tag, "If-Unmodified-Since: " + before}, 200},
				{"If-Match goes before If-None-Match", []string{"If-Match: " + other, "If-None-Match: " + tag}, 412},
				{"then If-None-Match", []string{"If-Match: " + tag, "If-None-Match: " + tag}, 304},
				{"conditions go before ranges", []string{"If-None-Match: " + tag, "Range: bytes=0-1"}, 304},
				{"names have no case", []string{"if-NONE-match: " + tag}, 304},
			} {
				for _, method := range []string{"GET", "HEAD"} {
					got := v.ask(method+" /a.txt", row.fields...)
					if got.status != row.status {
						t.Errorf("%s (%s): %v, want %d", row.name, method, got, row.status)
					}
					if row.status == 412 {
						continue
					}
					if got.header.Get("ETag") != tag || got.header.Get("Vary") != "Accept-Encoding" || got.header.Get("Last-Modified") != then {
						t.Errorf("%s (%s): its fields are %v", row.name, method, got.header)
					}
					if row.status == 304 && got.body+got.header.Get("Content-Type")+got.header.Get("Content-Length") != "" {
						t.Errorf("%s (%s): more than need be: %v", row.name, method, got)
					}
				}
			}
			if got := v.ask("GET /missing", "If-None-Match: *", "If-Match: "+tag, "Range: bytes=0-1"); got.status != 404 {
				t.Errorf("conditions on what is missing: %v", got)
			}
		})
	}
}

func TestPartsOfFiles(t *testing.T) {
	content := letters(2000)
	for _, small := range []int64{0, 1} {
		files := open(t, tree(t, map[string]string{"a.txt": content, "empty.txt": ""}), Options{Small: small})
		visit(t, files, func(v *visitor) {
			tag := tagOf(v, "/a.txt")
			for _, row := range []struct {
				name   string
				ask    string
				fields []string
				status int
				body   string
				where  string // Content-Range
			}{
				{"the first bytes", "GET /a.txt", []string{"Range: bytes=0-9"}, 206, content[:10], "bytes 0-9/2000"},
				{"the last bytes", "GET /a.txt", []string{"Range: bytes=-10"}, 206, content[1990:], "bytes 1990-1999/2000"},
				{"from somewhere on", "GET /a.txt", []string{"Range: bytes=1000-"}, 206, content[1000:], "bytes 1000-1999/2000"},
				{"all bytes are a range as well", "GET /a.txt", []string{"Range: bytes=0-"}, 206, content, "bytes 0-1999/2000"},
				{"behind the end", "GET /a.txt", []string{"Range: bytes=2000-"}, 416, "416 Range Not Satisfiable\n", "bytes */2000"},
				{"of an empty file", "GET /empty.txt", []string{"Range: bytes=0-"}, 200, "", ""},
				{"the last of an empty file", "GET /empty.txt", []string{"Range: bytes=-5"}, 200, "", ""},
				{"a unit that is not known", "GET /a.txt", []string{"Range: lines=0-9"}, 200, content, ""},
				{"HEAD has no ranges", "HEAD /a.txt", []string{"Range: bytes=0-9"}, 200, "", ""},
				{"two fields are no range", "GET /a.txt", []string{"Range: bytes=0-1", "Range: bytes=5-6"}, 200, content, ""},
				{"of the version that is meant", "GET /a.txt", []string{"Range: bytes=0-9", "If-Range: " + tag}, 206, content[:10], "bytes 0-9/2000"},
				{"of another version", "GET /a.txt", []string{"Range: bytes=0-9", `If-Range: "x"`}, 200, content, ""},
				{"of a weakly named version", "GET /a.txt", []string{"Range: bytes=0-9", "If-Range: W/" + tag}, 200, content, ""},
				{"of the version of a date", "GET /a.txt", []string{"Range: bytes=0-9", "If-Range: Mon, 06 May 2024 07:08:09 GMT"}, 206, content[:10], "bytes 0-9/2000"},
				{"of the version of another date", "GET /a.txt", []string{"Range: bytes=0-9", "If-Range: Tue, 07 May 2024 07:08:09 GMT"}, 200, content, ""},
				{"If-Range counts for a range that is not there, too", "GET /a.txt", []string{"Range: bytes=2000-", `If-Range: "x"`}, 200, content, ""},
				{"ranges that overlap are one", "GET /a.txt", []string{"Range: bytes=0-9,5-14"}, 206, content[:15], "bytes 0-14/2000"},
				{"many that are more bytes with their heads than the file get the whole", "GET /a.txt", []string{"Range: bytes=" + apart(30)}, 200, content, ""},
				{"a thousand ranges get the whole", "GET /a.txt", []string{"Range: bytes=" + strings.Repeat("0-0,", 1000)}, 200, content, ""},
			} {
				got := v.ask(row.ask, row.fields...)
				if got.status != row.status || got.body != row.body || got.header.Get("Content-Range") != row.where {
					t.Errorf("%s: %v, want %d, %s", row.name, got, row.status, row.where)
				}
				if row.status < 400 && got.header.Get("ETag") == "" {
					t.Errorf("%s: its fields are %v", row.name, got.header)
				}
			}
			several(t, v, content)
		})
	}
}

// several asks for several parts at once.
func several(t *testing.T, v *visitor, content string) {
	got := v.ask("GET /a.txt", "Range: bytes=1990-,0-9, 100-199")
	kind, parameters, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if got.status != 206 || kind != "multipart/byteranges" || err != nil {
		t.Fatalf("several: %v", got)
	}
	parts := multipart.NewReader(strings.NewReader(got.body), parameters["boundary"])
	for _, want := range []struct{ where, body string }{
		{"bytes 1990-1999/2000", content[1990:]}, {"bytes 0-9/2000", content[:10]}, {"bytes 100-199/2000", content[100:200]},
	} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("several: %v", err)
		}
		body, _ := io.ReadAll(p)
		if p.Header.Get("Content-Range") != want.where || p.Header.Get("Content-Type") != "text/plain; charset=utf-8" || string(body) != want.body {
			t.Errorf("several: %v %q, want %s", p.Header, body, want.where)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("several: more parts, %v", err)
	}
}

func TestCodings(t *testing.T) {
	text := strings.Repeat("all work and no play\n", 200)
	root := tree(t, map[string]string{
		"fly.txt": text, "short.txt": "short", "picture.png": text,
		"ahead.css": text, "ahead.css.br": "as brotli", "ahead.css.gz": "as gzip",
		"old.js": text, "old.js.gz": "of an older one",
	})
	if old := written.Add(-time.Hour); os.Chtimes(filepath.Join(root, "old.js.gz"), old, old) != nil {
		t.Fatal("its time cannot be set")
	}
	for _, small := range []int64{0, 1} {
		files := open(t, root, Options{Small: small, Encoders: []Encoder{{"gzip", gzipped}}})
		visit(t, files, func(v *visitor) {
			for _, row := range []struct {
				name   string
				path   string
				accept string
				coding string
				status int
			}{
				{"text is compressed for a client that accepts it", "/fly.txt", "gzip", "gzip", 200},
				{"among others", "/fly.txt", "deflate, gzip;q=0.5, br", "gzip", 200},
				{"by its old name", "/fly.txt", "x-gzip", "gzip", 200},
				{"names have no case", "/fly.txt", "GZip", "gzip", 200},
				{"for one that accepts anything", "/fly.txt", "*", "gzip", 200},
				{"not for one that does not", "/fly.txt", "br", "", 200},
				{"not for one that refuses it", "/fly.txt", "gzip;q=0", "", 200},
				{"nor with three digits", "/fly.txt", "gzip;q=0.000", "", 200},
				{"nor for one that accepts anything but it", "/fly.txt", "*, gzip;q=0", "", 200},
				{"nor for a name that only contains it", "/fly.txt", "xgzip, gzipped", "", 200},
				{"nor for a weight that is none", "/fly.txt", "gzip;q=yes", "", 200},
				{"nor for one above 1", "/fly.txt", "gzip;q=1.5", "", 200},
				{"blanks are allowed around a semicolon", "/fly.txt", "gzip\t; q=1.0", "gzip", 200},
				{"but not around the sign of a weight", "/fly.txt", "gzip ; q = 1.0", "", 200}, // RFC 9110 section 12.4.2
				{"nor does a semicolon alone make one", "/fly.txt", "gzip;", "", 200},
				{"of two weights the first counts", "/fly.txt", "gzip;q=0, gzip", "", 200},
				{"a client that prefers identity gets that", "/fly.txt", "identity, gzip;q=0.5", "", 200},
				{"a client that says nothing gets that, too", "/fly.txt", "", "", 200},
				{"a short file is not compressed", "/short.txt", "gzip", "", 200},
				{"nor is a type that is compressed already", "/picture.png", "gzip", "", 200},
				{"a client that refuses identity gets another coding", "/fly.txt", "identity;q=0, gzip", "gzip", 200},
				{"or is told that there is nothing", "/picture.png", "identity;q=0", "", 406},
				{"nothing at all", "/picture.png", "*;q=0", "", 406},
				{"a form that lies beside it goes first", "/ahead.css", "gzip, br", "br", 200},
				{"as it is liked", "/ahead.css", "gzip, br;q=0.5", "gzip", 200},
				{"a form that is older than the file does not count", "/old.js", "gzip", "gzip", 200},
			} {
				fields := []string{"Accept-Encoding: " + row.accept}
				if row.accept == "" {
					fields = nil
				}
				for _, method := range []string{"GET", "HEAD", "GET"} {
					got := v.ask(method+" "+row.path, fields...)
					if got.status != row.status || got.header.Get("Content-Encoding") != row.coding {
						t.Errorf("%s: %v, want %d in %q", row.name, got, row.status, row.coding)
					}
					if Compressible(got.header.Get("Content-Type")) != (got.header.Get("Vary") == "Accept-Encoding") {
						t.Errorf("%s: Vary is %q", row.name, got.header.Get("Vary"))
					}
					if method == "GET" && row.status == 200 {
						checkCoded(t, row.name, row.path, row.coding, got, text)
					}
				}
			}
			tags := []string{tagOf(v, "/ahead.css"), tagOf(v, "/ahead.css", "Accept-Encoding: gzip"), tagOf(v, "/ahead.css", "Accept-Encoding: br")}
			if slices.Sort(tags); len(slices.Compact(tags)) != 3 {
				t.Errorf("forms share a tag: %s", tags)
			}
			tag := tagOf(v, "/fly.txt", "Accept-Encoding: gzip")
			for _, row := range []struct {
				accept string
				status int
			}{{"gzip", 304}, {"identity", 200}} {
				got := v.ask("GET /fly.txt", "Accept-Encoding: "+row.accept, "If-None-Match: "+tag)
				if got.status != row.status || got.header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("a client that has it as gzip and accepts %s: %v", row.accept, got)
				}
			}
			part := v.ask("GET /ahead.css", "Accept-Encoding: br", "Range: bytes=3-")
			if part.status != 206 || part.body != "brotli" || part.header.Get("Content-Encoding") != "br" {
				t.Errorf("a part of a form: %v", part)
			}
		})
	}
}

// checkCoded undoes a coding.
func checkCoded(t *testing.T, name, path, coding string, got answer, text string) {
	t.Helper()
	want := text
	switch {
	case strings.HasPrefix(path, "/ahead") && coding == "br":
		want = "as brotli"
	case strings.HasPrefix(path, "/ahead") && coding == "gzip":
		want = "as gzip"
	case path == "/short.txt":
		want = "short"
	case coding == "gzip":
		r, err := gz.NewReader(strings.NewReader(got.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		plain, _ := io.ReadAll(r)
		got.body = string(plain)
	}
	if got.body != want {
		t.Errorf("%s: the content is %.50q", name, got.body)
	}
}

// TestSameAsNetHTTP asks many things of our server and of net/http's FileServer
// over the same folder, and compares the answers, except for intended differences.
func TestSameAsNetHTTP(t *testing.T) {
	root := tree(t, map[string]string{
		"index.html": "<p>the start", "a.txt": letters(3000), "b.css": letters(500), "empty.txt": "",
		"sub/index.html": "<p>sub", "sub/c d.txt": letters(100), "sub/deep/e.json": "{}", "large.bin": letters(300_000),
	})
	theirs := nethttp.FileServer(nethttp.Dir(root))
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	number := func() string { return strconv.Itoa(r.IntN(1 + r.IntN(4000))) }
	files := open(t, root, Options{})
	statuses := map[int]int{}
	visit(t, files, func(v *visitor) {
		for range 600 {
			path := pick("/", "/a.txt", "/b.css", "/empty.txt", "/sub", "/sub/", "/sub/c%20d.txt", "/sub/deep/e.json", "/sub/deep", "/large.bin",
				"/missing", "/sub/missing/x", "/%61.txt", "/a.txt?q=1", "/sub?q=1")
			method := pick("GET", "GET", "HEAD")
			var fields []string
			switch r.IntN(6) {
			case 0:
				fields = append(fields, "Range: bytes="+pick(number()+"-"+number(), "-"+number(), number()+"-"))
			case 1:
				fields = append(fields, "If-Modified-Since: "+pick("Mon, 06 May 2024 07:08:09 GMT", "Sun, 05 May 2024 07:08:09 GMT", "nonsense"))
			case 2:
				fields = append(fields, "If-Unmodified-Since: "+pick("Mon, 06 May 2024 07:08:09 GMT", "Sun, 05 May 2024 07:08:09 GMT"))
			case 3:
				fields = append(fields, "Range: bytes="+number()+"-", "If-Range: "+pick("Mon, 06 May 2024 07:08:09 GMT", "Sun, 05 May 2024 07:08:09 GMT"))
			}
			ours := v.ask(method+" "+path, fields...)
			statuses[ours.status]++
			request := httptest.NewRequest(method, path, nil)
			for _, field := range fields {
				name, value, _ := strings.Cut(field, ": ")
				request.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			theirs.ServeHTTP(w, request)
			if said := disagree(method, path, fields, ours, w); said != "" {
				t.Errorf("%s %s %q: %s", method, path, fields, said)
			}
		}
	})
	for _, status := range []int{200, 206, 301, 304, 404, 412, 416} {
		if statuses[status] < 5 {
			t.Errorf("only %d answers were %d", statuses[status], status)
		}
	}
}

// backwards reports whether a field asks for a range that ends before it begins.
func backwards(field string) bool {
	var first, last int
	n, _ := fmt.Sscanf(field, "Range: bytes=%d-%d", &first, &last)
	return n == 2 && last < first
}

// disagree says in what two answers differ that should not.
func disagree(method, path string, fields []string, ours answer, theirs *httptest.ResponseRecorder) string {
	ranged := slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, "Range") })
	switch {
	case strings.HasPrefix(path, "/sub/deep") && !strings.Contains(path, "json"):
		return "" // without an index they list the folder
	case method == "HEAD" && ranged:
		return "" // they apply ranges to HEAD: RFC 9110 section 14.2 defines them for GET alone
	case path == "/empty.txt" && ranged:
		return "" // they answer 416 or 206: an empty file has no range that could be sent, RFC 9110 section 14.1.2
	}
	if theirs.Code == 416 && slices.ContainsFunc(fields, backwards) {
		return "" // a range that ends before it begins is invalid, RFC 9110 section 14.1.1, and ignored, section 14.2
	}
	if ours.status != theirs.Code {
		return fmt.Sprintf("%d, and theirs is %d", ours.status, theirs.Code)
	}
	if ours.status >= 400 {
		return ""
	}
	if ours.status == 301 {
		// Theirs is relative to the request: both mean the same.
		if got, want := ours.header.Get("Location"), strings.Split(path, "?")[0]; !strings.HasPrefix(got, want+"/") || strings.Contains(path, "?") != strings.Contains(got, "?") {
			return "it leads to " + got
		}
		return ""
	}
	if body := theirs.Body.String(); ours.body != body && method == "GET" {
		return fmt.Sprintf("%d bytes, and theirs are %d", len(ours.body), len(body))
	}
	for _, name := range []string{"Content-Range", "Last-Modified", "Accept-Ranges"} {
		if name == "Accept-Ranges" && ours.status != 200 {
			continue // to say so with a part is not needed
		}
		if got, want := ours.header.Get(name), theirs.Header().Get(name); got != want {
			return fmt.Sprintf("%s is %q, and theirs %q", name, got, want)
		}
	}
	return ""
}
