// Notes is a JSON API with a database: people sign up, log in, and keep notes.
//
//	go run . notes.db
//
//	curl -H 'Content-Type: application/json' -d '{"name":"ada","password":"long enough"}' localhost:8080/users
//	curl -H 'Content-Type: application/json' -d '{"name":"ada","password":"long enough"}' localhost:8080/login
//	curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' -d '{"text":"buy thread"}' localhost:8080/notes
//	curl -H 'Authorization: Bearer TOKEN' localhost:8080/notes
//
// It is a module of its own, so that the database is no dependency of bobbin.
package main

import (
	"errors"
	"log"
	"os"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: notes DATABASE")
	}
	db, err := openStore(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server, err := http.NewServer(http.Config{Handler: site(db).Serve, ErrorHandler: asJSON})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := server.Listen("localhost:8080"); err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(server.Run(), db.Close()); err != nil {
		log.Fatal(err)
	}
}

// site is the whole API. Handlers that need a user are in a group, behind the login.
func site(db *store) *http.Router {
	s := sessions{db: db, users: make(map[string]session)}
	n := notes{db}
	api := new(http.Router)
	api.Handle("POST /users", s.signUp)
	api.Handle("POST /login", s.logIn)
	own := api.Group("", s.require)
	own.Handle("GET /notes", n.list)
	own.Handle("POST /notes", n.add)
	own.Handle("GET /notes/{id}", n.get)
	own.Handle("DELETE /notes/{id}", n.remove)
	return api
}

// asJSON is the body of all answers with an error status, the server's own
// included.
func asJSON(w *http.Response, _ *http.Request, f http.Failure) error {
	reason := f.Reason
	if reason == "" {
		reason = strings.ToLower(f.Status.Text())
	}
	return w.JSON(map[string]any{"status": int(f.Status), "error": reason})
}
