// Upload stores uploaded files in a folder.
//
//	go run ./cmd/upload FOLDER
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/upload"
)

const page = `<!doctype html><title>Upload</title><h1>Upload</h1>
<form method=post enctype=multipart/form-data><input type=file name=files multiple><button>Send</button></form>
`

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: upload FOLDER")
	}
	log.Fatal(http.ListenAndServe("localhost:8080", site(os.Args[1]).Serve))
}

func site(folder string) *http.Router {
	pages := new(http.Router)
	pages.Handle("GET /{$}", func(w *http.Response, r *http.Request) error { return w.HTML(page) })
	pages.Handle("POST /{$}", http.Blocking(8, func(w *http.Response, r *http.Request) error { // Blocking, because the handler waits for the disk
		form, err := upload.Receive(r, upload.Options{Folder: folder, File: 1 << 30, Total: 4 << 30})
		if err != nil {
			return err
		}
		defer form.Remove()
		w.Add("Content-Type", "text/plain; charset=utf-8") // the names are the client's: no browser may take them for HTML
		for _, f := range form.Files {
			path := filepath.Join(folder, f.Name)
			if _, err := os.Lstat(path); err == nil || f.Name == "" {
				return http.StatusConflict.Because(fmt.Sprintf("a file %q exists already", f.Name))
			}
			if err := f.Keep(path); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s: %d bytes\n", f.Name, f.Size)
		}
		return nil
	}))
	return pages
}
