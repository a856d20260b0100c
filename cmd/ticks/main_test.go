package main

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestThePageListens(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Status != 200 || !strings.Contains(a.Body, `new EventSource("/ticks")`) {
			t.Errorf("the page is %v", a)
		}
	})
}

// TestNobodyMissesATick has clients come and go. Each looks for a while, and must
// see every second of it once.
func TestNobodyMissesATick(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		for i := range 50 {
			c.Go(func(c *httptest.Client) {
				c.Sleep(time.Duration(i) * 3700 * time.Millisecond)
				conn := c.Dial()
				conn.Send(httptest.Request("GET", "/ticks", ""))
				if head, err := conn.Next("\r\n\r\n"); err != nil || !strings.Contains(head, "text/event-stream") {
					t.Errorf("%q, %v", head, err)
				}
				var last time.Time
				for n := range 10 {
					text, err := conn.Next("\n\n")
					_, data, _ := strings.Cut(text, "data: ")
					now, wrong := time.Parse(time.TimeOnly, strings.TrimSpace(data))
					if err != nil || wrong != nil {
						t.Errorf("client %d: %q, %v, %v", i, text, err, wrong)
						return
					}
					// A timer is late by some microseconds, and so may be a second.
					if passed := now.Sub(last); n > 0 && passed != time.Second && passed != 2*time.Second {
						t.Errorf("client %d: %v after the one before", i, passed)
					}
					last = now
				}
				conn.Reset()
			})
		}
	})
}
