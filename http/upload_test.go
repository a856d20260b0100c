package http_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestRefusedUploadsAreToldSo has clients that look for an answer only when all of their
// body is sent, as most do. A reset before that would take the answer from them.
func TestRefusedUploadsAreToldSo(t *testing.T) {
	files := func(w *http.Response, r *http.Request) error { return http.MethodNotAllowed(w, r, "GET, HEAD") }
	bodies := func(w *http.Response, r *http.Request) error { _, err := r.Body(); return err }
	const mega = 1 << 20
	for _, row := range []struct {
		name    string
		handler http.Handler
		size    int
		chunked bool
		pause   time.Duration // behind each mebibyte
		want    int
	}{
		{"6 MB for files", files, 6 * mega, false, 0, 405},
		{"30 MB for files", files, 30 * mega, false, 0, 405},
		{"30 MB in chunks", files, 30 * mega, true, 0, 405},
		{"30 MB that take half a minute", files, 30 * mega, false, 950 * time.Millisecond, 405},
		{"30 MB of a body that may have less", bodies, 30 * mega, false, 0, 413},
		{"in chunks, too", bodies, 30 * mega, true, 0, 413},
		{"and slowly", bodies, 30 * mega, true, 900 * time.Millisecond, 413},
	} {
		t.Run(row.name, func(t *testing.T) {
			piece := strings.Repeat("x", mega)
			head := fmt.Sprintf("Content-Length: %d", row.size)
			if row.chunked {
				head, piece = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", mega, piece)
			}
			httptest.Run(t, httptest.Config{Handler: row.handler}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				err := conn.Send("PUT /file HTTP/1.1\r\nHost: a\r\n" + head + "\r\n\r\n")
				for sent := 0; sent < row.size; sent += mega {
					err = errors.Join(err, conn.Send(piece))
					c.Sleep(row.pause)
				}
				if row.chunked {
					err = errors.Join(err, conn.Send("0\r\n\r\n"))
				}
				if a := conn.Answer("PUT"); err != nil || a.Status != row.want {
					t.Errorf("%d, %v, %v", a.Status, a.Err, err)
				}
			})
		})
	}
}

// TestARefusedUploadDoesNotDelayOthers has an upload without end beside a client that asks
// once a second.
func TestARefusedUploadDoesNotDelayOthers(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		if r.Method() == http.MethodGet {
			return w.Text("hello")
		}
		return http.MethodNotAllowed(w, r, "GET, HEAD")
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		over := time.Duration(0)
		c.Go(func(other *httptest.Client) {
			conn, began := other.Dial(), other.Now()
			defer conn.Close()
			conn.Send("PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n")
			for conn.Send(strings.Repeat("x", 1<<20)) == nil {
				other.Sleep(100 * time.Millisecond)
			}
			over = other.Now().Sub(began)
		})
		for range 40 {
			before := c.Now()
			if a, took := c.Get("/"), c.Now(); a.Status != 200 || took.Sub(before) > 10*time.Millisecond {
				t.Errorf("%d after %v", a.Status, took.Sub(before))
			}
			c.Sleep(time.Second)
		}
		if over < 29*time.Second || over > 31*time.Second {
			t.Errorf("the upload was cut off after %v", over)
		}
	})
}
