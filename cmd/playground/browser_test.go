package main

import (
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var pictures = flag.String("pictures", "", "folder for pictures of the page, for a person to look at")

// mostZipped is how large the page's program may be, compressed as servers of files do.
const mostZipped = 2_800_000

// built is the page, built once for all tests.
var built struct {
	sync.Once
	folder string
	err    error
}

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if built.folder != "" {
		os.RemoveAll(built.folder)
	}
	os.Exit(status)
}

// builtPage returns the folder of the page.
func builtPage(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command, which builds the page, is not here")
	}
	if _, err := os.Stat(filepath.Join(root, "internal/kqemu")); err == nil {
		t.Skip("a copy made to run over an emulated kqueue is not built for a browser")
	}
	built.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "playground-"); built.err == nil {
			built.err = buildPage(built.folder)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.folder
}

// TestBrowserProgramIsSmall compresses it.
func TestBrowserProgramIsSmall(t *testing.T) {
	program, err := os.Open(filepath.Join(builtPage(t), "play.wasm"))
	must(t, err)
	defer program.Close()
	var zipped size
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	must(t, err)
	plain, err := io.Copy(w, program)
	must(t, err)
	must(t, w.Close())
	t.Logf("the page's program has %d bytes, %d by gzip", plain, zipped)
	if zipped > mostZipped || zipped < 100_000 {
		t.Errorf("it has %d bytes by gzip, and may have %d", zipped, mostZipped)
	}
}

type size int64

func (s *size) Write(p []byte) (int, error) {
	*s += size(len(p))
	return len(p), nil
}

// TestHTTPTestBuildsForABrowser keeps the simulated kernel, and the server over it, free of
// what a browser has not.
func TestHTTPTestBuildsForABrowser(t *testing.T) {
	builtPage(t) // for the same packages
	if _, err := command(root, []string{"GOOS=js", "GOARCH=wasm"}, "build", "-gcflags=all=-l", "./http/httptest"); err != nil {
		t.Error(err)
	}
}

// begun is true when the page shows a run.
const begun = `state && document.getElementById("text").textContent && !document.getElementById("step").disabled`

// TestBrowserPlays does what a reader does in the first minute.
func TestBrowserPlays(t *testing.T) {
	b, url := playing(t)
	b.size(1280, 800, "light")
	b.open(url)
	b.until(begun)
	says := func(id, want string) {
		t.Helper()
		if got := b.eval(`document.getElementById("` + id + `").textContent`); !strings.Contains(got, want) {
			t.Errorf("%s is %q, without %q", id, got, want)
		}
	}
	says("text", "the client sends 27 bytes")
	says("coach", "Press Step")
	says("lanes", "27 in the socket")

	b.eval(`document.getElementById("step").click()`)
	b.until(`state.turn === 1`)
	says("text", "read 7 of 27 bytes")
	says("why", "nothing is lost")
	says("lanes", "7 kept, 20 in the socket")
	if lit := b.eval(`document.querySelector("#code .lit").textContent`); !strings.Contains(lit, "l.kernel.Read(") {
		t.Errorf("the code is lit at %q", lit)
	}
	b.eval(`document.getElementById("of-luck").click()`)
	if lit := b.eval(`document.querySelector("#code .lit").textContent`); !strings.Contains(lit, "k.Luck.LateBytes") {
		t.Errorf("the kernel's code is lit at %q", lit)
	}
	b.eval(`document.getElementById("of-loop").click()`)
	if name := b.eval(`document.querySelector("#turn [aria-current]").textContent`); !strings.Contains(name, "read 7 of 27 bytes connection 1") {
		t.Errorf("the moment is %q", name)
	}

	b.eval(`(() => { const k = document.getElementById("knob-reads"); k.value = 100; k.dispatchEvent(new Event("input")); })()`)
	b.until(`state.luck.reads === 100`)
	says("coach", "slow reader")
	b.eval(`document.querySelectorAll("#habits button")[1].click()`)
	b.eval(`document.activeElement.blur()`)
	b.press("r", "r") // runs, and the first step of it at once
	b.until(`state.turn === 2`)
	b.press("r", "r")
	b.press(" ", " ")
	b.until(`state.turn === 3 && document.querySelectorAll(".lane").length === 2`)
	b.press("ArrowRight", "")
	if at := b.eval(`state.moments.indexOf(moment) - state.focus`); at != "1" {
		t.Errorf("the arrow has moved by %s moments", at)
	}

	// The address has the seed and all that was done: it leads to this very turn.
	link, seen := b.eval(`location.hash`), b.eval(`JSON.stringify(state)`)
	if link != "#seed=8&do=0:reads=50,1:reads=100,1:slow&turn=3" {
		t.Errorf("the link is %s", link)
	}
	for range 5 {
		b.eval(`step()`)
	}
	for range 5 {
		b.eval(`back()`)
	}
	if b.eval(`JSON.stringify(state)`) != seen {
		t.Error("a turn that is come back to is another")
	}
	b.open("about:blank")
	b.open(url + link)
	b.until(begun)
	if b.eval(`JSON.stringify(state)`) != seen {
		t.Error("the link leads to another turn")
	}
	b.eval(`(() => { const s = document.getElementById("seed"); s.value = "9"; s.dispatchEvent(new Event("change")); })()`)
	b.until(`state.seed === "9" && state.turn === 0`)
	b.eval(`step()`)
	if b.eval(`JSON.stringify(state)`) == seen || !strings.HasPrefix(b.eval(`location.hash`), "#seed=9&") {
		t.Error("another seed has not begun another run")
	}

	b.eval(`(() => { location.hash = "seed=red"; })()`)
	b.until(`document.getElementById("error").textContent.includes("must be a whole number")`)
	b.open("about:blank")
	b.open(url + "#seed=1&do=0:fast")
	b.until(begun)
	b.until(`document.getElementById("error").textContent.includes("neither a client nor a misfortune") && state.seed === "8"`)
	if len(b.errors) > 0 {
		t.Errorf("the browser reports %s", b.errors)
	}
}

// TestBrowserSaysWhatIsMissing opens the page without its program, and with one that is none.
func TestBrowserSaysWhatIsMissing(t *testing.T) {
	b, _ := playing(t)
	bare := t.TempDir()
	must(t, writePage(bare))
	b.open(serving(t, bare))
	b.until(`document.getElementById("why").textContent.includes("In a clone of the repository run go run ./cmd/playground")`)
	b.open("file://" + filepath.Join(bare, "index.html"))
	b.until(`document.getElementById("why").textContent.includes("In a clone of the repository run go run ./cmd/playground")`)

	broken := t.TempDir()
	must(t, os.CopyFS(broken, os.DirFS(builtPage(t))))
	must(t, os.Remove(filepath.Join(broken, "play.wasm")))
	b.open(serving(t, broken))
	b.until(`document.getElementById("text").textContent.includes("is not here")`)
	must(t, os.WriteFile(filepath.Join(broken, "play.wasm"), []byte("\x00asm\x01\x00\x00\x00"), 0o644))
	b.open(serving(t, broken))
	b.until(`document.getElementById("text").textContent.includes("has ended") && document.getElementById("step").disabled`)
}

// TestBrowserFitsSmallWindows looks for content that is wider than the window.
func TestBrowserFitsSmallWindows(t *testing.T) {
	b, url := playing(t)
	for i, link := range []string{"", "#seed=8&do=0:reads=50&turn=1", "#seed=8&do=0:reads=50,1:slow,1:reset,1:half&turn=5"} {
		b.open("about:blank")
		b.open(url + link)
		b.until(begun)
		for _, width := range []int{1280, 800, 390, 320} {
			for _, paper := range []string{"light", "dark"} {
				b.size(width, 844, paper)
				if over := b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over != "0" {
					t.Errorf("%d pixels wide, with the link %q, the page is %s too wide", width, link, over)
				}
				if *pictures == "" {
					break
				}
				b.eval(`new Promise((done) => setTimeout(done, 300))`) // until nothing moves
				b.picture(filepath.Join(*pictures, fmt.Sprintf("%s-%d-%d.png", paper, width, i)))
				b.size(width, 3000, paper)
				b.picture(filepath.Join(*pictures, fmt.Sprintf("%s-%d-%d-whole.png", paper, width, i)))
			}
		}
	}
}

// playing serves the page, and opens a browser.
func playing(t *testing.T) (b *tab, url string) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium, which opens the page, is not here")
	}
	url = serving(t, builtPage(t))
	return openTab(t), url
}

// serving serves a folder until the test ends.
func serving(t *testing.T, folder string) string {
	t.Helper()
	server, at, err := serve(folder, "localhost:0")
	must(t, err)
	ended := make(chan error)
	go func() { ended <- server.Run() }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + at + "/"
}
