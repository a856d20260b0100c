package http_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// TestOneClientCannotTakeAllSlots has greedy clients ask for more than there is,
// and others for one slot each.
func TestOneClientCannotTakeAllSlots(t *testing.T) {
	release := false
	wait := func(w *http.Response, r *http.Request) error {
		for !release {
			if err := w.Pause(time.Second); err != nil {
				return err
			}
		}
		return w.Text("done")
	}
	kinds := map[string]http.Handler{
		"Blocking":   http.Blocking(16, wait),
		"Concurrent": middleware.Concurrent(16)(http.Streaming(wait)),
	}
	for kind, h := range kinds {
		for _, row := range []struct {
			name   string
			greedy int // clients, which ask for 20 each
			most   int // that they get together
		}{
			{"one that asks for all gets three quarters", 1, 12},
			{"two leave some", 2, 15},
			{"three leave some", 3, 15},
		} {
			t.Run(kind+": "+row.name, func(t *testing.T) {
				release = false
				httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
					served, refused, others := 0, 0, 0
					for range 20 {
						for i := range row.greedy {
							c.At(fmt.Sprintf("10.0.1.%d", i)).Go(func(c *httptest.Client) {
								switch a := c.Get("/"); a.Status {
								case 200:
									served++
								case 503:
									refused++
								}
							})
						}
					}
					c.Sleep(3 * time.Second)
					if got := 20*row.greedy - refused; got > row.most || got < 12 {
						t.Errorf("they got %d slots", got)
					}
					c.At("10.0.2.1").Go(func(c *httptest.Client) {
						if a := c.Get("/"); a.Status == 200 {
							others++
						}
					})
					c.Sleep(3 * time.Second)
					release = true
					c.Sleep(3 * time.Second)
					if others != 1 {
						t.Error("a client that holds none got none")
					}
					if a := c.At("10.0.1.0").Get("/"); a.Status != 200 {
						t.Errorf("and afterwards: %v", a)
					}
				})
			})
		}
	}
}
