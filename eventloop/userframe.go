package eventloop

import (
	"runtime/debug"
	"strings"
)

// UserFrame names the innermost call on the caller's stack that is neither the standard
// library's nor this module's in its inner rooms: the line of a handler that has made a
// mistake, such as "site.go:12 main.hello". It prints a stack, so it is for mistakes only.
func UserFrame() string {
	_, stack, _ := strings.Cut(string(debug.Stack()), "eventloop.UserFrame(")
	_, stack, _ = strings.Cut(stack, "\n\t")
	_, stack, _ = strings.Cut(stack, "\n")
	return firstUserFrame(stack)
}
