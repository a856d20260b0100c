package main

import (
	"fmt"
	"strconv"

	"github.com/bobbin-http/bobbin/http"
)

// notes are the handlers of a user's notes. sessions.require stands before them.
type notes struct{ db *store }

// asked reads all bodies: a misspelt field is an error, and a body is short.
var asked = http.StrictJSON{Size: 64 << 10}

// textMax is the length of a note at most, in bytes.
const textMax = 10_000

func (n notes) list(w *http.Response, r *http.Request) error {
	owner, _ := user.Get(r)
	after, err := strconv.ParseInt("0"+r.Query().Get("after"), 10, 64)
	if err != nil {
		return http.StatusBadRequest.Because("after is not the number of a note")
	}
	return http.Offload(w, func() ([]Note, error) { return n.db.list(owner, after) }, func(w *http.Response, found []Note) error {
		if len(found) == pageMax {
			w.Add("Link", fmt.Sprintf(`</notes?after=%d>; rel="next"`, found[pageMax-1].ID))
		}
		return w.JSON(found)
	})
}

func (n notes) add(w *http.Response, r *http.Request) error {
	owner, _ := user.Get(r)
	var note struct {
		Text string `json:"text"`
	}
	if err := asked.Read(r, &note); err != nil {
		return err
	}
	if note.Text == "" || len(note.Text) > textMax {
		return http.StatusUnprocessableContent.Because("a note has 1 to 10000 bytes of text")
	}
	return http.Offload(w, func() (Note, error) { return n.db.add(owner, note.Text) }, func(w *http.Response, made Note) error {
		w.SetStatus(http.StatusCreated).Add("Location", fmt.Sprint("/notes/", made.ID))
		return w.JSON(made)
	})
}

func (n notes) get(w *http.Response, r *http.Request) error {
	owner, _ := user.Get(r)
	id, err := number(r)
	if err != nil {
		return err
	}
	return http.Offload(w, func() (Note, error) { return n.db.get(owner, id) }, func(w *http.Response, found Note) error { return w.JSON(found) })
}

func (n notes) remove(w *http.Response, r *http.Request) error {
	owner, _ := user.Get(r)
	id, err := number(r)
	if err != nil {
		return err
	}
	return http.Offload(w, func() (any, error) { return nil, n.db.remove(owner, id) },
		func(*http.Response, any) error { return http.StatusNoContent })
}

// number is the {id} of a note.
func number(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, http.StatusNotFound
	}
	return id, nil
}
