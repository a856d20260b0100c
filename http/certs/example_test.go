package certs_test

import (
	"fmt"
	"log"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/certs"
)

// A certificate for a server that is tried out. Browsers warn of it, and a person
// compares its fingerprint.
func ExampleSelf() {
	certificate, err := certs.Self(time.Now(), "localhost", "127.0.0.1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(certificate.Leaf.DNSNames, certificate.Leaf.IPAddresses)
	fmt.Println("bytes of the fingerprint:", (len(certs.Fingerprint(certificate))+1)/3)
	// Output:
	// [localhost] [127.0.0.1]
	// bytes of the fingerprint: 32
}

// Certificates from files, read again every minute. A client gets the one of the
// name that it asks for.
func ExampleLoad() {
	store, err := certs.Load(time.Now, certs.Pair{Cert: "/etc/site.pem", Key: "/etc/site.key"})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for range time.Tick(time.Minute) {
			if _, err := store.Reload(); err != nil {
				log.Print(err) // what was loaded before remains
			}
		}
	}()
	hello := func(w *http.Response, r *http.Request) error { return w.Text("hello\n") }
	server, err := http.NewServer(http.Config{Handler: hello, TLS: store.Config()})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := server.ListenTLS(":443"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
