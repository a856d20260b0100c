package acme_test

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/acme"
)

// A site whose certificate comes from Let's Encrypt. Port 443 serves it, and port
// 80 redirects to it and answers the challenges of the authority.
func ExampleNew() {
	manager, err := acme.New(acme.Options{Domains: []string{"www.example.com"}, Cache: "/var/lib/site/certs"})
	if err != nil {
		log.Fatal(err)
	}
	site := func(w *http.Response, r *http.Request) error { return w.Text("hello\n") }
	redirect := func(w *http.Response, r *http.Request) error {
		return w.Redirect(http.StatusPermanentRedirect, "https://www.example.com"+r.Target())
	}
	handler := func(w *http.Response, r *http.Request) error {
		if r.TLS() == nil {
			return redirect(w, r)
		}
		return site(w, r)
	}
	server, err := http.NewServer(http.Config{Handler: manager.Challenges(handler), TLS: manager.Config()})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := server.ListenTLS(":443"); err != nil {
		log.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		log.Fatal(err)
	}
	manager.Start()
	defer manager.Close()
	if err := server.Run(); err != nil {
		log.Print(err)
	}
}
