package http

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	nethttp "net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// A question is a request without a connection, as routers are asked.
type question struct {
	x    exchange
	seen string // the pattern whose handler was called, and the values of the wildcards that were asked for
}

// newQuestion makes a question of a method and a target, "GET /a", and of a host.
func newQuestion(t testing.TB, request, host string) *question {
	t.Helper()
	q := &question{}
	q.x.request.x, q.x.response.x = &q.x, &q.x
	q.x.reset()
	q.x.conn = &conn{server: &Server{anyMethod: true}}
	q.x.raw = []byte(request + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
	limits := Limits{}.withDefaults()
	parsing := limits.parsing()
	if why := q.x.head.Parse(q.x.raw, &parsing); why != nil {
		t.Fatalf("%q at %q: %v", request, host, why)
	}
	if why := q.x.refusal(); why != nil {
		t.Fatalf("no router ever sees %q: %v", request, why)
	}
	return q
}

// ask returns what a router does: "the pattern x=value", or the status and the
// one field that goes with it.
func (q *question) ask(h Handler) string {
	asked = q
	q.seen = ""
	if err := h(&q.x.response, &q.x.request); err != nil {
		field, _, _ := strings.Cut(string(q.x.response.fields), "\r\n")
		return strings.TrimSpace(fmt.Sprintf("%d %s", int(err.(Status)), field))
	}
	return q.seen
}

// asked is the question that notes the pattern.
var asked *question

// noted is a handler that says by which pattern it was called, and what the
// wildcards stand for whose names are in it.
func noted(w *Response, r *Request) error {
	asked.seen = r.Pattern() + valuesOf(r.Pattern(), r.PathValue)
	return nil
}

func valuesOf(pattern string, value func(string) string) (text string) {
	for piece := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(piece, "{"); ok && piece != "{$}" {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
			text += fmt.Sprintf(" %s=%q", name, value(name))
		}
	}
	return text
}

// routerOf registers patterns, all for noted.
func routerOf(patterns ...string) *Router {
	r := new(Router)
	for _, p := range patterns {
		r.Handle(p, noted)
	}
	return r
}

// muxOf does the same for net/http.
func muxOf(patterns ...string) *nethttp.ServeMux {
	mux := new(nethttp.ServeMux)
	for _, p := range patterns {
		mux.Handle(p, muxNoted)
	}
	return mux
}

var muxNoted = nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
	fmt.Fprint(w, r.Pattern, valuesOf(r.Pattern, r.PathValue))
})

// askMux asks net/http.
func askMux(mux nethttp.Handler, request, host string) string {
	r := httptest.NewRequest("GET", "/", nil)
	method, target, _ := strings.Cut(request, " ")
	if u, err := r.URL.Parse(target); err == nil {
		r.URL = u
	}
	if strings.HasPrefix(target, "/") { // "//a" is a path here
		p, query, _ := strings.Cut(target, "?")
		parsed := httptest.NewRequest("GET", "http://h"+p, nil)
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.Host = parsed.URL.Path, parsed.URL.RawPath, query, ""
	}
	r.Method, r.Host = method, host
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	switch {
	case w.Code == 200:
		return w.Body.String()
	case w.Code == 405:
		return "405 Allow: " + w.Header().Get("Allow")
	case w.Code == 404:
		return "404"
	}
	return fmt.Sprintf("%d Location: %s", w.Code, w.Header().Get("Location"))
}

func TestRouterChoosesAsNetHTTPDoes(t *testing.T) {
	users := []string{"GET /users/{id}", "POST /users/{id}", "GET /users/me", "/users/{id}/posts/{post}", "/users/"}
	hosts := []string{"/a", "example.com/", "GET example.com/b/{$}", "/b/"}
	tests := []struct {
		name     string
		patterns []string
		request  string
		host     string
		want     string
	}{
		{"a wildcard stands for one segment", users, "GET /users/7", "a", `GET /users/{id} id="7"`},
		{"HEAD is served where GET is", users, "HEAD /users/7", "a", `GET /users/{id} id="7"`},
		{"the same path has a handler for each method", users, "POST /users/7", "a", `POST /users/{id} id="7"`},
		{"who has no handler of its own goes up", users, "PUT /users/7", "a", `/users/`},
		{"a literal is narrower than a wildcard", users, "GET /users/me", "a", `GET /users/me`},
		{"two wildcards have two values", users, "GET /users/7/posts/8", "a", `/users/{id}/posts/{post} id="7" post="8"`},
		{"what begins like something longer goes back", users, "GET /users/me/posts/8", "a", `/users/{id}/posts/{post} id="me" post="8"`},
		{"a subtree has everything below it", users, "GET /users/7/posts", "a", `/users/`},
		{"and its root", users, "GET /users/", "a", `/users/`},
		{"the folder is redirected to, with its query", users, "GET /users?a=b&c", "a", `307 Location: /users/?a=b&c`},
		{"whatever the method, which a 307 keeps", users, "POST /users", "a", `307 Location: /users/`},
		{"nothing is nowhere", users, "GET /", "a", `404`},

		{"empty segments are cleaned away", users, "GET //users///me", "a", `307 Location: /users/me`},
		{"dots are, too", users, "GET /x/../users/./me?q", "a", `307 Location: /users/me?q`},
		{"and the slash is set in the same step", users, "GET /x/../users", "a", `307 Location: /users/`},
		{"no path climbs above the root", users, "GET /../../x/..", "a", `307 Location: /`},
		{"a slash at the end stays", users, "GET //x/y//", "a", `307 Location: /x/y/`},
		{"three dots are a name", users, "GET /users/...", "a", `GET /users/{id} id="..."`},
		{"so is what begins with a dot", users, "GET /users/.x", "a", `GET /users/{id} id=".x"`},
		{"a redirect is never to another host", []string{"/{x}/"}, "GET //evil.example", "a", `307 Location: /evil.example/`},
		{"not by way of a dot", []string{"/{x}/"}, "GET /.//evil.example", "a", `307 Location: /evil.example/`},
		{"nor by a backslash, which browsers take for a slash", []string{"/{x}/"}, `GET /\evil.example`, "a", `307 Location: /%5Cevil.example/`},

		{"letters of all languages may be sent as they are", []string{"/é/{x}"}, "GET /é/ü", "a", `/é/{x} x="ü"`},
		{"or escaped, which is the same", []string{"/é/{x}"}, "GET /%C3%A9/%C3%BC", "a", `/é/{x} x="ü"`},
		{"in the pattern, too", []string{"/%C3%A9/{x}"}, "GET /é/\xff", "a", `/%C3%A9/{x} x="\xff"`},
		{"values are decoded", []string{"/{x}"}, "GET /a%20%C3%A9%2e", "a", `/{x} x="a é."`},
		{"an escaped slash is in a segment", []string{"/{x}", "/a/b"}, "GET /a%2Fb", "a", `/{x} x="a/b"`},
		{"escapes are compared decoded, on both sides", []string{"/a%2fb/%7euser", "/{x...}"}, "GET /%61%2Fb/~user", "a", `/a%2fb/%7euser`},
		{"an escaped slash in the rest is one", []string{"/f/{p...}", "/a/"}, "GET /f/a%2Fb", "a", `/f/{p...} p="a/b"`},
		{"what is decoded is not decoded again", []string{"/{x}"}, "GET /%2541", "a", `/{x} x="%41"`},
		{"long segments are compared, too", []string{"/" + strings.Repeat("long", 50), "/"}, "GET /%6C" + strings.Repeat("long", 50)[1:], "a", "/" + strings.Repeat("long", 50)},

		{"the rest may be several segments", []string{"/f/{p...}"}, "GET /f/a/b%2Fc", "a", `/f/{p...} p="a/b/c"`},
		{"it may end with a slash", []string{"/f/{p...}"}, "GET /f/a/", "a", `/f/{p...} p="a/"`},
		{"it may be empty", []string{"/f/{p...}"}, "GET /f/", "a", `/f/{p...} p=""`},
		{"but needs its slash", []string{"/f/{p...}"}, "GET /f", "a", `307 Location: /f/`},
		{"a wildcard is never empty", []string{"/f/{p}"}, "GET /f/", "a", `404`},
		{"the end is only the end", []string{"/f/{$}"}, "GET /f/a", "a", `404`},
		{"the end is narrower than the rest", []string{"/f/{$}", "/f/"}, "GET /f/", "a", `/f/{$}`},
		{"the end is redirected to", []string{"/f/{$}", "/"}, "GET /f", "a", `307 Location: /f/`},
		{"the root stands alone", []string{"/{$}"}, "GET /", "a", `/{$}`},

		{"without the method there is a list", []string{"POST /a", "GET /a", "PUT /{x}"}, "DELETE /a", "a", `405 Allow: GET, HEAD, POST, PUT`},
		{"of what would be redirected, too", []string{"POST /a/"}, "GET /a", "a", `405 Allow: POST`},
		{"HEAD alone is not GET", []string{"HEAD /a"}, "GET /a", "a", `405 Allow: HEAD`},
		{"HEAD has the narrower pattern", []string{"HEAD /a", "GET /a"}, "HEAD /a", "a", `HEAD /a`},
		{"a pattern without a method has all", []string{"/a", "PUT /a"}, "OPTIONS /a", "a", `/a`},
		{"an unclean path is cleaned before the method is looked at", []string{"POST /a"}, "GET //a", "a", `307 Location: /a`},

		{"a method that HTTP does not have may have a pattern", []string{"/", "BREW /a"}, "BREW /a", "a", `BREW /a`},
		{"whichever of the two is registered first", []string{"BREW /a", "/{x}", "/"}, "BREW /a", "a", `BREW /a`},
		{"another path has the pattern for every method", []string{"/", "BREW /a"}, "BREW /b", "a", `/`},
		{"so has another method", []string{"/", "BREW /a"}, "STEEP /a", "a", `/`},
		{"and one that HTTP has", []string{"/", "BREW /a"}, "GET /a", "a", `/`},
		{"methods have case", []string{"/", "BREW /a"}, "Brew /a", "a", `/`},
		{"its folder is redirected to", []string{"BREW /a/"}, "BREW /a", "a", `307 Location: /a/`},
		{"it is on the list", []string{"GET /a", "BREW /a", "BREW /b"}, "PUT /a", "a", `405 Allow: BREW, GET, HEAD`},
		{"and reads it", []string{"GET /a", "BREW /b"}, "BREW /a", "a", `405 Allow: GET, HEAD`},
		{"it may have a host", []string{"BREW h/a", "/a"}, "BREW /a", "h", `BREW h/a`},
		{"and values", []string{"BREW /{x}/{y...}"}, "BREW /a%2Fb/c", "h", `BREW /{x}/{y...} x="a/b" y="c"`},

		{"a host comes first", hosts, "GET /a", "example.com", `example.com/`},
		{"for others there is none", hosts, "GET /a", "example.org", `/a`},
		{"a port makes no difference", hosts, "GET /a", "example.com:8080", `example.com/`},
		{"what has no handler at the host may have one without", []string{"GET h/a", "/b"}, "GET /b", "h", `/b`},
		{"lists are of both", []string{"GET h/a", "POST /a"}, "PUT /a", "h", `405 Allow: GET, HEAD, POST`},
		{"a subtree of the host hides the folder of all", hosts, "GET /b", "example.com", `307 Location: /b/`},
		{"even if nothing else does", []string{"h/", "/b/"}, "GET /b", "h", `h/`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := newQuestion(t, test.request, test.host).ask(routerOf(test.patterns...).Serve); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if got := askMux(muxOf(test.patterns...), test.request, test.host); got != test.want {
				t.Errorf("net/http: %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestWhatDiffersFromNetHTTPOnPurpose has a row for each line of that list in the
// comment of Router, refused patterns excepted.
func TestWhatDiffersFromNetHTTPOnPurpose(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		request  string
		host     string
		want     string
		theirs   string
	}{
		{"hosts have no case", []string{"Example.com/"}, "GET /", "eXample.COM", `Example.com/`, `404`},
		{"an IPv6 address has its brackets", []string{"[::1]/"}, "GET /", "[::1]:80", `[::1]/`, `404`},
		{"an escaped slash is not the end", []string{"/{$}"}, "GET /%2F", "a", `404`, `/{$}`},
		{"but a segment", []string{"/{x}"}, "GET /%2F", "a", `/{x} x="/"`, `404`},
		{"a path is divided as it was sent", []string{"/{x}"}, `GET /a%2Fb|`, "a", `/{x} x="a/b|"`, `404`},
		{"no path is the root", []string{"/{$}"}, "GET http://h", "h", `/{$}`, `307 Location: /`},
		{"and has an empty rest", []string{"/{x...}"}, "GET http://h", "h", `/{x...} x=""`, `307 Location: /`},
		{"a redirect keeps escapes", []string{"/"}, "GET //%61%2Fb", "a", `307 Location: /%61%2Fb`, `307 Location: /%2561%252Fb`},
		{"of a folder, too", []string{"/{x}/"}, "GET /%61%2Fb", "a", `307 Location: /%61%2Fb/`, `307 Location: /a/b/`},
		{"an escaped dot is a dot", []string{"/"}, "GET /x/%2e%2E/a", "a", `307 Location: /a`, `/`},
		{"the rest takes no slash that leads to another pattern", []string{"/", "/a/"}, "GET /a%2Fb", "a", `404`, `/`},
		{"whatever it is called", []string{"/{p...}", "/a/{x}"}, "GET /a%2fb", "a", `404`, `/{p...} p="a/b"`},
		{"nor by way of dots", []string{"/", "/a/"}, "GET /x%2F..%2Fa/b", "a", `404`, `/`},
		{"nor of escaped ones", []string{"/", "/a/"}, "GET /x%2F%2e%2e%2Fa%2Fb", "a", `404`, `/`},
		{"nor to the folder of another pattern", []string{"/", "/a/b/"}, "GET /a%2Fb", "a", `404`, `/`},
		{"nor out of its own", []string{"/f/{p...}", "/a"}, "GET /f/..%2Fa", "a", `404`, `/f/{p...} p="../a"`},
		{"to where there is nothing neither", []string{"/f/{p...}"}, "GET /f/..%2F..%2Fetc", "a", `404`, `/f/{p...} p="../../etc"`},
		{"nor above the root and back", []string{"/{p...}"}, "GET /a%2F..%2F..%2Fb", "a", `404`, `/{p...} p="a/../../b"`},
		{"that a wildcard before it has a slash does not matter", []string{"/u/{id}/f/{p...}", "/"}, "GET /u/a%2Fb/f/c%2Fd", "a", `/u/{id}/f/{p...} id="a/b" p="c/d"`, `/u/{id}/f/{p...} id="a/b" p="c/d"`},
		{"dots at the end are a folder", []string{"/"}, "GET /a/.", "a", `307 Location: /a/`, `307 Location: /a`},
		{"above another, too", []string{"/"}, "GET /a/b/..", "a", `307 Location: /a/`, `307 Location: /a`},
		{"an escaped slash does not hide dots at the end", []string{"/{x}/{y}", "/a/b/{$}"}, "GET /a/b%2F.", "a", `/{x}/{y} x="a" y="b/."`, `/{x}/{y} x="a" y="b/."`},
		{"nor from the rest", []string{"/{p...}", "/a/{$}"}, "GET /a%2F%2e", "a", `404`, `/{p...} p="a/."`},
		{"OPTIONS has the list for its answer", []string{"POST /a", "GET /a"}, "OPTIONS /a", "a", `204 Allow: GET, HEAD, POST, OPTIONS`, `405 Allow: GET, HEAD, POST`},
		{"but not of a path that is not there", []string{"GET /a"}, "OPTIONS /b", "a", `404`, `404`},
		{"and a pattern that has it comes first", []string{"GET /a", "OPTIONS /"}, "OPTIONS /a", "a", `OPTIONS /`, `OPTIONS /`},
		{"a redirect escapes what is no part of a URI", []string{"/é/"}, "GET /é?ü=|\xff", "a", `307 Location: /%C3%A9/?%C3%BC=%7C%FF`, `307 Location: /%C3%A9/?%c3%bc=|%ff`},
		{"a redirect keeps a query that is empty", []string{"/a/"}, "GET /a?", "a", `307 Location: /a/?`, `307 Location: /a/`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := newQuestion(t, test.request, test.host).ask(routerOf(test.patterns...).Serve); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if got := askMux(muxOf(test.patterns...), test.request, test.host); got != test.theirs {
				t.Errorf("net/http is not what it was: %s\nwant %s", got, test.theirs)
			}
		})
	}
	q := newQuestion(t, "GET //a", "a")
	if got := q.ask(routerOf("/{x}").Serve); got != "307 Location: /a" || q.x.request.Pattern() != "" || q.x.request.PathValue("x") != "" {
		t.Errorf("%s has the pattern %q", got, q.x.request.Pattern())
	}
}

// dotsAtTheEnd of the path of a request, which may have a query.
var dotsAtTheEnd = regexp.MustCompile(`(/\.\.?)(?:$|(\?))`)

// TestRouterAgreesWithNetHTTP asks both for thousands of made-up requests.
func TestRouterAgreesWithNetHTTP(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	answers, conflicts, kinds := make(map[string]int), 0, []string{"307", "404", "405"}
	for seed := range uint64(rounds) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		ours, theirs := new(Router), new(nethttp.ServeMux)
		var patterns []string
		for range 3 + d.IntN(8) {
			p := d.pattern()
			ourPanic, theirPanic := panics(func() { ours.Handle(p, noted) }), panics(func() { theirs.Handle(p, muxNoted) })
			if (ourPanic == "") != (theirPanic == "") {
				t.Fatalf("seed %d: %q after %q: we say %q, and net/http %q", seed, p, patterns, ourPanic, theirPanic)
			}
			if ourPanic != "" {
				conflicts++
				continue
			}
			patterns = append(patterns, p)
		}
		for range 10 {
			request, host := d.request()
			got := newQuestion(t, request, host).ask(ours.Serve)
			request = strings.ReplaceAll(request, "%2e", ".")         // which they tell apart
			request = dotsAtTheEnd.ReplaceAllString(request, "$1/$2") // for net/http they end no folder
			want := askMux(theirs, request, host)
			if strings.HasPrefix(want, "307") && strings.Contains(request, "%") {
				want = "307 Location: " + cleaned(request, strings.HasSuffix(want, "/"))
			}
			if got == "404" && strings.Contains(request, "%2f") && want != got {
				// The rest of a path has taken an escaped slash.
				other := askMux(theirs, strings.ReplaceAll(request, "%2f", "/"), host)
				if _, isOpen := openEnd(want); other == want || !isOpen {
					t.Fatalf("seed %d: of %q, %q at %q is 404, and with a slash in place of the escape it is %s, too", seed, patterns, request, host, want)
				}
				continue
			}
			if got != want {
				t.Fatalf("seed %d: of %q, %q at %q is\n%s, with net/http\n%s", seed, patterns, request, host, got, want)
			}
			kind, _, _ := strings.Cut(want, " ")
			if !slices.Contains(kinds, kind) {
				kind = "found"
			}
			answers[kind]++
		}
	}
	for _, kind := range append(kinds, "found") {
		if answers[kind] < rounds/10 {
			t.Errorf("only %d answers are %s: the dice are loaded", answers[kind], kind)
		}
	}
	if conflicts < rounds/10 {
		t.Errorf("only %d conflicts", conflicts)
	}
}

// openEnd reports whether an answer of noted names a pattern that matches a subtree.
func openEnd(answer string) (pattern string, ok bool) {
	pattern = regexp.MustCompile(` \w+="`).Split(answer, 2)[0]
	return pattern, strings.HasSuffix(pattern, "/") || strings.HasSuffix(pattern, "...}")
}

// cleaned is what a request with escapes should be redirected to.
func cleaned(request string, folder bool) string {
	_, target, _ := strings.Cut(request, " ")
	target = path.Clean(target)
	if folder && target != "/" {
		target += "/"
	}
	return target
}

func panics(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

// dice make patterns and requests that are likely to meet.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) pattern() string {
	p := d.one("", "", "GET ", "GET ", "POST ", "HEAD \t", "DELETE ", "BREW ", "STEEP ") + d.one("", "", "", "h.example", "g")
	for n := range d.IntN(4) {
		p += d.one("/a", "/a", "/b", "/c", "/%61", "/a%2Fb", "/a%20", fmt.Sprintf("/{x%d}", n), fmt.Sprintf("/{y%d}", n))
	}
	if p == "" || !strings.Contains(p, "/") {
		return p + d.one("/", "/{$}", "/{rest...}")
	}
	return p + d.one("", "", "", "/", "/{$}", "/{rest...}")
}

func (d dice) request() (request, host string) {
	request = d.one("GET", "GET", "HEAD", "POST", "DELETE", "PUT", "BREW", "BREW", "STIR") + " "
	for range d.IntN(5) {
		request += d.one("/a", "/a", "/a", "/b", "/b", "/c", "/d", "/%61", "/a%2fb", "/a%20", "/a", "/b", "/.", "/..", "/", "/%2e", "/...")
	}
	if strings.HasSuffix(request, " ") || d.IntN(4) == 0 {
		request += "/"
	}
	if !strings.Contains(request, "%") {
		request += d.one("", "", "?q=1&r")
	}
	return request, d.one("a", "h.example", "h.example:80", "g", "g:")
}

func TestPatternsThatCannotBeMeantAreRefused(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		want    string // behind "http: bad pattern …"
	}{
		{"nothing", "", `at offset 0: it is empty: write "/" for all paths`},
		{"a method alone", "GET ", `at offset 4: there is no path: write "GET /" for all paths`},
		{"a method without a blank", "post", `at offset 0: there is no path: write "POST /" for all paths`},
		{"a path without its slash", "GET users", `at offset 4: there is no "/": write "/users" if it is a path, or "users/" if it is a host`},
		{"small letters", "get /", `at offset 0: "get" is another method than "GET", and most likely not meant: write "GET"`},
		{"a method that is none", "GET,POST /", `at offset 0: "GET,POST" is no method`},
		{"a method that is refused", "CONNECT /", `at offset 0: no handler ever sees the method "CONNECT": the server refuses it`},
		{"a blank in a path", "/a b", `at offset 0: a blank can only stand behind the method: in a path, write "%20"`},
		{"a port", "GET a.example:80/", `at offset 4: ports are not compared: write "a.example"`},
		{"a wildcard in a host", "{user}.example/", `at offset 0: a host has no wildcards, and a path begins with "/"`},
		{"a host that is none", "a<b/", `at offset 0: "a<b" is no host`},
		{"an empty segment", "/a//b", `at offset 3: a path is cleaned before it is compared: write one "/" in place of several`},
		{"dots", "/a/../b", `at offset 3: a path is cleaned before it is compared: leave "../" out`},
		{"half an escape", "/a%2", `at offset 1: a percent sign begins an escape: for the sign itself, write "%25"`},
		{"half a wildcard", "/a/{b", `at offset 3: a wildcard is a whole segment, such as "/{name}/", and "{b" is not`},
		{"a wildcard in a segment", "/a/v{b}", `at offset 3: a wildcard is a whole segment, such as "/{name}/", and "v{b}" is not`},
		{"an end that is none", "/{$}/a", `at offset 1: "{$}" is the end of the path: leave out what stands behind it`},
		{"a rest before something", "/{a...}/b", `at offset 1: "{a...}" takes all that comes: leave out what stands behind it, or write "{a}"`},
		{"a wildcard without a name", "/{...}", `at offset 1: a wildcard needs a name, such as "{id}" or "{rest...}"`},
		{"a name that is none", "/{a-b}", `at offset 1: "a-b" is no name: a wildcard is named as a variable is`},
		{"a name twice", "/{a}/{a...}", `at offset 5: there are two wildcards of the name "a": rename one`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := fmt.Sprintf("http: bad pattern %q, %s", test.pattern, test.want)
			if got := panics(func() { routerOf(test.pattern) }); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
	if got := panics(func() { new(Router).Handle("/", nil) }); got != `http: the handler for "/" is nil` {
		t.Error(got)
	}
}

func TestPatternsThatConflictAreExplained(t *testing.T) {
	tests := []struct {
		name          string
		first, second string
		want          []string // lines behind the first
	}{
		{"the same twice", "GET /a/{x}", "GET /a/{y}", []string{`both match the same requests, such as "GET /a/y"`}},
		{"one has more methods, the other more paths", "/index.html", "GET /", []string{
			`both match "GET /index.html", and neither is more specific:`,
			`"GET /" alone matches "GET /",`,
			`"/index.html" alone matches "POST /index.html"`}},
		{"each has more at another place", "h.example/a/{x}", "h.example/{y}/b", []string{
			`both match "GET h.example/a/b", and neither is more specific:`,
			`"h.example/{y}/b" alone matches "GET h.example/y/b",`,
			`"h.example/a/{x}" alone matches "GET h.example/a/x"`}},
		{"a wildcard may be called as the other's segment is", "/a/{b}", "/{a}/b", []string{
			`both match "GET /a/b", and neither is more specific:`,
			`"/{a}/b" alone matches "GET /ax/b",`,
			`"/a/{b}" alone matches "GET /a/bx"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := new(Router)
			r.Handle(test.first, noted)
			lines := strings.Split(panics(func() { r.Handle(test.second, noted) }), "\n")
			if !slices.Equal(lines[1:], test.want) {
				t.Errorf("%s\nwant %s", strings.Join(lines[1:], "\n"), strings.Join(test.want, "\n"))
			}
			if n := strings.Count(lines[0], "router_test.go:"); n != 2 || !strings.Contains(lines[0], fmt.Sprintf("%q", test.first)) || !strings.Contains(lines[0], fmt.Sprintf("%q", test.second)) {
				t.Errorf("who? %s", lines[0])
			}
			if got := newQuestion(t, "GET "+exampleOf(test.first), "h.example").ask(r.Serve); !strings.HasPrefix(got, test.first) {
				t.Errorf("what was there before is gone: %s", got)
			}
		})
	}
}

// exampleOf returns a path that a pattern matches.
func exampleOf(pattern string) string {
	_, _, path := route.Cut(pattern)
	return strings.NewReplacer("{$}", "", "{", "", "...}", "", "}", "").Replace(path)
}

// around is middleware that leaves its name.
func around(name string) Middleware {
	return func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			err := next(w, r)
			asked.seen = name + "(" + asked.seen + ")"
			return err
		}
	}
}

func TestMiddlewareGoesAroundWhatIsRegisteredAfterIt(t *testing.T) {
	r := new(Router)
	r.Handle("/before", noted)
	r.Use(around("a"), around("b"))
	r.Handle("/after", noted)
	api := r.Group("/api/{version}", around("c"))
	api.Handle("GET /x", noted)
	api.Use(around("d"))
	api.Handle("/y/", noted)
	r.Use(around("e"))
	api.Handle("/z", Chain(around("f"), around("g"))(noted))
	api.Group("deep.example/{$}"[:len("deep.example/")]).Group("/v", around("h")).Handle("PUT /{last...}", noted)
	r.Group("", around("i")).Handle("/i", noted)
	r.Group("/").Handle("/j", noted)

	tests := []struct{ name, request, host, want string }{
		{"but not before", "GET /before", "a", `/before`},
		{"the first is outermost", "GET /after", "a", `a(b(/after))`},
		{"a group's is inside, and its prefix may have wildcards", "GET /api/1/x", "a", `a(b(c(GET /api/{version}/x version="1")))`},
		{"a group has its own", "GET /api/1/y/", "a", `a(b(c(d(/api/{version}/y/ version="1"))))`},
		{"what the Router was told last counts for groups, too", "GET /api/1/z", "a", `a(b(e(c(d(f(g(/api/{version}/z version="1")))))))`},
		{"groups are in groups", "PUT /api/1/v/x/y", "deep.example", `a(b(e(c(d(h(PUT deep.example/api/{version}/v/{last...} version="1" last="x/y"))))))`},
		{"a group may have middleware alone", "GET /i", "a", `a(b(e(i(/i))))`},
		{"or nothing", "GET /j", "a", `a(b(e(/j)))`},
		{"what the Router answers has none", "POST /api/1/x", "a", `405 Allow: GET, HEAD`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for who, h := range map[string]Handler{"the Router": r.Serve, "the group": api.Serve} {
				if got := newQuestion(t, test.request, test.host).ask(h); got != test.want {
					t.Errorf("%s: %s\nwant %s", who, got, test.want)
				}
			}
		})
	}
}

func TestGroupsAreRefusedThatCannotBeMeant(t *testing.T) {
	r := new(Router)
	tests := []struct {
		name string
		f    func()
		want string
	}{
		{"a prefix is a path or a host", func() { r.Group("api") }, `http: bad pattern "api", at offset 0: there is no "/": write "/api" if it is a path, or "api/" if it is a host`},
		{"a prefix has no method", func() { r.Group("GET /api") }, `http: bad prefix "GET /api" of a group`},
		{"nothing comes behind the end", func() { r.Group("/api/{$}") }, `"{$}" is the end of the path`},
		{"nor behind the rest", func() { r.Group("/{x...}") }, `"{x...}" takes all that comes`},
		{"there is one host", func() { r.Group("a.example/").Handle("b.example/x", noted) }, `its group is for the host "a.example" already`},
		{"a name is there once", func() { r.Group("/{x}").Handle("/{x}", noted) }, `"/{x}/{x}", at offset 5: there are two wildcards`},
		{"a pattern still needs its slash", func() { r.Group("/api").Handle("GET users", noted) }, `"GET users", at offset 4: there is no "/"`},
		{"groups share one table", func() { r.Handle("/g/a", noted); r.Group("/g").Handle("/a", noted) }, `both match the same requests`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := panics(test.f); !strings.Contains(got, test.want) {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

func TestRoutersWithinRoutersSeeTheWholePath(t *testing.T) {
	inner, outer := routerOf("/in/{b}/x", "/in/y/{$}"), new(Router)
	outer.Handle("/in/{a...}", inner.Serve)
	for request, want := range map[string]string{
		"GET /in/1/x": `/in/{b}/x b="1"`,
		"GET /in/y/":  `/in/y/{$}`,
		"GET /in/y":   `307 Location: /in/y/`,
		"GET /in/z":   `404`,
	} {
		if got := newQuestion(t, request, "a").ask(outer.Serve); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	q := newQuestion(t, "GET /in/z/%7E", "a")
	q.ask(outer.Serve)
	if got := q.x.request.Pattern(); got != "/in/{a...}" || q.x.request.PathValue("a") != "z/~" || q.x.request.PathValue("b") != "" {
		t.Errorf("where the inner one has nothing, the outer one's is gone: %q", got)
	}
}

func TestARouterWithNothingFindsNothing(t *testing.T) {
	q := newQuestion(t, "GET /", "a")
	if got := q.ask(new(Router).Serve); got != "404" || q.x.request.Pattern() != "" || q.x.request.PathValue("a") != "" {
		t.Errorf("%s, %q", got, q.x.request.Pattern())
	}
	if got := newQuestion(t, "GET /{$}", "a").ask(routerOf("/{$}").Serve); got != "404" {
		t.Error(got)
	}
	if q.ask(routerOf("/{$}").Serve); q.x.request.PathValue("") != "" {
		t.Error("what has no name has a value")
	}
}

func TestManyRoutesAreAllFound(t *testing.T) {
	r := new(Router)
	for i := range 300 {
		r.Handle(fmt.Sprintf("/api/%d/{x}", i), noted)
		r.Handle(fmt.Sprintf("%d.example/", i), noted)
	}
	for i := range 300 {
		if got, want := newQuestion(t, fmt.Sprintf("GET /api/%d/a", i), "a").ask(r.Serve), fmt.Sprintf(`/api/%d/{x} x="a"`, i); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := newQuestion(t, "GET /b", fmt.Sprintf("%d.example", i)).ask(r.Serve), fmt.Sprintf(`%d.example/`, i); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRoutingAllocatesNothing(t *testing.T) {
	nothing := func(*Response, *Request) error { return nil }
	r := new(Router)
	for _, p := range []string{"GET /users/{id}/posts/{post}", "/users/me", "/a%2Fb", "h.example/{x...}", "/"} {
		r.Handle(p, nothing)
	}
	for _, request := range []string{"GET /users/7/posts/8", "GET /users/%6de", "GET /a%2fb", "GET /deep/below/the/root"} {
		for _, host := range []string{"a", "H.Example:80"} {
			q := newQuestion(t, request, host)
			n := testing.AllocsPerRun(100, func() {
				if err := r.Serve(&q.x.response, &q.x.request); err != nil || q.x.request.Pattern() == "" {
					t.Fatal(err)
				}
			})
			if n > 0 {
				t.Errorf("%s at %s: %v allocations", request, host, n)
			}
		}
	}
}

// TestPathValuesStayWhileARequestWaits: the head moves when a body is waited for.
func TestPathValuesStayWhileARequestWaits(t *testing.T) {
	r := new(Router)
	r.Handle("POST /{a}/{b...}", func(w *Response, r *Request) error {
		body, err := r.Body()
		fmt.Fprintf(w, "%s: %s and %s of %s", body, r.PathValue("a"), r.PathValue("b"), r.Pattern())
		return err
	})
	handler := func(w *Response, q *Request) error {
		if m := q.Method(); m == MethodGet || m == MethodHead {
			return w.Text("no pattern but " + q.Pattern())
		}
		return r.Serve(w, q)
	}
	err := serve(t, handler, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("POST /x%20y/z/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo"))
		c.Sleep(time.Second)
		c.Send(w, []byte("dyGET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		w.CloseWrite()
		answers, err := c.ReceiveAll(w)
		if !bytes.Contains(answers, []byte("\r\n\r\nbody: x y and z/ of POST /{a}/{b...}HTTP/1.1 200")) || err != nil {
			t.Errorf("got %q, %v", answers, err)
		}
		if !bytes.HasSuffix(answers, []byte("\r\n\r\nno pattern but ")) {
			t.Errorf("the pattern of another request is left: %q", answers)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzGroups holds that nothing gets past the middleware of a group: whatever is
// asked for, a file below the prefix of a group is served with its middleware, and by
// the handler that is registered for it. The input chooses the pieces of a path.
func FuzzGroups(f *testing.F) {
	for _, path := range []string{
		"/private/f", "/x/../private/f", "/x/%2e%2e/private/f", "//private//f", "/private%2ff", "/x%2F..%2Fprivate/f", "/v/x%2F..%2f..%2Fprivate/f",
		"/v/..%2Fprivate", "/private%5cf", "/x%5c..%5cprivate/f", "/a%2Fb/%2E/f", "/a/b/..%2f..%2fprivate", "/%2e%2e/private/", "/a%2e%2e/f", "/%70rivate%2F",
		"/v/private%2f%2e", "/m/private%2Ff", "/m/x%2f..%2fprivate%2Ff", "/m/..%2fm%2fprivate/f", "/m%2fprivate/f", "/w/a%2f..%2fb/private/f", "/w/b%2Fprivate/f", "/w/b/private%2ff",
		"/w/%2e%2e%2fprivate/f", "/private%252ff", "/x/%252e%252e%252fprivate/f", "/a/b%255c..%5Cf", "/%2f..%2fprivate/f", "/x/%2f..%2f..%2fprivate/f",
	} {
		f.Add(slices.Collect(pieces(path)))
	}
	var ran []string
	var served string
	guard := func(prefix string) Middleware {
		return func(next Handler) Handler {
			return func(w *Response, r *Request) error {
				ran = append(ran, prefix)
				return next(w, r)
			}
		}
	}
	files := func(w *Response, r *Request) error {
		path, err := r.CleanPathBytes(nil)
		served = string(path)
		return err
	}
	site := new(Router)
	site.Handle("/", files)
	site.Handle("/v/{x}", files)
	site.Handle("/w/{x}/{rest...}", files)
	inner := new(Router) // a router within a router
	inner.Handle("/m/", files)
	inner.Handle("/m/{x}", files)
	inner.Group("/m/private", guard("/m/private")).Handle("/", files)
	site.Handle("/m/", inner.Serve)
	prefixes := []string{"/private", "/a/b", "/v/private", "/m/private"}
	site.Group("/private", guard("/private")).Handle("/", files)
	site.Group("/a/b", guard("/a/b")).Handle("/{rest...}", files)
	site.Group("/v/private", guard("/v/private")).Handle("/{$}", files)
	site.Group("/v/private", guard("/v/private")).Handle("/{x}/", files)
	site.Group("/w/{y}/private", guard("/w/{y}/private")).Handle("/", files)
	f.Fuzz(func(t *testing.T, input []byte) {
		path := "/"
		for _, b := range input {
			path += pathPieces[int(b)%len(pathPieces)]
		}
		if len(path) > 1000 || !h1.Decodable([]byte(path)) {
			return
		}
		ran, served = nil, ""
		q := newQuestion(t, "GET "+path, "a")
		if err := site.Serve(&q.x.response, &q.x.request); err != nil && served != "" {
			t.Fatalf("%q is served as %q, and %v", path, served, err)
		}
		for _, prefix := range prefixes {
			below := strings.HasPrefix(served, prefix+"/")
			if below && !slices.Contains(ran, prefix) {
				t.Errorf("%q is served as %q, and of the groups only %q had it", path, served, ran)
			}
		}
		if names := strings.Split(served, "/"); len(names) > 4 && names[1] == "w" && names[3] == "private" && !slices.Contains(ran, "/w/{y}/private") {
			t.Errorf("%q is served as %q, and of the groups only %q had it", path, served, ran)
		}
	})
}

// pathPieces are what paths are made of that want to get past something.
var pathPieces = []string{
	"/", "/", ".", "..", "%2e", "%2E", "%2E%2e", ".%2e", "%2f", "%2F", "%5c", "%5C", "//", "/../", "/./",
	"private", "%70rivate", "a", "b", "v", "w", "x", "f", "%25", "%2561", "...", "m", "%252f", "%252e", "%255c",
}

// pieces are the pieces of a path, as the input of FuzzGroups.
func pieces(path string) iter.Seq[byte] {
	path = strings.TrimPrefix(path, "/")
	return func(yield func(byte) bool) {
		for path != "" {
			longest := -1
			for i, piece := range pathPieces {
				if strings.HasPrefix(path, piece) && (longest < 0 || len(piece) > len(pathPieces[longest])) {
					longest = i
				}
			}
			if longest < 0 {
				panic("no piece begins " + path)
			}
			path = path[len(pathPieces[longest]):]
			if !yield(byte(longest)) {
				return
			}
		}
	}
}

// TestNothingGetsPastAGroup is FuzzGroups for a hundred thousand paths of chance.
func TestNothingGetsPastAGroup(t *testing.T) {
	luck := rand.New(rand.NewPCG(1, 12))
	kinds := make(map[string]int)
	below := new(Router)
	below.Handle("/", func(w *Response, r *Request) error {
		path, err := r.CleanPathBytes(nil)
		if err == nil && strings.HasPrefix(string(path), "/private/") {
			kinds["past the group"]++
		} else if err == nil {
			kinds["elsewhere"]++
		}
		return err
	})
	below.Group("/private").Handle("/", func(w *Response, r *Request) error {
		path, err := r.CleanPathBytes(nil)
		if err == nil && strings.HasPrefix(string(path), "/private/") {
			kinds["by the group"]++
		}
		return err
	})
	for range 100_000 {
		path := "/"
		for range luck.IntN(8) {
			path += pathPieces[luck.IntN(len(pathPieces))]
		}
		if !h1.Decodable([]byte(path)) {
			continue
		}
		q := newQuestion(t, "GET "+path, "a")
		before := kinds["past the group"]
		if err := below.Serve(&q.x.response, &q.x.request); err != nil {
			kinds["refused or redirected"]++
		}
		if kinds["past the group"] > before {
			t.Fatalf("%q gets past the group", path)
		}
	}
	for _, kind := range []string{"elsewhere", "by the group", "refused or redirected"} {
		if kinds[kind] < 100 {
			t.Errorf("only %d paths were served %s: %v", kinds[kind], kind, kinds)
		}
	}
}

// TestAPathThatIsRefusedHasAStatus: what is refused below becomes an answer here.
func TestAPathThatIsRefusedHasAStatus(t *testing.T) {
	for raw, want := range map[string]Status{"/..": 404, "/%": 400, "/a%00": 400} {
		path, err := CleanPath(nil, []byte(raw))
		var status Status
		if path != nil || !errors.As(err, &status) || status != want {
			t.Errorf("%q: %q, %v, want %d", raw, path, err, int(want))
		}
	}
	if path, err := CleanPath(nil, []byte("/a/%2e%2e/b/")); string(path) != "/b/" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}

// TestTheNextRequestMayHaveItsPath: an exchange is used again, and an escaped slash in the
// path of one request is no reason to refuse the next.
func TestTheNextRequestMayHaveItsPath(t *testing.T) {
	r := new(Router)
	r.Handle("/{x}", func(w *Response, r *Request) error {
		path, err := r.CleanPathBytes(nil)
		if err != nil {
			return err
		}
		return w.Text(string(path))
	})
	r.Handle("/private/", func(w *Response, r *Request) error { return w.Text("private") })
	err := stage(t, sim.New(1), Config{Handler: r.Serve}, func(_ *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("GET /private%2Ff HTTP/1.1\r\nHost: a\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n"))
		w.CloseWrite()
		answers, err := c.ReceiveAll(w)
		if !bytes.HasPrefix(answers, []byte("HTTP/1.1 404 ")) || !bytes.HasSuffix(answers, []byte("\r\n\r\n/f")) || err != nil {
			t.Errorf("%q, %v", answers, err)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}
