package main

import (
	"context"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// speedscopeVersion is the version of the viewer that reads the file, from npm.
const speedscopeVersion = "1.25.0"

// speedscopePage loads the viewer with the file, and reports what it shows when it has read
// it. A track is chosen by the names of its toolbar.
const speedscopePage = `<!doctype html><iframe src="/index.html#profileURL=/trace.json" width=1200 height=700></iframe><script>
	const frame = document.querySelector("iframe");
	let wrong = "";
	frame.onload = () => {
		for (const what of ["error", "unhandledrejection"])
			frame.contentWindow.addEventListener(what, e => wrong += String(e.message || e.reason));
		for (const what of ["log", "warn", "error"])
			frame.contentWindow.console[what] = (...said) => { if (/Tried to end|[Ee]rror/.test(said.join(" "))) wrong += " wrong: " + said.join(" "); };
	};
	setInterval(() => {
		const text = frame.contentDocument.body.innerText;
		const shown = text.match(/loop 0[^\n]*|[^\n]*went wrong[^\n]*/);
		if (shown) location = "/shown?" + encodeURIComponent(shown[0] + " " + wrong);
	}, 50);
</script>`

// TestBrowserOpensATimeline has another reader than our own open a timeline of a real server:
// speedscope, in a browser.
func TestBrowserOpensATimeline(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm, which brings speedscope, is not installed")
	}
	dir := t.TempDir()
	pack := exec.Command(npm, "pack", "--silent", "speedscope@"+speedscopeVersion)
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Skipf("speedscope cannot be had from npm: %v, %.200s", err, out)
	}
	if out, err := exec.Command("tar", "-xzf", filepath.Join(dir, "speedscope-"+speedscopeVersion+".tgz"), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	viewer := filepath.Join(dir, "package", "dist", "release")

	p := start(t, "")
	visit(t, p, 2)
	if code, _, said := trace(t, p.url, "--seconds", "1", "--events", "5000", "-o", filepath.Join(viewer, "trace.json")); code != exitOK {
		t.Fatal(said)
	}

	shown := make(chan string, 1)
	files := nethttp.FileServer(nethttp.Dir(viewer))
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.URL.Path {
		case "/viewer":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, speedscopePage)
		case "/shown":
			text, _ := nethttp.NewRequest("GET", "/?"+r.URL.RawQuery, nil)
			select {
			case shown <- queryText(text):
			default:
			}
		default:
			files.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // or a mistake would hang the test
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", server.URL+"/viewer")
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case text := <-shown:
		if !strings.Contains(text, "loop 0") || strings.Contains(text, "wrong") {
			t.Errorf("the viewer shows %q", text)
		}
		cmd.Process.Signal(os.Interrupt)
		<-ended
	case err := <-ended:
		t.Errorf("the viewer has shown nothing: %v", err)
	}
}

// queryText is what a query has, decoded.
func queryText(r *nethttp.Request) string {
	for text := range r.URL.Query() {
		return text
	}
	return ""
}
