//go:build !js

// Playground is one page on which the loop runs in the browser, a turn at each press of a
// button: the real loop and the real HTTP code over the simulated kernel, compiled to
// WebAssembly.
//
//	go run ./cmd/playground                  # builds the page's program, and serves the page
//	go run ./cmd/playground -build ./out     # builds the page for any host of static files
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

func main() {
	log.SetFlags(0)
	address := flag.String("addr", "localhost:8080", "address to serve the page at")
	build := flag.String("build", "", "folder to write the page to, instead of serving it")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("playground: %q is an argument too many; see -help", flag.Arg(0))
	}
	if *build != "" {
		if err := buildPage(*build); err != nil {
			log.Fatal("playground: ", err)
		}
		fmt.Printf("The page is in %s. Any server of static files will do: go run ./cmd/bobbin %[1]s\n", *build)
		return
	}
	if err := playground(*address); err != nil {
		log.Fatal("playground: ", err)
	}
}

// playground builds the page in a folder of its own, and serves it until Ctrl-C.
func playground(address string) error {
	folder, err := os.MkdirTemp("", "bobbin-playground-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, at, err := serve(folder, address) // before the build, which takes longer than a wrong address
	if err != nil {
		return err
	}
	fmt.Println("Building the page's program, which takes some seconds the first time.")
	if err := buildPage(folder); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	fmt.Printf("Open http://%s/ and press Step. Ctrl-C ends it.\n", at)
	context.AfterFunc(ctx, server.Stop)
	return server.Run()
}

// serve makes a server for a folder, and returns the address of its page.
func serve(folder, address string) (*http.Server, string, error) {
	files, err := static.Open(folder, static.Options{})
	if err != nil {
		return nil, "", err
	}
	server, err := http.NewServer(http.Config{Handler: files.Serve})
	if err != nil {
		return nil, "", err
	}
	listeners, err := server.Listen(address)
	if errors.Is(err, bobbin.ErrInUse) {
		return nil, "", fmt.Errorf("%s is in use: choose another address, such as -addr localhost:8081", address)
	}
	if err != nil {
		return nil, "", err
	}
	return server, listeners[0].Addr().String(), nil
}
