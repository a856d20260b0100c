package http_test

// Bodies that come slowly, and bodies that fill the room there is for all: who
// pays, and when.

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// receiver answers with the number of bytes, which it keeps in memory or, below
// /pieces, reads as they come.
func receiver(w *http.Response, r *http.Request) error {
	if strings.HasPrefix(r.Path(), "/pieces") {
		return inPieces(w, r)
	}
	body, err := r.Body()
	if err != nil {
		return err
	}
	return w.Text(fmt.Sprint(len(body)))
}

var inPieces = http.Streaming(func(w *http.Response, r *http.Request) error {
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	return w.Text(fmt.Sprint(n))
})

// post sends a body in pieces, with pauses between, and returns what came of it
// and how long that took.
func post(c *httptest.Client, path string, length int, pieces func(send func(n int, pause time.Duration) bool)) (httptest.Answer, time.Duration) {
	began := c.Now()
	conn := c.Dial()
	defer conn.Close()
	conn.Send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", path, length))
	answered := false
	var took time.Duration
	var a httptest.Answer
	c.Go(func(c *httptest.Client) {
		a = conn.For(c).Answer("POST")
		answered, took = true, c.Now().Sub(began)
	})
	pieces(func(n int, pause time.Duration) bool {
		if answered {
			return false
		}
		conn.Send(strings.Repeat("x", n))
		c.Sleep(pause)
		return !answered
	})
	for !answered {
		c.Sleep(time.Second)
	}
	return a, took
}

func TestTheRateOfABodyIsOfLate(t *testing.T) {
	for _, row := range []struct {
		name   string
		path   string
		length int
		pieces func(send func(n int, pause time.Duration) bool)
		status int
		within time.Duration
	}{
		{"nearly all at once, then a byte every ten seconds", "/", 1 << 20, func(send func(int, time.Duration) bool) {
			for ok := send(1<<20-1000, 0); ok; {
				ok = send(1, 10*time.Second)
			}
		}, 408, 40 * time.Second},
		{"the same, read in pieces", "/pieces", 1 << 20, func(send func(int, time.Duration) bool) {
			for ok := send(1<<20-1000, 0); ok; {
				ok = send(1, 10*time.Second)
			}
		}, 408, 40 * time.Second},
		{"a byte a second in pieces, each of which a handler asks for", "/pieces", 1 << 20, func(send func(int, time.Duration) bool) {
			for send(1, time.Second) {
			}
		}, 408, 10 * time.Second},
		{"an honest 300 bytes a second", "/", 60_000, func(send func(int, time.Duration) bool) {
			for range 200 {
				send(300, time.Second)
			}
		}, 200, 201 * time.Second},
		{"an honest burst every ten seconds", "/", 60_000, func(send func(int, time.Duration) bool) {
			for range 20 {
				send(3000, 10*time.Second)
			}
		}, 200, 201 * time.Second},
		{"ten minutes for what is kept in memory", "/", 1 << 20, func(send func(int, time.Duration) bool) {
			for send(300, time.Second) {
			}
		}, 408, 601 * time.Second},
		{"hours for what is read in pieces", "/pieces", 3_600_000, func(send func(int, time.Duration) bool) {
			for range 12_000 {
				send(300, time.Second)
			}
		}, 200, 12_001 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: receiver}, func(c *httptest.Client) {
				a, took := post(c, row.path, row.length, row.pieces)
				if a.Status != row.status || took > row.within {
					t.Errorf("the answer after %v is %d, %v", took, a.Status, a.Err)
				}
			})
		})
	}
}

// TestTheTimeOfTheHandlerIsNotTheClients has a handler pause for longer than a
// client may.
func TestTheTimeOfTheHandlerIsNotTheClients(t *testing.T) {
	slow := http.Streaming(func(w *http.Response, r *http.Request) error {
		p := make([]byte, 10)
		if _, err := io.ReadFull(r, p); err != nil {
			return err
		}
		if err := w.Pause(time.Hour); err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprint(n))
	})
	httptest.Run(t, httptest.Config{Handler: slow}, func(c *httptest.Client) {
		a, _ := post(c, "/", 1000, func(send func(int, time.Duration) bool) {
			send(10, time.Hour+time.Second)
			send(500, time.Second)
			send(490, 0)
		})
		if a.Status != 200 || a.Body != "990" {
			t.Errorf("the answer is %v", a)
		}
	})
}

// hoard opens bodies of a size that lack their end, and waits until the others
// have finished. It counts those that were ended by then.
func hoard(c *httptest.Client, n, size int, over *bool, ended *int) {
	for range n {
		c.Go(func(c *httptest.Client) {
			conn := c.Dial()
			defer conn.Close()
			err := conn.Send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size+10, strings.Repeat("x", size)))
			for err == nil && !*over {
				c.Sleep(time.Second)
			}
			if conn.Send("x") != nil {
				*ended++
			}
		})
	}
}

func TestWhoHoardsBodiesMakesRoom(t *testing.T) {
	limits := http.Limits{Body: 2 << 20, BodiesTotal: 16 << 20}
	for _, row := range []struct {
		name     string
		hoarders int    // addresses
		each     int    // bodies of an address
		honest   string // address
		size     int
		path     string
		want     int // of 8, answered at once
	}{
		{"64 bodies of one address, and small ones of another", 1, 64, "10.0.9.9", 8 << 10, "/", 8},
		{"64 bodies of 64 addresses", 64, 1, "10.0.9.9", 8 << 10, "/", 8},
		{"even small ones of the same address", 1, 64, "10.0.1.0", 8 << 10, "/", 8},
		{"large ones of another", 1, 64, "10.0.9.9", 1 << 20, "/", 8},
		{"small ones that are read in pieces", 1, 64, "10.0.9.9", 8 << 10, "/pieces", 8},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: receiver, Limits: limits}, func(c *httptest.Client) {
				over, ended := false, 0
				for i := range row.hoarders {
					hoard(c.At(fmt.Sprintf("10.0.1.%d", i)), row.each, 1<<20-100, &over, &ended)
				}
				c.Sleep(time.Second)
				c, good := c.At(row.honest), 0
				for range 8 {
					began := c.Now()
					a := c.Do("POST", row.path, strings.Repeat("y", row.size))
					if took := c.Now().Sub(began); a.Status == 200 && took < time.Second {
						good++
					} else {
						t.Logf("after %v: status %d, %v", took, a.Status, a.Err)
					}
					c.Sleep(time.Second)
				}
				if good != row.want {
					t.Errorf("%d of 8 were answered, not %d", good, row.want)
				}
				over = true
				c.Sleep(2 * time.Second)
				if all := row.hoarders * row.each; ended == 0 || ended > all-9 {
					t.Errorf("%d of %d hoarded bodies were ended: the total is for 16", ended, all)
				}
			})
		})
	}
}

// TestBodiesOfHandlersLeaveAReserve has one client fill what a handler keeps, which
// cannot be ended: the last quarter is for others.
func TestBodiesOfHandlersLeaveAReserve(t *testing.T) {
	release := false
	keep := http.Streaming(func(w *http.Response, r *http.Request) error {
		body, err := r.Body()
		if err != nil {
			return err
		}
		for r.Path() == "/keep" && !release {
			if err := w.Pause(time.Second); err != nil {
				return err
			}
		}
		return w.Text(fmt.Sprint(len(body)))
	})
	httptest.Run(t, httptest.Config{Handler: keep, Limits: http.Limits{BodiesTotal: 8 << 20}}, func(c *httptest.Client) {
		kept, refused := 0, 0
		for range 20 {
			c.Go(func(c *httptest.Client) {
				switch a := c.Do("POST", "/keep", strings.Repeat("x", 1<<20)); a.Status {
				case 200:
					kept++
				case 503:
					refused++
				}
			})
		}
		c.Sleep(5 * time.Second)
		for _, size := range []int{8 << 10, 1 << 20} {
			if a := c.At("10.0.0.2").Do("POST", "/", strings.Repeat("y", size)); a.Status != 200 {
				t.Errorf("%d bytes of another client: %v", size, a)
			}
		}
		release = true
		c.Sleep(5 * time.Second)
		if kept != 6 || refused != 14 {
			t.Errorf("%d bodies were kept and %d refused, of one client that may have 6 of 8 MiB", kept, refused)
		}
		if a := c.Do("POST", "/", strings.Repeat("y", 1<<20)); a.Status != 200 {
			t.Errorf("and afterwards: %v", a)
		}
	})
}
