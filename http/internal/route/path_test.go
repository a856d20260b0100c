package route

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

func TestCleanPath(t *testing.T) {
	long := strings.Repeat("a", 1023)
	tests := []struct {
		name string
		raw  string
		want string
	}{
		{"the root is the root", "/", "/"},
		{"nothing is the root", "", "/"},
		{"a clean path stays", "/a/b.c", "/a/b.c"},
		{"a folder stays one", "/a/b/", "/a/b/"},
		{"empty segments vanish", "//a///b//", "/a/b/"},
		{"many slashes are the root", "////", "/"},
		{"a dot vanishes", "/./a/./b", "/a/b"},
		{"a dot at the end is a folder", "/a/.", "/a/"},
		{"two dots take a segment away", "/a/../b", "/b"},
		{"two dots at the end are a folder", "/a/b/..", "/a/"},
		{"two dots may lead back to the root", "/a/..", "/"},
		{"two dots do not count empty segments", "/a//../b", "/b"},
		{"three dots are a name", "/.../a", "/.../a"},
		{"a name may begin or end with dots", "/.a/..b/c./d..", "/.a/..b/c./d.."},
		{"escapes are decoded", "/%61%2D%62", "/a-b"},
		{"escapes have no case", "/%c3%A9", "/\xc3\xa9"},
		{"escapes are decoded once", "/%2561", "/%61"},
		{"what is decoded once is not a way out", "/%252e%252e/a", "/%2e%2e/a"},
		{"escaped dots are dots", "/a/%2e%2E/b/.%2e/%2e/c", "/c"},
		{"an escaped slash is one", "/a%2fb", "/a/b"},
		{"an escaped slash is one, in capitals, too", "/@scope%2Fname", "/@scope/name"},
		{"dots behind an escaped slash are dots", "/a/b%2f..%2fc", "/a/c"},
		{"escaped dots behind an escaped slash are, too", "/a/b%2F%2e%2E%2Fc", "/a/c"},
		{"what escaped slashes lead out of may be the root's", "/a/..%2fb", "/b"},
		{"an escaped slash at the end makes a folder", "/a%2f", "/a/"},
		{"escaped slashes in a row are one", "/a%2f%2f/b", "/a/b"},
		{"a slash is decoded once", "/a%252fb", "/a%2fb"},
		{"an escaped backslash is part of a name", "/a%5cb", "/a\\b"},
		{"one that is not escaped is, too", "/..\\a", "/..\\a"},
		{"it divides nothing", "/a/..%5c..%5Cb", "/a/..\\..\\b"},
		{"a plus sign is one", "/a+b", "/a+b"},
		{"a blank may be escaped", "/a%20b", "/a b"},
		{"a question mark may be escaped", "/a%3fb", "/a?b"},
		{"overlong UTF-8 separates nothing", "/a%c0%afb/%c0%ae%c0%ae", "/a\xc0\xafb/\xc0\xae\xc0\xae"},
		{"an escaped tab is part of a name", "/a%09b", "/a\tb"},
		{"so is an escaped end of a line", "/a%0d%0ab", "/a\r\nb"},
		{"so is an escaped DEL", "/a%7f", "/a\x7f"},
		{"a segment may have 1023 bytes", "/" + long, "/" + long},
		{"a segment may have 1023 bytes, decoded", "/" + strings.Repeat("%61", 1023), "/" + long},
		{"a path may have 4096 bytes", strings.Repeat("/"+long, 4), strings.Repeat("/"+long, 4)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, dst := range [][]byte{nil, make([]byte, 0, 10_000)} {
				path, why := CleanPath(dst, []byte(test.raw))
				if why != nil {
					t.Fatal(why)
				}
				if string(path) != test.want {
					t.Errorf("got %q, want %q", path, test.want)
				}
			}
		})
	}
}

func TestCleanPathRefuses(t *testing.T) {
	tests := []struct {
		name   string
		raw    string
		status int
	}{
		{"two dots do not lead out of the root", "/..", 404},
		{"two dots do not lead out of the root and back", "/../a", 404},
		{"two dots do not lead out of the root from below", "/a/../../b", 404},
		{"escaped dots do not lead out of the root", "/%2e%2e/a", 404},
		{"dots behind empty segments do not lead out of the root", "//../a", 404},
		{"an escaped slash does not hide dots", "/a/..%2f..%2fb", 404},
		{"escaped slashes do not lead out of the root", "/%2f..%2fa", 404},
		{"nor do escaped dots between them", "/a%2F%2e%2e%2F%2e%2e%2Fa", 404},
		{"an escaped NUL cuts nothing", "/a%00b", 400},
		{"a percent sign needs digits", "/a%", 400},
		{"a percent sign needs two digits", "/a%6", 400},
		{"a percent sign needs hexadecimal digits", "/a%6g", 400},
		{"a percent sign needs digits without sign", "/a%+6", 400},
		{"a segment has 1023 bytes at most", "/" + strings.Repeat("a", 1024), 404},
		{"a segment in the middle has 1023 bytes at most", "/b/" + strings.Repeat("a", 1024) + "/c", 404},
		{"a segment has 1023 bytes at most, decoded", "/" + strings.Repeat("%61", 1024), 404},
		{"a path has 4096 bytes at most", strings.Repeat("/"+strings.Repeat("a", 1023), 4) + "/", 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, why := CleanPath(nil, []byte(test.raw))
			if why == nil || why.Status != test.status {
				t.Errorf("got %q, %v, want %d", path, why, test.status)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "/a": "/a", "/%61": "/a", "%41%42": "AB", "/%2561": "/%61", "/%2f%00+": "/" + "/\x00+",
	} {
		if !h1.Decodable([]byte(raw)) {
			t.Errorf("%q is not decodable", raw)
		} else if got := h1.Decode(nil, []byte(raw)); string(got) != want {
			t.Errorf("%q is decoded as %q, want %q", raw, got, want)
		}
	}
	for _, raw := range []string{"%", "/%4", "/%zz", "/a%41%", "%%41", "%4%41", "/%41%4", "% 4", "%+4"} {
		if h1.Decodable([]byte(raw)) {
			t.Errorf("%q is decodable", raw)
		}
	}
}

// TestEscapePath: an escaped path is safe in a Location field, and means the same when it
// comes back.
func TestEscapePath(t *testing.T) {
	every := make([]byte, 0, 256)
	for c := range 256 {
		every = append(every, byte(c))
	}
	escaped := EscapePath(nil, "/"+string(every))
	unsafe := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("?#\\\"<>", r) }
	if bytes.ContainsFunc(escaped, unsafe) {
		t.Errorf("%q cannot stand in a target", escaped)
	}
	if got := h1.Decode(nil, escaped); string(got) != "/"+string(every) {
		t.Errorf("it comes back as %q", got)
	}
	if got := EscapePath([]byte("x"), "/a-b.c~/:@+%"); string(got) != "x/a-b.c~/:@+%25" {
		t.Errorf("got %q", got)
	}
}

func TestCleanPathAllocates(t *testing.T) {
	dst := make([]byte, 0, 100)
	for _, raw := range []string{"/a/path/that.is/clean", "/a/%70ath/that/../isnt", "/..", "/%", "/a%00"} {
		p := []byte(raw)
		if n := testing.AllocsPerRun(100, func() { CleanPath(dst, p) }); n != 0 {
			t.Errorf("%q allocates %v times", raw, n)
		}
	}
}

// slowPath is CleanPath in its simplest form. It returns all reasons to refuse, because
// their order does not matter.
func slowPath(raw string) (path string, refusals []int) {
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		refusals = append(refusals, 400)
		decoded = raw
	}
	if strings.Contains(decoded, "\x00") {
		refusals = append(refusals, 400)
	}
	var names []string
	folder := false
	for _, name := range strings.Split(decoded, "/")[1:] {
		folder = name == "" || name == "." || name == ".."
		switch {
		case !folder:
			names = append(names, name)
		case name == ".." && len(names) == 0:
			refusals = append(refusals, 404)
		case name == "..":
			names = names[:len(names)-1]
		}
		if len(name) > 1023 {
			refusals = append(refusals, 404)
		}
	}
	path = "/" + strings.Join(names, "/")
	if folder && len(names) > 0 {
		path += "/"
	}
	return path, refusals
}

// FuzzPath checks four properties of any clean path: it equals the result of slowPath,
// it does not lead above the root, it is clean, and cleaning it again changes nothing.
func FuzzPath(f *testing.F) {
	for _, raw := range []string{
		"/", "/a/b", "/a//b/../c/.", "/%2e%2e/%2E./a", "/%252e%2F", "/a%00", "/..\\a", "/a%", "/.../..a", "/a/./..//b/%41",
		"/" + strings.Repeat("a", 1024), "/" + strings.Repeat("%61", 1023) + "/..", "/a%09b%0D%0a%7f",
		"/@scope%2fname", "/a%2F..%2f../b", "/a/b%2f%2e%2E%2Fc%2f", "/%2f%2f/%2e/a", "/a%5c..%5Cb", "/..%5c..", "/%252f..%255c", "/.%2e%2f", "/%2E./..%2f..",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 || raw[0] != '/' || len(raw) > 4096 {
			return
		}
		sent := bytes.Clone(raw)
		path, why := CleanPath(nil, raw)
		if !bytes.Equal(raw, sent) {
			t.Fatalf("%q has become %q", sent, raw)
		}
		want, refusals := slowPath(string(raw))
		if why != nil {
			if !slices.Contains(refusals, why.Status) {
				t.Fatalf("%q is refused: %v, and may be with %v", raw, why, refusals)
			}
			return
		}
		if len(refusals) > 0 {
			t.Fatalf("%q is %q, but should be refused with %v", raw, path, refusals)
		}
		if string(path) != want {
			t.Fatalf("%q is %q, want %q", raw, path, want)
		}
		if path[0] != '/' || slices.Contains(strings.Split(string(path), "/"), "..") || bytes.Contains(path, []byte("//")) {
			t.Fatalf("%q is %q", raw, path)
		}
		again, why := CleanPath(nil, bytes.ReplaceAll(path, []byte("%"), []byte("%25")))
		if why != nil || !bytes.Equal(again, path) {
			t.Fatalf("%q is %q, and then %q, %v", raw, path, again, why)
		}
	})
}

func BenchmarkCleanPath(b *testing.B) {
	dst := make([]byte, 0, 100)
	for _, raw := range []string{"/static/css/site.css", "/a/%70ath/that/../isnt"} {
		b.Run(raw[1:4], func(b *testing.B) {
			p := []byte(raw)
			for b.Loop() {
				CleanPath(dst, p)
			}
		})
	}
}
