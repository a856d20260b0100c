package http_test

import (
	"fmt"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestReadingIsInterrupted has a handler interrupt its own reading before it begins, so
// that the outcome is one and the same.
func TestReadingIsInterrupted(t *testing.T) {
	handler := http.Blocking(1, func(w *http.Response, r *http.Request) error {
		if err := r.InterruptRead(); err != nil {
			return err
		}
		var b [10]byte
		for {
			n, err := r.Read(b[:])
			fmt.Fprintf(w, "%q %v\n", b[:n], err)
			if err == http.ErrInterrupted {
				err = w.Flush()
			}
			if n > 0 || err != nil {
				return err
			}
		}
	})
	const interrupted = "\"\" http: reading the body was interrupted: read again to go on\n"
	httptest.Run(t, httptest.Config{Handler: handler}, func(c *httptest.Client) {
		conn := c.Dial()
		conn.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
		if head, err := conn.Next(interrupted); err != nil {
			t.Errorf("%q, %v", head, err)
		}
		conn.Send("hello")
		if rest, err := conn.Next("\"hello\" <nil>\n"); err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		conn.Close()
	})
}
