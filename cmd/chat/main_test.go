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

// TestAWebSocketTalksToAll has one client talk by WebSocket, and another one listen by
// server-sent events.
func TestAWebSocketTalksToAll(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		c.Do("POST", "/say", "text=before", form)
		listener, talker := c.Dial(), c.Dial()
		listener.Send(httptest.Request("GET", "/hear", ""))
		listener.Next("before\n\n")
		talker.Send(httptest.Request("GET", "/talk", "", "Connection: Upgrade", "Upgrade: websocket",
			"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
		if head, err := talker.Next("\r\n\r\n"); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
			t.Fatalf("%q, %v", head, err)
		}
		if text, err := talker.Next("before"); text != "\x81\x06before" {
			t.Errorf("what was said before is %q, %v", text, err)
		}
		talker.Send("\x81\x82\x00\x00\x00\x00hi") // masked by zeros
		if text, err := talker.Next("hi"); text != "\x81\x02hi" {
			t.Errorf("the talker gets %q, %v", text, err)
		}
		if text, err := listener.Next("hi\n\n"); err != nil {
			t.Errorf("the listener gets %q, %v", text, err)
		}
		listener.Reset()
		talker.Reset()
		c.Sleep(time.Second)
		c.Do("POST", "/say", "text=after", form)
	})
}
