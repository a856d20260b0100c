package bobbin_test

// The house keeps its order by this test: who may import whom, who may look at
// the clock, and on what a file may be built. The reasons are in
// docs/architecture.md; the table is here, so that it cannot be out of date.

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/docs/figures/count"
)

const module = "github.com/bobbin-http/bobbin"

// A room is what one package may import: of this module (the root is ".") and
// of others what is listed, "*" being anything; of the standard library what
// is not.
type room struct {
	may    string
	mayNot string
}

// house is the import table. A file is looked up first by its own path, then
// by its folder, then by "*" in place of the folder's last name, upward. A
// package may always import what is in its own "internal". Tests are free,
// except that no package outside of a program imports cmd.
var house = map[string]room{
	".":                            {"golang.org/x/sys/unix", "net/http"},
	"eventloop":                    {".", "net net/http os/exec syscall"},
	"eventloop/tlspipe.go":         {".", "net/http os/exec syscall"}, // crypto/tls speaks in net.Conn
	"eventloop/detach.go":          {".", "net/http os/exec syscall"}, // a connection that leaves the loop is a net.Conn
	"eventloop/sim":                {".", "net net/http os os/exec os/signal syscall"},
	"eventloop/sim/detached.go":    {".", "net/http os os/exec os/signal syscall"},
	"http":                         {". eventloop", "net net/http os os/exec os/signal syscall"},
	"http/serve.go":                {". eventloop", "net/http os os/exec os/signal syscall"}, // a listener of the program's is a net.Listener
	"http/internal/h1":             {"http/internal/negotiate", notPure},
	"http/internal/h2":             {"", notPure},
	"http/internal/h2test":         {"http/internal/h1 http/internal/h2", "net net/http os os/exec os/signal syscall"},
	"http/internal/negotiate":      {"", notPure},
	"http/internal/proxyproto":     {"", notPure},
	"http/internal/route":          {"http/internal/h1", notPure},
	"http/internal/traceparent":    {"", notPure},
	"http/internal/ws":             {"", notPure},
	"http/*":                       {". eventloop http http/internal/negotiate", "net/http os/exec os/signal syscall"},
	"http/static":                  {". eventloop http http/internal/negotiate", "net net/http os/exec os/signal"}, // how it opens files needs flags
	"http/websocket":               {"eventloop http http/internal/negotiate http/internal/ws", "net net/http os os/exec os/signal syscall"},
	"http/reload":                  {". eventloop http golang.org/x/net/html", "net net/http os/exec os/signal syscall"},
	"http/inspect":                 {". eventloop http http/internal/negotiate http/inspect/timeline", "net/http os/exec os/signal syscall"},
	"http/inspect/timeline":        {"eventloop", "context net net/http os os/exec os/signal sync sync/atomic syscall unsafe"},
	"http/compress":                {"github.com/andybalholm/brotli github.com/klauspost/compress/gzip github.com/klauspost/compress/zstd", "net/http"},
	"http/middleware/basicauth.go": {". eventloop http http/internal/negotiate golang.org/x/crypto/bcrypt", "net/http os/exec os/signal syscall"},
	"http/acme":                    {"http golang.org/x/crypto/acme golang.org/x/crypto/acme/autocert golang.org/x/net/idna", "os/exec os/signal syscall"},
	"http/acme/acmetest":           {"", "os/signal syscall"}, // starts a program, for tests
	"http/std":                     {". eventloop http http/internal/negotiate", "os/exec os/signal syscall"},
	"http/httptest":                {". eventloop eventloop/sim http", "net net/http os os/exec os/signal syscall"},
	"http/static/internal/mimegen": {"", "net/http"}, // a generator, run by go generate
	"cmd/*":                        {"*", ""},
	"docs/*":                       {"*", ""},
}

// notPure is what a parser has no use for: bytes go in, and a verdict comes out.
const notPure = "context io net net/http os os/exec os/signal sync sync/atomic syscall time unsafe"

// What the messages call the rules.
const (
	downward   = "dependencies run downward"
	oneWindow  = "one window to the kernel"
	noCmd      = "no package imports cmd"
	systemOnly = "no build tags but the operating system's"
	oneClock   = "one clock"
	noSleep    = "the loop alone decides how long we wait"
	noStrays   = "the language starts no goroutine"
	pureParser = "parsers are pure"
)

// systems are the words that a build constraint may use.
var systems = []string{"linux", "darwin", "dragonfly", "freebsd", "netbsd", "openbsd", "unix", "windows"}

// browser is the system of a browser, for which only the program of the playground's page is
// built: its main is one file, and the files that build and serve the page are not for it.
const browser, browserRoom = "js", "cmd/playground"

// machines are the words that would choose a file by its name's end, and may not.
var machines = []string{"386", "amd64", "arm", "arm64", browser, "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"}

// TestHouse looks at every Go file of the module.
func TestHouse(t *testing.T) {
	skipInACopy(t)
	files := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if d.IsDir() {
			if file != "." && isElsewhere(file) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		files++
		for _, fault := range faults(file, source) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go file found: the test runs in the wrong folder")
	}
}

// TestEveryPackageHasAnExample finds the packages that a program can import and
// whose documentation has no example to run.
func TestEveryPackageHasAnExample(t *testing.T) {
	has := make(map[string]bool)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if d.IsDir() {
			if file != "." && (isElsewhere(file) || slices.Contains([]string{"internal", "cmd", "docs", "testdata"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		folder := path.Dir(file)
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		has[folder] = has[folder] || strings.HasSuffix(file, "_test.go") && strings.Contains(string(source), "\nfunc Example")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(has) < 10 {
		t.Fatalf("only %d packages were found", len(has))
	}
	delete(has, "http/acme/acmetest") // is an ACME server for this module's tests
	for folder, ok := range has {
		if !ok {
			t.Errorf("package %s has no example", folder)
		}
	}
}

// skipInACopy ends a test in a copy of the module that was made to run over an
// emulated kqueue: its files and imports are others.
func skipInACopy(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("internal/kqemu"); err == nil {
		t.Skip("a copy made to run over an emulated kqueue has other imports than the house")
	}
}

// What an evening holds: lines of the reading list, and unknown names in each
// of its files. The aim is 1,800 lines, and no exception.
const (
	eveningLines = 1900
	unknownNames = 30
	sittingLines = 300 // of each file
	linesAMinute = 10
)

// manyNames are the files that may use more unknown names. The loop names each of
// its members, and calls them in the order of a turn; what they do is in their files.
var manyNames = map[string]int{"eventloop/loop.go": 95}

// TestReadingListFitsAnEvening prints the lines of each file that the README
// lists for reading, and how many names of this module it uses that neither it
// nor a file before it defines. `go run ./docs/figures -names` prints the names.
func TestReadingListFitsAnEvening(t *testing.T) {
	skipInACopy(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command, which says where packages are, is not here")
	}
	rows, err := count.ReadingList("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, row := range rows {
		folders = append(folders, "./"+path.Dir(row.File))
	}
	loaded, err := count.Load(".", folders...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := loaded.Read(rows)
	if err != nil {
		t.Fatal(err)
	}
	lines, minutes := 0, 0
	for i, s := range list {
		lines += s.Lines
		minutes += s.Minutes
		if said := rows[i].Lines; s.Lines > sittingLines || said < s.Lines*9/10 || said > s.Lines*11/10 || s.Minutes != (said+linesAMinute-1)/linesAMinute {
			t.Errorf("the README says that %s has %d lines, which take %d minutes; it has %d", s.File, said, s.Minutes, s.Lines)
		}
		t.Logf("%4d lines, %3d unknown names: %s", s.Lines, len(s.Unread), s.File)
		if most := max(unknownNames, manyNames[s.File]); len(s.Unread) > most {
			t.Errorf("%s uses %d names that are not known yet, and may use %d: %s",
				s.File, len(s.Unread), most, strings.Join(s.Unread, ", "))
		}
	}
	t.Logf("%4d lines in all", lines)
	if text, err := os.ReadFile("README.md"); err != nil || !strings.Contains(string(text), fmt.Sprintf("\n| %d | The source, file by file", minutes)) {
		t.Errorf("the README does not say in \"Where to begin\" that the source takes %d minutes (%v)", minutes, err)
	}
	if lines > eveningLines {
		t.Errorf("the reading list has %d lines, and may have %d", lines, eveningLines)
	}
}

// replaced are the exported names that the field's words have replaced. Each is
// here as the thing that bore it, so that the word stays free elsewhere. The
// changelog says which name is in its place. http.Response.Set is not here,
// because the method that replaces a field has that name now.
var replaced = []string{
	"bobbin.Alone", "bobbin.AtOnce", "bobbin.Joining",
	"bobbin.Kernel.Work",
	"bobbin.ListenOptions.Share",
	"bobbin.Opening", "bobbin.Share", "bobbin.WatchFolder",
	"eventloop.Conn.Crowded", "eventloop.Conn.Hangup", "eventloop.Conn.Queued", "eventloop.Conn.Room",
	"eventloop.Conn.Share",
	"eventloop.Copied",
	"eventloop.Copied.Copy",
	"eventloop.Held",
	"eventloop.Job.Patient",
	"eventloop.Loop.At", "eventloop.Loop.Elapsed", "eventloop.Loop.NewTaskAside", "eventloop.Loop.Now",
	"eventloop.Loop.Records",
	"eventloop.Patient",
	"eventloop.Patient.Drained", "eventloop.Patient.Left",
	"eventloop.Protocol.Due", "eventloop.Protocol.Ended", "eventloop.Protocol.Gone", "eventloop.Protocol.Speak",
	"eventloop.Protocol.Stopping",
	"eventloop.Secured", "eventloop.Stable",
	"eventloop.Stable.Unchanged",
	"eventloop.Stalled",
	"eventloop.TLS.Around",
	"http.Events.OnGone",
	"http.Held.OnGone",
	"http.Request.Fields", "http.Request.FieldsBytes", "http.Request.IsGet", "http.Request.Minor",
	"http.Response.AddFields", "http.Response.Field", "http.Response.Give", "http.Response.Replace",
	"http.Response.Share", "http.Response.Whole",
	"http/httptest.Answer.Field", "http/httptest.Answer.Fields",
	"http/middleware.AccessLog.Around",
	"http/middleware.BasicAuth.Around",
	"http/middleware.CORS.Around",
	"http/middleware.RateLimit.Around",
	"http/middleware.RealIP.Around",
	"http/middleware.RequestID.Around",
	"http/reload.Reloader.Around", "http/reload.Reloader.Beside",
	"http/static.Options.EncodeMost",
	"http/std.AtMost",
}

// TestReplacedNamesStayAway looks for them among all exported names.
func TestReplacedNamesStayAway(t *testing.T) {
	names, err := count.Exported(".")
	if err != nil {
		t.Fatal(err)
	}
	if !names["bobbin.Kernel.Wait"] || !names["http.Handler"] || !names["http/static.Options.Index"] {
		t.Fatal("names that are there were not found")
	}
	for _, name := range replaced {
		if names[name] {
			t.Errorf("%s has been replaced by a word of the field, and is here again", name)
		}
	}
}

// isElsewhere says that a folder is no part of the module: data, hidden, or a
// module of its own such as bench.
func isElsewhere(dir string) bool {
	name := path.Base(dir)
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(filepath.FromSlash(dir), "go.mod"))
	return err == nil
}

// faults returns what is wrong with one file, given its path from the root.
func faults(file string, source []byte) []string {
	var found []string
	tree := token.NewFileSet()
	parsed, err := parser.ParseFile(tree, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	fault := func(at token.Pos, rule, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s:%d: %s (docs/architecture.md: %s)",
			file, tree.Position(at).Line, fmt.Sprintf(format, args...), rule))
	}

	dir := path.Dir(file)
	isTest := strings.HasSuffix(file, "_test.go")
	isCmd := within(dir, "cmd")
	clock := "" // what this file calls package time

	rule, known := roomOf(file)
	if !known && !isTest {
		fault(parsed.Package, downward, "package %s has no line in the table of house_test.go", dir)
	}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			fault(spec.Pos(), downward, "import %s: %v", spec.Path.Value, err)
			continue
		}
		if imported == "time" {
			clock = "time"
			if spec.Name != nil {
				clock = spec.Name.Name
			}
		}
		if target, ours := inModule(imported); ours && within(target, "cmd") && !isInternalOf(target, dir) && !isOfProgram(target, dir) {
			fault(spec.Pos(), noCmd, "imports %q", imported)
		} else if known && !isTest && !rule.allows(dir, imported) {
			because := downward
			if imported == "syscall" || within(imported, "golang.org/x/sys") {
				because = oneWindow
			} else if within(dir, "http/internal") {
				because = pureParser
			}
			fault(spec.Pos(), because, "imports %q", imported)
		}
	}
	if isTest {
		return found
	}

	for _, word := range tags(file, parsed) {
		if !slices.Contains(systems, word) && (word != browser || dir != browserRoom) {
			fault(parsed.Package, systemOnly, "is built only under %q", word)
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok && dir == "http" {
			fault(n.Pos(), noStrays, "starts a goroutine")
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := s.X.(*ast.Ident)
		if !ok || clock == "" || from.Name != clock || isCmd || within(dir, "docs") {
			return true
		}
		switch s.Sel.Name {
		case "Now", "Since", "Until":
			if dir != "." && file != "http/std/deadline.go" { // net/http's handlers give deadlines as moments
				fault(s.Pos(), oneClock, "asks the time by time.%s", s.Sel.Name)
			}
		case "Sleep":
			if !within(dir, "http/static") {
				fault(s.Pos(), noSleep, "calls time.Sleep")
			}
		}
		return true
	})
	return found
}

// roomOf finds a file's line in the table.
func roomOf(file string) (room, bool) {
	if r, ok := house[file]; ok {
		return r, true
	}
	dir := path.Dir(file)
	if r, ok := house[dir]; ok {
		return r, true
	}
	for dir != "." {
		dir = path.Dir(dir)
		if r, ok := house[dir+"/*"]; ok {
			return r, true
		}
	}
	return room{}, false
}

// allows says whether a package in dir may import what is asked for.
func (r room) allows(dir, imported string) bool {
	target, ours := inModule(imported)
	if ours && isInternalOf(target, dir) {
		return true
	}
	isStandard := !ours && !strings.Contains(strings.Split(imported, "/")[0], ".")
	if isStandard {
		return !slices.Contains(strings.Fields(r.mayNot), imported)
	}
	may := strings.Fields(r.may)
	return slices.Contains(may, "*") || slices.Contains(may, target)
}

// inModule returns an import path from the root of the module, "." being the
// root itself, or unchanged when it is another module's.
func inModule(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// within says that a path is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// isInternalOf says that target is in the folder "internal" of dir.
func isInternalOf(target, dir string) bool { return within(target, path.Join(dir, "internal")) }

// isOfProgram says that target is one of the packages of the program in dir: those below
// its own folder in cmd. The lessons of the tour are packages, because bobbin runs them as
// "bobbin tour", on machines that have neither Go nor this repository.
func isOfProgram(target, dir string) bool {
	parts := strings.Split(dir, "/")
	return len(parts) > 1 && parts[0] == "cmd" && within(target, path.Join(parts[:2]...)) ||
		dir == "cmd/bobbin" && target == "cmd/tour/guide"
}

// tags returns the words on which the building of a file depends.
func tags(file string, parsed *ast.File) []string {
	words := map[string]bool{}
	for _, group := range parsed.Comments {
		if group.Pos() > parsed.Package {
			break
		}
		for _, line := range group.List {
			if expr, err := constraint.Parse(line.Text); err == nil {
				collect(expr, words)
			}
		}
	}
	parts := strings.Split(strings.TrimSuffix(path.Base(file), ".go"), "_")
	if last := parts[len(parts)-1]; len(parts) > 1 && slices.Contains(machines, last) {
		words[last] = true
	}
	return slices.Sorted(maps.Keys(words))
}

// collect adds the words of a build constraint.
func collect(x constraint.Expr, words map[string]bool) {
	switch x := x.(type) {
	case *constraint.TagExpr:
		words[x.Tag] = true
	case *constraint.NotExpr:
		collect(x.X, words)
	case *constraint.AndExpr:
		collect(x.X, words)
		collect(x.Y, words)
	case *constraint.OrExpr:
		collect(x.X, words)
		collect(x.Y, words)
	}
}

// TestHouseNotices shows the checker small files, so that its silence about
// the large ones means something.
func TestHouseNotices(t *testing.T) {
	const self = module + "/"
	tests := []struct {
		name   string
		file   string
		source string
		want   string // part of the only complaint, or "" for none
	}{
		{"the ground may call the kernel", "socket.go", "package bobbin\nimport _ \"golang.org/x/sys/unix\"", ""},
		{"the loop may not", "eventloop/loop.go", "package eventloop\nimport _ \"golang.org/x/sys/unix\"",
			`eventloop/loop.go:2: imports "golang.org/x/sys/unix" (docs/architecture.md: one window to the kernel)`},
		{"the standard library's window is one too", "http/conn.go", "package http\nimport _ \"syscall\"", oneWindow},
		{"the loop does not know the language", "eventloop/loop.go", "package eventloop\nimport _ \"" + self + "http\"", downward},
		{"the ground knows no other room", "kernel.go", "package bobbin\nimport _ \"" + self + "eventloop\"", downward},
		{"the language knows the loop", "http/conn.go", "package http\nimport _ \"" + self + "eventloop\"", ""},
		{"but not how it is simulated", "http/conn.go", "package http\nimport _ \"" + self + "eventloop/sim\"", downward},
		{"except in its tests", "http/conn_test.go", "package http\nimport _ \"" + self + "eventloop/sim\"", ""},
		{"an extra does not know its neighbour", "http/inspect/page.go", "package inspect\nimport _ \"" + self + "http/static\"", downward},
		{"an extra may have rooms of its own", "http/static/mime.go", "package static\nimport _ \"" + self + "http/static/internal/x\"", ""},
		{"a parser does not know the loop", "http/internal/h1/parse.go", "package h1\nimport _ \"" + self + "eventloop\"", pureParser},
		{"nor the server", "http/internal/h1/parse.go", "package h1\nimport _ \"" + self + "http\"", pureParser},
		{"nor the clock", "http/internal/h1/parse.go", "package h1\nimport _ \"time\"", pureParser},
		{"it knows how names are compared", "http/internal/h1/parse.go", "package h1\nimport _ \"" + self + "http/internal/negotiate\"", ""},
		{"the language knows its parsers", "http/conn.go", "package http\nimport _ \"" + self + "http/internal/h1\"", ""},
		{"the loop does not", "eventloop/loop.go", "package eventloop\nimport _ \"" + self + "http/internal/h1\"", downward},
		{"only tls.go needs package net", "eventloop/conn.go", "package eventloop\nimport _ \"net\"", downward},
		{"tls.go does", "eventloop/tlspipe.go", "package eventloop\nimport _ \"net\"", ""},
		{"only std knows net/http", "http/middleware/gzip.go", "package middleware\nimport _ \"net/http\"", downward},
		{"std does", "http/std/std.go", "package std\nimport _ \"net/http\"", ""},
		{"a dependency needs a line in the table", "http/static/zip.go", "package static\nimport _ \"example.com/zip\"", downward},
		{"the program may import anything", "cmd/bobbin/main.go", "package main\nimport _ \"example.com/flags\"", ""},
		{"no package imports the program, not even a test", "http/conn_test.go", "package http\nimport _ \"" + self + "cmd/bobbin\"", noCmd},
		{"the program imports its own rooms", "cmd/bobbin/main.go", "package main\nimport _ \"" + self + "cmd/bobbin/internal/flags\"", ""},
		{"and those below its folder", "cmd/tour/guide/step.go", "package guide\nimport _ \"" + self + "cmd/tour/breaks\"", ""},
		{"but not another program's", "cmd/echo/main.go", "package main\nimport _ \"" + self + "cmd/tour/breaks\"", noCmd},
		{"bobbin imports the guide of the tour", "cmd/bobbin/tour.go", "package main\nimport _ \"" + self + "cmd/tour/guide\"", ""},
		{"and nothing else of the tour", "cmd/bobbin/tour.go", "package main\nimport _ \"" + self + "cmd/tour/breaks\"", noCmd},
		{"no package imports the guide", "http/conn.go", "package http\nimport _ \"" + self + "cmd/tour/guide\"", noCmd},
		{"a new package asks for a line", "util/util.go", "package util", "no line in the table"},

		{"a system is a reason to leave a file out", "poller_bsd.go", "//go:build darwin || !linux\n\npackage bobbin", ""},
		{"an option is not", "eventloop/fast.go", "//go:build linux && poll_opt\n\npackage eventloop", systemOnly},
		{"the old spelling does not hide it", "eventloop/fast.go", "// +build poll_opt\n\npackage eventloop", systemOnly},
		{"nor does a file's name", "http/scan_amd64.go", "package http", systemOnly},
		{"the playground's page has a main of its own", "cmd/playground/main_js.go", "package main", ""},
		{"which its server's is not", "cmd/playground/main.go", "//go:build !js\n\npackage main", ""},
		{"no other room knows the browser", "http/date_js.go", "package http", systemOnly},
		{"by any spelling", "http/date.go", "//go:build !js\n\npackage http", systemOnly},

		{"the ground reads the clock", "kernel.go", "package bobbin\nimport \"time\"\nvar t = time.Now()", ""},
		{"no other file does", "http/date.go", "package http\nimport \"time\"\nvar t = time.Now()",
			"http/date.go:3: asks the time by time.Now (docs/architecture.md: one clock)"},
		{"not even by another name", "eventloop/loop.go", "package eventloop\nimport clock \"time\"\nvar now = clock.Now", oneClock},
		{"nor by asking how long ago", "eventloop/loop.go", "package eventloop\nimport \"time\"\nvar d = time.Since(time.Time{})", oneClock},
		{"a duration is no question", "http/limits.go", "package http\nimport \"time\"\nvar d = time.Second", ""},
		{"the program may ask", "cmd/bobbin/main.go", "package main\nimport \"time\"\nvar t = time.Now()", ""},
		{"no file sleeps", "eventloop/loop.go", "package eventloop\nimport \"time\"\nfunc f() { time.Sleep(1) }", noSleep},
		{"the language starts no goroutine", "http/blocking.go", "package http\nfunc f() { go f() }", noStrays},
		{"what does not parse is said", "http/conn.go", "package", "expected"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := faults(test.file, []byte(test.source+"\n"))
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("complains: %q", got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)):
				t.Errorf("says %q, want one complaint with %q", got, test.want)
			}
		})
	}
}
