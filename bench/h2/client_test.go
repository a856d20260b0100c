package h2

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve starts a server of net/http for HTTP/2, in plain text or over TLS, and returns a
// connection to it.
func serve(t *testing.T, encrypted bool, handler http.HandlerFunc) *Conn {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.EnableHTTP2 = encrypted
	if encrypted {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if encrypted {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{Protocol}}) // httptest's certificate
	}
	client, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAnswersAreInTheOrderOfTheirRequests(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS=%v", encrypted), func(t *testing.T) {
			last := make(chan bool)
			c := serve(t, encrypted, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/0": // is answered after the last one has come
					<-last
				case "/9":
					last <- true
				}
				fmt.Fprint(w, r.URL.Path, " ", r.Host, " ", r.Header.Get("X-Name"))
			})
			for range 2 {
				var all []Request
				for i := range 10 {
					all = append(all, Request{Scheme: "http", Authority: "a.example", Path: fmt.Sprint("/", i), Fields: []string{"X-Name: value"}})
				}
				got, err := c.Ask(all...)
				if err != nil {
					t.Fatal(err)
				}
				for i, a := range got {
					if want := fmt.Sprintf("/%d a.example value", i); a.Status != 200 || string(a.Body) != want || a.Length < len(want)+2*9 {
						t.Errorf("answer %d is %d %q of %d bytes, want %q", i, a.Status, a.Body, a.Length, want)
					}
				}
			}
		})
	}
}

func TestALongBodyWaitsForNoCredit(t *testing.T) {
	body := strings.Repeat("0123456789", 1<<17) // more than any window begins with
	c := serve(t, false, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
	got, err := c.Ask(Request{Scheme: "http", Authority: "a", Path: "/"})
	if err != nil || string(got[0].Body) != body {
		t.Fatalf("the body has %d bytes, want %d: %v", len(got[0].Body), len(body), err)
	}
}

func TestAStreamThatIsResetIsAnError(t *testing.T) {
	c := serve(t, false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := c.Ask(Request{Scheme: "http", Authority: "a", Path: "/"}); err == nil || !strings.Contains(err.Error(), "resets stream 1") {
		t.Errorf("the error is %v", err)
	}
}
