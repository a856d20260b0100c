package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

const form = "Content-Type: application/x-www-form-urlencoded"

func TestEverybodyHearsEverybody(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		if a := c.Do("POST", "/say", "text=before", form); a.Status != 204 {
			t.Errorf("%v", a)
		}
		for i := range 5 {
			c.Go(func(c *httptest.Client) {
				conn := c.Dial()
				conn.Send(httptest.Request("GET", "/hear", ""))
				conn.Next("\r\n\r\n")
				for _, want := range []string{"before", "one", "two\ndata: lines"} {
					if text, err := conn.Next("\n\n"); err != nil || !strings.Contains(text, "data: "+want+"\n") {
						t.Errorf("client %d: %q, %v", i, text, err)
					}
				}
				conn.Reset()
			})
		}
		c.Sleep(time.Second)
		c.Do("POST", "/say", "text=one", form)
		c.Do("POST", "/say", "text=two%0Alines", form)
		if a := c.Do("POST", "/say", "one"); a.Status != 415 {
			t.Errorf("%v", a)
		}
	})
}

func TestWhoComesBackHearsWhatItHasMissed(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		for i := range 150 {
			c.Do("POST", "/say", fmt.Sprint("text=number", i, "."), form)
		}
		for _, row := range []struct {
			last  string
			first int
		}{{"Last-Event-ID: 148", 148}, {"Last-Event-ID: 3", 50}, {"X: y", 50}} {
			conn := c.Dial()
			conn.Send(httptest.Request("GET", "/hear", "", row.last))
			conn.Next("\r\n\r\n")
			if text, err := conn.Next("\n\n"); err != nil || !strings.Contains(text, fmt.Sprint("number", row.first, ".")) {
				t.Errorf("after %s: %q, %v", row.last, text, err)
			}
			conn.Reset()
		}
	})
}
