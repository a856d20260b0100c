package reload_test

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/reload"
	"github.com/bobbin-http/bobbin/http/static"
)

// A folder whose pages load themselves again in all browsers when one of its files
// changes.
func ExampleNew() {
	files, err := static.Open("./site", static.Options{Inject: reload.Inject})
	if err != nil {
		log.Fatal(err)
	}
	reloader, err := reload.New(files.Forget) // a changed file is read anew before the pages are told
	if err != nil {
		log.Fatal(err)
	}
	defer reloader.Close()
	server, err := http.NewServer(http.Config{Handler: reloader.Wrap(files.Serve)})
	if err != nil {
		log.Fatal(err)
	}
	if err := reloader.Start(server.Loop(), "./site"); err != nil {
		log.Fatal(err)
	}
	if _, err := server.Listen("localhost:8080"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
