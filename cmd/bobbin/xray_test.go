package main

import (
	"crypto/tls"
	"io"
	"net"
	nethttp "net/http"
	neturl "net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// An xrayStream is a page of the inspector, as far as a program sees it.
type xrayStream struct {
	p       *program
	url     string // of the site or of --admin, with a slash at its end
	browser *nethttp.Client
	hello   *feed.Hello
	stream  *feed.Reader
	close   func()
}

// watchProgram opens the page of a program.
func watchProgram(t *testing.T, p *program) *xrayStream {
	t.Helper()
	return watchProgramBy(t, p, p.url, nethttp.DefaultClient)
}

func watchProgramBy(t *testing.T, p *program, url string, browser *nethttp.Client) *xrayStream {
	t.Helper()
	answer, err := browser.Get(url + "-/xray/stream")
	if err != nil {
		t.Fatal(err)
	}
	page := &xrayStream{p: p, url: url, browser: browser, stream: feed.NewReader(answer.Body), close: func() { answer.Body.Close() }}
	t.Cleanup(page.close)
	if page.hello, err = page.stream.Hello(); err != nil {
		t.Fatal(err)
	}
	return page
}

// next returns the next frame.
func (o *xrayStream) next() *feed.Frame {
	o.p.t.Helper()
	f, err := o.stream.Next()
	if err != nil {
		o.p.t.Fatal(err)
	}
	return f
}

// press presses a button.
func (o *xrayStream) press(id string) {
	o.p.t.Helper()
	form := neturl.Values{"what": {id}, "token": {o.hello.Token}}
	request, _ := nethttp.NewRequest("POST", o.url+"-/xray/try", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", strings.TrimSuffix(o.url, "/"))
	answer, err := o.browser.Do(request)
	if err != nil {
		o.p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != 202 {
		o.p.t.Fatalf("%s is answered by %d %s", id, answer.StatusCode, text)
	}
}

// TestTheDefaultSiteShowsItsLoops asks the program for what is below /-/.
func TestTheDefaultSiteShowsItsLoops(t *testing.T) {
	t.Parallel()
	ask := func(at string) (int, string) {
		answer, err := nethttp.Get(at)
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
	page := watchProgram(t, p)
	if page.hello.Loops != 2 || page.hello.Version != version || len(page.hello.Try) != 5 {
		t.Errorf("%+v", page.hello)
	}
	for {
		if f := page.next(); f.Loops[0].Turns > 0 && f.Loops[1].Turns > 0 {
			break // both loops have answered
		}
	}

	p = start(t, "", "-l", "0.0.0.0:0")
	if status, _ := ask(strings.Replace(p.url, "0.0.0.0", "127.0.0.1", 1) + "-/xray"); status != 404 {
		t.Errorf("a site for others than this machine answers by %d", status)
	}
}

// TestAPageThatIsClosedMakesRoom closes a page whose last frame the kernel never delivers:
// it takes some frames until that is known, and by far not as long as a deadline.
func TestAPageThatIsClosedMakesRoom(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	stays, leaves := watchProgram(t, p), watchProgram(t, p)
	if leaves.hello.Watchers != 2 {
		t.Fatalf("%d watch", leaves.hello.Watchers)
	}
	leaves.next()
	leaves.close()
	for n := 0; len(stays.next().Rows) > 1; n++ {
		if n == 25 {
			t.Fatal("the page that was closed is still there")
		}
	}
}

// TestThePageWorksOverHTTPS presses a button there: its clients and the Origin are HTTPS.
func TestThePageWorksOverHTTPS(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--tls", "self")
	ca := nethttp.DefaultTransport.(*nethttp.Transport).Clone()
	ca.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	t.Cleanup(ca.CloseIdleConnections)
	browser := &nethttp.Client{Transport: ca}
	page := watchProgramBy(t, p, p.url, browser)
	page.press("burst")
	for {
		if f := page.next(); f.Loops[0].Requests >= tryBurst {
			if row := f.Rows[0]; row.Flags&(feed.You|feed.TLS) != feed.You|feed.TLS {
				t.Errorf("the page's own connection has flags %b", row.Flags)
			}
			break
		}
	}
}

// TestAUnixSocketShowsNothing asks there, where no one can tell who asks.
func TestAUnixSocketShowsNothing(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	start(t, "", "-l", "unix:"+socket, "-l", "127.0.0.1:0")
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say(t, c, "GET /-/xray HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	text, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 403 ") || !strings.Contains(string(text), "a Unix socket does not tell who asks") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestTheOperatorsPageHoldsTheSite presses the button of the handler that sleeps at --admin,
// for a site that shows nothing itself. The operator's page sees the stall, on a
// loop of its own.
func TestTheOperatorsPageHoldsTheSite(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--admin", "127.0.0.1:0", folder(t, map[string][]byte{"index.html": []byte("hello")}))
	page := watchProgramBy(t, p, "http://"+p.admin()+"/", nethttp.DefaultClient)
	if page.hello.You != nil {
		t.Errorf("on the operator's address %v watches", page.hello.You)
	}
	page.press("sleep")
	for n := 0; ; n++ {
		if l := page.next().Loops[0]; l.Stalls > 0 && l.Longest >= trySleep {
			break
		}
		if n == 200 {
			t.Fatal("no handler has held the site's loop")
		}
	}
	if status, _ := fetch(t, p.url+"-/xray", "localhost"); status != 404 {
		t.Errorf("the site itself answers by %d", status)
	}
}
