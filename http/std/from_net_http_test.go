package std

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPairsOfNetHTTPAndBobbinAnswerAlike makes two programs of docs/from-net-http.md: all
// blocks for net/http, and all for bobbin. Both have to answer the requests below each pair
// as the page says. A pair without requests is compiled.
func TestPairsOfNetHTTPAndBobbinAnswerAlike(t *testing.T) {
	text, err := os.ReadFile("../../docs/from-net-http.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	pairs := regexp.MustCompile("(?s)\n## ([^\n]+)\n[^#]*?net/http:\n\n```go\n(.*?)```\n\nbobbin:\n\n```go\n(.*?)```\n(?:\n```text\n(.*?)```)?").FindAllStringSubmatch(page, -1)
	if n := strings.Count(page, "```go"); n != 2*len(pairs) || n == 0 {
		t.Fatalf("the page has %d blocks of Go, and %d pairs were found", n, len(pairs))
	}
	var theirs, ours []string
	for _, p := range pairs {
		theirs, ours = append(theirs, p[2]), append(ours, p[3])
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "public", "a.txt"), []byte("a text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{"net/http": programOf(theirs, theirMain, theirImports), "bobbin": programOf(ours, ourMain, ourImports)} {
		t.Run(name, func(t *testing.T) {
			at := runProgram(t, program, folder)
			for _, p := range pairs {
				for line := range strings.Lines(p[4]) {
					if got := asked(t, at, strings.TrimSpace(line)); got != "" {
						t.Errorf("%s: %s: %s", p[1], strings.TrimSpace(line), got)
					}
				}
			}
		})
	}
}

// What a program has around the blocks. It writes its address, and serves until its input
// ends.
const (
	theirMain = `
var mux = http.NewServeMux()

func main() {
	%s
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	go http.Serve(l, mux)
	io.Copy(io.Discard, os.Stdin)
}
`
	ourMain = `
var router = new(http.Router)

func main() {
	%s
	s, err := http.NewServer(http.Config{Handler: router.Serve})
	if err != nil {
		log.Fatal(err)
	}
	l, err := s.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l[0].Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(s.Run())
}
`
)

// Packages that blocks name, besides those of the standard library whose path is their name.
var (
	theirImports = map[string]string{"http": "net/http", "json": "encoding/json", "tls": "crypto/tls", "signal": "os/signal"}
	ourImports   = map[string]string{
		"http": "github.com/bobbin-http/bobbin/http", "nethttp": "net/http", "std": "github.com/bobbin-http/bobbin/http/std",
		"static": "github.com/bobbin-http/bobbin/http/static", "middleware": "github.com/bobbin-http/bobbin/http/middleware",
		"eventloop": "github.com/bobbin-http/bobbin/eventloop", "json": "encoding/json", "tls": "crypto/tls", "slog": "log/slog",
	}
)

// programOf makes a program of blocks. Each is a function; its declarations go beside that.
// main calls those that name no server.
func programOf(blocks []string, main string, imports map[string]string) string {
	var declared, functions, calls strings.Builder
	declaration := regexp.MustCompile(`(?ms)^(?:(?:func|type|var) [^\n]*\{$.*?^\}.*?$|var \($.*?^\)$|(?:type|var) [^\n]*$)`)
	for i, block := range blocks {
		for _, d := range declaration.FindAllString(block, -1) {
			declared.WriteString(d + "\n\n")
		}
		fmt.Fprintf(&functions, "func pair%d() {\n%s}\n\n", i, declaration.ReplaceAllString(block, ""))
		if strings.Contains(block, "ListenAndServe") || strings.Contains(block, "NewServer") {
			fmt.Fprintf(&calls, "_ = pair%d\n", i)
		} else {
			fmt.Fprintf(&calls, "pair%d()\n", i)
		}
	}
	body := declared.String() + functions.String() + fmt.Sprintf(main, calls.String())
	var paths []string
	for _, m := range regexp.MustCompile(`\b([a-z]+)\.[A-Z]`).FindAllStringSubmatch(body, -1) {
		name, path := m[1], imports[m[1]]
		if path == "" && slices.Contains([]string{"context", "fmt", "io", "log", "net", "os", "strconv", "sync", "syscall", "time"}, name) {
			path = name
		}
		if path != "" {
			paths = append(paths, fmt.Sprintf("%s %q", name, path))
		}
	}
	slices.Sort(paths)
	return "package main\n\nimport (\n" + strings.Join(slices.Compact(paths), "\n") + "\n)\n\n" + body
}

// runProgram builds a program as a command of this module, starts it in a folder, and
// returns its address.
func runProgram(t *testing.T, source, folder string) string {
	build := t.TempDir()
	file, binary := filepath.Join(build, "main.go"), filepath.Join(build, "program")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "ofthepage", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(build, "overlay.json")
	if err := os.WriteFile(overlay, replace, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", binary, "./ofthepage").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, source)
	}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	at, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + strings.TrimSpace(at)
}

// asked puts a line such as "GET /x, Field: value -> 200, Field: value, body: text" to a
// server. It returns what is otherwise, "" if nothing is.
func asked(t *testing.T, at, line string) string {
	request, want, ok := strings.Cut(line, " -> ")
	if !ok {
		return "the line has no answer"
	}
	request, body, _ := strings.Cut(request, ", body: ")
	want, wantBody, _ := strings.Cut(want, ", body: ")
	asks, wants := fieldsOf(request), fieldsOf(want)
	method, target, _ := strings.Cut(asks[0], " ")
	q, err := nethttp.NewRequest(method, at+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range asks[1:] {
		name, value, _ := strings.Cut(f, ": ")
		q.Header.Set(name, value)
	}
	answer, err := nethttp.DefaultTransport.RoundTrip(q)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	if fmt.Sprint(answer.StatusCode) != wants[0] {
		return fmt.Sprintf("%s, %q", answer.Status, got)
	}
	for _, f := range wants[1:] {
		name, value, _ := strings.Cut(f, ": ")
		if found := strings.Join(answer.Header[name], ", "); found != value {
			return fmt.Sprintf("%s is %q", name, found)
		}
	}
	if !strings.Contains(strings.ReplaceAll(string(got), "\n", `\n`), wantBody) {
		return fmt.Sprintf("the body is %q", got)
	}
	return ""
}

// fieldsOf splits a side of a line at the commas before its fields.
func fieldsOf(side string) []string {
	var parts []string
	for _, p := range strings.Split(side, ", ") {
		if name, _, ok := strings.Cut(p, ": "); len(parts) > 0 && (!ok || strings.Contains(name, " ")) {
			parts[len(parts)-1] += ", " + p
		} else {
			parts = append(parts, p)
		}
	}
	return parts
}
