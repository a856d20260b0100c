package main

import (
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// TestTheDefaultSiteShowsItsLoops asks the program for what is below /-/.
func TestTheDefaultSiteShowsItsLoops(t *testing.T) {
	ask := func(url string) (int, string) {
		answer, err := nethttp.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	p := start(t, "", "--loops", "2")
	if status, page := ask(p.url + "-/xray"); status != 200 || !strings.Contains(page, "<!DOCTYPE html>") {
		t.Errorf("the page is answered by %d %q", status, page)
	}
	for _, path := range []string{"-/other", "-/xray/other", "other"} {
		if status, page := ask(p.url + path); status != 404 {
			t.Errorf("/%s is answered by %d %q", path, status, page)
		}
	}
	answer, err := nethttp.Get(p.url + "-/xray/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	stream := feed.NewReader(answer.Body)
	hello, err := stream.Hello()
	if err != nil || hello.Loops != 2 || hello.Version != version {
		t.Fatalf("%+v, %v", hello, err)
	}
	for {
		frame, err := stream.Next()
		if err != nil {
			t.Fatal(err)
		}
		if frame.Loops[0].Turns > 0 && frame.Loops[1].Turns > 0 {
			break // both loops have answered
		}
	}

	p = start(t, "", "-l", "0.0.0.0:0")
	if status, _ := ask(strings.Replace(p.url, "0.0.0.0", "127.0.0.1", 1) + "-/xray"); status != 404 {
		t.Errorf("a site for others than this machine answers by %d", status)
	}
}
