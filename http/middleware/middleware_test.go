package middleware

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// asker asks a handler, over a simulated kernel.
type asker func(method, path string, fields ...string) *nethttp.Response

// with runs a server for as long as the test asks.
func with(t *testing.T, h http.Handler, test func(ask asker)) {
	t.Helper()
	play(t, h, func(c *client) { test(c.ask) })
}

// A client is a script that asks.
type client struct {
	*sim.Script
	t testing.TB
	k *sim.Kernel
}

// play runs a server for as long as any of its clients does.
func play(t testing.TB, h http.Handler, clients ...func(c *client)) {
	t.Helper()
	k := sim.New(1)
	server, err := http.NewServer(http.Config{Handler: h, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	for _, script := range clients {
		k.Go(func(s *sim.Script) { script(&client{s, t, k}) })
	}
	if err := k.Stage(t, server, server.Loop().Stopping); err != nil {
		t.Error(err)
	}
}

// send begins a request.
func (c *client) send(method, path string, fields ...string) *sim.Wire {
	w, err := c.k.Dial()
	if err != nil {
		c.t.Fatal(err)
	}
	more := strings.Join(append(fields, ""), "\r\n")
	c.Send(w, []byte(method+" "+path+" HTTP/1.1\r\nHost: a\r\n"+more+"Connection: close\r\n\r\n"))
	return w
}

func (c *client) ask(method, path string, fields ...string) *nethttp.Response {
	whole, err := c.ReceiveAll(c.send(method, path, fields...))
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
	}
	r, err := nethttp.ReadResponse(bufio.NewReader(bytes.NewReader(whole)), &nethttp.Request{Method: method})
	if err != nil {
		c.t.Fatalf("%s %s: %v: %q", method, path, err, whole)
	}
	return r
}

func body(r *nethttp.Response) string {
	p, _ := io.ReadAll(r.Body)
	return string(p)
}

func hello(w *http.Response, r *http.Request) error { return w.Text("hello") }

func TestGlobs(t *testing.T) {
	for _, row := range []struct {
		pattern string
		yes, no string
	}{
		{"/a", "/a", "/ /ab /a/ /b"},
		{"/*", "/ /a", "/a/b"},
		{"/**", "/ /a /a/b /a/b/", ""},
		{"/a/*", "/a/ /a/b", "/a /a/b/c /b/a/c"},
		{"/a/**", "/a/ /a/b /a/b/c", "/a /ab"},
		{"/**/x", "/a/x /a/b/x", "/a/x/b"},
		{"/a*c/d", "/ac/d /abc/d", "/a/c/d /abcd"},
		{"*.css", "/a.css /a/b.css", "/a.css/b /css /a.cssx"},
		{"a?c", "/abc /x/a-c", "/ac /a/c"},
		{"/a?c", "/abc", "/a/c"},
		{"**", "/ /a /a/b", ""},
	} {
		g, err := ParseGlob(row.pattern)
		if err != nil {
			t.Errorf("%s: %v", row.pattern, err)
		}
		for path := range strings.FieldsSeq(row.yes) {
			if !g.Match(path) {
				t.Errorf("%s does not stand for %s", row.pattern, path)
			}
		}
		for path := range strings.FieldsSeq(row.no) {
			if g.Match(path) {
				t.Errorf("%s stands for %s", row.pattern, path)
			}
		}
	}
	for pattern, want := range map[string]string{"": "empty", "a/b": `did you mean "/a/b"`, "/[ab]": "have no meaning here"} {
		if _, err := ParseGlob(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	list, err := ParseRedirects(strings.NewReader(`
# what was somewhere else
/old            /new
/blog/*         https://blog.example/:splat  302
/user/:id/edit  /edit?user=:id/x
/post/:year/:slug /:slug/:year 308
/all/*          /one 301
/query          /to?own=1
/app/*          /index.html 200!
/gone/*         /lost.html 404!
/host/*         /:splat
`))
	if err != nil {
		t.Fatal(err)
	}
	as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
	h := list.Forced(list.Missing(as), as)
	with(t, h, func(ask asker) {
		for _, row := range []struct {
			path   string
			status int
			to     string
		}{
			{"/old", 301, "/new"},
			{"/old/", 301, "/new"},
			{"/old?a=b", 301, "/new?a=b"},
			{"/older", 404, ""},
			{"/blog/a/b?c", 302, "https://blog.example/a/b?c"},
			{"/blog/", 302, "https://blog.example/"},
			{"/blog/a%20%3f%C3%A9", 302, "https://blog.example/a%20%3F%C3%A9"},
			{"/blog/a%0d%0aSet-Cookie:%20b", 302, "https://blog.example/a%0D%0ASet-Cookie:%20b"}, // no second field
			{"/a/../gone/x", 404, "as /lost.html"},
			{"/a/%2e%2E/gone/x", 404, "as /lost.html"},
			{"//gone//x", 404, "as /lost.html"},
			{"/./gone/./x", 404, "as /lost.html"},
			{"/gone%2Fx", 404, "as /lost.html"},
			{"/%67one%2f%2e/x", 404, "as /lost.html"},
			{"/a%2f..%2Fgone%2fx", 404, "as /lost.html"},
			{"/gone/..%2fold", 301, "/new"},
			{"/gone%5cx", 404, ""},
			{"/app/../../gone/x", 404, ""}, // out of the root
			{"/post/2026/a%20b", 308, "/a%20b/2026"},
			{"/post/2026", 404, ""},
			{"/all/x", 301, "/one"},
			{"/query?a=b", 301, "/to?own=1"},
			{"/app/deep/path", 200, "as /index.html"},
			{"/gone/x", 404, "as /lost.html"},
			{"/", 404, ""},
		} {
			got := ask("GET", row.path)
			to := got.Header.Get("Location")
			if text := body(got); strings.HasPrefix(text, "as ") {
				to = text
			}
			if got.StatusCode != row.status || to != row.to {
				t.Errorf("%s: %d to %q, want %d to %q", row.path, got.StatusCode, to, row.status, row.to)
			}
		}
		// What a visitor fills in must not become another host.
		if to := ask("GET", "/host//evil.example/x").Header.Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
			t.Errorf("it leads to %s", to)
		}
	})
	for text, want := range map[string]string{
		"/a":                 "line 1: ",
		"\n\na /b":           `line 3: `,
		"a /b":               `did you mean "/a"`,
		"/a b":               "neither a path nor a URL",
		"/a //b":             "neither a path nor a URL",
		"/a /b 300":          "is not a status",
		"/a /b yes":          "is not a status",
		"/*/a /b":            "must be at the end",
		"/*.js /b":           "must be at the end",
		"https:///a /b":      "no host name",
		"https://*.a/b /c":   "no host name",
		"https://a@b/c /d":   "no host name",
		"/a /:b":             "uses :b",
		"/a /:splat":         "uses :splat",
		"/a https://b/ 200":  "need a path of this site",
		"/a /b 301 /c":       "is not a redirect",
		"/a javascript:b(1)": "neither a path nor a URL",
	} {
		if _, err := ParseRedirects(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCORS(t *testing.T) {
	const ask, method = "Origin: https://a.example", "Access-Control-Request-Method: GET"
	for _, row := range []struct {
		name   string
		list   string
		method string
		fields []string
		status int
		origin string
	}{
		{"everybody may read", "*", "GET", []string{ask}, 200, "*"},
		{"also who is of here", "*", "GET", nil, 200, "*"},
		{"a friend may read", "https://a.example, https://b.example", "GET", []string{ask}, 200, "https://a.example"},
		{"a stranger may not", "https://b.example", "GET", []string{ask}, 200, ""},
		{"a part of a name is a stranger", "https://a.example.org", "GET", []string{ask}, 200, ""},
		{"a browser asks beforehand", "*", "OPTIONS", []string{ask, method}, 204, "*"},
		{"for a friend", "https://a.example", "OPTIONS", []string{ask, method, "Access-Control-Request-Headers: x-a, x-b"}, 204, "https://a.example"},
		{"for a stranger", "https://b.example", "OPTIONS", []string{ask, method}, 204, ""},
		{"OPTIONS alone asks nothing", "*", "OPTIONS", []string{ask}, 200, "*"},
	} {
		c, err := NewCORS(row.list)
		if err != nil {
			t.Fatal(err)
		}
		with(t, c.Wrap(hello), func(do asker) {
			got := do(row.method, "/", row.fields...)
			if got.StatusCode != row.status || got.Header.Get("Access-Control-Allow-Origin") != row.origin {
				t.Errorf("%s: %d %v", row.name, got.StatusCode, got.Header)
			}
			if row.list != "*" && got.Header.Get("Vary") != "Origin" {
				t.Errorf("%s: caches would mix them up", row.name)
			}
			exposed := got.Header.Get("Access-Control-Expose-Headers")
			if (exposed != "") != (row.origin != "" && row.status == 200) || exposed != "" && !(strings.Contains(exposed, "*") && strings.Contains(exposed, "Content-Range")) {
				t.Errorf("%s: scripts may read %q", row.name, exposed)
			}
			if row.status == 204 && (row.origin != "") != (got.Header.Get("Access-Control-Allow-Methods") == "GET, HEAD") {
				t.Errorf("%s: %v", row.name, got.Header)
			}
		})
	}
	friend := CORS{Origins: []string{"https://a.example"}}
	with(t, friend.Wrap(func(*http.Response, *http.Request) error { return errors.New("broken") }), func(do asker) {
		if got := do("GET", "/", ask); got.StatusCode != 500 || got.Header.Get("Access-Control-Allow-Origin") != "https://a.example" || got.Header.Get("Vary") != "Origin" {
			t.Errorf("a friend may read what went wrong: %d %v", got.StatusCode, got.Header)
		}
	})
	few := CORS{Origins: []string{"*"}, Expose: []string{"ETag", "X-A"}}
	with(t, few.Wrap(func(w *http.Response, r *http.Request) error {
		if r.Path() == "/own" {
			w.Add("Access-Control-Expose-Headers", "X-B")
		}
		return http.StatusRangeNotSatisfiable
	}), func(do asker) {
		for path, want := range map[string]string{"/": "ETag, X-A", "/own": "X-B"} {
			if got := do("GET", path, ask); got.StatusCode != 416 || strings.Join(got.Header["Access-Control-Expose-Headers"], "; ") != want {
				t.Errorf("%s: scripts may read what is listed, also of an error: %v, want %s", path, got.Header, want)
			}
		}
	})
	for list, want := range map[string]string{"example.org": "not an origin", "https://a/b": "not an origin", "*,https://a": "mixes * with", "": "not an origin", "https://*.a": "not an origin"} {
		if _, err := NewCORS(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("open: sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseUsers(strings.NewReader("# users\n\nali:" + string(hash) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	as := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	with(t, a.Wrap(hello), func(ask asker) {
		for range 2 { // and when it is remembered
			for _, row := range []struct {
				name   string
				field  string
				status int
			}{
				{"the right one", as("ali:open: sesame"), 200},
				{"the scheme has no case", strings.Replace(as("ali:open: sesame"), "Basic", "bASIC", 1), 200},
				{"a wrong one", as("ali:sesame"), 401},
				{"an empty one", as("ali:"), 401},
				{"another user's", as("kassim:open: sesame"), 401},
				{"a name without a password", as("ali"), 401},
				{"no field", "A: b", 401},
				{"another scheme", "Authorization: Bearer x", 401},
				{"what is not encoded", "Authorization: Basic ali:open", 401},
				{"one that is too long", as("ali:" + strings.Repeat("a", 100)), 401},
			} {
				got := ask("GET", "/", row.field)
				if got.StatusCode != row.status || (row.status == 401) != strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic realm=") {
					t.Errorf("%s: %d %v", row.name, got.StatusCode, got.Header)
				}
			}
		}
		a.checking = checksMax
		if got := ask("GET", "/", as("ali:guess")); got.StatusCode != 503 {
			t.Errorf("who guesses while others are checked: %d", got.StatusCode)
		}
		if got := ask("GET", "/", as("ali:open: sesame")); got.StatusCode != 200 {
			t.Errorf("who is remembered need not wait: %d", got.StatusCode)
		}
		a.checking = 0
	})
	if a.checking != 0 || len(a.right) != 1 {
		t.Errorf("%d are being checked, %d are remembered", a.checking, len(a.right))
	}
	if err := bcrypt.CompareHashAndPassword(dummy(bcrypt.MinCost), []byte("x")); err != bcrypt.ErrMismatchedHashAndPassword {
		t.Errorf("a dummy is no hash: %v", err)
	}
	for text, want := range map[string]string{
		"": "no user", "ali": "line 1: expected NAME:HASH", "\nali:x": "line 2: the password of \"ali\" is not a bcrypt hash",
		"ali:" + string(hash) + "\nali:" + string(hash): "line 2: duplicate user \"ali\"", ":" + string(hash): "line 1",
	} {
		if _, err := ParseUsers(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	for password, ok := range map[string]bool{"": false, "x": true, strings.Repeat("x", 72): true, strings.Repeat("x", 73): false} {
		hash, err := HashPassword(password)
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", len(password), err)
		}
		if ok && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
			t.Errorf("%d bytes: the hash is not its", len(password))
		}
	}
}

func TestSecurityFieldsAreFields(t *testing.T) {
	if _, err := http.Prepare(nil, SecurityFields...); err != nil || slices.Contains(SecurityFields, [2]string{}) {
		t.Error(err)
	}
}
