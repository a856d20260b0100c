package static

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// The tests of this package share a folder, and a visitor that asks for its files.
// The folder is real, and so is the server; the sockets and the clock are the
// simulated kernel's.

// written is when the files of the tests were last changed.
var written = time.Date(2024, time.May, 6, 7, 8, 9, 0, time.UTC)

// tree makes a folder of files, by path and content. A path that ends with a
// slash is a folder.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		at := filepath.Join(root, filepath.FromSlash(path))
		folder := filepath.Dir(at)
		if strings.HasSuffix(path, "/") {
			folder = at
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if folder != at {
			write(t, at, content)
		}
	}
	return root
}

// write makes a file, as old as all the others.
func write(t testing.TB, at, content string) {
	t.Helper()
	if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(at, written, written); err != nil {
		t.Fatal(err)
	}
}

// open serves a path until the test is over.
func open(t testing.TB, path string, o Options) *Files {
	t.Helper()
	files, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return files
}

// A visitor is the client in a test. Its methods are for its own script.
type visitor struct {
	t *testing.T
	k *sim.Kernel
	s *sim.Script
}

// An answer is what came back.
type answer struct {
	status int
	header nethttp.Header
	body   string
}

func (a answer) String() string {
	return fmt.Sprintf("%d %v %.200q", a.status, a.header, a.body)
}

// what returns the body, the Location of a redirect, or nothing of an error.
func (a answer) what() string {
	switch {
	case a.status >= 400:
		return ""
	case a.status >= 300:
		return a.header.Get("Location")
	}
	return a.body
}

// visit serves files on a simulated kernel until one visitor has done.
func visit(t *testing.T, files *Files, script func(v *visitor)) {
	t.Helper()
	visitOn(t, sim.New(1), files, script)
}

func visitOn(t *testing.T, k *sim.Kernel, files *Files, script func(v *visitor)) {
	t.Helper()
	server, err := http.NewServer(http.Config{
		Handler: files.Serve,
		Limits:  http.Limits{Requests: 1 << 30},
		Loop:    eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) { script(&visitor{t, k, s}) })
	if err := k.Stage(t, server, server.Loop().Stopping); err != nil {
		t.Errorf("the server ended with: %v", err)
	}
}

// dial connects, and sends the head of a request after which the server closes.
// Ask is a method and a target, and there may be more fields.
func (v *visitor) dial(ask string, fields ...string) *sim.Wire {
	w, err := v.k.Dial()
	if err == nil {
		more := strings.Join(append(fields, ""), "\r\n")
		err = v.s.Send(w, []byte(ask+" HTTP/1.1\r\nHost: a\r\n"+more+"Connection: close\r\n\r\n"))
	}
	if err != nil {
		v.t.Errorf("%s: %v", ask, err)
	}
	return w
}

// ask makes a request on a connection of its own. The answer is checked as far
// as any answer can be.
func (v *visitor) ask(ask string, fields ...string) answer {
	v.t.Helper()
	whole, err := v.s.ReceiveAll(v.dial(ask, fields...))
	if err != nil {
		v.t.Errorf("%s: the end was no proper one: %v", ask, err)
	}
	return parse(v.t, ask, whole)
}

// parse reads one answer, behind which there must be nothing.
func parse(t *testing.T, ask string, whole []byte) answer {
	t.Helper()
	method, _, _ := strings.Cut(ask, " ")
	from := bufio.NewReader(bytes.NewReader(whole))
	r, err := nethttp.ReadResponse(from, &nethttp.Request{Method: method})
	if err != nil {
		t.Errorf("%s: %v: %.200q", ask, err, whole)
		return answer{}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("%s: %v after %d bytes", ask, err, len(body))
	}
	if rest, _ := io.ReadAll(from); len(rest) > 0 {
		t.Errorf("%s: there is more behind the answer: %.80q", ask, rest)
	}
	return answer{r.StatusCode, r.Header, string(body)}
}

// letters returns text of n bytes that tells where each of them belongs.
func letters(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%07d\n", i)
	}
	return b.String()[:n]
}
