package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A tab is one page in a headless Chromium that a test drives, over the Chrome DevTools
// Protocol: JSON in both directions over two pipes, each message with a NUL behind it.
type tab struct {
	t       *testing.T
	out     *os.File
	in      *bufio.Reader
	session string
	last    int
	errors  []string // that the browser has reported
}

// openTab starts a browser with an empty page. Without Chromium the test is skipped.
func openTab(t *testing.T) *tab {
	t.Helper()
	theirIn, ourOut, err := os.Pipe()
	must(t, err)
	ourIn, theirOut, err := os.Pipe()
	must(t, err)
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	must(t, cmd.Start())
	theirIn.Close()
	theirOut.Close()
	hung := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() }) // or a mistake would hang the test
	b := &tab{t: t, out: ourOut, in: bufio.NewReaderSize(ourIn, 1<<20)}
	t.Cleanup(func() {
		hung.Stop()
		b.session = ""
		b.write("Browser.close", nil)
		cmd.Wait()
		ourOut.Close()
		ourIn.Close()
	})
	var target struct{ TargetId string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionId string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetId, "flatten": true}, &attached)
	b.session = attached.SessionId
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *tab) write(method string, params any) error {
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	raw, err := json.Marshal(message)
	if err == nil {
		_, err = b.out.Write(append(raw, 0))
	}
	return err
}

// A message is what the browser sends: the answer to a call, or an event.
type message struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
	Method string
	Params json.RawMessage
}

// call calls a method, and reads its result into result, unless that is nil. What the page
// complains of meanwhile is kept.
func (b *tab) call(method string, params, result any) {
	b.t.Helper()
	must(b.t, b.write(method, params))
	for {
		line, err := b.in.ReadBytes(0)
		must(b.t, err)
		var m message
		must(b.t, json.Unmarshal(line[:len(line)-1], &m))
		switch {
		case m.ID == b.last && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		case m.ID == b.last:
			if result != nil {
				must(b.t, json.Unmarshal(m.Result, result))
			}
			return
		}
		b.note(m)
	}
}

// note keeps errors: exceptions, console.error, and what the browser itself says.
func (b *tab) note(m message) {
	var of struct {
		Type  string
		Entry struct{ Level, Text, URL string }
	}
	json.Unmarshal(m.Params, &of)
	if m.Method == "Runtime.exceptionThrown" || m.Method == "Runtime.consoleAPICalled" && of.Type == "error" ||
		m.Method == "Log.entryAdded" && of.Entry.Level == "error" {
		b.errors = append(b.errors, string(m.Params))
	}
}

// eval evaluates an expression in the page, waits if it is a promise, and returns its value
// as text.
func (b *tab) eval(expression string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value string }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{
		"expression": "(async () => String(await (" + expression + ")))()", "awaitPromise": true, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return got.Result.Value
}

// until waits until an expression is true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	if b.eval(`new Promise((done) => {
		const began = Date.now();
		const look = () => {
			let so = false;
			try { so = !!(`+expression+`); } catch {}
			if (so || Date.now() - began > 60e3) done(so); else setTimeout(look, 20);
		};
		look();
	})`) != "true" {
		b.t.Fatalf("it does not come about: %s; the page says: %s", expression, b.eval("document.body.innerText"))
	}
}

// open goes to an address.
func (b *tab) open(url string) {
	b.t.Helper()
	var went struct{ ErrorText string }
	if b.call("Page.navigate", map[string]any{"url": url}, &went); went.ErrorText != "" {
		b.t.Fatalf("%s: %s", url, went.ErrorText)
	}
}

// press presses a key.
func (b *tab) press(key, text string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		press := map[string]any{"type": kind, "key": key}
		if text != "" && kind == "keyDown" {
			press["text"] = text
		}
		b.call("Input.dispatchKeyEvent", press, nil)
	}
}

// size sets the size of the window, and the paper that the reader likes: "light" or "dark".
func (b *tab) size(width, height int, paper string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": paper}}}, nil)
}

// picture writes what the window shows to a file, for a person to look at.
func (b *tab) picture(file string) {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	must(b.t, err)
	must(b.t, os.WriteFile(file, raw, 0o644))
}
