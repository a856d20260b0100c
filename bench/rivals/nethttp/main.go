// Nethttp is the standard library's server.
package main

import (
	"io"
	"log"
	"net/http"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

func main() {
	job := rivals.Asked()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /bench", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, rivals.Hello)
	})
	if job.Folder != "" {
		mux.Handle("GET /", http.FileServer(http.Dir(job.Folder)))
	}
	s := &http.Server{Addr: job.Address, Handler: mux}
	if job.HTTP2 {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetHTTP2(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	}
	if job.Certificate != "" {
		log.Fatal(s.ListenAndServeTLS(job.Certificate, job.Key))
	}
	log.Fatal(s.ListenAndServe())
}
