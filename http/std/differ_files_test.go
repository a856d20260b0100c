package std_test

import (
	"fmt"
	nethttp "net/http"
	nethttptest "net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/static"
)

// differences compares what two servers have answered, one request at a time.
type differences struct {
	t    *testing.T
	page string // docs/net-http.md
}

func newDifferences(t *testing.T) *differences {
	page, err := os.ReadFile("../../docs/net-http.md")
	if err != nil {
		t.Fatal(err)
	}
	return &differences{t, string(page)}
}

// look fails if two answers differ, unless one of the reasons holds for the request and
// stands in the page.
func (d *differences) look(name, request, theirs, ours string, reasons []difference) {
	d.t.Helper()
	if theirs == ours {
		return
	}
	for _, r := range reasons {
		if r.is(request, theirs, ours) {
			if !strings.Contains(d.page, r.why) {
				d.t.Errorf("docs/net-http.md does not say: %s", r.why)
			}
			return
		}
	}
	d.t.Errorf("%s: %.200q\nnet/http: %s\nbobbin:   %s", name, request, theirs, ours)
}

// A difference is a sentence of docs/net-http.md, and the answers that it is about.
type difference struct {
	why string
	is  func(request, theirs, ours string) bool
}

// TestFilesOfNetHTTPsTestsAreServedTheSame asks for the files of net/http's own tests, with
// the conditions, ranges and paths of its tables.
func TestFilesOfNetHTTPsTestsAreServedTheSame(t *testing.T) {
	root := filesOfGo(t)
	var asked []fileRequest
	for i, row := range readGoTable(t, "fs_test.go", "", "ServeFileRangeTests") {
		var fields []string
		if text, _ := row["r"].(string); text != "" {
			fields = []string{"Range: " + text}
		}
		asked = append(asked, fileRequest{fmt.Sprint("ranges ", i), "/file.txt", fields})
	}
	for i, row := range readGoTable(t, "fs_test.go", "", "fsRedirectTestData") {
		path := strings.TrimPrefix(row["0"].(string), "/test")
		asked = append(asked, fileRequest{fmt.Sprint("redirects ", i), strings.Replace(path, "/testdata", "/folder", 1), nil})
	}
	for i, row := range readGoTable(t, "fs_test.go", "TestServeFile_DotDot", "tests") {
		asked = append(asked, fileRequest{fmt.Sprint("dots ", i), row["0"].(string), nil})
	}
	for i, row := range readGoTable(t, "fs_test.go", "TestFileServerCleans", "tests") {
		asked = append(asked, fileRequest{fmt.Sprint("paths ", i), row["0"].(string), nil})
	}
	for i, row := range readGoTable(t, "fs_test.go", "testServeContent", "tests") {
		file, _ := row["file"].(string)
		fields, whole := fieldsOf(row["reqHeader"])
		if file == "" || !whole {
			continue // it is about a reader, or about a time that is computed
		}
		etag, _ := row["serveETag"].(string)
		for j := range fields {
			if etag != "" {
				fields[j] = strings.ReplaceAll(fields[j], etag, "ETAG")
			}
		}
		asked = append(asked, fileRequest{fmt.Sprint("content ", i), "/" + filepath.Base(file), fields})
	}
	if len(asked) < 50 {
		t.Errorf("only %d requests were found in the tables", len(asked))
	}
	files, err := static.Open(root, static.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := newDifferences(t)
	theirs := nethttp.FileServer(nethttp.Dir(root))
	httptest.Run(t, httptest.Config{Handler: files.Serve}, func(c *httptest.Client) {
		for _, method := range []string{"GET", "HEAD"} {
			for _, q := range asked {
				d.look(q.name, method+" "+q.path+" "+strings.Join(q.fields, ", "), q.ofNetHTTP(theirs, method), q.ofBobbin(c, method), meantOfFiles)
			}
		}
	})
}

// A fileRequest is a path and fields. ETAG stands for the ETag of a GET without any.
type fileRequest struct {
	name, path string
	fields     []string
}

// filesOfGo copies the files of net/http's tests, with a time that its tables name.
func filesOfGo(t *testing.T) string {
	from, root := filepath.Join(testsOfNetHTTP(t), "testdata"), t.TempDir()
	at := time.Date(2014, 6, 25, 17, 12, 18, 0, time.UTC)
	for name, from := range map[string]string{"file": from + "/file", "file.txt": from + "/file", "style.css": from + "/style.css", "index.html": from + "/index.html"} {
		p, err := os.ReadFile(from)
		if err != nil {
			t.Skipf("this Go has no files of its own tests: %v", err)
		}
		for _, folder := range []string{"", "folder"} {
			path := filepath.Join(root, folder, name)
			os.MkdirAll(filepath.Dir(path), 0o755)
			if err := os.WriteFile(path, p, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// fieldsOf returns the lines of a map literal of fields, and whether all of it is literal.
func fieldsOf(header any) (lines []string, whole bool) {
	fields, _ := header.(map[string]any)
	for name, value := range fields {
		text, ok := value.(string)
		if !ok {
			return nil, false
		}
		lines = append(lines, name+": "+text)
	}
	return lines, true
}

// ofNetHTTP asks its FileServer, which makes no ETag: for it, one is set as a handler does.
func (q fileRequest) ofNetHTTP(h nethttp.Handler, method string) string {
	const etag = `"A"`
	path, query, _ := strings.Cut(q.path, "?")
	r := nethttptest.NewRequest(method, "/", nil)
	r.URL.Path, r.URL.RawQuery = path, query
	for _, line := range q.fields {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, strings.ReplaceAll(value, "ETAG", etag))
	}
	w := nethttptest.NewRecorder()
	w.Header().Set("ETag", etag)
	h.ServeHTTP(w, r)
	return fileAnswer(w.Code, w.Header().Get, w.Body.String())
}

func (q fileRequest) ofBobbin(c *httptest.Client, method string) string {
	etag := c.Do("GET", q.path, "").Header("ETag")
	var fields []string
	for _, line := range q.fields {
		fields = append(fields, strings.ReplaceAll(line, "ETAG", etag))
	}
	a := c.Do(method, q.path, "", fields...)
	return fileAnswer(a.Status, a.Header, a.Body)
}

// fileAnswer returns what is compared. Bodies of errors and of several parts are each
// server's own.
func fileAnswer(status int, header func(string) string, body string) string {
	typ, _, _ := strings.Cut(header("Content-Type"), ";")
	if status >= 300 || typ == "multipart/byteranges" {
		body = ""
	}
	if status >= 300 {
		typ = ""
	}
	if len(body) > 20 {
		body = body[:20]
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s %s %q", status, header("Location"), header("Content-Range"), typ, body))
}

// meantOfFiles are the differences in serving files that are meant.
var meantOfFiles = []difference{
	{"`Range` is ignored with HEAD", func(request, theirs, ours string) bool {
		return strings.HasPrefix(request, "HEAD") && strings.Contains(request, "Range: ") && strings.HasPrefix(ours, "200 ")
	}},
	{"Ranges that overlap are joined", func(_, theirs, ours string) bool {
		return strings.HasPrefix(theirs, "200 ") && strings.HasPrefix(ours, "206  bytes 0-10/11 ")
	}},
	{"`/index.html` is the page", func(request, theirs, ours string) bool {
		return strings.HasSuffix(request, " /index.html ") && strings.HasPrefix(theirs, "301 ./ ") && strings.HasPrefix(ours, "200 ")
	}},
	{"`/folder` is redirected to `/folder/`", func(_, theirs, ours string) bool {
		return strings.HasPrefix(theirs, "301 folder/ ") && strings.HasPrefix(ours, "301 /folder/ ")
	}},
	{"A path above the root is 404", func(request, _, ours string) bool {
		return strings.Contains(request, " /..") && strings.HasPrefix(ours, "404 ")
	}},
	{"`/file/` and `/file/a/..` are 404", func(request, _, ours string) bool {
		return (strings.HasSuffix(request, "/file/ ") || strings.HasSuffix(request, "/.. ")) && strings.HasPrefix(ours, "404 ")
	}},
}

// TestRedirectsOfNetHTTPsTestsLeadToTheSame has the Locations of its table.
func TestRedirectsOfNetHTTPsTestsLeadToTheSame(t *testing.T) {
	d := newDifferences(t)
	for i, row := range readGoTable(t, "serve_test.go", "TestRedirect", "tests") {
		to := row["0"].(string)
		w := nethttptest.NewRecorder()
		nethttp.Redirect(w, nethttptest.NewRequest("GET", "http://example.com/qux/", nil), to, nethttp.StatusFound)
		h := func(w *http.Response, r *http.Request) error { return w.Redirect(http.StatusFound, to) }
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			d.look(fmt.Sprint("redirect ", i), to, w.Header().Get("Location"), c.Get("/qux/").Header("Location"), meantOfRedirects)
		})
	}
}

// meantOfRedirects are the differences of Locations that are meant.
var meantOfRedirects = []difference{
	{"`Response.Redirect` sends a relative location as it is", func(to, _, ours string) bool { return ours == to }},
	{"Escapes in a location have capital letters", func(_, theirs, ours string) bool { return strings.EqualFold(ours, theirs) }},
}

// TestRoutesOfNetHTTPsTestsLeadToTheSame has the patterns and the requests of its tables.
func TestRoutesOfNetHTTPsTestsLeadToTheSame(t *testing.T) {
	type route struct{ name, method, host, path string }
	tables := map[string][]route{}
	for i, row := range readGoTable(t, "serve_test.go", "", "serveMuxTests") {
		tables["serveMuxRegister"] = append(tables["serveMuxRegister"], route{fmt.Sprint("serveMuxTests ", i), row["0"].(string), row["1"].(string), row["2"].(string)})
	}
	for i, row := range readGoTable(t, "serve_test.go", "", "vtests") {
		host, path, _ := strings.Cut(strings.TrimPrefix(row["0"].(string), "http://"), "/")
		tables["handlers"] = append(tables["handlers"], route{fmt.Sprint("vtests ", i), "GET", host, "/" + path})
	}
	d := newDifferences(t)
	for table, routes := range tables {
		mux, router := nethttp.NewServeMux(), new(http.Router)
		for _, row := range readGoTable(t, "serve_test.go", "", table) {
			pattern := row["0"].(string)
			mux.HandleFunc(pattern, func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, pattern) })
			router.Handle(pattern, func(w *http.Response, r *http.Request) error { return w.Text(pattern) })
		}
		httptest.Run(t, httptest.Config{Handler: router.Serve}, func(c *httptest.Client) {
			for _, q := range routes {
				r := nethttptest.NewRequest("GET", "http://a"+q.path, nil)
				r.Method, r.Host = q.method, q.host
				w := nethttptest.NewRecorder()
				mux.ServeHTTP(w, r)
				conn := c.Dial()
				conn.Send(q.method + " " + q.path + " HTTP/1.1\r\nHost: " + q.host + "\r\n\r\n")
				a := conn.Answer(q.method)
				conn.Close()
				d.look(q.name, q.method+" "+q.host+q.path, fileAnswer(w.Code, w.Header().Get, w.Body.String()), fileAnswer(a.Status, a.Header, a.Body), meantOfRoutes)
			}
		})
	}
}

// meantOfRoutes are the differences of a Router that its comment does not list.
var meantOfRoutes = []difference{
	{meantConnect, func(request, _, ours string) bool {
		return strings.HasPrefix(request, "CONNECT ") && strings.HasPrefix(ours, "400 ")
	}},
}

const meantConnect = "CONNECT is refused"
