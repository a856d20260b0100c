package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

// embedded is the argument that turns this program into a victim: a program with
// bobbin and handlers that the program bobbin does not have.
const embedded = "embedded-victim"

// embed serves a folder and some handlers until SIGTERM:
//
//	POST /take    reads its body
//	GET /own      answers with 250 kB made for each request
//	GET /panic    panics
//	GET /hold     holds its loop for a while
func embed(args []string) error {
	f := flag.NewFlagSet(embedded, flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:0", "")
	loops := f.Int("loops", 1, "")
	limits := f.String("limits", "{}", "http.Limits, in JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	config := http.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if err := json.Unmarshal([]byte(*limits), &config.Limits); err != nil {
		return err
	}
	servers, err := http.NewServers(*loops, func(int) (http.Config, error) {
		files, err := static.Open(f.Arg(0), static.Options{})
		if err != nil {
			return http.Config{}, err
		}
		c := config
		c.Handler = handlers(files).Serve
		return c, nil
	})
	if err != nil {
		return err
	}
	listeners, err := servers.Listen(*listen)
	if err != nil {
		return err
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		servers.Stop()
	}()
	fmt.Fprintf(os.Stderr, "embedded victim listening %s\n", addressOf(listeners[0]))
	if err := servers.Run(); errors.Is(err, eventloop.ErrCut) {
		os.Exit(3) // the exit code of the program bobbin
	} else if err != nil {
		return err
	}
	return nil
}

func addressOf(l *eventloop.Listener) string {
	if at := l.Addr(); at.Path == "" {
		return "http://" + at.String()
	} else {
		return at.String()
	}
}

func handlers(files *static.Files) *http.Router {
	r := new(http.Router)
	r.Handle("POST /take", func(w *http.Response, r *http.Request) error {
		p, err := r.Body()
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprintf("%d bytes\n", len(p)))
	})
	r.Handle("GET /own", func(w *http.Response, _ *http.Request) error {
		_, err := w.Write(make([]byte, 250_000))
		return err
	})
	r.Handle("GET /panic", func(*http.Response, *http.Request) error { panic("deliberate panic") })
	r.Handle("GET /hold", func(w *http.Response, _ *http.Request) error {
		time.Sleep(holding)
		return w.Text("done\n")
	})
	r.Handle("GET /{path...}", files.Serve)
	return r
}

// holding is how long a handler holds its loop, against the rules.
const holding = time.Second
