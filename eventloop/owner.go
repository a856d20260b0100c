package eventloop

import (
	"bytes"
	"fmt"
	"runtime"
)

// own panics if the caller is not on the loop's goroutine, where that is
// checked at all. A data race shows rarely and far from its cause; this shows
// at once, with both names.
func (l *Loop) own(call string) {
	if l.checkOwner {
		l.mustOwn(call)
	}
}

func (l *Loop) mustOwn(call string) {
	if l.owner == "" {
		return // it does not run yet
	}
	if here := goroutine(); here != l.owner {
		panic(fmt.Sprintf("eventloop: %s was called on %s, but this loop belongs to %s: use Loop.Post", call, here, l.owner))
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
