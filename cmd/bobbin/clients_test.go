package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// The clients that people use, as they come. Each is asked where it is
// installed; what it says of a server that answers wrongly is its own.

// tool runs a program that may not be installed, and returns what it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // or a mistake would hang the test
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// reports fails if a tool did not print what the expression matches.
func reports(t *testing.T, out, expression string) {
	t.Helper()
	if !regexp.MustCompile(expression).MatchString(out) {
		t.Errorf("nothing matches %q in:\n%s", expression, out)
	}
}

// some is a file for several pieces.
var some = bytes.Repeat([]byte("some content, and more of it\n"), 10_000)

func TestCurl(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"some": some, "small": []byte("small")}))
	to := filepath.Join(t.TempDir(), "got")
	out := tool(t, "curl", "-sS", "--fail", "-o", to, "-w", "%{http_code} %{size_download}\n", p.url+"some")
	reports(t, out, fmt.Sprintf(`^200 %d\n$`, len(some)))
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, some) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// Both on one connection.
	out = tool(t, "curl", "-sS", "-w", " %{http_code} %{num_connects}\n", p.url+"small", p.url+"small")
	reports(t, out, `^small 200 1\nsmall 200 0\n$`)
	out = tool(t, "curl", "-sS", "-I", p.url+"small")
	reports(t, out, `^HTTP/1.1 200 OK\r\n(.*\r\n)*Content-Length: 5\r\n`)
	out = tool(t, "curl", "-sS", "--http1.0", "-w", " %{http_code}\n", p.url+"small")
	reports(t, out, `^small 200\n$`)
	// It says Expect: 100-continue, and has its answer without sending the rest.
	out = tool(t, "curl", "-sS", "-o", to, "-w", "%{http_code}\n", "-H", "Expect: 100-continue", "--data-binary", "@"+to, p.url+"small")
	reports(t, out, `^405\n$`)
}

// TestLettersThatWereNotEscapedAreServed asks as people type, and as net/http's client sends
// a query.
func TestLettersThatWereNotEscapedAreServed(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"grüße.txt": []byte("hello"), "über/index.html": []byte("<p>about")}))
	t.Run("by curl", func(t *testing.T) {
		reports(t, tool(t, "curl", "-sS", "-w", " %{http_code}", p.url+"grüße.txt?q=ü"), `^hello 200$`)
		reports(t, tool(t, "curl", "-sS", "-w", " %{redirect_url}", "-o", os.DevNull, p.url+"über?q=ü"), `/%C3%BCber/\?q=%C3%BC$`)
		reports(t, tool(t, "curl", "-sSL", p.url+"über?q=ü"), `^<p>about$`)
	})
	t.Run("by net/http", func(t *testing.T) {
		answer, err := nethttp.Get(p.url + "über?q=ü")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != 200 || answer.Request.URL.RequestURI() != "/%C3%BCber/?q=%C3%BC" {
			t.Errorf("%v of %v", answer.Status, answer.Request.URL)
		}
	})
}

// TestARefusedUploadIsToldSo uploads more than a socket holds, to a server that wants none
// of it. wget sends all of it before it looks for an answer.
func TestARefusedUploadIsToldSo(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"some": some}))
	large := filepath.Join(t.TempDir(), "large")
	for _, size := range []int64{6_000_000, 30_000_000} {
		if err := os.WriteFile(large, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprintf("%d bytes by wget", size), func(t *testing.T) {
			out := tool(t, "/bin/sh", "-c", `command -v wget >/dev/null || exit 0; wget -t1 -O- --method=PUT --body-file="$0" "$1" 2>&1; [ $? = 8 ] && echo refused`, large, p.url+"some")
			if out == "" {
				t.Skip("wget is not installed")
			}
			reports(t, out, `(?s)405 Method Not Allowed.*refused\n$`)
		})
		t.Run(fmt.Sprintf("%d bytes by curl", size), func(t *testing.T) {
			reports(t, tool(t, "curl", "-sS", "-o", os.DevNull, "-w", "%{http_code}\n", "-H", "Expect:", "-T", large, p.url+"some"), `^405\n$`)
		})
		t.Run(fmt.Sprintf("%d bytes by net/http", size), func(t *testing.T) {
			q, err := nethttp.NewRequest("PUT", p.url+"some", bytes.NewReader(make([]byte, size)))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := new(nethttp.Transport).RoundTrip(q)
			if err != nil || answer.StatusCode != 405 {
				t.Errorf("%v, %v", answer, err)
			}
		})
	}
}

func TestWrk(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	out := tool(t, "wrk", "-t1", "-c32", "-d1s", p.url+"bench")
	reports(t, out, `\d\d+ requests in`)
	if strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
		t.Error(out)
	}
}

func TestAb(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	for _, how := range [][]string{{}, {"-k"}} {
		out := tool(t, "ab", append(how, "-q", "-n", "2000", "-c", "16", p.url+"bench")...)
		reports(t, out, `Complete requests:\s+2000\n`)
		reports(t, out, `Failed requests:\s+0\n`)
		if strings.Contains(out, "Non-2xx") {
			t.Error(out)
		}
		if len(how) > 0 {
			reports(t, out, `Keep-Alive requests:\s+2000\n`)
		}
	}
}

func TestH2load(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	for _, pipelined := range []string{"1", "16"} {
		out := tool(t, "h2load", "--h1", "-n", "4000", "-c", "8", "-m", pipelined, p.url+"bench")
		reports(t, out, `requests: 4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout`)
	}
}

func TestGo(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"some": some}))
	transport := &nethttp.Transport{MaxConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	client := nethttp.Client{Transport: transport}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			answer, err := client.Get(p.url + "some")
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			got, err := io.ReadAll(answer.Body)
			if err != nil || !bytes.Equal(got, some) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
	answer, err := client.Post(p.url+"some", "text/plain", bytes.NewReader(some))
	if err != nil || answer.StatusCode != 405 || answer.Header.Get("Allow") == "" {
		t.Errorf("a POST of a file: %v, %v", answer, err)
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"some": some}))
	// One agent, few sockets, many requests, one of them with a body.
	out := tool(t, "node", "-e", `
		const http = require('http');
		const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
		const ask = (method, body) => new Promise((resolve, reject) => {
			const r = http.request(process.argv[1] + 'some', { agent, method }, (answer) => {
				let size = 0;
				answer.on('data', (d) => size += d.length);
				answer.on('end', () => resolve(answer.statusCode + ':' + size));
			});
			r.on('error', reject);
			r.end(body);
		});
		(async () => {
			const got = await Promise.all(Array.from({ length: 32 }, () => ask('GET')));
			console.log([...new Set(got)].join(' '), (await ask('POST', 'x'.repeat(10000))).split(':')[0]);
			agent.destroy();
		})();
	`, p.url)
	reports(t, out, fmt.Sprintf(`^200:%d 405\n$`, len(some)))
}

// chromium prints the page that a browser makes of an address, when everything
// on it has been loaded.
func chromium(t *testing.T, url string, flags ...string) string {
	return tool(t, "chromium", append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--dump-dom", url)...)
}

// busy is a folder with a page that has more on it than a browser has
// connections for, and busyShows what it shows when all of that has come.
func busy(t *testing.T) string {
	files := map[string][]byte{
		"style.css": []byte("body { color: red }"),
		"dot.svg":   []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>`),
	}
	page := `<!doctype html><link rel=stylesheet href=style.css><img src=dot.svg><body><p id=said>nothing</p>`
	for i := range 20 {
		name := fmt.Sprintf("script%d.js", i)
		files[name] = fmt.Appendf(nil, "window.came = (window.came || 0) + 1; // %s\n", some[:i*1000])
		files[name] = bytes.ReplaceAll(files[name], []byte("\n"), []byte("\n//"))
		page += "<script src=" + name + "></script>"
	}
	page += `<script>onload = () => {
		said.textContent = [came, getComputedStyle(document.body).color, document.images[0].naturalWidth].join(' and ');
	}</script>`
	files["index.html"] = []byte(page)
	return folder(t, files)
}

const busyShows = `>20 and rgb\(255, 0, 0\) and 7<`

func TestBrowser(t *testing.T) {
	t.Parallel()
	p := start(t, "", busy(t))
	reports(t, chromium(t, p.url), busyShows)
}

// TestBrowserShowsAListing loads a listing into a page that types into its
// filter.
func TestBrowserShowsAListing(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"sub/x.txt": nil}
	for i := range 5000 {
		files[fmt.Sprintf("many/file%d.txt", i)] = nil
	}
	// The frame is of the same origin, so that it can be looked into.
	files["frame/index.html"] = []byte(`<!doctype html><iframe src="/many/"></iframe><p id=said>nothing</p><script>
		onload = () => {
			const page = document.querySelector("iframe").contentDocument;
			const shown = () => page.querySelectorAll("tbody tr:not([hidden])").length;
			const before = shown();
			const filter = page.getElementById("filter");
			filter.value = "e1 4";
			filter.dispatchEvent(new Event("input"));
			said.textContent = [before, shown(), filter.hidden, getComputedStyle(page.querySelector("h1")).fontWeight,
				page.getElementById("zone").textContent.slice(0, 15), page.querySelector("time").textContent.length].join(" and ");
		};</script>`)
	p := start(t, "", folder(t, files))
	// A page shows file0 to file999, and the folder above. Of those, file1, and a 4
	// behind that: file14, file104 to file194 in steps of ten, and file140 to file149,
	// of which file144 is one.
	reports(t, chromium(t, p.url+"frame/"), `>1001 and 20 and false and 600 and Times are local and 16<`)
	reports(t, chromium(t, p.url), `<bdi>many</bdi>/</a>`)
}

// TestBrowserIsRefreshed edits a page and its style sheet while a browser shows
// them. The browser is not done before its pictures are there, and those come
// when the test has seen enough.
func TestBrowserIsRefreshed(t *testing.T) {
	t.Parallel()
	pictures := make(map[string]chan bool)
	for _, name := range []string{"/first", "/second"} {
		pictures[name] = make(chan bool)
	}
	slow := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		select {
		case <-pictures[r.URL.Path]:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	page := func(name string) []byte {
		return fmt.Appendf(nil, "<!doctype html><link rel=stylesheet href=style.css><h1>%s</h1><img src=%s/%s>", name, slow.URL, name)
	}
	dir := folder(t, map[string][]byte{"index.html": page("first"), "style.css": []byte("h1 { color: blue }")})
	p := start(t, "", "-v", "--reload", dir)
	// As editors do it, so that nobody is shown half a file.
	drafts := t.TempDir()
	edit := func(name string, content []byte) {
		draft := filepath.Join(drafts, name)
		if err := errors.Join(os.WriteFile(draft, content, 0o644), os.Rename(draft, filepath.Join(dir, name))); err != nil {
			t.Error(err)
		}
	}
	asked := func(path string) int { return strings.Count(p.said.String(), `"`+path+`"`) }
	// await does something again and again until it has shown: when the page
	// begins to listen, nobody says.
	await := func(what string, shown func() bool, do func()) {
		for tries := 0; !shown(); tries++ {
			if tries == 100 {
				t.Errorf("there is no %s:\n%s", what, p.said)
				return
			}
			do()
			select {
			case <-time.After(300 * time.Millisecond):
			case <-t.Context().Done():
				return
			}
		}
	}
	if _, err := exec.LookPath("chromium"); err == nil {
		over := make(chan bool)
		t.Cleanup(func() { <-over })
		go func() {
			defer close(over)
			await("page", func() bool { return asked("/-/reload.js") == 1 }, func() {})
			await("second page", func() bool { return asked("/-/reload.js") > 1 }, func() { edit("index.html", page("second")) })
			// The last edit may have had it loaded once more, when a folder is looked
			// at twice a second.
			pages, quiet := 0, 0
			await("rest", func() bool {
				if now := asked("/-/reload.js"); now != pages {
					pages, quiet = now, 0
				}
				quiet++
				return quiet > 4
			}, func() {})
			await("style without a page", func() bool { return asked("/style.css") > pages }, func() { edit("style.css", []byte("h1 { color: red }")) })
			close(pictures["/second"])
		}()
	}
	reports(t, chromium(t, p.url), `(?s)style\.css\?reload=\d+.*<h1>second</h1>`)
}

func TestBrowserShowsTheDefaultSite(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	reports(t, chromium(t, p.url), `<h1[^>]*>`)
}
