// Handlers is a program with bobbin and one handler, which runs in one of the places
// for handlers, to measure their cost; or with WebSocket.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	nethttp "net/http"
	"os"

	"github.com/bobbin-http/bobbin/bench/rivals"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
	"github.com/bobbin-http/bobbin/http/websocket"
)

// atOnce is the number of concurrent requests of a handler that may wait.
const atOnce = 1000

var places = map[string]http.Handler{
	"plain":     hello,
	"streaming": http.Streaming(hello),
	"blocking":  http.Blocking(atOnce, hello),
	"std": std.Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, rivals.Hello)
	})),
}

func main() {
	place := flag.String("place", "plain", "place of the handler: plain, streaming, blocking or std; or websocket")
	job := rivals.Asked()
	h, messages := places[*place], new(sockets)
	if *place == "websocket" {
		h = messages.handler()
	}
	if h == nil {
		fmt.Fprintf(os.Stderr, "handlers: unknown place %q\n", *place)
		os.Exit(2)
	}
	s, err := http.NewServer(http.Config{Handler: h})
	if err != nil {
		log.Fatal(err)
	}
	messages.topic = websocket.NewTopic(s)
	if _, err := s.Listen(job.Address); err != nil {
		log.Fatal(err)
	}
	log.Fatal(s.Run())
}

func hello(w *http.Response, _ *http.Request) error {
	w.Add("Content-Type", "text/plain")
	return w.Text(rivals.Hello)
}
