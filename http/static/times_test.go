package static

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// setTime sets the modification time of a file, which os.Chtimes can do up to the year
// 2262 only.
func setTime(t testing.TB, at string, when time.Time) {
	t.Helper()
	ts := syscall.Timespec{Sec: when.Unix(), Nsec: int64(when.Nanosecond())}
	if err := syscall.UtimesNano(at, []syscall.Timespec{ts, ts}); err != nil {
		t.Fatal(err)
	}
}

// TestReplicasAgree has two copies of a site, of equal times and sizes, on two servers.
func TestReplicasAgree(t *testing.T) {
	for _, small := range []int64{0, 1} { // from memory, and by the kernel
		site := map[string]string{"a.txt": letters(2000), "a.txt.gz": "gzip"}
		var tags [2]string
		for i := range tags {
			visit(t, open(t, tree(t, site), Options{Small: small}), func(v *visitor) {
				if i > 0 {
					if got := v.ask("GET /a.txt", "If-None-Match: "+tags[0]); got.status != 304 {
						t.Errorf("a client that has it from the other server: %v", got)
					}
					if got := v.ask("GET /a.txt", "Range: bytes=8-15", "If-Range: "+tags[0]); got.status != 206 {
						t.Errorf("a client that has half of it from the other server: %v", got)
					}
				}
				tags[i] = tagOf(v, "/a.txt") + " " + tagOf(v, "/a.txt", "Accept-Encoding: gzip")
				tags[0] = strings.Fields(tags[0])[0]
			})
		}
	}
}

// TestTimesThatSayNothing has files whose time tells nothing about them. Each is
// replaced, or changed in place, by other content of equal size and time.
func TestTimesThatSayNothing(t *testing.T) {
	for _, row := range []struct {
		name  string
		when  time.Time
		shown bool // as Last-Modified
	}{
		{"OSTree sets second 0", time.Unix(0, 0), false},
		{"Nix sets second 1", time.Unix(1, 0), false},
		{"a fraction of that second says no more", time.Unix(1, 999_999_999), false},
		{"a negative time does not either", time.Unix(-86400, 0), false},
		{"second 2 may be a time", time.Unix(2, 0), true},
		{"a zip that is made anew has the year 1980", time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{"a package of npm has the year 1985", time.Date(1985, 10, 26, 8, 15, 0, 0, time.UTC), true},
	} {
		for _, small := range []int64{0, 1} { // from memory, and by the kernel
			for _, inPlace := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d, %v", row.name, small, inPlace), func(t *testing.T) {
					root := tree(t, map[string]string{"a.txt": letters(20_000)})
					at := filepath.Join(root, "a.txt")
					setTime(t, at, row.when)
					visit(t, open(t, root, Options{Small: small}), func(v *visitor) {
						before := v.ask("GET /a.txt")
						if got := before.header.Get("Last-Modified"); (got != "") != row.shown {
							t.Errorf("Last-Modified is %q", got)
						}
						for _, later := range []time.Duration{0, time.Minute} {
							v.s.Sleep(later)
							if got := v.ask("GET /a.txt", "If-None-Match: "+before.header.Get("ETag")); got.status != 304 {
								t.Errorf("what has not changed: %v", got)
							}
						}
						if !row.shown {
							// RFC 9110 sections 13.1.3 and 13.1.5: there is no time to compare with.
							for _, fields := range [][]string{
								{"If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT"},
								{"Range: bytes=0-1", "If-Range: Thu, 01 Jan 1970 00:00:01 GMT"},
								{"Range: bytes=0-1", "If-Range: Mon, 01 Jan 0001 00:00:00 GMT"},
							} {
								if got := v.ask("GET /a.txt", fields...); got.status != 200 {
									t.Errorf("%q: %v", fields, got)
								}
							}
						}
						change(t, at, "#######\n", inPlace, row.when)
						v.s.Sleep(time.Minute)
						after := v.ask("GET /a.txt", "If-None-Match: "+before.header.Get("ETag"))
						if after.status != 200 || !strings.HasPrefix(after.body, "#######\n0000001") {
							t.Errorf("what has changed: %v", after)
						}
					})
				})
			}
		}
	}
}

// change overwrites the beginning of a file, in place or in another file that replaces
// it. Its size and time stay.
func change(t testing.TB, at, text string, inPlace bool, when time.Time) {
	t.Helper()
	before := statOf(t, at)
	to := at
	if !inPlace {
		to += ".new"
		content, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(content))
	}
	if err := add(to, 0, text); err != nil {
		t.Fatal(err)
	}
	setTime(t, to, when)
	// The file was just made, and the kernel's clock ticks.
	for inPlace && inodeChanged(statOf(t, to)).Equal(inodeChanged(before)) {
		setTime(t, to, when)
	}
	if to != at {
		if err := os.Rename(to, at); err != nil {
			t.Fatal(err)
		}
	}
}

func statOf(t testing.TB, at string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(at)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// TestTimesOutOfAllRange lists files of times that HTTP and JSON cannot write, and that
// are more nanoseconds than there are numbers. A disk of a peer may hold them.
func TestTimesOutOfAllRange(t *testing.T) {
	root := tree(t, map[string]string{"a": "", "b": "", "c": ""})
	for name, when := range map[string]time.Time{
		"a": time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), "b": time.Unix(1<<62, 0), "c": time.Unix(-1<<62, 0),
	} {
		setTime(t, filepath.Join(root, name), when) // the disk may make another one of it
	}
	visit(t, open(t, root, Options{Listing: true}), func(v *visitor) {
		for _, ask := range []string{"GET /a", "GET /b", "GET /c", "GET /?sort=date", "GET /?sort=date&after=a&at=99999999999999999999"} {
			for _, accept := range []string{"text/html", "application/json"} {
				got := v.ask(ask, "Accept: "+accept)
				if got.status != 200 || len(got.header.Get("Last-Modified")) > len("Mon, 06 May 2024 07:08:09 GMT") {
					t.Errorf("%s as %s: %v", ask, accept, got)
				}
			}
		}
	})
	for _, when := range []time.Time{time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<60, 5), time.Unix(-1<<60, 5), {}, written} {
		l := list{path: "/", query: &listQuery{order: "date"}, entries: []listEntry{{name: "a", modified: when}}}
		var read []struct{ MTime time.Time }
		if err := json.Unmarshal(l.json(), &read); err != nil {
			t.Errorf("a program cannot read the time %v: %v", when, err)
		}
		l.page()
		var q listQuery
		q.read(strings.TrimPrefix(l.query.link("after", &l.entries[0]), "?"))
		if !q.mark.modified.Equal(when) {
			t.Errorf("the page after a file of %v is asked for as after %v", when, q.mark.modified)
		}
	}
}

// TestATimeOfTheFutureIsNotShown has a clock that is late: Last-Modified may not be after
// Date (RFC 9110 section 8.8.2.1).
func TestATimeOfTheFutureIsNotShown(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a"})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		for _, ahead := range []time.Duration{time.Millisecond, time.Second, time.Hour, 1e6 * time.Hour} {
			setTime(t, filepath.Join(root, "a.txt"), v.k.Now().Add(ahead))
			v.s.Sleep(2 * time.Second)
			got := v.ask("GET /a.txt")
			modified, err := time.Parse(time.RFC1123, got.header.Get("Last-Modified"))
			date, errDate := time.Parse(time.RFC1123, got.header.Get("Date"))
			if err != nil || errDate != nil || modified.After(date) {
				t.Errorf("%v ahead: %v", ahead, got)
			}
		}
	})
}
