package upload_test

import (
	"log"
	"path/filepath"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/upload"
)

// A form with one picture, which is kept under a name of the program's own.
func ExampleReceive() {
	receive := func(w *http.Response, r *http.Request) error {
		form, err := upload.Receive(r, upload.Options{Folder: "/srv/pictures", Files: 1, File: 8 << 20})
		if err != nil {
			return err // 413 if it is too large, 400 if it is malformed
		}
		defer form.Remove() // what was not kept
		if len(form.Files) == 0 {
			return http.StatusBadRequest.Because("the form has no picture")
		}
		if err := form.Files[0].Keep(filepath.Join("/srv/pictures", "latest")); err != nil {
			return err
		}
		return http.StatusNoContent
	}
	site := new(http.Router)
	site.Handle("POST /picture", http.Blocking(8, receive)) // because it waits for the disk
	log.Fatal(http.ListenAndServe("localhost:8080", site.Serve))
}
