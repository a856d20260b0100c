package httptest_test

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// A test of a handler that takes a minute, and of its client that leaves. It ends
// at once, because the clock is simulated.
func ExampleRun() {
	slow := http.Streaming(func(w *http.Response, r *http.Request) error {
		if err := w.Pause(time.Minute); err != nil {
			return err
		}
		return w.Text("done\n")
	})
	var t *testing.T // of the test function
	httptest.Run(t, httptest.Config{Handler: slow}, func(c *httptest.Client) {
		before := c.Now()
		if a := c.Get("/"); a.Status != 200 || a.Body != "done\n" {
			t.Errorf("the answer is %v", a)
		}
		if waited := c.Now().Sub(before); waited < time.Minute {
			t.Errorf("it came after %v", waited)
		}
		conn := c.Dial()
		conn.Send(httptest.Request("GET", "/", ""))
		conn.Reset()
	})
}
