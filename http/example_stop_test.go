package http_test

import (
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A program that ends well: on Ctrl-C and on SIGTERM the server answers the requests that
// have begun, and Run returns nil. A second signal cuts them off.
func ExampleServer_Run() {
	process, _ := os.FindProcess(os.Getpid())
	server, err := http.NewServer(http.Config{Handler: http.Streaming(func(w *http.Response, r *http.Request) error {
		process.Signal(syscall.SIGTERM) // comes from outside, as a rule
		for w.Pause(time.Second) != http.ErrStopping {
		}
		return w.Text("a whole answer")
	})})
	if err != nil {
		fmt.Println(err)
		return
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Loop().OnSignal(func(os.Signal) { server.Stop() }, os.Interrupt, syscall.SIGTERM)()

	answer := make(chan string)
	go func() { answer <- get("http://" + listeners[0].Addr().String()) }()
	err = server.Run()
	fmt.Println(<-answer)
	fmt.Println(err)
	// Output:
	// a whole answer
	// <nil>
}

// get returns the body of an answer.
func get(url string) string {
	answer, err := nethttp.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
