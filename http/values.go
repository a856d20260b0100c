package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
)

// What a request carries for a handler to use, and what a handler answers with
// besides text: queries, forms, JSON, redirects.

// Query returns the query's values. What is malformed in it is left out; RawQuery
// has everything.
func (r *Request) Query() url.Values {
	values, _ := url.ParseQuery(r.RawQuery())
	return values
}

// formMax is how many values a form may have. It bounds what a body that is
// within Limits.Body can make us allocate.
const formMax = 10_000

// Form returns the values of a form that was posted (application/x-www-form-
// urlencoded), without those of the query. Another type is 415, and a form that
// is malformed 400, by errors that the handler should return as they are. Forms
// with files are for the package upload.
func (r *Request) Form() (url.Values, error) {
	if !r.isType("application/x-www-form-urlencoded") {
		return nil, StatusUnsupportedMediaType.Because("a form is wanted: application/x-www-form-urlencoded")
	}
	body, err := r.Body()
	if err != nil {
		return nil, err
	}
	if bytes.Count(body, []byte("&")) >= formMax {
		return nil, StatusContentTooLarge.Because("the form has too many values")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, StatusBadRequest.Because("the form is malformed")
	}
	return values, nil
}

// JSON decodes the body into v, as encoding/json does. Another type than
// application/json, or one that ends in +json, is 415, and a body that is not one
// JSON value that fits v is 400, by errors that the handler should return as they
// are.
func (r *Request) JSON(v any) error {
	if !r.isType("application/json") && !r.isType("+json") {
		return StatusUnsupportedMediaType.Because("JSON is wanted: application/json")
	}
	body, err := r.Body()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return StatusBadRequest.Because("there is more than one JSON value")
	}
	return nil
}

// notJSON says what is wrong with a body, and not what our types are called.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return StatusBadRequest.Because(fmt.Sprintf("not JSON, at byte %d", syntax.Offset))
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return StatusBadRequest.Because(fmt.Sprintf("%q cannot be a %s", mismatch.Field, mismatch.Value))
	case errors.As(err, &mismatch):
		return StatusBadRequest.Because(fmt.Sprintf("a %s is not what is wanted", mismatch.Value))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return StatusBadRequest.Because("the JSON ends too early")
	}
	return StatusBadRequest.Because("not the JSON that is wanted")
}

// isType reports whether the body is of a media type, or of one that ends so if it
// begins with "+".
func (r *Request) isType(want string) bool {
	typ, _, err := mime.ParseMediaType(r.Header("Content-Type"))
	if err != nil {
		return false
	}
	return typ == want || want[0] == '+' && strings.HasSuffix(typ, want)
}

// JSON answers with a value, as encoding/json has it.
func (w *Response) JSON(v any) error {
	var p bytes.Buffer // of the size that it needs, while appending to a slice would make more
	if err := json.NewEncoder(&p).Encode(v); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	if w.typ == "" {
		w.typ = "application/json"
	}
	return w.WriteNoCopy(p.Bytes())
}

// Redirect answers with a status of the 300s and a place to go to. A location that
// comes from the client can lead anywhere: check it before.
func (w *Response) Redirect(status Status, location string) error {
	if status < 300 || status > 399 || status == StatusNotModified {
		return fmt.Errorf("http: %d is no status to redirect with", int(status))
	}
	w.SetStatus(status).Add("Location", location)
	return w.Text(status.Error() + "\n")
}

// Because is the status with a reason, which the client reads in the body of the
// answer: one line for a person.
//
//	return http.StatusBadRequest.Because("there is no name")
func (s Status) Because(reason string) error { return newRefusal(s, reason) }
