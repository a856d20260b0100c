package static

import (
	"bytes"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// These tests run over the machine's own kernel, because it sends files in its own
// way. The cost of a request is tested with the whole program, in cmd/bobbin.

// listen serves files at a port of this machine, until the test is over.
func listen(t *testing.T, files *Files) (address string) {
	t.Helper()
	server, err := http.NewServer(http.Config{Handler: files.Serve, Limits: http.Limits{Requests: 1 << 30}})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- server.Run() }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-over; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return listeners[0].Addr().String()
}

func TestAnotherClientOverTheRealKernel(t *testing.T) {
	content := map[string]string{
		"index.html": "the start", "empty.txt": "", "small.txt": letters(1000), "middle.txt": letters(100_000),
		"limit.txt": letters(256 << 10), "large.txt": letters(256<<10 + 1), "huge.txt": letters(1 << 20),
	}
	at := "http://" + listen(t, open(t, tree(t, content), Options{}))
	transport := &nethttp.Transport{}
	defer transport.CloseIdleConnections()
	client := &nethttp.Client{Transport: transport}
	for range 2 {
		for name, want := range content {
			r, err := client.Get(at + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || r.StatusCode != 200 || string(got) != want || r.ContentLength != int64(len(want)) {
				t.Errorf("GET %s: %d, %v, %d bytes of %d", name, r.StatusCode, err, len(got), len(want))
			}
			r, err = client.Head(at + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != 200 || r.ContentLength != int64(len(want)) {
				t.Errorf("HEAD %s: %d, length %d", name, r.StatusCode, r.ContentLength)
			}
		}
	}
}

func TestAFileThatShrinksOverTheRealKernel(t *testing.T) {
	const size = 64 << 20 // more than sockets hold
	root := tree(t, map[string]string{"a.txt": "the beginning"})
	path := filepath.Join(root, "a.txt")
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", listen(t, open(t, root, Options{})))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
	head := make([]byte, 1000)
	if _, err := io.ReadFull(c, head); err != nil || !bytes.Contains(head, []byte("\r\n\r\nthe beginning\x00")) {
		t.Fatalf("%v: %q", err, head)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, c)
	if err == nil {
		t.Errorf("after %d bytes more the end looks like a proper one", n)
	}
	if n >= size/2 {
		t.Errorf("%d bytes came of a file of 100", n)
	}
}
