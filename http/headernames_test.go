package http_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestHeadersOfASetAreYieldedInTheOrderOfTheRequest(t *testing.T) {
	long := "x-" + strings.Repeat("a", 72)
	set := http.NewHeaderNames("Range", "if-match", "x_y", "rangE", "a-", long)
	for _, row := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"none are there", []string{"A: b"}, ""},
		{"their case does not matter", []string{"rAnGe: 1", "IF-MATCH: 2"}, "range=1 if-match=2 "},
		{"in their order, each", []string{"If-Match: 2", "Range: 1", "If-Match: 3"}, "if-match=2 range=1 if-match=3 "},
		{"an empty value is one", []string{"Range:"}, "range= "},
		{"any token may be a name", []string{"X_Y: 1", "A-: 2"}, "x_y=1 a-=2 "},
		{"a name of the same length is another", []string{"Rango: 1", "If-Natch: 2"}, ""},
		{"so is one of 64 bytes more or fewer", []string{"abcdefghij: 1", "range" + strings.Repeat("x", 64) + ": 2"}, ""},
		{"a long one is found", []string{long + ": 1"}, long + "=1 "},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, first := "", ""
			httptest.Run(t, httptest.Config{Handler: func(_ *http.Response, r *http.Request) error {
				for name, value := range r.HeadersIn(set) {
					got += fmt.Sprintf("%s=%s ", name, value)
				}
				for name := range r.HeadersIn(set) {
					first = name
					break
				}
				return nil
			}}, func(c *httptest.Client) { c.Get("/", row.fields...) })
			if got != row.want || !strings.HasPrefix(row.want, first) {
				t.Errorf("got %q, the first is %q, want %q", got, first, row.want)
			}
		})
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that no header can have is taken")
		}
	}()
	http.NewHeaderNames("no name")
}

func TestOnlyAcceptEncodingKnowsWhatElseSelectsAnAnswer(t *testing.T) {
	const language = "Accept-Language: en"
	type row struct {
		name   string
		fields []string
		value  string
		only   bool
	}
	rows := []row{
		{"without a field there is no value", nil, "", true},
		{"its value is returned", []string{"Accept-Encoding: gzip, br"}, "gzip, br", true},
		{"its case does not matter", []string{"aCCept-encodinG: gzip"}, "gzip", true},
		{"a name of the same length is another", []string{language, "Accept-Encoding: gzip", language}, "gzip", true},
		{"two have no one value", []string{"Accept-Encoding: gzip", language, "Accept-Encoding: br"}, "", false},
	}
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "RANGE", "if-range"} {
		rows = append(rows,
			row{name + " selects, too", []string{"Accept-Encoding: gzip", name + ": 1"}, "", false},
			row{name + " before it selects, too", []string{name + ":", "Accept-Encoding: gzip"}, "", false},
			row{name + " selects alone", []string{name + ": 1"}, "", false},
			row{name + "x selects nothing", []string{name + "x: 1"}, "", true})
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			requests := 0
			httptest.Run(t, httptest.Config{Handler: func(_ *http.Response, r *http.Request) error {
				requests++
				if value, only := r.OnlyAcceptEncoding(); string(value) != row.value || only != row.only {
					t.Errorf("request %d has %q, %v; want %q, %v", requests, value, only, row.value, row.only)
				}
				return nil
			}}, func(c *httptest.Client) {
				c.Get("/", row.fields...)
				c.Get("/", row.fields...) // now its fields are cached
				c.Get("/", append([]string{"Cookie: one longer than the one before"}, row.fields...)...)
				c.Get("/", append([]string{"Cookie: short"}, row.fields...)...)
			})
			if requests != 4 {
				t.Errorf("%d requests were served, want 4", requests)
			}
		})
	}
}
