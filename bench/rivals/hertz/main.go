// Hertz is github.com/cloudwego/hertz, on its own network library.
package main

import (
	"context"
	"crypto/tls"
	"log"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/common/hlog"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

func main() {
	job := rivals.Asked()
	hlog.SetLevel(hlog.LevelError)
	options := []config.Option{server.WithHostPorts(job.Address), server.WithDisablePrintRoute(true)}
	if job.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(job.Certificate, job.Key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, server.WithTLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}
	h := server.New(options...)
	h.GET("/bench", func(_ context.Context, r *app.RequestContext) { r.String(200, rivals.Hello) })
	if job.Folder != "" {
		h.StaticFS("/", &app.FS{Root: job.Folder, AcceptByteRange: true})
	}
	h.Spin()
}
