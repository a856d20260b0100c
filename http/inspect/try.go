package inspect

import (
	"fmt"

	"github.com/bobbin-http/bobbin/http"
)

// Clients that misbehave at the press of a button. The program brings them, because they
// are goroutines with sockets of their own; here is who may start them, and when.

// A Try is a button of the page.
type Try struct {
	ID   string
	Name string // on the button
	Text string // what happens, one sentence

	// Run starts it and returns at once. It is called on a loop, must be over by itself after
	// some seconds, and calls done then, on any goroutine. A second one does not start before.
	Run func(done func())
}

// formMost is more than the form of a button takes, in bytes.
const formMost = 4 << 10

// try starts what a button says.
func (v *visit) try() error {
	v.begin()
	if v.r.Method() != http.MethodPost {
		return http.MethodNotAllowed(v.w, v.r, "POST")
	}
	if err := v.mayLook(); err != nil {
		return err
	}
	if n := v.r.Length(); n < 0 || n > formMost {
		return http.StatusContentTooLarge.Because("the form of a button is short")
	}
	form, err := v.r.Form()
	if err != nil {
		return err
	}
	if err := v.mayPress(form.Get("token")); err != nil {
		return err
	}
	for n, t := range v.inspector.config.Try {
		if t.ID != form.Get("what") {
			continue
		}
		running := &v.inspector.running[n]
		if !running.CompareAndSwap(false, true) {
			return http.StatusConflict.Because(fmt.Sprintf("%s: it runs already, and ends by itself within seconds", t.Name))
		}
		t.Run(func() { running.Store(false) })
		return v.w.SetStatus(http.StatusAccepted).Text(t.Text + "\n")
	}
	return http.StatusBadRequest.Because("there is no button of this name")
}
