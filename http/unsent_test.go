package http_test

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestUnsentIsWhatTheClientHasNotTaken holds an answer for a client that reads late.
func TestUnsentIsWhatTheClientHasNotTaken(t *testing.T) {
	const size = 1 << 20
	var held *http.Held
	httptest.Run(t, httptest.Config{Handler: func(w *http.Response, r *http.Request) (err error) {
		if held, err = w.Hold(); err == nil {
			_, err = held.Write(make([]byte, size))
		}
		return err
	}}, func(c *httptest.Client) {
		conn := c.Dial()
		conn.Send(httptest.Request("GET", "/", ""))
		c.Sleep(time.Second)
		if n := held.Unsent(); n < size/2 || n > size+1000 {
			t.Errorf("%d bytes are on their way to a client that reads nothing", n)
		}
		if _, err := conn.Next(string(make([]byte, size))); err != nil {
			t.Fatal(err)
		}
		c.Sleep(time.Second)
		if n := held.Unsent(); n != 0 {
			t.Errorf("%d bytes are on their way to a client that has read all", n)
		}
		conn.Reset()
		c.Sleep(time.Second)
		held.Done()
		if n := held.Unsent(); n != 0 || held.Live() {
			t.Errorf("%d bytes are on their way when it is over", n)
		}
	})
}
