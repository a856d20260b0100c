package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

// A browsing is a reel of several requests, one after the other, again and again.
type browsing struct {
	reel
	requests [][]byte
	statuses map[string]int // of the answers, if there is a map
}

func (k *browsing) Write(fd int, p []byte, more bool) (int, error) {
	n, err := k.reel.Write(fd, p, more)
	k.count()
	return n, err
}

func (k *browsing) Writev(fd int, pieces [][]byte, more bool) (int, error) {
	n, err := k.reel.Writev(fd, pieces, more)
	k.count()
	return n, err
}

func (k *browsing) count() {
	if k.statuses != nil {
		k.statuses[string(k.answer[len("HTTP/1.1 "):len("HTTP/1.1 200")])]++
	}
}

func (k *browsing) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	k.request = k.requests[k.left%len(k.requests)]
	return k.reel.Wait(events, until)
}

// visited are the files of a small site, with their sizes.
var visited = map[string]int{"index.html": 3 << 10, "app.css": 9 << 10, "app.js": 48 << 10, "logo.png": 1 << 10, "data.json": 300}

// visitRequests are those of a browser that opens the site, comes back, and asks for
// news: files it does not have, files it has, one that is missing.
func visitRequests(addresses ...string) [][]byte {
	var all [][]byte
	for _, address := range addresses {
		target, fields, _ := strings.Cut(address, " ")
		if fields != "" {
			fields += "\r\n"
		}
		text := strings.Replace(browserHead, "/bench", target, 1)
		all = append(all, []byte(strings.Replace(text, "Accept-Encoding", fields+"Accept-Encoding", 1)))
	}
	return all
}

// browse serves so many requests of a visit to a site of files.
func browse(tb testing.TB, k *browsing, n int) {
	folder := tb.TempDir()
	old := time.Now().Add(-time.Hour) // one that was changed just now is not kept in memory
	for name, size := range visited {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, make([]byte, size), 0o644); err != nil {
			tb.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			tb.Fatal(err)
		}
	}
	files, err := static.Open(folder, static.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer files.Close()
	has := " If-Modified-Since: " + time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	cookie := " Cookie: session=0123456789abcdef; theme=dark"
	k.requests = visitRequests("/", "/app.css", "/app.js", "/logo.png", "/data.json"+cookie, "/favicon.ico",
		"/"+has, "/app.css"+has, "/app.js"+has, "/logo.png"+has, "/data.json"+cookie)
	k.left = n
	server, err := http.NewServer(http.Config{
		Handler: files.Serve, Limits: http.Limits{Requests: 1 << 30}, Loop: eventloop.Config{Kernel: k},
	})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		tb.Fatal(err)
	}
	if b, ok := tb.(*testing.B); ok {
		b.ResetTimer()
	}
	server.Run()
}

func TestABrowsersVisitHasAnswersOfAllKinds(t *testing.T) {
	k := &browsing{statuses: make(map[string]int)}
	browse(t, k, 110)
	if want := map[string]int{"200": 60, "304": 40, "404": 10}; !maps.Equal(k.statuses, want) {
		t.Errorf("the answers to 110 requests are %v, want %v", k.statuses, want)
	}
}

// BenchmarkBrowse is a turn with one request of a browser's visit to a site of files.
// The profile of the program is made from it and from BenchmarkTurn.
func BenchmarkBrowse(b *testing.B) {
	b.ReportAllocs()
	browse(b, &browsing{}, b.N)
}
