package main

import (
	"io"
	nethttp "net/http"
	"strings"
	"testing"
	"time"
)

// TestDemo asks for each kind of answer.
func TestDemo(t *testing.T) {
	t.Parallel()
	if len(demoPattern) != 64*256 {
		t.Errorf("a line has %d bytes", len(demoPattern)/256)
	}
	p := start(t, "", "--demo")
	for _, row := range []struct {
		method, path, body string
		status             int
		want               string // what the body begins with
		length             int64  // of the body, -1 for any
		least              time.Duration
	}{
		{"GET", "", "", 200, "Answers for people who test clients", -1, 0},
		{"GET", "bytes/0", "", 200, "", 0, 0},
		{"GET", "bytes/1", "", 200, "A", 1, 0},
		{"GET", "bytes/3000000", "", 200, "A bobbin holds", 3_000_000, 0},
		{"HEAD", "bytes/3000000", "", 200, "", 3_000_000, 0},
		{"GET", "bytes/1073741825", "", 400, "400 Bad Request: write a number from 0 to 1073741824", -1, 0},
		{"GET", "bytes/-1", "", 400, "400", -1, 0},
		{"GET", "bytes/many", "", 400, `400 Bad Request: write a number from 0 to 1073741824 in place of "many"`, -1, 0},
		{"GET", "delay/50ms", "", 200, "after 50ms\n", -1, 50 * time.Millisecond},
		{"GET", "delay/61s", "", 400, "400", -1, 0},
		{"GET", "delay/-1s", "", 400, "400", -1, 0},
		{"GET", "delay/soon", "", 400, "400", -1, 0},
		{"GET", "drip/1000/300ms", "", 200, "A bobbin", 1000, 200 * time.Millisecond},
		{"GET", "drip/3/0s", "", 200, "A b", 3, 0},
		{"GET", "drip/1048577/1s", "", 400, "400", -1, 0},
		{"GET", "status/418", "", 418, "418", -1, 0},
		{"GET", "status/204", "", 204, "", 0, 0},
		{"GET", "status/100", "", 400, "400", -1, 0},
		{"GET", "status/600", "", 400, "400", -1, 0},
		{"GET", "redirect/0", "", 200, "there\n", -1, 0},
		{"GET", "redirect/2", "", 302, "", -1, 0},
		{"GET", "redirect/101", "", 400, "400", -1, 0},
		{"POST", "echo?a=b", "a body", 200, "POST /-/demo/echo?a=b HTTP/1.1\n", -1, 0},
		{"DELETE", "echo", "", 200, "DELETE /-/demo/echo HTTP/1.1\n", -1, 0},
		{"POST", "bytes/1", "", 405, "405", -1, 0},
		{"GET", "nothing", "", 404, "404", -1, 0},
	} {
		since := time.Now()
		answer, body := send(t, row.method, p.url+"-/demo/"+row.path, row.body)
		if answer.StatusCode != row.status || !strings.HasPrefix(body, row.want) || row.length >= 0 && answer.ContentLength != row.length && row.status != 204 {
			t.Errorf("%s %s: %d, %d bytes, %.80q", row.method, row.path, answer.StatusCode, answer.ContentLength, body)
		}
		if answer.Header.Get("Cache-Control") != "no-store" && row.status < 400 {
			t.Errorf("%s may be kept: %v", row.path, answer.Header)
		}
		if took := time.Since(since); took < row.least {
			t.Errorf("%s took %v", row.path, took)
		}
	}
	if _, body := send(t, "POST", p.url+"-/demo/echo", "a body", "X-Own: yes"); !strings.Contains(body, "\nX-Own: yes\n") || !strings.HasSuffix(body, "\n\na body") {
		t.Errorf("the echo is %q", body)
	}

	// An answer that is cut has what it promised of bytes, and less than its length.
	answer, err := nethttp.Get(p.url + "-/demo/cut/1000")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err == nil || len(got) > 1000 || answer.ContentLength != 2001 {
		t.Errorf("cut: %d bytes of %d, %v", len(got), answer.ContentLength, err)
	}

	// Two events come, one after the other.
	answer, err = nethttp.Get(p.url + "-/demo/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text := make([]byte, 0, 100)
	for !strings.Contains(string(text), "event 2\n") {
		n, err := answer.Body.Read(text[len(text):cap(text)])
		if text = text[:len(text)+n]; err != nil {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if want := "id: 1\ndata: event 1\n\nid: 2\ndata: event 2\n"; !strings.HasPrefix(string(text), want) {
		t.Errorf("the events are %q", text)
	}
}

// TestDemoIsOptIn and stays behind what guards the site.
func TestDemoIsOptIn(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args   []string
		status int
	}{
		{nil, 404},
		{[]string{t.TempDir()}, 404},
		{[]string{"--demo", t.TempDir()}, 200},
		{[]string{"--demo", "--deny", "127.0.0.1", t.TempDir()}, 403},
	} {
		p := start(t, "", row.args...)
		if answer, _ := send(t, "GET", p.url+"-/demo/", ""); answer.StatusCode != row.status {
			t.Errorf("%v: %d", row.args, answer.StatusCode)
		}
	}
}
