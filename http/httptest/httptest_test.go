package httptest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

func hello(w *http.Response, r *http.Request) error {
	switch r.Path() {
	case "/":
		return w.Text("hello, world\n")
	case "/echo":
		body, err := r.Body()
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	case "/large":
		return w.Text(strings.Repeat("x", 300_000))
	case "/ticks":
		return http.Streaming(ticks)(w, r)
	case "/aside":
		return http.Blocking(3, ticks)(w, r)
	}
	return http.StatusNotFound
}

func ticks(w *http.Response, r *http.Request) error {
	for range 3 {
		fmt.Fprint(w, "tick\n\n")
		if err := w.Flush(); err != nil {
			return err
		}
		if err := w.Pause(time.Hour); err != nil {
			return err
		}
	}
	w.SetTrailer("X-Ticks", "3")
	return nil
}

// TestWhatIsHeardIsTheSameOnBadDays asks everything on a good day and on many bad
// ones.
func TestWhatIsHeardIsTheSameOnBadDays(t *testing.T) {
	for seed := range uint64(100) {
		Run(t, Config{Handler: hello, Seed: seed}, func(c *Client) {
			for _, row := range []struct{ method, path, body, want string }{
				{"GET", "/", "", "200 hello, world\n"},
				{"HEAD", "/", "", "200 "},
				{"POST", "/echo", strings.Repeat("b", 100_000), "200 " + strings.Repeat("b", 100_000)},
				{"GET", "/large", "", "200 " + strings.Repeat("x", 300_000)},
				{"GET", "/ticks", "", "200 tick\n\ntick\n\ntick\n\n"},
				{"GET", "/aside", "", "200 tick\n\ntick\n\ntick\n\n"},
				{"GET", "/none", "", "404 404 Not Found\n"},
			} {
				a := c.Do(row.method, row.path, row.body)
				if got := fmt.Sprint(a.Status, " ", a.Body); got != row.want || a.Err != nil {
					t.Errorf("seed %d: %s %s: %.100q, %v", seed, row.method, row.path, got, a.Err)
				}
				if strings.Contains(a.Body, "tick") && a.Header("X-Ticks") != "3" {
					t.Errorf("the trailer is missing in %q", a.Headers)
				}
			}
		})
	}
}

func TestTimeIsTheServers(t *testing.T) {
	Run(t, Config{Handler: hello}, func(c *Client) {
		conn := c.Dial()
		conn.Send(Request("GET", "/ticks", ""))
		before := c.Now()
		for range 3 {
			if text, err := conn.Next("tick\n\n"); err != nil {
				t.Errorf("%q, %v", text, err)
			}
		}
		if took := c.Now().Sub(before).Round(time.Minute); took != 2*time.Hour {
			t.Errorf("it took %v", took)
		}
		conn.Reset()
	})
}

func TestSeveralClients(t *testing.T) {
	at := make(map[int]time.Time)
	Run(t, Config{Handler: hello}, func(c *Client) {
		for i := range 3 {
			c.Go(func(c *Client) {
				c.Sleep(time.Duration(3-i) * time.Minute)
				if a := c.Get("/"); a.Status != 200 {
					t.Errorf("client %d: %v", i, a)
				}
				at[i] = c.Now()
			})
		}
	})
	if !at[2].Before(at[1]) || !at[1].Before(at[0]) {
		t.Errorf("they came at %v", at)
	}
}

func TestABrokenAnswerSaysWhy(t *testing.T) {
	broken := func(w *http.Response, r *http.Request) error {
		fmt.Fprint(w, "half")
		if err := w.Flush(); err != nil {
			return err
		}
		return errors.New("the disk is on fire")
	}
	Run(t, Config{Handler: http.Streaming(broken)}, func(c *Client) {
		if a := c.Get("/"); a.Status != 0 || a.Err == nil || a.Err == io.ErrUnexpectedEOF {
			t.Errorf("the answer is %v", a)
		}
	})
}

// TestALateUsePanicsWithBothPlaces keeps a Request and a Response beyond their end.
func TestALateUsePanicsWithBothPlaces(t *testing.T) {
	for call, use := range map[string]func(w *http.Response, r *http.Request){
		"Request.Path":           func(_ *http.Response, r *http.Request) { r.Path() },
		"Response.Text":          func(w *http.Response, _ *http.Request) { _ = w.Text("a") },
		"Response.HTML":          func(w *http.Response, _ *http.Request) { _ = w.HTML("a") },
		"Response.Write":         func(w *http.Response, _ *http.Request) { _, _ = w.Write(nil) },
		"Response.WriteNoCopy":   func(w *http.Response, _ *http.Request) { _ = w.WriteNoCopy(nil) },
		"Response.WritePrepared": func(w *http.Response, _ *http.Request) { _ = w.WritePrepared(nil) },
		"Response.SendFile":      func(w *http.Response, _ *http.Request) { _ = w.SendFile(nil, 0, 0) },
	} {
		t.Run(call, func(t *testing.T) {
			var answer *http.Response
			var request *http.Request
			var late any
			h := func(w *http.Response, r *http.Request) error {
				if answer == nil {
					answer, request = w, r
					return nil
				}
				defer func() { late = recover() }()
				use(answer, request)
				return nil
			}
			Run(t, Config{Handler: h}, func(c *Client) {
				c.Get("/first")
				c.Get("/second")
			})
			for _, want := range []string{call + " was called at", "httptest_test.go:", `"GET /first"`, "connend.go:"} {
				if text := fmt.Sprint(late); !strings.Contains(text, want) {
					t.Errorf("%q does not say %s", text, want)
				}
			}
		})
	}
}

func TestClientsHaveAddresses(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error { return w.Text(r.Client().String()) }
	Run(t, Config{Handler: h}, func(c *Client) {
		for address, want := range map[string]string{"10.9.8.7": "10.9.8.7", "2001:db8::1": "2001:db8::/64"} {
			if a := c.At(address).Get("/"); a.Body != want {
				t.Errorf("the client at %s is taken for %s", address, a.Body)
			}
		}
		c.At("10.0.0.2").Go(func(c *Client) {
			if a := c.Get("/"); a.Body != "10.0.0.2" {
				t.Errorf("a client beside it is at %s", a.Body)
			}
		})
		if a := c.Get("/"); a.Body != "10.0.0.1" {
			t.Errorf("a client is at %s", a.Body)
		}
	})
}
