package http_test

import (
	"fmt"
	"io"
	nethttp "net/http"

	"github.com/bobbin-http/bobbin/http"
)

var partnerName http.ConnKey[string]

// A client gives its password in its first request, and is known in all others on the same
// connection. OnConn reports the states of the connection.
func ExampleConnKey() {
	handler := func(w *http.Response, r *http.Request) error {
		name, known := partnerName.Get(r)
		if !known {
			if r.Header("Password") != "swordfish" {
				return http.StatusForbidden
			}
			name = r.Header("Name")
			partnerName.Set(r, name)
		}
		return w.Text("hello, " + name)
	}
	var server *http.Server
	told := func(c *http.Conn, is http.ConnState) {
		name, _ := partnerName.Get(c)
		fmt.Println("connection", c.ID(), "of", name, "is", is)
		if is == http.ConnClosed {
			fmt.Println("reason:", c.Reason())
			server.Stop()
		}
	}
	server, err := http.NewServer(http.Config{Handler: handler, OnConn: told})
	if err != nil {
		fmt.Println(err)
		return
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		client := &nethttp.Client{Transport: new(nethttp.Transport)}
		defer client.CloseIdleConnections()
		for _, fields := range []nethttp.Header{{"Name": {"ann"}, "Password": {"swordfish"}}, {}} {
			request, _ := nethttp.NewRequest("GET", "http://"+listeners[0].Addr().String(), nil)
			request.Header = fields
			if answer, err := client.Do(request); err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}
	}()
	if err := server.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// connection 1 of  is new
	// connection 1 of  is active
	// connection 1 of ann is idle
	// connection 1 of ann is active
	// connection 1 of ann is idle
	// connection 1 of ann is closed
	// reason: closed by the peer
}
