package http_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// values answers with what it was sent.
func values(w *http.Response, r *http.Request) error {
	switch r.Path() {
	case "/query":
		return w.Text(fmt.Sprint(r.Query()))
	case "/form":
		form, err := r.Form()
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprint(form))
	case "/json":
		var v struct {
			Name string `json:"name"`
			Age  int    `json:"age"`
		}
		if err := r.JSON(&v); err != nil {
			return err
		}
		return w.JSON(v)
	case "/cannot":
		return w.JSON(func() {})
	case "/cookie":
		v, ok := r.Cookie("a")
		return w.Text(fmt.Sprint(v, " ", ok))
	case "/set-cookie":
		w.SetCookie(http.Cookie{Name: "a", Value: "b", MaxAge: time.Minute, Secure: true, SameSite: "Strict", Domain: "example.com", Path: "/x"})
		w.SetCookie(http.Cookie{Name: "gone", MaxAge: -1})
		return w.SetCookie(http.Cookie{Name: "plain", Value: "c", Scripts: true}).Text("set")
	case "/bad-cookie-name":
		return w.SetCookie(http.Cookie{Name: "a b"}).Text("set")
	case "/bad-cookie-value":
		return w.SetCookie(http.Cookie{Name: "a", Value: "b;c"}).Text("set")
	case "/bad-cookie-path":
		return w.SetCookie(http.Cookie{Name: "a", Path: "/;x"}).Text("set")
	case "/bad-cookie-none":
		return w.SetCookie(http.Cookie{Name: "a", SameSite: "None"}).Text("set")
	case "/bad-cookie-site":
		return w.SetCookie(http.Cookie{Name: "a", SameSite: "lax"}).Text("set")
	case "/redirect":
		return w.Redirect(http.StatusSeeOther, "/there?x=1")
	case "/redirect-raw":
		return w.Redirect(http.StatusSeeOther, "https://a/x y/\u00e9?q=\u00fc&r=%41#f")
	case "/no-redirect":
		return w.Redirect(http.StatusOK, "/there")
	case "/because":
		return http.StatusConflict.Because("another request was faster")
	}
	return http.StatusNotFound
}

func TestValues(t *testing.T) {
	const form, json = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json; charset=utf-8"
	for _, row := range []struct {
		name   string
		path   string
		body   string
		field  string
		status int
		want   string // the body, or a part of it
	}{
		{"a query has values", "/query?a=1&b=%20x&a=2", "", "", 200, "map[a:[1 2] b:[ x]]"},
		{"what is malformed in a query is left out", "/query?a=1&b=%zz", "", "", 200, "map[a:[1]]"},
		{"there may be no query", "/query", "", "", 200, "map[]"},
		{"a form has values, and not those of the query", "/form?c=3", "a=1&b=+x", form, 200, "map[a:[1] b:[ x]]"},
		{"a form has to say that it is one", "/form", "a=1", "", 415, "a form is wanted"},
		{"a malformed form is refused", "/form", "a=%zz", form, 400, "malformed"},
		{"a form has only so many values", "/form", strings.Repeat("a&", 10_000), form, 413, "too many values"},
		{"a form may be empty", "/form", "", form, 200, "map[]"},
		{"JSON goes into what is there for it", "/json", `{"name":"a","age":3,"more":0}`, json, 200, `{"name":"a","age":3}` + "\n"},
		{"other JSON is JSON", "/json", `{}`, "Content-Type: application/problem+json", 200, `{"name":"","age":0}`},
		{"JSON has to say that it is JSON", "/json", `{}`, "Content-Type: text/plain", 415, "JSON is wanted"},
		{"broken JSON is refused", "/json", `{"name":}`, json, 400, "the JSON is malformed, at byte 9"},
		{"JSON of the wrong kind is refused", "/json", `{"age":"x"}`, json, 400, `"age" cannot be a string, at byte 10`},
		{"so is JSON of the wrong kind altogether", "/json", `[]`, json, 400, "the JSON cannot be an array, at byte 1"},
		{"half of it is refused", "/json", `{"name":`, json, 400, "ends too early"},
		{"none is refused", "/json", ``, json, 400, "ends too early"},
		{"two are refused", "/json", `{}{}`, json, 400, "more than one"},
		{"what cannot be JSON is a 500", "/cannot", "", "", 500, "500"},
		{"a cookie has a value", "/cookie", "", "Cookie: b=1; a=\"x\";c=2", 200, "x true"},
		{"there may be no such cookie", "/cookie", "", "Cookie: aa=1; b=a=2", 200, " false"},
		{"a redirect says where", "/redirect", "", "", 303, "See Other"},
		{"200 is no redirect", "/no-redirect", "", "", 500, "500"},
		{"a status may have a reason", "/because", "", "", 409, "409 Conflict: another request was faster\n"},
		{"the name of a cookie is a token", "/bad-cookie-name", "", "", 500, "500"},
		{"its value is not", "/bad-cookie-value", "", "", 500, "500"},
		{"its path ends where it ends", "/bad-cookie-path", "", "", 500, "500"},
		{"one for other sites is secure", "/bad-cookie-none", "", "", 500, "500"},
		{"SameSite is one of three words", "/bad-cookie-site", "", "", 500, "500"},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: values}, func(c *httptest.Client) {
				var fields []string
				if row.field != "" {
					fields = append(fields, row.field)
				}
				if a := c.Do("POST", row.path, row.body, fields...); a.Status != row.status || !strings.Contains(a.Body, row.want) {
					t.Errorf("the answer is %v", a)
				}
			})
		})
	}
}

func TestCookiesAndRedirectsAreFields(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: values}, func(c *httptest.Client) {
		if a := c.Get("/redirect-raw"); a.Header("Location") != "https://a/x%20y/%C3%A9?q=%C3%BC&r=%41#f" {
			t.Errorf("%v", a)
		}
		if a := c.Get("/redirect"); a.Header("Location") != "/there?x=1" {
			t.Errorf("the answer is %v", a)
		}
		a := c.Get("/set-cookie")
		for _, want := range []string{
			"Set-Cookie: a=b; Path=/x; Domain=example.com; Max-Age=60; Secure; HttpOnly; SameSite=Strict",
			"Set-Cookie: gone=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
			"Set-Cookie: plain=c; Path=/; SameSite=Lax",
		} {
			if !strings.Contains(strings.Join(a.Headers, "\n"), want) {
				t.Errorf("%q is not in %q", want, a.Headers)
			}
		}
	})
}
