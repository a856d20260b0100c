package eventloop

import (
	"iter"
	"path"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
)

// How the stacks that the runtime prints are read: whose it is that holds a loop,
// and which line of it to name. They are pure functions of text, and an unknown
// text makes them say nothing.

// module is what ours is called.
var module = path.Dir(reflect.TypeFor[Loop]().PkgPath())

// mainModule is the path of the module that the program was built from, if it is
// known. It need not have a dot in it.
var mainModule = func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
}()

// offenderStack finds, in the stacks of all goroutines, that of the one which runs a
// loop, given the name of the loop's own. While a coroutine runs, it is the
// coroutine's: the one that the loop has started, or that another such has, and
// that does not wait to be called. Where its caller is not known, because
// that has ended, any task that runs is likely it.
func offenderStack(stacks, loop string) string {
	all := make(map[string]string)
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		all[name(stack)] = stack
	}
	if !inCoroutine(all[loop]) {
		return all[loop]
	}
	likely := ""
	for _, stack := range all {
		if inCoroutine(stack) {
			continue
		}
		by := starter(stack)
		for by != "" && by != loop {
			by = starter(all[by])
		}
		if by == loop {
			return stack
		}
		if strings.Contains(stack, "\n"+module+"/eventloop.(*Loop).NewTask.") {
			likely = stack
		}
	}
	return likely
}

// name returns what the runtime calls a goroutine, such as "goroutine 7".
func name(stack string) string {
	parts := strings.SplitN(stack, " ", 3)
	return strings.Join(parts[:min(2, len(parts))], " ")
}

// starter returns the name of the goroutine that started a coroutine, or "" for
// what is none.
func starter(stack string) string {
	_, by, _ := strings.Cut(stack, "\ncreated by iter.Pull")
	by, _, _ = strings.Cut(by, "\n")
	_, by, _ = strings.Cut(by, " in ")
	return by
}

// inCoroutine reports whether a goroutine is either in a coroutine that it has
// called, or a coroutine that is not running.
func inCoroutine(stack string) bool {
	head, _, _ := strings.Cut(stack, "\n")
	return strings.Contains(head, "[coroutine")
}

// firstUserFrame names the line to look at first: the innermost that is neither the
// standard library's nor this module's in its inner rooms. If there is none, it
// is the innermost that is not the standard library's.
func firstUserFrame(stack string) string {
	ours := ""
	for f := range frames(stack) {
		switch {
		case isStandard(f.function):
		case !isInner(f.function) && !isInnerFile(f.place):
			return f.String()
		case ours == "":
			ours = f.String()
		}
	}
	return ours
}

// A frame is one call of a stack.
type frame struct {
	function string // with its package's path, without arguments
	place    string // file and line
}

func (f frame) String() string { return path.Base(f.place) + " " + path.Base(f.function) }

// frames goes through the calls of a stack, the innermost first.
func frames(stack string) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		before := ""
		for line := range strings.SplitSeq(stack, "\n") {
			if place, ok := strings.CutPrefix(line, "\t"); ok && !strings.HasPrefix(before, "created by ") {
				place, _, _ = strings.Cut(place, " +0x")
				if at := strings.LastIndexByte(before, '('); at > 0 && !yield(frame{before[:at], place}) {
					return
				}
			}
			before = line
		}
	}
}

// isStandard reports whether a function is the standard library's, whose paths
// begin with a word that has no dot. So do package main and some programs.
func isStandard(function string) bool {
	first, _, inFolder := strings.Cut(function, "/")
	if !inFolder {
		first, _, _ = strings.Cut(function, ".")
	}
	switch {
	case first == "main", strings.Contains(first, "."):
		return false
	case mainModule == "":
		return true
	}
	return !strings.HasPrefix(function, mainModule)
}

// isInner reports whether a function is of the rooms that only pass a call on: the
// ground, the loop and the language. Extras are handlers like any other.
func isInner(function string) bool {
	room, ok := strings.CutPrefix(function, module)
	room, _, _ = strings.Cut(room, ".")
	return ok && (room == "" || room == "/eventloop" || room == "/http")
}

// sources is where the sources of this module are, as the runtime names it.
var sources = func() string {
	_, file, _, _ := runtime.Caller(0)
	return path.Dir(path.Dir(file))
}()

// isInnerFile reports whether a line is in one of those rooms, whatever its function: what
// is inlined has the name of its caller.
func isInnerFile(place string) bool {
	dir := path.Dir(place)
	return (dir == sources || dir == sources+"/eventloop" || dir == sources+"/http") && !strings.Contains(place, "_test.go:")
}

// longestStack is how much of a stack is told.
const longestStack = 4 << 10

// shorten leaves out what every stack on a loop has at its end, and what is too
// much.
func shorten(stack string) string {
	for _, from := range []string{".(*Loop).turn(", ".(*Loop).NewTask."} {
		if at := strings.Index(stack, "\n"+module+"/eventloop"+from); at >= 0 {
			stack = stack[:at]
		}
	}
	if len(stack) > longestStack {
		stack = stack[:strings.LastIndexByte(stack[:longestStack-4], '\n')] + "\n..."
	}
	return stack
}
