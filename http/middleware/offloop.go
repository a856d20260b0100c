package middleware

import (
	"fmt"

	"github.com/bobbin-http/bobbin/http"
)

// offLoop returns an error if a request is off the loop: middleware of this name has state or
// timers there.
func offLoop(r *http.Request, name string) error {
	if r.OffLoop() {
		return fmt.Errorf("middleware: %s belongs to the loop: put it outside of http.Blocking", name)
	}
	return nil
}
