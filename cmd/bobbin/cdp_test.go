package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A headless Chromium that a test drives, over the Chrome DevTools Protocol: JSON in both
// directions over two pipes, each message with a NUL behind it.

// A tab is one tab of the browser.
type tab struct {
	t       *testing.T
	out     *os.File
	session string

	mu     sync.Mutex
	last   int
	wait   map[int]chan answer
	events []event
	ended  chan struct{} // closed when the browser has ended
}

// An answer is that of a call.
type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// An event is what the browser reports without being asked.
type event struct {
	Method string
	Params json.RawMessage
}

// openTab starts a browser with one empty tab. Without Chromium the test is skipped.
func openTab(t *testing.T, flags ...string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not here")
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	p := &tab{t: t, out: ourOut, wait: make(map[int]chan answer), ended: make(chan struct{})}
	go p.listen(ourIn)
	t.Cleanup(func() {
		p.send(0, "Browser.close", nil)
		<-p.ended
		cmd.Wait()
		ourOut.Close()
	})
	var target struct{ TargetId string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionId string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetId, "flatten": true}, &attached)
	p.session = attached.SessionId
	for _, domain := range []string{"Page", "Runtime", "Log", "Performance"} {
		p.call(domain+".enable", nil, nil)
	}
	return p
}

// listen hands out what the browser says, until it ends.
func (p *tab) listen(in *os.File) {
	defer close(p.ended)
	defer in.Close()
	for r := bufio.NewReaderSize(in, 1<<20); ; {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var message struct {
			ID int
			answer
			event
		}
		if json.Unmarshal(line[:len(line)-1], &message) != nil {
			continue
		}
		p.mu.Lock()
		if w := p.wait[message.ID]; w != nil {
			w <- message.answer
			delete(p.wait, message.ID)
		} else if message.Method != "" {
			p.events = append(p.events, message.event)
		}
		p.mu.Unlock()
	}
}

// send writes one call. Its answer comes by its number.
func (p *tab) send(id int, method string, params any) error {
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if p.session != "" && !strings.HasPrefix(method, "Browser.") {
		message["sessionId"] = p.session
	}
	raw, err := json.Marshal(message)
	if err == nil {
		_, err = p.out.Write(append(raw, 0))
	}
	return err
}

// call calls a method of the protocol, and reads its result into result, unless that is
// nil. An error ends the test.
func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	if refused := p.ask(method, params, result); refused != "" {
		p.t.Fatalf("%s: %s", method, refused)
	}
}

// ask is call, and returns what the browser refuses it with.
func (p *tab) ask(method string, params, result any) (refused string) {
	p.t.Helper()
	p.mu.Lock()
	p.last++
	id, w := p.last, make(chan answer, 1)
	p.wait[id] = w
	p.mu.Unlock()
	if err := p.send(id, method, params); err != nil {
		p.t.Fatal(err)
	}
	select {
	case a := <-w:
		if a.Error != nil {
			return a.Error.Message
		}
		if result != nil {
			if err := json.Unmarshal(a.Result, result); err != nil {
				p.t.Fatal(err)
			}
		}
	case <-p.ended:
		p.t.Fatalf("%s: the browser has ended", method)
	case <-time.After(5 * time.Minute): // or a mistake would hang the test
		p.t.Fatalf("%s is not answered", method)
	}
	return ""
}

// eval evaluates an expression in the page, waits if it is a promise, and reads its value
// into value, unless that is nil. An exception ends the test.
func (p *tab) eval(expression string, value any) {
	p.t.Helper()
	if refused := p.evaluate(expression, value); refused != "" {
		p.t.Fatalf("%s: %s", expression, refused)
	}
}

// evaluate is eval, and returns what the browser refuses it with: that the page has gone,
// for example.
func (p *tab) evaluate(expression string, value any) (refused string) {
	p.t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if refused := p.ask("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &got); refused != "" {
		return refused
	}
	if got.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s %s", expression, got.ExceptionDetails.Text, got.ExceptionDetails.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(got.Result.Value, value); err != nil {
			p.t.Fatalf("%s: %v in %s", expression, err, got.Result.Value)
		}
	}
	return ""
}

// text returns the value of an expression as text.
func (p *tab) text(expression string) string {
	p.t.Helper()
	var s string
	p.eval("String("+expression+")", &s)
	return s
}

// until waits until an expression is true in the page. A page that is left meanwhile, by
// a link, is waited for in the next one.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	ok := false
	wait := fmt.Sprintf(`new Promise((done) => {
		const began = Date.now();
		const look = () => {
			let so = false;
			try { so = !!(%s); } catch {}
			if (so || Date.now() - began > 60e3) done(so); else setTimeout(look, 50);
		};
		look();
	})`, expression)
	refused := p.evaluate(wait, &ok)
	for range 3 {
		if refused != "" {
			refused = p.evaluate(wait, &ok)
		}
	}
	if refused != "" {
		p.t.Fatalf("it cannot be seen that %s: %s", what, refused)
	}
	if !ok {
		p.t.Fatalf("it does not happen that %s (%s); the page says: %.700s", what, expression, strings.Join(strings.Fields(p.text("document.body.innerText")), " "))
	}
}

// part runs a part of a test by its name, in the same tab.
func (p *tab) part(name string, run func()) {
	whole := p.t
	whole.Run(name, func(t *testing.T) {
		p.t = t
		defer func() { p.t = whole }()
		run()
	})
}

// open goes to an address and waits until the page is loaded.
func (p *tab) open(url string) {
	p.t.Helper()
	var went struct{ ErrorText string }
	p.call("Page.navigate", map[string]any{"url": url}, &went)
	if went.ErrorText != "" {
		p.t.Fatalf("%s: %s", url, went.ErrorText)
	}
	p.until("the page is loaded", `location.href !== "about:blank" && document.readyState === "complete"`)
}

// key presses a key.
func (p *tab) key(name, text string) {
	p.t.Helper()
	down := map[string]any{"type": "keyDown", "key": name}
	if text != "" {
		down["text"] = text
	}
	p.call("Input.dispatchKeyEvent", down, nil)
	p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name}, nil)
}

// size sets the size of the window, and how the reader likes pages: "light" or "dark",
// and motion "reduce" or "no-preference".
func (p *tab) size(width, height int, paper, motion string) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": paper}, {"name": "prefers-reduced-motion", "value": motion}}}, nil)
}

// picture writes what the window shows to a file, for a person to look at.
func (p *tab) picture(file string) {
	p.t.Helper()
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(file, raw, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// complaints returns what the browser has reported as an error of the page so far.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var said []string
	for _, e := range p.events {
		var at struct {
			Type             string
			Entry            struct{ Level, Text, URL string }
			ExceptionDetails struct {
				Text      string
				Exception struct{ Description string }
			}
		}
		if json.Unmarshal(e.Params, &at) != nil {
			continue
		}
		switch {
		case e.Method == "Runtime.exceptionThrown":
			said = append(said, at.ExceptionDetails.Text+" "+at.ExceptionDetails.Exception.Description)
		case e.Method == "Runtime.consoleAPICalled" && (at.Type == "error" || at.Type == "assert"):
			said = append(said, string(e.Params))
		case e.Method == "Log.entryAdded" && at.Entry.Level == "error":
			said = append(said, at.Entry.Text+" "+at.Entry.URL)
		}
	}
	return said
}
