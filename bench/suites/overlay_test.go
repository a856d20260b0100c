package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// An overlay has go build take other files in the place of some: see "go help build".
type overlay struct {
	t       *testing.T
	folder  string // where the other files are
	replace map[string]string
}

// put has content stand in the place of a file.
func (o *overlay) put(path string, content []byte) {
	file := filepath.Join(o.folder, fmt.Sprintf("%d-%s", len(o.replace), filepath.Base(path)))
	write(o.t, file, content)
	o.replace[path] = file
}

// write returns the name of a file that tells go build of all.
func (o *overlay) write() string {
	text, err := json.Marshal(map[string]any{"Replace": o.replace})
	if err != nil {
		o.t.Fatal(err)
	}
	name := filepath.Join(o.folder, "overlay.json")
	write(o.t, name, text)
	return name
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// hooks are where net/http's server asks whether another one serves in its place. All else
// of it stays as it is.
var hooks = []struct{ behind, insert string }{
	{"	ctx := context.WithValue(baseCtx, ServerContextKey, s)\n", `	if ServeHook != nil {
		err := ServeHook(s, ctx, origListener, l, serverHandler{s})
		if s.shuttingDown() {
			return ErrServerClosed
		}
		return err
	}
`},
	{"func (s *Server) closeIdleConns() bool {\n", `	if StoppedHook != nil && !StoppedHook(s) {
		return false
	}
`},
	{"func (s *Server) Close() error {\n", `	if CutHook != nil {
		defer CutHook(s)
	}
`},
}

// hookFile declares them.
const hookFile = `package http

import (
	"context"
	"net"
)

var (
	ServeHook   func(s *Server, base context.Context, given, accept net.Listener, h Handler) error
	StoppedHook func(*Server) bool
	CutHook     func(*Server)
)

// KeepsAlive is for package behind.
func (s *Server) KeepsAlive() bool { return s.doKeepAlives() }
`

// setFile sets them in a package under test.
const setFile = `package %s

import (
	"net/http"

	"github.com/bobbin-http/bobbin/bench/suites/behind"
)

func init() { http.ServeHook, http.StoppedHook, http.CutHook = behind.Serve, behind.Stopped, behind.Cut }
`

// newOverlay puts bobbin in the place of net/http's server.
func newOverlay(t *testing.T) *overlay {
	o := &overlay{t: t, folder: t.TempDir(), replace: make(map[string]string)}
	nethttp := filepath.Join(goroot(t), "src", "net", "http")
	server := read(t, filepath.Join(nethttp, "server.go"))
	for _, h := range hooks {
		if bytes.Count(server, []byte(h.behind)) != 1 {
			t.Skipf("skipped: net/http's server is not known in %s: there is no single %q", runtime.Version(), h.behind)
		}
		server = bytes.Replace(server, []byte(h.behind), []byte(h.behind+h.insert), 1)
	}
	o.put(filepath.Join(nethttp, "server.go"), server)
	o.put(filepath.Join(nethttp, "bobbin.go"), []byte(hookFile))
	return o
}

// setHooks sets the hooks in the tests of a package in a folder.
func (o *overlay) setHooks(folder, name string) {
	o.put(filepath.Join(folder, "bobbin_behind_test.go"), fmt.Appendf(nil, setFile, name))
}

// goroot returns the folder of the Go that runs the tests.
func goroot(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// throughBobbin rewrites a file of tests so that handlers which are called with a recorder
// are called through bobbin: x.ServeHTTP(w, r) becomes behind.ServeHTTP(x, w, r). Nothing
// else is changed.
func throughBobbin(t *testing.T, name string, source []byte) []byte {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "ServeHTTP" {
			found = true
			call.Args = append([]ast.Expr{method.X}, call.Args...)
			call.Fun = &ast.SelectorExpr{X: ast.NewIdent("behindbobbin"), Sel: ast.NewIdent("ServeHTTP")}
		}
		return true
	})
	if !found {
		return source
	}
	var b bytes.Buffer
	if err := format.Node(&b, files, file); err != nil {
		t.Fatal(err)
	}
	clause := regexp.MustCompile(`(?m)^package \w+$`)
	at := clause.FindIndex(b.Bytes())
	if at == nil {
		t.Fatalf("%s has no package clause", name)
	}
	line := "; import behindbobbin \"github.com/bobbin-http/bobbin/bench/suites/behind\""
	return append(append(append([]byte(nil), b.Bytes()[:at[1]]...), line...), b.Bytes()[at[1]:]...)
}
