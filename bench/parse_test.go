package main

// Parsers by themselves, without a server around them: go test -bench Parse.

import (
	"bufio"
	"bytes"
	nethttp "net/http"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/bobbin-http/bobbin/http"
)

// The two requests that are measured: what wrk sends, and what a browser does.
var requests = map[string]string{
	"wrk": "GET /bench HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	"browser": "GET /articles/2026/11/event-loops?utm_source=feed&page=2 HTTP/1.1\r\n" +
		"Host: www.example.org\r\n" +
		"Connection: keep-alive\r\n" +
		"Cache-Control: max-age=0\r\n" +
		"Upgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Referer: https://www.example.org/articles/\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
		"Cookie: session=0123456789abcdef; theme=dark\r\n\r\n",
}

// parsers are the rivals; each parses one whole request.
func parsers(t testing.TB) map[string]func(p []byte) (fields int, err error) {
	ours, err := http.NewParser(http.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var header fasthttp.RequestHeader
	source := bytes.NewReader(nil)
	buffered := bufio.NewReaderSize(source, 4096)
	return map[string]func([]byte) (int, error){
		"bobbin": func(p []byte) (int, error) {
			_, err := ours.Head(p)
			return ours.Fields(), err
		},
		"fasthttp": func(p []byte) (int, error) {
			source.Reset(p)
			buffered.Reset(source)
			err := header.Read(buffered)
			return header.Len(), err
		},
		"net/http": func(p []byte) (int, error) {
			source.Reset(p)
			buffered.Reset(source)
			r, err := nethttp.ReadRequest(buffered)
			if err != nil {
				return 0, err
			}
			return len(r.Header) + 1, nil // Host is kept apart
		},
	}
}

func TestTheParsersThatAreComparedFindTheSameFields(t *testing.T) {
	for name, request := range requests {
		want := bytes.Count([]byte(request), []byte("\r\n")) - 2
		for who, parse := range parsers(t) {
			if got, err := parse([]byte(request)); got != want || err != nil {
				t.Errorf("%s finds %d fields of %d in what %s sends: %v", who, got, want, name, err)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"wrk", "browser"} {
		for _, who := range []string{"bobbin", "fasthttp", "net/http"} {
			b.Run(name+"/"+who, func(b *testing.B) {
				parse, p := parsers(b)[who], []byte(requests[name])
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := parse(p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
