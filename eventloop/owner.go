package eventloop

import (
	"bytes"
	"fmt"
	"runtime"
)

// An owner is the goroutine that a loop belongs to. A call from another is a data
// race, which shows rarely and far from its cause; the check shows it at once, with
// both names.
type owner struct {
	checked bool   // Config.CheckOwner
	name    string // of the goroutine, while the loop runs and if that is checked
}

// take makes the caller's goroutine the owner.
func (o *owner) take() {
	if o.checked {
		o.name = goroutine()
	}
}

// check panics if the caller is on another goroutine, where that is checked at all.
func (o *owner) check(call string) {
	if o.checked {
		o.mustBe(call)
	}
}

func (o *owner) mustBe(call string) {
	if o.name == "" {
		return // the loop does not run yet
	}
	if here := goroutine(); here != o.name {
		panic(fmt.Sprintf("eventloop: %s was called on %s, but this loop belongs to %s: use Loop.Post", call, here, o.name))
	}
}

// goroutine returns the name that the runtime gives the caller's goroutine,
// such as "goroutine 7".
func goroutine() string {
	var p [64]byte
	text := p[:runtime.Stack(p[:], false)]
	if at := bytes.IndexByte(text, '['); at > 0 {
		text = text[:at]
	}
	return string(bytes.TrimSpace(text))
}
