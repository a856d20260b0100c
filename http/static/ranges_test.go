package static

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRanges(t *testing.T) {
	rows := []struct {
		name  string
		field string
		size  int64
		want  string
	}{
		{"the first bytes", "bytes=0-4", 10, "0+5"},
		{"from somewhere to the end", "bytes=5-", 10, "5+5"},
		{"the last bytes", "bytes=-3", 10, "7+3"},
		{"one byte", "bytes=0-0", 10, "0+1"},
		{"units have no case", "BYTES=0-0", 10, "0+1"},
		{"an end behind the file's is clamped", "bytes=5-99", 10, "5+5"},
		{"more last bytes than there are is all of them", "bytes=-99", 10, "0+10"},
		{"an end beyond counting is clamped, and does not wrap", "bytes=1-18446744073709551617", 10, "1+9"},
		{"a beginning beyond counting is outside", "bytes=18446744073709551616-", 10, "none"},
		{"the last bytes beyond counting are all of them", "bytes=-18446744073709551616", 10, "0+10"},
		{"a beginning behind the end is outside", "bytes=10-", 10, "none"},
		{"the last 0 bytes are outside", "bytes=-0", 10, "none"},
		{"several, in their order", "bytes=8-9, 0-1", 10, "8+2 0+2"},
		{"those that touch are one", "bytes=0-1,2-3", 10, "0+4"},
		{"those outside are left out, if others are inside", "bytes=0-1,20-30", 10, "0+2"},
		{"empty elements mean nothing", "bytes=,,0-1,", 10, "0+2"},
		{"blanks around elements mean nothing", "bytes= 0-1 ,\t5-6 ", 10, "0+2 5+2"},
		{"in any order", "bytes=2-3,0-1", 10, "0+4"},
		{"in the place of the first", "bytes=8-9,0-1,4-5,2-3", 10, "8+2 0+6"},
		{"those that overlap are one", "bytes=0-5,5-6", 10, "0+7"},
		{"the same twice is one", "bytes=-1,-1", 10, "9+1"},
		{"one that holds the others is the one", "bytes=1-1,3-3,5-5,0-7", 10, "0+8"},
		{"one that closes gaps makes one", "bytes=0-0,2-2,4-4,1-3", 10, "0+5"},
		{"a few may be", "bytes=" + apart(3), 600, "0+1 2+1 4+1"},
		{"as many as programs ask for may be", "bytes=" + apart(maxRanges), 600, spread(maxRanges)},
		{"more are ignored", "bytes=" + apart(maxRanges+1), 600, "all"},
		{"and the same more often", "bytes=" + strings.Repeat("0-,", maxRanges+1), 600, "all"},
		{"another unit is ignored", "lines=0-4", 10, "all"},
		{"no unit is ignored", "0-4", 10, "all"},
		{"an empty list is ignored", "bytes=", 10, "all"},
		{"a bare dash is ignored", "bytes=-", 10, "all"},
		{"an end before the beginning is ignored", "bytes=5-4", 10, "all"},
		{"a sign is ignored", "bytes=+1-2", 10, "all"},
		{"two dashes are ignored", "bytes=1--2", 10, "all"},
		{"blanks inside are ignored", "bytes=1 -2", 10, "all"},
		{"one that is wrong spoils the others", "bytes=0-1,x", 10, "all"},
		{"an empty file has no ranges", "bytes=-5", 0, "all"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			list, what := parseRanges(nil, []byte(row.field), row.size)
			if got := say(list, what); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// apart is n ranges of a byte each, with a byte between.
func apart(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%d-%d", 2*i, 2*i))
	}
	return strings.Join(list, ",")
}

// spread is what they are.
func spread(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%d+1", 2*i))
	}
	return strings.Join(list, " ")
}

var uncountable = regexp.MustCompile(`[0-9]{19}`)

func say(list []byteRange, what wanted) string {
	switch what {
	case all:
		return "all"
	case noSuch:
		return "none"
	}
	var words []string
	for _, r := range list {
		words = append(words, fmt.Sprintf("%d+%d", r.offset, r.size))
	}
	return strings.Join(words, " ")
}

// FuzzRanges holds that ranges lie in the file, do not touch, and are never
// more than the file; and that a single one is what net/http makes of it. Of
// numbers that it cannot count to, net/http makes 416; here they are just large.
func FuzzRanges(f *testing.F) {
	for _, seed := range []string{"bytes=0-4", "bytes=-1,5-", "bytes=0-,0-", "bytes=9223372036854775807-", "bytes=1-1,3-3,5-5"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		list, what := parseRanges(nil, []byte(field), size)
		sum := int64(0)
		for i, r := range list {
			if r.offset < 0 || r.size <= 0 || r.end() > size || r.end() < 0 {
				t.Fatalf("%+v is not in a file of %d", r, size)
			}
			sum += r.size
			for _, other := range list[:i] {
				if other.offset <= r.end() && r.offset <= other.end() {
					t.Fatalf("%+v and %+v are one", other, r)
				}
			}
		}
		if (what == some) != (len(list) > 0) || sum > size || len(list) > maxRanges {
			t.Fatalf("%v, %d ranges, %d bytes of %d", what, len(list), sum, size)
		}
		if len(list) != 1 || size > 1<<10 || uncountable.MatchString(field) || strings.ContainsAny(field, ",\r\n") || strings.TrimSpace(field) != field || strings.Contains(field, "= ") {
			return
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Range", "bytes"+field[len("bytes"):]) // it minds the case
		http.ServeContent(w, r, "a", time.Time{}, strings.NewReader(strings.Repeat("x", int(size))))
		want := fmt.Sprintf("bytes %d-%d/%d", list[0].offset, list[0].end()-1, size)
		if got := w.Header().Get("Content-Range"); w.Code == http.StatusPartialContent && got != want {
			t.Errorf("net/http sends %s, and we would send %s", got, want)
		} else if w.Code != http.StatusPartialContent && !slices.Contains([]int64{0, size}, sum) {
			t.Errorf("net/http answers %d, and we would send %s", w.Code, want)
		}
	})
}
