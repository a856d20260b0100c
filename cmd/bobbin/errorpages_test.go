package main

import (
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// TestEveryErrorIsAPageForBrowsersAndALineForOthers has a handler fail with each status.
func TestEveryErrorIsAPageForBrowsersAndALineForOthers(t *testing.T) {
	failing := func(w *http.Response, r *http.Request) error {
		status, _ := strconv.Atoi(r.Path()[1:])
		if r.RawQuery() != "" {
			return http.Status(status).Because("<b> & \"reason\"")
		}
		return http.Status(status)
	}
	httptest.Run(t, httptest.Config{Handler: failing, ErrorHandler: errorPages}, func(c *httptest.Client) {
		for status := 400; status < 600; status++ {
			path := fmt.Sprint("/", status)
			page := c.Do("GET", path, "", "Accept: "+browserAccept)
			if page.Status != status || page.Header("Content-Type") != "text/html; charset=utf-8" || page.Header("Vary") != "Accept" || page.Header("Content-Security-Policy") != errorPolicy {
				t.Errorf("%d for a browser: %v", status, page)
			}
			title := regexp.MustCompile(`<title>` + fmt.Sprint(status) + `: [^<{]{5,}</title>`)
			if !title.MatchString(page.Body) || !strings.Contains(page.Body, `<meta name="viewport"`) || strings.Contains(page.Body, "{status}") || len(page.Body) > 4<<10 {
				t.Errorf("%d for a browser: %s", status, page.Body)
			}
			if because := c.Do("GET", path+"?why", "", "Accept: "+browserAccept); !strings.Contains(because.Body, "&lt;b&gt; &amp; &#34;reason&#34;.") {
				t.Errorf("%d with a reason: %s", status, because.Body)
			}
			if head := c.Do("HEAD", path, "", "Accept: "+browserAccept); head.Header("Content-Length") != fmt.Sprint(len(page.Body)) || head.Body != "" {
				t.Errorf("%d for HEAD: %v", status, head)
			}
			line := c.Do("GET", path, "", "Accept: */*")
			if line.Status != status || line.Header("Content-Type") != "text/plain; charset=utf-8" || line.Header("Vary") != "Accept" || line.Body != http.Status(status).Error()+"\n" {
				t.Errorf("%d for others: %v", status, line)
			}
		}
	})
}

func TestAcceptsHTML(t *testing.T) {
	for _, row := range []struct {
		name   string
		accept string
		want   bool
	}{
		{"a browser that opens a page", browserAccept, true},
		{"a browser that loads a picture", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", false},
		{"curl", "*/*", false},
		{"a client without the field", "", false},
		{"an API's client", "application/json", false},
		{"one that takes pages, too", "application/json, text/html;q=0.5", true},
		{"capitals", "TEXT/HTML", true},
		{"one that prefers text", "text/html;q=0.5, text/plain", false},
		{"one that refuses pages", "text/html;q=0, */*", false},
		{"one with a weight that is none", "text/html;q=much", false},
		{"a type that only begins so", "text/html5", false},
		{"parameters before the weight", `text/html; level="1"; q=0.7`, true},
	} {
		if acceptsHTML([]byte(row.accept)) != row.want {
			t.Errorf("%s: %q, want %v", row.name, row.accept, row.want)
		}
	}
}

// TestTheProgramsErrorsArePages has the program fail in each way that it can, over a
// socket.
func TestTheProgramsErrorsArePages(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string][]byte{"a.txt": []byte("some text"), "f/b.txt": nil, "users": []byte("a:$2y$05$abcdefghijklmnopqrstuuJ4HGAmQkpVXEmxLv8DGOEyhfmDXNBlm\n")})
	pipe, err := net.Listen("unix", filepath.Join(files, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	const accept = "Host: a\r\nAccept: " + browserAccept + "\r\nConnection: close\r\n"
	const page, line = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	plain := start(t, "", "--listing", "off", files)
	for _, row := range []struct {
		name    string
		on      *program
		request string
		status  int
		typ     string
		has     string
	}{
		{"a path with half an escape", plain, "GET /%z HTTP/1.1\r\n" + accept + "\r\n", 400, page, "A percent sign in the path"},
		{"a head that is malformed, whose Accept is not known", plain, "GET / HTTP/1.1\r\nA : b\r\n" + accept + "\r\n", 400, line, "400 Bad Request: "},
		{"a password that is missing", start(t, "", "--auth", filepath.Join(files, "users"), files), "GET / HTTP/1.1\r\n" + accept + "\r\n", 401, page, "needs a password"},
		{"a file that cannot be read", plain, "GET /s HTTP/1.1\r\n" + accept + "\r\n", 403, page, "This page is closed"},
		{"a file that does not exist", plain, "GET /x HTTP/1.1\r\n" + accept + "\r\n", 404, page, `<a href="/">Back to the start</a>`},
		{"a root without an index, which leads to no start", plain, "GET / HTTP/1.1\r\n" + accept + "\r\n", 404, page, "moved away.</p>\n</main>"},
		{"a method that files do not have", plain, "POST /a.txt HTTP/1.1\r\nContent-Length: 0\r\n" + accept + "\r\n", 405, page, "takes no other kind"},
		{"codings that are all refused", plain, "GET /a.txt HTTP/1.1\r\nAccept-Encoding: *;q=0\r\n" + accept + "\r\n", 406, page, "no version"},
		{"a head that is slow", start(t, "", "--limit", "HeadTimeout=1ms", files), "GET / HT", 408, line, "408 Request Timeout"},
		{"a version that is another", plain, "GET /a.txt HTTP/1.1\r\nIf-Match: \"x\"\r\n" + accept + "\r\n", 412, page, "The page has changed"},
		{"an address that is too long", plain, "GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\n" + accept + "\r\n", 414, page, "address is too long"},
		{"a range behind the end", plain, "GET /a.txt HTTP/1.1\r\nRange: bytes=100-\r\n" + accept + "\r\n", 416, page, "shorter"},
		{"an expectation that is not met", plain, "GET /a.txt HTTP/1.1\r\nExpect: wonders\r\n" + accept + "\r\n", 417, page, "Only 100-continue"},
		{"a name that is not the server's", plain, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAccept: text/html\r\n\r\n", 421, page, "--host evil.example"},
		{"a field that is too large", plain, "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("x", 90000) + "\r\n" + accept + "\r\n", 431, page, "Deleting the cookies"},
		{"a method that does not exist", plain, "BREW / HTTP/1.1\r\n" + accept + "\r\n", 501, page, "No such method"},
		{"plain HTTP on a port for HTTPS", start(t, "", "--tls", "self", "--domain", "a", files), "GET /x%20%22?y=\" HTTP/1.1\r\n" + accept + "\r\n", 400, page, `<a href="https://a/x%20%22?y=&#34;">Open it by HTTPS</a>`},
		{"the same for curl", plain, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: */*\r\n\r\n", 404, line, "404 Not Found\n"},
	} {
		dial := row.on.dial
		if strings.HasPrefix(row.on.url, "https:") {
			dial = row.on.dialTLS // the bytes are plain
		}
		c := dial()
		say(t, c, row.request)
		all, err := io.ReadAll(c)
		if err != nil && len(all) == 0 {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		got := string(all)
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", row.status)) || !strings.Contains(got, "\r\nContent-Type: "+row.typ+"\r\n") || !strings.Contains(got, row.has) {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

// TestTooManyRequestsAreAPage is apart from the others, as the rate is.
func TestTooManyRequestsAreAPage(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--limit-rate", "1/h")
	for n := range 2 {
		request, _ := nethttp.NewRequest("GET", p.url, nil)
		request.Header.Set("Accept", browserAccept)
		answer, err := nethttp.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if n == 1 && (answer.StatusCode != 429 || !strings.Contains(string(body), "Wait a moment") || answer.Header.Get("Retry-After") == "") {
			t.Errorf("it is %v: %s", answer, body)
		}
	}
}

// TestAFoldersOwnErrorPageGoesBefore and is not changed.
func TestAFoldersOwnErrorPageGoesBefore(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string][]byte{"404.html": []byte("<p>lost")})
	p := start(t, "", files)
	c := p.dial()
	say(t, c, "GET /x HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
	if all, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(all), "\r\n\r\n<p>lost") || strings.Contains(string(all), "Content-Security-Policy") {
		t.Errorf("it is %s, %v", all, err)
	}
}
