package static

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// In these tests a disk hangs: the simulated kernel holds a worker that opens a file
// of some folder, until the disk is well again.

// A sickDisk hangs at some names for as long as it is told to.
type sickDisk struct {
	k      *sim.Kernel
	hangs  func(name string) bool
	opened map[string]int
}

// sicken puts a sick disk below files.
func sicken(k *sim.Kernel, files *Files) *sickDisk {
	d := &sickDisk{k: k, opened: map[string]int{}}
	files.root.hook = func(name string) {
		d.opened[name]++
		for d.hangs != nil && d.hangs(name) {
			k.Hang(time.Second)
		}
	}
	return d
}

// asks makes a request, and checks how long that takes and what comes.
func (v *visitor) asks(ask string, within time.Duration, status int, body string) {
	v.t.Helper()
	since := v.k.Now()
	got := v.ask(ask)
	if took := v.k.Now().Sub(since); took > within || got.status != status || status == 200 && got.body != body {
		v.t.Errorf("%s: %v, after %v", ask, got, took)
	}
}

func TestADiskThatHangsKeepsNothingElseWaiting(t *testing.T) {
	const soon = 10 * time.Millisecond
	for _, row := range []struct {
		name string
		path string // of a file that hangs
	}{
		{"one file", "/hangs/a.txt"},
		{"many files in a folder", "/hangs/%d.txt"},
		{"many folders", "/hangs/%d/a.txt"},
		{"many folders in a folder", "/well/hangs/%d/a.txt"},
	} {
		t.Run(row.name, func(t *testing.T) {
			files := open(t, tree(t, map[string]string{"cached.txt": "cached", "well/hangs/a.txt": "a", "well/0.txt": "0", "well/1.txt": "1", "well/2.txt": "2"}), Options{})
			k := sim.New(1)
			d := sicken(k, files)
			visitOn(t, k, files, func(v *visitor) {
				v.asks("GET /cached.txt", soon, 200, "cached")
				d.hangs = func(name string) bool { return strings.Contains(name, "hangs") }
				since := k.Now()
				done := 0
				for i := range 64 {
					path := row.path
					if strings.Contains(path, "%d") {
						path = fmt.Sprintf(path, i)
					}
					k.Go(func(s *sim.Script) {
						other := &visitor{t, k, s}
						got := other.ask("GET " + path)
						if took := k.Now().Sub(since); got.status != 503 || got.header.Get("Retry-After") == "" || took > 21*time.Second {
							t.Errorf("%v after %v", got, took)
						}
						done++
					})
				}
				for i := range 3 { // the last time when workers are lost
					v.s.Sleep(5 * time.Second * time.Duration(1+2*i))
					v.asks("GET /cached.txt", soon, 200, "cached")
					v.asks(fmt.Sprintf("GET /well/%d.txt", i), soon, 200, fmt.Sprint(i))
					v.asks("GET /missing.txt", soon, 404, "")
				}
				if done != 64 {
					t.Errorf("%d of 64 are answered", done)
				}
				d.hangs = nil
				v.s.Sleep(2 * time.Second)
				v.asks("GET /well/hangs/a.txt", soon, 200, "a")
			})
		})
	}
}

func TestWhileADiskHangsWhatItHasSaidIsAnswered(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "sub/index.html": "sub", "list/b.txt": "b"})
	files := open(t, root, Options{Listing: true})
	k := sim.New(1)
	d := sicken(k, files)
	visitOn(t, k, files, func(v *visitor) {
		list := v.ask("GET /list/").body
		ask := func(within time.Duration) {
			t.Helper()
			v.asks("GET /a.txt", within, 200, "a")
			v.asks("GET /sub/", within, 200, "sub")
			v.asks("GET /sub", within, 301, "")
			v.asks("GET /missing", within, 404, "")
			v.asks("GET /list/", within, 200, list)
		}
		ask(10 * time.Millisecond)
		d.hangs = func(string) bool { return true }
		v.s.Sleep(2 * time.Second)
		ask(250 * time.Millisecond)
		v.s.Sleep(time.Second)
		ask(10 * time.Millisecond)
		if n := files.Counters().Stale; n < 8 {
			t.Errorf("%d answers are counted", n)
		}
		v.s.Sleep(20 * time.Second) // the workers are lost
		ask(10 * time.Millisecond)
		v.asks("GET /other", 21*time.Second, 503, "")
		v.s.Sleep(30 * time.Second)
		for _, path := range []string{"/a.txt", "/sub/", "/missing", "/list/"} {
			v.asks("GET "+path, 10*time.Millisecond, 503, "")
		}
		if err := os.WriteFile(filepath.Join(root, "a.txt"), []byte("another"), 0o644); err != nil {
			t.Fatal(err)
		}
		d.hangs = nil
		v.s.Sleep(2 * time.Second)
		v.asks("GET /a.txt", 10*time.Millisecond, 200, "another")
		v.asks("GET /missing", 10*time.Millisecond, 404, "")
	})
}

// TestTheApplicationIsAnsweredWhileADiskHangs: with --spa the application stands in for
// a page that does not exist.
func TestTheApplicationIsAnsweredWhileADiskHangs(t *testing.T) {
	files := open(t, tree(t, map[string]string{"index.html": "the application"}), Options{Fallback: "index.html"})
	k := sim.New(1)
	d := sicken(k, files)
	visitOn(t, k, files, func(v *visitor) {
		v.asks("GET /users", time.Second, 404, "")
		v.ask("GET /users", "Accept: text/html")
		d.hangs = func(string) bool { return true }
		v.s.Sleep(2 * time.Second)
		v.asks("GET /users", 250*time.Millisecond, 404, "")
		if got := v.ask("GET /users", "Accept: text/html"); got.body != "the application" {
			t.Errorf("a page is %v", got)
		}
		d.hangs = nil
		v.s.Sleep(2 * time.Second)
	})
}

func TestThoseWhoAskForTheSameShareOneSearch(t *testing.T) {
	files := open(t, tree(t, map[string]string{"a.txt": letters(1000), "list/b.txt": "b"}), Options{Listing: true})
	k := sim.New(1)
	k.Luck.SlowWork = 1000
	d := sicken(k, files)
	visitOn(t, k, files, func(v *visitor) {
		for i := range 600 {
			path, want := "/a.txt", letters(1000)
			if i%2 == 0 {
				path, want = "/list/", "b.txt"
			}
			k.Go(func(s *sim.Script) {
				other := &visitor{t, k, s}
				if got := other.ask("GET " + path); got.status != 200 || !strings.Contains(got.body, want) {
					t.Errorf("%s: %v", path, got)
				}
			})
		}
		v.s.Sleep(10 * time.Second)
	})
	if got := d.opened; got["a.txt"] != 1 || got["list"] != 2 { // its time, and its names
		t.Errorf("opened: %v", got)
	}
	if c := files.Counters(); c.Asked != 3 || c.Shared != 299+299+299 {
		t.Errorf("%+v", c)
	}
}

// TestAQuestionInTheQueueOfAnotherClientIsAskedAgain: a client with many questions in
// the queue does not have others wait for one of them.
func TestAQuestionInTheQueueOfAnotherClientIsAskedAgain(t *testing.T) {
	files := open(t, tree(t, map[string]string{"a.txt": "a"}), Options{})
	k := sim.New(1)
	d := sicken(k, files)
	visitOn(t, k, files, func(v *visitor) {
		d.hangs = func(name string) bool { return !strings.HasPrefix(name, "a.txt") }
		for i := range 40 {
			k.Go(func(s *sim.Script) { (&visitor{t, k, s}).ask(fmt.Sprintf("GET /%d", i)) })
		}
		v.s.Sleep(time.Second)
		k.Go(func(s *sim.Script) { (&visitor{t, k, s}).ask("GET /a.txt") }) // behind the others
		v.s.Sleep(time.Second)
		if d.opened["a.txt"] != 0 {
			t.Fatal("there was a worker for it")
		}
		w, err := k.DialFrom(netip.MustParseAddr("10.0.0.2"), 0)
		if err != nil {
			t.Fatal(err)
		}
		since := k.Now()
		v.s.Send(w, []byte("GET /a.txt HTTP/1.0\r\n\r\n"))
		p, err := v.s.ReceiveAll(w)
		if took := k.Now().Sub(since); !strings.HasSuffix(string(p), "\r\n\r\na") || took > 10*time.Millisecond {
			t.Errorf("%q, %v, after %v", p, err, took)
		}
		d.hangs = nil
		v.s.Sleep(time.Minute)
	})
}

// TestSeedsOfDisksThatHang: wherever a disk hangs, every request is answered in time,
// and the answer is right.
func TestSeedsOfDisksThatHang(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "b/c.txt": "c", "b/d.txt": letters(5000), "list/e.txt": "e", "large.txt": letters(300_000)})
	want := map[string]string{"/a.txt": "a", "/b/c.txt": "c", "/b/d.txt": letters(5000), "/large.txt": letters(300_000)}
	paths := []string{"/a.txt", "/b/c.txt", "/b/d.txt", "/missing", "/b/missing", "/list/", "/large.txt"}
	for seed := range uint64(50) {
		files := open(t, root, Options{Listing: true, Encoders: []Encoder{{"gzip", func(dst, src []byte) []byte { return append(dst, src...) }}}})
		k := sim.New(seed)
		k.Luck.HungWork, k.Luck.SlowWork, k.Luck.ColdFile = 1+k.Roll(400), k.Roll(300), k.Roll(500)
		visitOn(t, k, files, func(v *visitor) {
			for range 12 {
				k.Go(func(s *sim.Script) {
					other := &visitor{t, k, s}
					for range 10 {
						path, since := paths[k.Roll(len(paths))], k.Now()
						whole, err := s.ReceiveAll(other.dial("GET "+path, "Accept-Encoding: gzip;q=0."+fmt.Sprint(k.Roll(2)*5)))
						if err != nil && path == "/large.txt" {
							continue // its disk hung in the middle of it
						}
						got := parse(t, "GET "+path, whole)
						missing := strings.Contains(path, "missing")
						if took := k.Now().Sub(since); took > 45*time.Second || got.status != 503 && (missing != (got.status == 404) || want[path] != "" && got.body != want[path]) {
							t.Errorf("seed %d: %s: %v, %v, after %v", seed, path, got, err, took)
						}
						s.Sleep(k.Between(0, 3*time.Second))
					}
				})
			}
			v.s.Sleep(time.Hour)
		})
		if len(files.asked) != 0 {
			t.Errorf("seed %d: %d questions are left", seed, len(files.asked))
		}
	}
}
