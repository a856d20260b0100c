package inspect_test

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
)

// A server whose loop is shown at http://localhost:8080/-/xray.
func ExampleNew() {
	inspector := inspect.New(inspect.Config{})
	loop := inspector.Handler(0)
	server, err := http.NewServer(http.Config{Handler: func(w *http.Response, r *http.Request) error {
		if err := loop(w, r); err != http.StatusNotFound {
			return err
		}
		return w.Text("hello, world\n")
	}})
	if err != nil {
		log.Fatal(err)
	}
	inspector.Show(http.Servers{server})
	if _, err := server.Listen("localhost:8080"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
