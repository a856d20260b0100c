package http

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A Cookie is what SetCookie asks a client to keep (RFC 6265). The zero values of
// its fields leave them out.
type Cookie struct {
	Name, Value string
	Path        string // "/" if empty
	Domain      string
	MaxAge      time.Duration // 0 until the browser is closed, negative to delete it
	Secure      bool          // over HTTPS only
	Scripts     bool          // scripts may read it; it is HttpOnly if not
	SameSite    string        // "Lax" if empty, "Strict" or "None"
}

// Cookie returns the value of a cookie that the client sent, and whether it did.
func (r *Request) Cookie(name string) (string, bool) {
	for n, value := range r.HeadersBytes() {
		if !negotiate.SameFold(n, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(string(value), ";") {
			n, v, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && n == name {
				return strings.TrimSuffix(strings.TrimPrefix(v, `"`), `"`), true
			}
		}
	}
	return "", false
}

// SetCookie adds a cookie to the answer. One that a client could not keep as it is
// makes the answer a 500.
func (w *Response) SetCookie(c Cookie) *Response {
	line, err := c.field()
	if err != nil {
		w.fail(err)
		return w
	}
	return w.Add("Set-Cookie", line)
}

func (c *Cookie) field() (string, error) {
	switch {
	case !h1.IsToken(c.Name):
		return "", fmt.Errorf("http: %q is no name for a cookie", c.Name)
	case strings.ContainsFunc(c.Value, notInCookie):
		return "", fmt.Errorf("http: the value of the cookie %s has characters that none may have: encode it", c.Name)
	case strings.ContainsAny(c.Path+c.Domain, ";\r\n"):
		return "", fmt.Errorf("http: the path or the domain of the cookie %s has characters that none may have", c.Name)
	}
	var b strings.Builder
	b.WriteString(c.Name + "=" + c.Value)
	if c.Path == "" {
		c.Path = "/"
	}
	b.WriteString("; Path=" + c.Path)
	if c.Domain != "" {
		b.WriteString("; Domain=" + c.Domain)
	}
	switch {
	case c.MaxAge > 0:
		b.WriteString("; Max-Age=" + strconv.FormatInt(int64(max(c.MaxAge/time.Second, 1)), 10))
	case c.MaxAge < 0:
		b.WriteString("; Max-Age=0")
	}
	if c.Secure {
		b.WriteString("; Secure")
	}
	if !c.Scripts {
		b.WriteString("; HttpOnly")
	}
	switch c.SameSite {
	case "":
		c.SameSite = "Lax"
	case "Lax", "Strict":
	case "None":
		if !c.Secure {
			return "", fmt.Errorf("http: the cookie %s has SameSite None, and is not Secure: browsers drop it", c.Name)
		}
	default:
		return "", fmt.Errorf("http: %q is not one of Lax, Strict and None", c.SameSite)
	}
	b.WriteString("; SameSite=" + c.SameSite)
	return b.String(), nil
}

// notInCookie reports what the value of a cookie cannot have (RFC 6265 section
// 4.1.1).
func notInCookie(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\",;\\", r)
}
