// Package bobbin is step 12 of the tour: what the steps before have built, as a library.
// The loop is bobbin's, and only the pages are here.
package bobbin

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/cert"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
)

// A site belongs to the loop, as its handlers do, and needs no lock.
type site struct {
	waiting []*http.Pending // requests for /wait
	secure  string          // the address for TLS
}

// #region serve

// Serve answers clients until the process ends, in plain text and at another port by TLS.
func Serve(port int) error {
	s := new(site)
	inspector := inspect.New(inspect.Config{})
	pages := new(http.Router)
	pages.Handle("GET /", s.hello)
	pages.Handle("GET /wait", s.wait)
	pages.Handle("GET /go", s.answerAll)
	pages.Handle("GET /big", http.Streaming(big))
	pages.Handle("GET /sleep", http.Blocking(100, sleep))
	pages.Handle("GET /-/", inspector.Handler(0))
	server, err := http.NewServer(http.Config{Handler: pages.Serve, TLS: cert.New()}) // all limits are the defaults
	if err != nil {
		return err
	}
	inspector.Show(http.Servers{server})
	plain, err := server.Listen(fmt.Sprintf("127.0.0.1:%d", port))
	secure, err2 := server.ListenTLS("127.0.0.1:0")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	s.secure = secure[0].Addr().String()
	fmt.Printf("listening on http://%v/\n", plain[0].Addr())
	return server.Run()
}

// #endregion

// hello tells what the loop has done.
func (s *site) hello(w *http.Response, r *http.Request) error {
	c, events := r.Loop().Counters(), r.Loop().Counters()[eventloop.Turn].Sum
	return w.Text(fmt.Sprintf("hello, world: %d calls, %d not now, %d events, %d entries, %d waiting, %d owed; https://%s/\n",
		c[eventloop.Turn].N, c[eventloop.ReadNotNow].N, events, events, len(s.waiting), r.Loop().Gauges().Owed, s.secure))
}

// wait keeps a request until answerAll. No more is read from its client meanwhile.
func (s *site) wait(w *http.Response, r *http.Request) error {
	p, err := http.Later(w)
	s.waiting = append(s.waiting, p)
	return err
}

func (s *site) answerAll(w *http.Response, r *http.Request) error {
	for _, p := range s.waiting {
		p.Answer(func(w *http.Response) error { return w.Text("go\n") })
	}
	s.waiting = nil
	return s.hello(w, r)
}

// #region handlers

// big may wait for its client: it is suspended meanwhile, as the handshake of step 11 is.
func big(w *http.Response, r *http.Request) error {
	_, err := io.WriteString(w, strings.Repeat("0123456789abcde\n", 1<<20)) // 16 MB
	return err
}

// sleep may wait for anything: it runs on a goroutine of its own.
func sleep(w *http.Response, r *http.Request) error {
	time.Sleep(200 * time.Millisecond)
	return w.Text("good morning\n")
}

// #endregion
