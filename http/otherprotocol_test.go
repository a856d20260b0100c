package http

import (
	"io"
	"net"
	"strings"
	"testing"
)

// TestAClientOfAnotherProtocolGetsNoAnswer connects over loopback. What may be meant as HTTP is
// answered, and so is all that comes behind a request.
func TestAClientOfAnotherProtocolGetsNoAnswer(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	plain, _ := secured(t, Config{Handler: func(w *Response, r *Request) error { return w.Text("page") }})
	for _, row := range []struct {
		name, say string
		statuses  string
	}{
		{"three words that are no request have none", "INVALID CONNECTION PREFACE\r\n\r\n", ""},
		{"a version in other letters has one", "INVALID / http/1.1\r\n\r\n", "400"},
		{"a method of HTTP has one", "GET CONNECTION PREFACE\r\n\r\n", "400"},
		{"a line of two words has one", "INVALID CONNECTION\r\n\r\n", "400"},
		{"so have three words behind a request", request + "INVALID CONNECTION PREFACE\r\n\r\n", "200 400"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := net.Dial("tcp", plain)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, row.say)
			heard, err := io.ReadAll(c)
			if err != nil {
				t.Error(err)
			}
			var statuses []string
			for _, answer := range strings.Split(string(heard), "HTTP/1.1 ")[1:] {
				statuses = append(statuses, answer[:3])
			}
			if got := strings.Join(statuses, " "); got != row.statuses {
				t.Errorf("it hears %q", heard)
			}
		})
	}
}
