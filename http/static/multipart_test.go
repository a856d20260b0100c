package static

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	stdmultipart "mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestManyPartsOfALargeFile asks for ranges as zsync does, over a disk that may be slow.
func TestManyPartsOfALargeFile(t *testing.T) {
	content := letters(4 << 20)
	root := tree(t, map[string]string{"a.iso": content})
	for _, o := range []Options{{}, {Copy: true}, {Small: 8 << 20}} {
		for _, cold := range []int{0, 500, 1000} { // of 1000
			k := sim.New(1)
			k.Luck.ColdFile = cold
			visitOn(t, k, open(t, root, o), func(v *visitor) {
				r := rand.New(rand.NewPCG(1, uint64(cold)))
				for _, n := range []int{2, 20, 200, maxRanges} {
					var field []string
					step := len(content) / n
					for i := range n {
						from := i*step + r.IntN(step/4)
						field = append(field, fmt.Sprintf("%d-%d", from, from+r.IntN(step/2)))
					}
					r.Shuffle(n, func(i, j int) { field[i], field[j] = field[j], field[i] })
					got := v.ask("GET /a.iso", "Range: bytes="+strings.Join(field, ","))
					if got.status != 206 || len(got.body) > len(content) {
						t.Errorf("%d ranges: %v", n, got)
						continue
					}
					for i, p := range partsOf(t, got) {
						var from, to int
						if _, err := fmt.Sscanf(field[i], "%d-%d", &from, &to); err != nil {
							t.Fatal(err)
						}
						if p.where != fmt.Sprintf("bytes %s/%d", field[i], len(content)) || p.body != content[from:to+1] {
							t.Errorf("part %d of %d is %s with %d bytes, and %s was asked for", i, n, p.where, len(p.body), field[i])
						}
					}
				}
			})
		}
	}
}

// partsOf reads the parts of an answer.
func partsOf(t *testing.T, a answer) (list []struct{ where, body string }) {
	t.Helper()
	_, parameters, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := stdmultipart.NewReader(strings.NewReader(a.body), parameters["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, struct{ where, body string }{p.Header.Get("Content-Range"), string(body)})
	}
}

// TestPartsAreOneVersion overwrites a file while parts of it are sent.
func TestPartsAreOneVersion(t *testing.T) {
	const size = 4 << 20
	root := tree(t, map[string]string{"a.iso": letters(size)})
	at := filepath.Join(root, "a.iso")
	k := sim.New(1)
	k.Buffer = 8 << 10
	visitOn(t, k, open(t, root, Options{}), func(v *visitor) {
		w := v.dial("GET /a.iso", "Range: bytes=0-1000000,2000000-3000000")
		var got []byte
		var err error
		for changed := false; err == nil && !w.Broken(); {
			got, err = v.s.Receive(w, got, 4096)
			if !changed && len(got) > 100_000 {
				changed = true
				if err := os.WriteFile(at, bytes.Repeat([]byte("#"), size), 0o644); err != nil {
					t.Error(err)
				}
			}
			v.s.Sleep(time.Millisecond)
		}
		if !w.Broken() || bytes.Contains(got, []byte("#")) {
			t.Errorf("after %d bytes: %v", len(got), err)
		}
	})
}

// TestABodyOfPartsIsReadFromAnywhere reads one in pieces of all sizes.
func TestABodyOfPartsIsReadFromAnywhere(t *testing.T) {
	content := letters(1000)
	m := newParts(&entry{contentType: "text/plain"}, &representation{size: 1000}, []byteRange{{0, 1}, {10, 100}, {500, 500}})
	m.from = strings.NewReader(content)
	whole := make([]byte, m.size)
	if n, err := m.ReadAt(whole, 0); int64(n) != m.size || err != nil {
		t.Fatalf("%d of %d bytes, %v", n, m.size, err)
	}
	for size := 1; size <= len(whole); size++ {
		for at := 0; at < len(whole); at += size {
			p := make([]byte, size)
			n, err := m.ReadAt(p, int64(at))
			if want := whole[at:min(at+size, len(whole))]; !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < size) {
				t.Fatalf("%d bytes at %d are %q, %v, want %q", size, at, p[:n], err, want)
			}
		}
	}
	if n, err := m.ReadAt(make([]byte, 1), m.size); n != 0 || err != io.EOF {
		t.Errorf("behind the end there are %d bytes, %v", n, err)
	}
	m.from = strings.NewReader(content[:700])
	if _, err := m.ReadAt(whole, 0); err == nil {
		t.Error("a file that is too short is read without an error")
	}
}
