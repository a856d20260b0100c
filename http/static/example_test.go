package static_test

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	nethttp "net/http"
	"os"
	"path/filepath"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

// A program's own pages beside the files of a folder.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "site")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, "style.css"), []byte("body { color: green }\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	files, err := static.Open(folder, static.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	pages := new(http.Router)
	pages.Handle("GET /{$}", func(w *http.Response, r *http.Request) error { return w.HTML("<!doctype html><h1>Hello</h1>\n") })
	pages.Handle("/", files.Serve)

	server, err := http.NewServer(http.Config{Handler: pages.Serve})
	if err != nil {
		fmt.Println(err)
		return
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		defer server.Stop()
		for _, path := range []string{"/", "/style.css", "/missing"} {
			r, err := nethttp.Get("http://" + listeners[0].Addr().String() + path)
			if err != nil {
				fmt.Println(err)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			fmt.Print(r.StatusCode, " ", string(body))
		}
	}()
	if err := server.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 200 <!doctype html><h1>Hello</h1>
	// 200 body { color: green }
	// 404 404 Not Found
}

//go:embed testdata/site
var embedded embed.FS

// Pages and assets that are in the program. fs.Sub takes the folder's name off.
func ExampleFS() {
	site, err := fs.Sub(embedded, "testdata/site")
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := static.FS(site, static.Options{Prefix: "/docs", CleanURLs: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	pages := new(http.Router)
	pages.Handle("/docs/", files.Serve)

	server, err := http.NewServer(http.Config{Handler: pages.Serve})
	if err != nil {
		fmt.Println(err)
		return
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		defer server.Stop()
		for _, path := range []string{"/docs/", "/docs/about", "/docs/sub/b.txt"} {
			r, err := nethttp.Get("http://" + listeners[0].Addr().String() + path)
			if err != nil {
				fmt.Println(err)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			fmt.Print(r.StatusCode, " ", string(body))
		}
	}()
	if err := server.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 200 <p>the start
	// 200 <p>about
	// 200 b
}
