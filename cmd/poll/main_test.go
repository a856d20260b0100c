package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestAClientThatAsksWaitsForNews(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		begun := c.Now()
		for range 5 {
			c.Go(func(c *httptest.Client) {
				if a := c.Get("/news?after=0"); a.Status != 200 || a.Body != `[{"number":1,"text":"The loom is free."}]`+"\n" {
					t.Errorf("%v", a)
				}
				if waited := c.Now().Sub(begun); waited < 10*time.Second || waited > 11*time.Second {
					t.Errorf("the news came after %v", waited)
				}
				if a := c.Get("/news?after=1"); a.Status != 204 || a.Body != "" {
					t.Errorf("without news: %v", a)
				}
				if waited := c.Now().Sub(begun); waited < 10*time.Second+wait {
					t.Errorf("no news was said after %v", waited)
				}
			})
		}
		c.Go(func(c *httptest.Client) { // and one that leaves
			conn := c.Dial()
			conn.Send(httptest.Request("GET", "/news?after=0", ""))
			c.Sleep(time.Second)
			conn.Reset()
		})
		c.Sleep(10 * time.Second)
		if a := c.Do("POST", "/news", "The loom is free."); a.Status != 204 {
			t.Errorf("%v", a)
		}
	})
}

func TestAClientThatKnowsLessGetsTheRestAtOnce(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		for i := range newsKept + 2 {
			c.Do("POST", "/news", fmt.Sprint("news ", i+1))
		}
		last := `[{"number":102,"text":"news 102"}]` + "\n"
		for _, row := range []struct {
			name   string
			target string
			status int
			body   string // the whole, or its length
		}{
			{"one behind", "/news?after=101", 200, last},
			{"two behind", "/news?after=100", 200, `[{"number":101,"text":"news 101"},` + last[1:]},
			{"no number", "/news", 400, ""},
			{"nothing known, and more than is kept", "/news?after=0", 200, ""},
			{"a number from before a restart", "/news?after=1000", 200, ""},
			{"a negative number", "/news?after=-5", 200, ""},
		} {
			a := c.Get(row.target)
			if a.Status != row.status || row.body != "" && a.Body != row.body {
				t.Errorf("%s: %v", row.name, a)
			}
			if row.status == 200 && row.body == "" && len(a.Body) < newsKept*len(last)-newsKept*5 {
				t.Errorf("%s: not all that is kept: %v", row.name, a)
			}
		}
		if a := c.Do("POST", "/news", ""); a.Status != 400 {
			t.Errorf("%v", a)
		}
		if a := c.Do("POST", "/news", strings.Repeat("x", textMax+1)); a.Status != 413 {
			t.Errorf("%v", a)
		}
	})
}
