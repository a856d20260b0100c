package std

import (
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestHandlersHaveDeadlinesAndInterimAnswers says the same to both servers. Deadlines are
// over when they are set.
func TestHandlersHaveDeadlinesAndInterimAnswers(t *testing.T) {
	over := time.Now().Add(-time.Hour)
	for _, row := range []struct {
		name    string
		ask     string
		handler func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error // what it has met
		met     error
		begins  string // the answer
		ends    string
	}{
		{"a body that does not come in time is an error, and the handler answers",
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
			func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error {
				if err := c.SetReadDeadline(over); err != nil {
					return err
				}
				_, err := io.ReadAll(r.Body)
				nethttp.Error(w, "too late", nethttp.StatusRequestTimeout)
				return err
			}, os.ErrDeadlineExceeded, "HTTP/1.1 408", "too late\n"},
		{"a deadline that is taken away is none",
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
			func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error {
				if err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Hour)), c.SetReadDeadline(time.Time{})); err != nil {
					return err
				}
				if err := errors.Join(c.SetWriteDeadline(time.Now().Add(time.Hour)), c.SetWriteDeadline(time.Time{})); err != nil {
					return err
				}
				_, err := io.Copy(w, r.Body)
				return err
			}, nil, "HTTP/1.1 200", "hello"},
		{"an answer that is not written in time is cut, and its handler told",
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error {
				if err := c.SetWriteDeadline(over); err != nil {
					return err
				}
				for {
					if _, err := w.Write(make([]byte, 10_000)); err != nil {
						return errors.Join(err, c.SetWriteDeadline(time.Time{}))
					}
				}
			}, os.ErrDeadlineExceeded, "", ""},
		{"an interim answer has the fields as they stand, and the final one those that follow",
			"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error {
				w.Header().Set("Link", "</a.css>; rel=preload")
				w.Header().Set("Content-Length", "5")
				w.WriteHeader(nethttp.StatusEarlyHints)
				w.Header().Set("X-Then", "yes")
				_, err := io.WriteString(w, "hello")
				return err
			}, nil, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n", "\r\n\r\nhello"},
		{"a handler may say 100 early, or leave it to the server",
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
			func(w nethttp.ResponseWriter, r *nethttp.Request, c *nethttp.ResponseController) error {
				w.WriteHeader(nethttp.StatusContinue)
				_, err := io.Copy(w, r.Body)
				return err
			}, nil, "HTTP/1.1 ", "\r\n\r\nhello"},
	} {
		t.Run(row.name, func(t *testing.T) {
			met := make(chan error, 1)
			h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
				met <- row.handler(w, r, nethttp.NewResponseController(w))
			})
			theirs := httptest.NewServer(h)
			defer theirs.Close()
			for name, at := range map[string]string{"net/http": theirs.URL, "bobbin": serveBobbin(t, Handler(h))} {
				c := dial(t, at, row.ask)
				text, err := io.ReadAll(c)
				if got := string(text); !strings.HasPrefix(got, row.begins) || !strings.HasSuffix(got, row.ends) || row.ends != "" && err != nil {
					t.Errorf("%s answers %.300q, %v", name, got, err)
				}
				if err := <-met; !errors.Is(err, row.met) || row.met == nil && err != nil {
					t.Errorf("the handler behind %s has met %v", name, err)
				}
				c.Close()
			}
		})
	}
}

// TestARequestThatIsOverHasNoDeadline sets some after the handler has returned.
func TestARequestThatIsOverHasNoDeadline(t *testing.T) {
	controls := make(chan *nethttp.ResponseController, 1)
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		controls <- nethttp.NewResponseController(w)
	})))
	answer, err := nethttp.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	c := <-controls
	if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})); fmt.Sprint(err) != "std: the handler has returned\nstd: the handler has returned" {
		t.Error(err)
	}
}
