// Report makes answers that take time, in two ways: a sum computed off the loop, and
// a table written by a handler that may wait.
package main

import (
	"crypto/sha256"
	"fmt"
	"log"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	pages := new(http.Router)
	pages.Handle("GET /sum/{rounds}", sum)
	pages.Handle("GET /table", http.Blocking(10, table)) // at most ten at a time
	return pages
}

// sum leaves the work to a worker, and answers on the loop when it is done.
func sum(w *http.Response, r *http.Request) error {
	rounds, err := strconv.Atoi(r.PathValue("rounds"))
	if err != nil || rounds < 0 || rounds > 10_000_000 {
		return http.StatusBadRequest.Because("the number of rounds must be from 0 to ten million")
	}
	return http.Offload(w, func() (digest [32]byte, err error) {
		for range rounds {
			digest = sha256.Sum256(digest[:])
		}
		return digest, nil
	}, func(w *http.Response, digest [32]byte) error { return w.Text(fmt.Sprintf("%x\n", digest)) })
}

// table runs on a goroutine of its own, so it may wait for a database. Its rows are
// sent while it writes.
func table(w *http.Response, r *http.Request) error {
	w.Add("Content-Type", "text/csv; charset=utf-8")
	fmt.Fprintln(w, "n,square")
	for n := range 1000 {
		square, err := query(n)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%d,%d\n", n, square); err != nil {
			return err // the client has disconnected
		}
	}
	return nil
}

// query stands for a database.
var query = func(n int) (int, error) {
	time.Sleep(time.Millisecond)
	return n * n, nil
}
