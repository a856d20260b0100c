package main

import (
	"io"
	"math"
	nethttp "net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bobbin-http/bobbin/http/static"
)

// try runs a command that ends by itself.
func try(args []string, stdin string, env map[string]string) (code int, out, complaint string) {
	var o, c strings.Builder
	code = run(args, strings.NewReader(stdin), &o, &c, func(name string) string { return env[name] }, false)
	return code, o.String(), c.String()
}

func TestWhatIsTypedGoesBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	dir := folder(t, map[string][]byte{"bobbin.toml": []byte(`
path = "."
port = 1000
clean-urls = true
index = ["start.html", "index.html"]
cache = ["/a/**=1y,immutable"]
[limit]
Body = "10m"
HeadTimeout = "5s"
`)})
	file := filepath.Join(dir, "bobbin.toml")
	env := map[string]string{"BOBBIN_PORT": "2000", "BOBBIN_SYMLINKS": "none", "BOBBIN_HEADER": "X-A: b\nX-C: d, e", "BOBBIN_TRUST": "10.0.0.0/8\n192.0.2.1,192.0.2.2", "PORT": "9"}
	code, out, complaint := try([]string{"config", "print", "-c", file, "--symlinks=all"}, "", env)
	if code != exitOK || complaint != "" {
		t.Fatalf("%d, %q", code, complaint)
	}
	for _, want := range []string{
		"path = '.' # " + file, "port = 2000 # environment", "clean-urls = true # " + file, "symlinks = 'all' # command line",
		"index = ['start.html', 'index.html'] # " + file, "cache = ['/a/**=1y,immutable'] # " + file,
		"header = ['X-A: b', 'X-C: d, e'] # environment", "trust = ['10.0.0.0/8', '192.0.2.1', '192.0.2.2'] # environment", "listing = 'auto' # default", "[limit] # " + file, "Body = '10m'", "HeadTimeout = '5s'",
	} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("there is no %s in\n%s", want, out)
		}
	}
	// What is printed says the same.
	again := filepath.Join(dir, "again.toml")
	if err := os.WriteFile(again, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	code, twice, complaint := try([]string{"config", "print", "-c", again}, "", nil)
	if strip := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			value, _, _ := strings.Cut(line, " # ")
			lines = append(lines, strings.TrimSpace(value))
		}
		return strings.Join(lines, "\n")
	}; code != exitOK || strip(twice) != strip(out) {
		t.Errorf("%d, %q: printed and read again it is\n%s", code, complaint, twice)
	}
	if code, out, complaint := try([]string{"config", "test", "-c", file, dir}, "", nil); code != exitOK || out != "the configuration is valid\n" {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
}

func TestAFileWithAMistakeIsNamedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"prot = 1":                      `:1:1: unknown setting "prot"; did you mean port?`,
		"\n[limits]\nBody = '1'":        `:2:2: unknown setting "limits"; did you mean limit?`,
		"port = ":                       ":1:7: this is not TOML: expected value",
		"config = 'other.toml'":         `:1:1: unknown setting "config"`,
		"help = true":                   `:1:1: unknown setting "help"`,
		"public = true\npublic = false": ":2:",
		"port = 1\n[port]\na = 1":       ":2:",

		"port = 'x'":                  `:1:8: port must be a whole number, not a string: write port = 8080`,
		"\n  port =  1.5":             `:2:11: port must be a whole number, not a number with a fraction: write port = 8080`,
		"port = true":                 `:1:8: port must be a whole number, not a boolean`,
		"port = 2020-01-01":           `:1:8: port must be a whole number, not a date or a time`,
		"public = 'yes'":              `:1:10: public must be true or false, not a string: write public = true`,
		"public = 1":                  `:1:10: public must be true or false, not a number`,
		"cache = 'no-cache'":          `:1:9: cache must be a list of strings, not a string: write cache = ['no-cache']`,
		"cache = 5":                   `:1:9: cache must be a list of strings, not a number: write cache = ["…"]`,
		"index = ['a.html', 5]":       `:1:9: index must be a list of strings, and item 2 of it is a number`,
		"cors = 5":                    `:1:8: cors must be a string, not a number: write cors = "…"`,
		"http2 = false":               `:1:9: http2 must be a string, not a boolean: write http2 = "off"`,
		"spa = true":                  `:1:7: spa must be a string, not a boolean: write spa = 'index.html'`,
		"path = ['a']":                `:1:8: path must be a string, not a list`,
		"[cors]\na = 1":               `:1:6: cors must be a string, not a table`,
		"cors.a = 1":                  `:1:5: cors must be a string, not a table`,
		"limit = 5":                   `:1:9: limit must be a table, not a number: write [limit], and below it Body = "10m"`,
		"[[limit]]\nBody = '1m'":      `limit must be a table, not a list`,
		"[limit]\nBody = [1]":         `limit.Body must be a string or a whole number, not a list: write Body = "10m"`,
		"\"po\\u0072t\" = 'x'":        `:1:15: port must be a whole number`,
		"[limit]\nBodyy = '1'":        "did you mean Body?",
		"[limit]\nBody = -1":          "not a number above 0",
		"port = 99999999999999999999": ":1:",

		// What is wrong is found later, and its place is still known.
		"\nport = 65536":                     `choose a port from 0 to 65535 (--port comes from FILE:2:1)`,
		"cache = ['imutable']":               `did you mean immutable? (--cache comes from FILE:1:1)`,
		"\nsymlinks = 'sometimes'\npath='.'": `choose one of all, inside, none (--symlinks comes from FILE:2:1)`,
		"[limit]\nBody = '1m'\nConns = 'x'":  `write 100, 8k, 1m or 2g (--limit Conns comes from FILE:3:1)`,
		"limit.Conns = 'x'":                  `(--limit Conns comes from FILE:1:7)`,
		"limit = {Conns = 'x'}":              `(--limit comes from FILE:1:1)`,
		"quiet = true\nverbose = true":       `remove one (--quiet comes from FILE:1:1, --verbose comes from FILE:2:1)`,
	} {
		file := filepath.Join(t.TempDir(), "bobbin.toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		want = strings.ReplaceAll(want, "FILE", file)
		code, out, complaint := try([]string{"config", "test", "-c", file}, "", nil)
		if code != exitUsage || !strings.Contains(complaint, want) || strings.Count(complaint, "\n") != 1 || out != "" {
			t.Errorf("%q: %d, %q, want %q", text, code, complaint, want)
		}
	}
	code, _, complaint := try(nil, "", map[string]string{"BOBBIN_PORT": "http"})
	if code != exitUsage || !strings.Contains(complaint, "BOBBIN_PORT") {
		t.Errorf("%d, %q", code, complaint)
	}
}

func TestLimitsThatDoNotFitAreErrorsThatSayTheRange(t *testing.T) {
	most := strconv.Itoa(math.MaxInt)
	for setting, want := range map[string]string{
		"IdleTimeout=2562047h":            "",
		"IdleTimeout=2562048h":            "the maximum is 2562047h",
		"IdleTimeout=9999999999999999s":   "the maximum is 2562047h",
		"IdleTimeout=0":                   "is not a duration",
		"IdleTimeout=5":                   "is not a duration",
		"Requests=2147483647":             "",
		"Requests=9223372036854775807999": "the maximum is " + most,
		"Requests=2147483648":             "to 2147483647",
		"Requests=2g":                     "to 2147483647",
		"Requests=-1":                     "not a number above 0",
		"Requests=0":                      "not a number above 0",
		"Body=9223372036854775807":        "",
		"Body=8g":                         "",
		"Body=9223372036854775808":        "the maximum is 9223372036854775807",
		"Body=9007199254740992k":          "the maximum is 9223372036854775807",
		"FieldCount=101":                  "more than the 100",
		"Conns=2147483647":                "",
		"HighWater=99999999999999999999g": "the maximum is " + most,
	} {
		if math.MaxInt == math.MaxInt32 && strings.HasPrefix(setting, "Requests=2147483648") {
			want = "the maximum is 2147483647"
		}
		code, _, complaint := try([]string{"config", "test", "--limit", setting}, "", nil)
		if (want == "") != (code == exitOK) || !strings.Contains(complaint, want) || strings.Count(complaint, "\n") > 1 {
			t.Errorf("%s: %d, %q, want %q", setting, code, complaint, want)
		}
	}
}

func TestHash(t *testing.T) {
	for _, row := range []struct {
		args, typed string
		code        int
		says        string
	}{
		{"hash ali", "open sesame\n", exitOK, "ali:$2a$"},
		{"hash", "ali\nopen sesame", exitOK, "ali:$2a$"},
		{"hash ali", "", exitUsage, "the input is empty"},
		{"hash ali", "\n", exitUsage, "the password is empty"},
		{"hash", "a:b\nx\n", exitUsage, "contain a colon"},
	} {
		code, out, complaint := try(strings.Fields(row.args), row.typed, nil)
		if code != row.code || !strings.Contains(out+complaint, row.says) {
			t.Errorf("%s: %d, %q, %q", row.args, code, out, complaint)
		}
	}
}

func TestPrecompress(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("all work and no play\n", 1000))
	dir := folder(t, map[string][]byte{"a.html": text, "sub/b.js": text, "c.png": text, "short.css": []byte("a"), "a.html.gz": []byte("of an older one"),
		"packed.svgz": append([]byte("\x1f\x8b\x08"), text...)})
	code, out, complaint := try([]string{"precompress", dir}, "", nil)
	if code != exitOK || complaint != "" || !strings.HasPrefix(out, "3 files, 63003 bytes; ") {
		t.Fatalf("%d, %q, %q", code, out, complaint)
	}
	var names []string
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if d.Type().IsRegular() {
			names = append(names, strings.TrimPrefix(name, dir+"/"))
		}
		return err
	})
	want := []string{"a.html", "a.html.br", "a.html.gz", "a.html.zst", "c.png", "packed.svgz", "short.css", "sub/b.js", "sub/b.js.br", "sub/b.js.gz", "sub/b.js.zst"}
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("there are %s", names)
	}
	files, err := static.Open(dir, static.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files.Close()
	p := start(t, "", dir)
	for coding, compressed := range map[string]bool{"br": true, "zstd": true, "gzip": true, "identity": false} {
		r, _ := nethttp.NewRequest("GET", p.url+"a.html", nil)
		r.Header.Set("Accept-Encoding", coding)
		answer, err := nethttp.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if (answer.Header.Get("Content-Encoding") == coding) != compressed || (len(body) < 1000) != compressed {
			t.Errorf("%s: %d bytes, %v, %v", coding, len(body), answer.Header, err)
		}
	}
	nethttp.DefaultTransport.(*nethttp.Transport).CloseIdleConnections()
}

// TestASiteWithRules serves a folder with all that can be said about it.
func TestASiteWithRules(t *testing.T) {
	t.Parallel()
	_, users, _ := try([]string{"hash", "ali"}, "open sesame", nil)
	dir := folder(t, map[string][]byte{
		"index.html": []byte("<h1>here"), "app.js": some, "assets/a.1234.css": []byte("a"), "docs/index.html": []byte("docs"), "data.xyz": []byte("x"), "about": []byte("a"), "app.wasm.br": []byte("packed"),
		"_redirects": []byte("/old/* /docs/:splat\n/api/* /index.html 200\n"),
		"_headers":   []byte("/docs/*\n  X-Docs: yes\n/app.wasm.br\n  Content-Encoding: br\n"),
	})
	passwords := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(passwords, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--cache", "/assets/**=1y,immutable", "--cache", "*.js=10m", "-H", "X-All: yes", "-H", "*.js: X-All: no", "-H", "app.js: X-Named: yes", "-H", "about: Content-Type: text/html; charset=koi8-r", "--netlify",
		"--redirect", "/go https://example.org/ 302!", "--cors", "--security", "--type", "xyz=chemical/x-xyz", "--auth", passwords, dir)
	client := nethttp.Client{CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for _, row := range []struct {
		path   string
		status int
		name   string
		want   string
	}{
		{"/", 200, "Cache-Control", "no-cache"},
		{"/", 200, "X-Content-Type-Options", "nosniff"},
		{"/", 200, "Access-Control-Allow-Origin", "*"},
		{"/assets/a.1234.css", 200, "Cache-Control", "max-age=31536000, immutable"},
		{"/app.js", 200, "Cache-Control", "max-age=600"},
		{"/app.js", 200, "X-All", "no"},
		{"/app.js", 200, "X-Named", "yes"},
		{"/", 200, "X-Named", ""},
		{"/", 200, "app.js", ""},
		{"/about", 200, "Content-Type", "text/html; charset=koi8-r"},
		{"/app.wasm.br", 200, "Content-Type", "application/wasm"},
		{"/app.wasm.br", 200, "Content-Encoding", "br"},
		{"/data.xyz", 200, "Content-Type", "chemical/x-xyz"},
		{"/docs/", 200, "X-Docs", "yes"},
		{"/old/a", 301, "Location", "/docs/a"},
		{"/go", 302, "Location", "https://example.org/"},
		{"/api/x/y", 200, "Content-Type", "text/html; charset=utf-8"},
		{"/missing", 404, "X-Docs", ""},
	} {
		r, err := nethttp.NewRequest("GET", strings.TrimSuffix(p.url, "/")+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ali", "open sesame")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != row.status || answer.Header.Get(row.name) != row.want {
			t.Errorf("%s: %d, %v", row.path, answer.StatusCode, answer.Header)
		}
	}
	answer, err := client.Get(p.url)
	if err != nil || answer.StatusCode != 401 {
		t.Errorf("without a password: %v, %v", answer, err)
	}
	answer.Body.Close()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestTheFileInTheDocsIsRead reads the example of docs/files.md.
func TestTheFileInTheDocsIsRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/files.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```toml\n")
	example, _, ok := strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "bobbin.toml")
	if err := os.WriteFile(file, []byte(example), 0o644); err != nil || !ok {
		t.Fatal(err, ok)
	}
	code, out, complaint := try([]string{"config", "print", "-c", file}, "", nil)
	if code != exitOK || !strings.Contains(out, "spa = 'index.html' # "+file) {
		t.Errorf("%d, %q, %q", code, complaint, out)
	}
}
