package std_test

import (
	"fmt"
	"io"
	nethttp "net/http"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
)

// A mux of net/http, served by bobbin. With http.ListenAndServe in place of the
// server below it is one line.
func ExampleHandler() {
	mux := nethttp.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprintf(w, "hello, %s\n", r.PathValue("name"))
	})
	server, err := http.NewServer(http.Config{Handler: std.Handler(mux)})
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
		defer server.Stop() // any goroutine may call it
		r, err := nethttp.Get("http://" + listeners[0].Addr().String() + "/hello/loop")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		fmt.Print(r.Status, " ", string(body), err, "\n")
	}()
	if err := server.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 200 OK hello, loop
	// <nil>
}
