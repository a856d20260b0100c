// Fasthttp is github.com/valyala/fasthttp.
package main

import (
	"log"

	"github.com/valyala/fasthttp"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

func main() {
	job := rivals.Asked()
	files := func(r *fasthttp.RequestCtx) { r.NotFound() }
	if job.Folder != "" {
		files = (&fasthttp.FS{Root: job.Folder, AcceptByteRange: true}).NewRequestHandler()
	}
	s := &fasthttp.Server{Handler: func(r *fasthttp.RequestCtx) {
		if string(r.Path()) != "/bench" {
			files(r)
			return
		}
		r.SetContentType("text/plain")
		r.SetBodyString(rivals.Hello)
	}}
	if job.Certificate != "" {
		log.Fatal(s.ListenAndServeTLS(job.Address, job.Certificate, job.Key))
	}
	log.Fatal(s.ListenAndServe(job.Address))
}
