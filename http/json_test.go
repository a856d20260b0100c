package http_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

type order struct {
	Item  string
	Count int
	Parts []struct {
		Name string
		Size int
	}
	Notes map[string]any
}

// strict reads an order, and answers errors as JSON, with their fields and offsets.
func strict(s http.StrictJSON) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		var o order
		if err := s.Read(r, &o); err != nil {
			return err
		}
		return w.JSON(o.Item)
	}
}

// TestStrictJSON sends bodies that are right, and bodies that only nearly are.
func TestStrictJSON(t *testing.T) {
	nested := func(n int) string {
		return `{"Notes":{"a":` + strings.Repeat("[", n-2) + strings.Repeat("]", n-2) + `}}`
	}
	for _, row := range []struct {
		name   string
		body   string
		typ    string // application/json if empty
		strict http.StrictJSON
		status int
		reason string
		field  string
		offset int64
	}{
		{name: "a body that fits is read", body: ` {"Item":"a","Count":2,"Parts":[{"Name":"b"}],"Notes":{"c":{"d":null}}} `, status: 200},
		{name: "JSON of another name is JSON", body: `{}`, typ: "application/merge-patch+json", status: 200},
		{name: "UTF-8 may be named", body: `{"Item":"é"}`, typ: "application/json; charset=UTF-8", status: 200},
		{name: "another charset is refused", body: `{}`, typ: "application/json; charset=iso-8859-1", status: 415, reason: "JSON is wanted in UTF-8"},
		{name: "another type is refused", body: `{}`, typ: "text/plain", status: 415, reason: "JSON is wanted: application/json"},
		{name: "an unknown field is refused, and named", body: `{"Item":"a","Colour":"red"}`, status: 400, reason: `"Colour" is not a field that is wanted, at byte 20`, field: "Colour", offset: 20},
		{name: "so is one further in", body: `{"Parts":[{},{"Colour":1}]}`, status: 400, reason: `"Parts[1].Colour" is not a field that is wanted, at byte 22`, field: "Parts[1].Colour", offset: 22},
		{name: "a name that comes twice is named alone", body: `{"Notes":{"Colour":1},"Colour":1}`, status: 400, reason: `"Colour" is not a field that is wanted, at byte 33`, field: "Colour", offset: 33},
		{name: "unknown fields may be let pass", body: `{"Item":"a","Colour":"red"}`, strict: http.StrictJSON{Unknown: true}, status: 200},
		{name: "a field that comes twice is refused", body: `{"Item":"a","Item":"b"}`, status: 400, reason: `"Item" is there twice, at byte 18`, field: "Item", offset: 18},
		{name: "so is one in an array", body: `{"Parts":[{"Name":"a"},{"Name":"a","Name":"b"}]}`, status: 400, reason: `"Parts[1].Name" is there twice, at byte 41`, field: "Parts[1].Name", offset: 41},
		{name: "also with an escape in it", body: `{"Item":"a","\u0049tem":"b"}`, status: 400, reason: `"Item" is there twice, at byte 23`, field: "Item", offset: 23},
		{name: "two objects may have the same field", body: `{"Parts":[{"Name":"a"},{"Name":"b"}]}`, status: 200},
		{name: "a value of another kind is refused", body: `{"Parts":[{"Size":"x"}]}`, status: 400, reason: `"Parts.Size" cannot be a string, at byte 21`, field: "Parts.Size", offset: 21},
		{name: "a number that does not fit is refused", body: `{"Count":1e99}`, status: 400, reason: `"Count" cannot be a number 1e99, at byte 13`, field: "Count", offset: 13},
		{name: "a value that is no object is refused", body: `["a"]`, status: 400, reason: `the JSON cannot be an array, at byte 1`, offset: 1},
		{name: "a second value is refused", body: `{"Item":"a"} {}`, status: 400, reason: `the JSON is more than one value, at byte 14`, offset: 14},
		{name: "whatever it is", body: `{"Item":"a"}x`, status: 400, reason: `the JSON is more than one value, at byte 12`, offset: 12},
		{name: "half of it is refused", body: `{"Parts":[{"Name":`, status: 400, reason: `"Parts[0].Name" ends too early, at byte 18`, field: "Parts[0].Name", offset: 18},
		{name: "nothing is refused", body: ``, status: 400, reason: `the JSON ends too early, at byte 0`},
		{name: "malformed JSON is refused", body: `{"Item":'a'}`, status: 400, reason: `"Item" is malformed, at byte 9`, field: "Item", offset: 9},
		{name: "bytes that are no UTF-8 are refused", body: "{\"Item\":\"\xff\"}", status: 400, reason: `the JSON is not UTF-8, at byte 10`, offset: 10},
		{name: "a body may be as deep", body: nested(64), status: 200},
		{name: "and no deeper", body: nested(65), status: 400, reason: `"Notes.a` + strings.Repeat("[0]", 62) + `" has more than 64 values within one another, at byte 77`, field: "Notes.a" + strings.Repeat("[0]", 62), offset: 77},
		{name: "or as many as the handler allows", body: `{"Parts":[{}]}`, strict: http.StrictJSON{Depth: 2}, status: 400, reason: `"Parts[0]" has more than 2 values within one another, at byte 11`, field: "Parts[0]", offset: 11},
		{name: "a body may be as large as the handler says", body: `{"Item":"abcdef"}`, strict: http.StrictJSON{Size: 17}, status: 200},
		{name: "and no larger", body: `{"Item":"abcdefg"}`, strict: http.StrictJSON{Size: 17}, status: 413, reason: "the body is too large"},
		{name: "a very long name is cut", body: `{"` + strings.Repeat("x", 1000) + `":1}`, status: 400, reason: `"` + strings.Repeat("x", 200) + `" is not a field that is wanted, at byte 1003`, field: strings.Repeat("x", 200), offset: 1003},
	} {
		t.Run(row.name, func(t *testing.T) {
			var found *http.JSONError
			page := func(w *http.Response, r *http.Request, f http.Failure) error {
				errors.As(f.Err, &found)
				return w.Text(f.Reason)
			}
			typ := row.typ
			if typ == "" {
				typ = "application/json"
			}
			httptest.Run(t, httptest.Config{Handler: strict(row.strict), ErrorHandler: page}, func(c *httptest.Client) {
				a := c.Do("POST", "/", row.body, "Content-Type: "+typ)
				if a.Status != row.status || row.status != 200 && a.Body != row.reason {
					t.Errorf("got %v", a)
				}
			})
			if row.status == 400 && (found == nil || found.Field != row.field || found.Offset != row.offset) {
				t.Errorf("the error is %+v", found)
			}
		})
	}
}

// TestAJSONErrorIsA400 looks for its status.
func TestAJSONErrorIsA400(t *testing.T) {
	var status http.Status
	if err := error(&http.JSONError{Field: "a", Offset: 1, Reason: "is there twice"}); !errors.As(err, &status) || status != 400 {
		t.Errorf("%v is %d", err, status)
	}
}

// TestAMistakeOfTheHandlersIsA500 decodes into what cannot be filled.
func TestAMistakeOfTheHandlersIsA500(t *testing.T) {
	for _, read := range []func(*http.Request) error{
		func(r *http.Request) error { return r.JSON(order{}) },
		func(r *http.Request) error { return http.StrictJSON{}.Read(r, order{}) },
	} {
		h := func(w *http.Response, r *http.Request) error { return read(r) }
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Do("POST", "/", "{}", "Content-Type: application/json"); a.Status != 500 {
				t.Errorf("got %v", a)
			}
		})
	}
}

// TestManyNamesTakeLittle reads an object of a hundred thousand names, each below a long
// one: names that are kept with their paths would take gigabytes.
func TestManyNamesTakeLittle(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"Notes":{"` + strings.Repeat("x", 100_000) + `":{`)
	for n := range 100_000 {
		fmt.Fprintf(&b, `"%x":1,`, n)
	}
	b.WriteString(`"z":1}},"Colour":1}`)
	h := func(w *http.Response, r *http.Request) error { return strict(http.StrictJSON{Size: 4 << 20})(w, r) }
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		a := c.Do("POST", "/", b.String(), "Content-Type: application/json")
		if a.Status != 400 || !strings.Contains(a.Body, `"Colour" is not`) {
			t.Errorf("got %d: %.300s", a.Status, a.Body)
		}
	})
}

// FuzzStrictJSON holds that what StrictJSON reads is what encoding/json reads, and that
// whatever it refuses is a 400.
func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{`{"Item":"a","Parts":[{"Name":"b","Size":1}],"Notes":{"a":[[]]}}`, `{"Item":1}`, `[1,]`, `{"a":1,"a":2}`, `{} x`, "\xff", `{"Notes":{"":{"":1}}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got order
		var err error
		h := func(w *http.Response, r *http.Request) error {
			err = http.StrictJSON{}.Read(r, &got)
			return w.Text("")
		}
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) { c.Do("POST", "/", s, "Content-Type: application/json") })
		var want order
		lenient := json.Unmarshal([]byte(s), &want)
		if err == nil && (lenient != nil || fmt.Sprint(got) != fmt.Sprint(want)) {
			t.Errorf("%q is %v, and to encoding/json %v, %v", s, got, want, lenient)
		}
		var status http.Status
		if err != nil && (!errors.As(err, &status) || status != 400) {
			t.Errorf("%q is refused by %v", s, err)
		}
	})
}
