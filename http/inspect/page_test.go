package inspect

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestAPageIsPutTogether makes a page of a style sheet and two scripts.
func TestAPageIsPutTogether(t *testing.T) {
	const style, first, second = "p{color:red}\n", "let a = '</b>'\n", "a()\n"
	p, err := assemble(fstest.MapFS{
		"index.html": {Data: []byte("<head>\n<link rel=\"stylesheet\" href=\"x.css\">\n<body>\n<script src=\"a.js\"></script>\n<script src=\"b-2.js\"></script>\n")},
		"x.css":      {Data: []byte(style)},
		"a.js":       {Data: []byte(first)},
		"b-2.js":     {Data: []byte(second)},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "<head>\n<style>" + style + "</style>\n<body>\n<script>" + first + "</script>\n<script>" + second + "</script>\n"
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; img-src data: blob:; style-src " +
		hash(style) + "; script-src " + hash(first) + " " + hash(second)
	for _, row := range []struct {
		accept string
		from   *http.Prepared
		coding string
	}{{"", p.plain, ""}, {"gzip", p.gzipped, "gzip"}} {
		httptest.Run(t, httptest.Config{Handler: func(w *http.Response, r *http.Request) error { return w.WritePrepared(row.from) }}, func(c *httptest.Client) {
			a := c.Get("/")
			if a.Header("Content-Security-Policy") != policy || a.Header("Content-Encoding") != row.coding || a.Header("Vary") != "Accept-Encoding" {
				t.Errorf("%q: the headers are %q", row.coding, a.Headers)
			}
			body := a.Body
			if row.coding != "" {
				z, err := gzip.NewReader(strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				body = string(text)
			}
			if body != want {
				t.Errorf("%q: the page is\n%s", row.coding, body)
			}
		})
	}
}

func TestAPageNeedsItsFiles(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"there is no page":   {},
		"a style is missing": {"index.html": {Data: []byte(`<link rel="stylesheet" href="x.css">`)}},
	} {
		if _, err := assemble(files); err == nil {
			t.Errorf("%s, and that is no error", name)
		}
	}
}

// TestThePageIsSentInTheCodingThatIsAskedFor asks for the page of this package.
func TestThePageIsSentInTheCodingThatIsAskedFor(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		for accept, want := range map[string]string{
			"":                              "",
			"Accept-Encoding: gzip":         "gzip",
			"Accept-Encoding: br":           "",
			"Accept-Encoding: gzip;q=0, br": "",
			"Accept-Encoding: br, *":        "gzip",
		} {
			fields := []string{"Host: localhost"}
			if accept != "" {
				fields = append(fields, accept)
			}
			if a := c.Get("/-/xray", fields...); a.Status != 200 || a.Header("Content-Encoding") != want {
				t.Errorf("%s: %d, in %q", accept, a.Status, a.Header("Content-Encoding"))
			}
		}
		if a := c.Get("/-/xray/", "Host: localhost"); a.Status != 308 || a.Header("Location") != "/-/xray" {
			t.Errorf("with a slash: %d to %q", a.Status, a.Header("Location"))
		}
		if a := c.Do("POST", "/-/xray", "", "Host: localhost"); a.Status != 405 || a.Header("Allow") != "GET, HEAD" {
			t.Errorf("by POST: %d, Allow %q", a.Status, a.Header("Allow"))
		}
		if a := c.Do("HEAD", "/-/xray/stream", "", "Host: localhost"); a.Status != 200 || a.Header("Content-Type") != "text/event-stream" {
			t.Errorf("HEAD of the stream: %d %q", a.Status, a.Header("Content-Type"))
		}
	})
}

// TestEachFileOfThePageIsUsed finds the files that the page has forgotten.
func TestEachFileOfThePageIsUsed(t *testing.T) {
	index, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(pageFiles, "page", func(path string, d fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, "page/"); !d.IsDir() && name != "index.html" && !strings.Contains(string(index), "\""+name+"\"") {
			t.Errorf("%s is in the folder, and not in the page", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTheDocsNameEachFieldOfTheStream compares docs/xray.md with a greeting and a frame.
func TestTheDocsNameEachFieldOfTheStream(t *testing.T) {
	text, err := os.ReadFile("../../docs/xray.md")
	if err != nil {
		t.Fatal(err)
	}
	s := stage(t, 1, Config{})
	calm(s.sources[0].shown, 1)
	s.frame.look(s)
	_, frame, _ := strings.Cut(string(s.frame.build(&watcher{})), "data: ")
	for _, event := range []string{string(s.inspector.hello(s.base, nil, true)), frame} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(event), &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/xray.md does not have %s", name)
			}
		}
	}
}
