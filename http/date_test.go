package http

import (
	nethttp "net/http"
	"testing"
	"time"
)

func TestDates(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	rows := []struct {
		name string
		text string
		ok   bool
	}{
		{"the form that is preferred", "Sun, 06 Nov 1994 08:49:37 GMT", true},
		{"the form of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", true},
		{"the form of C", "Sun Nov  6 08:49:37 1994", true},
		{"another zone is none of them", "Sun, 06 Nov 1994 08:49:37 +0100", false},
		{"two dates are none", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", false},
		{"a number is none", "784111777", false},
		{"a day that there is not is none", "Sun, 31 Nov 1994 08:49:37 GMT", false},
		{"nothing is none", "", false},
	}
	for _, row := range rows {
		got, ok := ParseDate(row.text)
		if ok != row.ok || ok && !got.Equal(want) {
			t.Errorf("%s: %v, %v", row.name, got, ok)
		}
	}
	if got := FormatDate(want.In(time.FixedZone("", 3600))); got != rows[0].text {
		t.Errorf("it is written %q", got)
	}
}

// FuzzDate holds that a date means what it means to net/http.
func FuzzDate(f *testing.F) {
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT")
	f.Add("Sun Nov  6 08:49:37 1994")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseDate(s)
		want, err := nethttp.ParseTime(s)
		if ok && (err != nil || !got.Equal(want)) {
			t.Errorf("%q is %v, to net/http %v, %v", s, got, want, err)
		}
	})
}
