package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The formats that requests and answers have beside text: queries, forms, JSON, redirects
// and cookies.

// Query returns the query's values. Malformed ones are left out; RawQuery has everything.
func (r *Request) Query() url.Values {
	values, _ := url.ParseQuery(r.RawQuery())
	return values
}

// formMax is the most values that a form may have. It bounds the memory that a form takes
// whose body is within Limits.Body.
const formMax = 10_000

// Form returns the values of a posted form (application/x-www-form-urlencoded),
// without those of the query. Another type is 415, and a malformed form 400: the
// handler should return these errors unchanged. For forms with files see package
// upload.
func (r *Request) Form() (url.Values, error) {
	if !r.isType("application/x-www-form-urlencoded") {
		return nil, StatusUnsupportedMediaType.Because("a form is wanted: application/x-www-form-urlencoded")
	}
	body, err := r.Body()
	if err != nil {
		return nil, err
	}
	if bytes.Count(body, []byte("&")) >= formMax {
		return nil, StatusContentTooLarge.Because("the form has too many values")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, StatusBadRequest.Because("the form is malformed")
	}
	return values, nil
}

// isType reports whether the body has a media type, or ends with it if it begins with
// "+".
func (r *Request) isType(want string) bool {
	typ, _, err := mime.ParseMediaType(r.Header("Content-Type"))
	if err != nil {
		return false
	}
	return typ == want || want[0] == '+' && strings.HasSuffix(typ, want)
}

// JSON answers with a value, like encoding/json.
func (w *Response) JSON(v any) error {
	var p bytes.Buffer // appending to a slice would allocate more
	if err := json.NewEncoder(&p).Encode(v); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	w.typeIs("application/json")
	return w.WriteNoCopy(p.Bytes())
}

// Redirect answers with a redirect status and a location, a URI in which bytes that no URI
// has are escaped. A location from the client can lead anywhere: check it first.
func (w *Response) Redirect(status Status, location string) error {
	if status < 300 || status > 399 || status == StatusNotModified {
		return fmt.Errorf("http: %d is no status to redirect with", int(status))
	}
	w.SetStatus(status).Set("Location", string(EscapeURI(nil, location)))
	return w.Text(status.Error() + "\n")
}

// A Cookie is a value that SetCookie asks a client to keep (RFC 6265). Fields with their
// zero value are left out.
type Cookie struct {
	Name, Value string
	Path        string // "/" if empty
	Domain      string
	MaxAge      time.Duration // 0 until the browser is closed, negative to delete it
	Secure      bool          // over HTTPS only
	Scripts     bool          // readable by scripts; otherwise HttpOnly
	SameSite    string        // "Lax" if empty, "Strict" or "None"
}

// Cookie returns the value of a cookie in the request, and whether there is one.
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

// SetCookie adds a cookie to the answer. An invalid cookie makes the answer a 500.
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
		return "", fmt.Errorf("http: invalid cookie name %q", c.Name)
	case strings.ContainsFunc(c.Value, notInCookie):
		return "", fmt.Errorf("http: the value of cookie %s has invalid characters: encode it", c.Name)
	case strings.ContainsAny(c.Path+c.Domain, ";\r\n"):
		return "", fmt.Errorf("http: the path or the domain of cookie %s has invalid characters", c.Name)
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
			return "", fmt.Errorf("http: cookie %s has SameSite None without Secure: browsers drop it", c.Name)
		}
	default:
		return "", fmt.Errorf("http: SameSite %q: write Lax, Strict or None", c.SameSite)
	}
	b.WriteString("; SameSite=" + c.SameSite)
	return b.String(), nil
}

// notInCookie reports whether the value of a cookie cannot have a character (RFC 6265
// section 4.1.1).
func notInCookie(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\",;\\", r)
}
