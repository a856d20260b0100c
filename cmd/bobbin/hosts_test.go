package main

import (
	"context"
	"crypto/tls"
	"net"
	nethttp "net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestOnLoopbackOnlyNamesAreAnsweredToThatAStrangerCannotHave(t *testing.T) {
	const local = ""
	rows := []struct {
		name   string
		args   string
		host   string // "-" for HTTP/1.0 without one
		status int
	}{
		{"localhost is this machine", local, "localhost", 200},
		{"with a port, too", local, "localhost:8080", 200},
		{"in any case, with a dot behind it", local, "LocalHost.:8080", 200},
		{"so is what is below it", local, "app.localhost:8080", 200},
		{"an address is no name", local, "127.0.0.1:8080", 200},
		{"nor is one of IPv6", local, "[::1]:8080", 200},
		{"nor one without a port", local, "[::1]", 200},
		{"nor that of another machine", local, "192.0.2.1", 200},
		{"a stranger's name is refused", local, "evil.example", 421},
		{"with a port, too", local, "evil.example:8080", 421},
		{"if it begins like localhost, too", local, "localhost.evil.example", 421},
		{"if it ends like localhost, too", local, "evillocalhost", 421},
		{"if it looks like an address, too", local, "127.0.0.1.evil.example", 421},
		{"if it is a number, too", local, "2130706433", 421},
		{"a request without Host is answered", local, "-", 200},
		{"an empty Host is answered", local, "", 200},
		{"a name that was typed is answered to", "--host dev.example", "dev.example", 200},
		{"in any case and on any port", "--host Dev.Example", "dEV.example:3000", 200},
		{"what is below it is not", "--host dev.example", "a.dev.example", 421},
		{"several are", "--host a.example --host b.example --host c.example", "c.example:80", 200},
		{"of several others are not", "--host a.example --host b.example", "evil.example", 421},
		{"names that a certificate is for are its own", "--tls self --domain site.example --redirect-http localhost:80", "site.example", 308},
		{"a redirect on loopback is guarded, too", "--tls self --redirect-http localhost:80", "evil.example", 421},
		{"one that others reach is not", "--tls self --redirect-http :80", "evil.example", 308},
		{"where others listen, too, all names are answered to", "--public", "evil.example", 200},
		{"as they are on an address of the network", "-l 192.0.2.7:80", "evil.example", 200},
		{"or if one is, of several", "-l localhost:8080 -l :80", "evil.example", 200},
		{"a Unix socket beside it changes nothing", "-l 127.0.0.1:80 -l unix:/run/x", "evil.example", 421},
		{"all of 127.0.0.0/8 is loopback", "-l 127.1.2.3:80", "evil.example", 421},
		{"so is ::1", "-l [::1]:80", "evil.example", 421},
		{"a Unix socket alone has no strangers", "-l unix:/run/x", "evil.example", 200},
		{"a proxy that is trusted passes the site's name on", "--trust 127.0.0.0/8", "site.example", 200},
		{"one that is not is a stranger", "--trust 10.0.0.0/8", "site.example", 421},
		{"on the network, a list of names is all that is answered to", "--public --host dev.example", "evil.example", 421},
		{"and is answered to", "--public --host dev.example", "Dev.Example.:8080", 200},
		{"localhost is answered to for this machine itself", "--public --host dev.example", "localhost", 200},
		{"but not by a proxy on it", "--public --host dev.example --trust 127.0.0.0/8", "localhost", 421},
		{"nor is an address", "--public --host dev.example --trust 127.0.0.0/8", "127.0.0.1", 421},
		{"unless it is in the list", "--public --host dev.example --host 127.0.0.1 --trust 127.0.0.0/8", "127.0.0.1", 200},
		{"a trusted proxy passes no other name on", "--public --host dev.example --trust 127.0.0.0/8", "evil.example", 421},
		{"what has no Host is answered", "--public --host dev.example", "-", 200},
		{"names of --domain are in the list", "--public --host dev.example --tls self --domain site.example", "site.example", 308},
		{"and others are not, over plain HTTP", "--public --host dev.example --tls self --domain site.example", "evil.example", 421},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f, _ := prepared(t, strings.Fields(row.args)...)
			httptest.Run(t, httptest.Config{Handler: f.loops[0].handler}, func(c *httptest.Client) {
				c = c.At("127.0.0.1")
				for _, path := range []string{"/", "/nothing"} {
					conn := c.Dial()
					defer conn.Close()
					for range 2 { // the second finds that the first has passed, or has not
						text := "GET " + path + " HTTP/1.1\r\nHost: " + row.host + "\r\n\r\n"
						if row.host == "-" {
							text = "GET " + path + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
						}
						conn.Send(text)
						a := conn.Answer("GET")
						want := row.status
						if path == "/nothing" && want == 200 {
							want = 404
						}
						if a.Status != want {
							t.Errorf("%q: %v, want %d", row.host, a, want)
						}
						if name := nameOf(row.host); want == 421 && !strings.Contains(a.Body, "--host "+name) {
							t.Errorf("it says %q", a.Body)
						}
					}
				}
			})
		})
	}
}

// TestTheListOfNamesOnTheNetwork: another machine is answered by the names of the list alone.
func TestTheListOfNamesOnTheNetwork(t *testing.T) {
	f, _ := prepared(t, "--public", "--host", "dev.example")
	httptest.Run(t, httptest.Config{Handler: f.loops[0].handler}, func(c *httptest.Client) {
		for host, want := range map[string]int{"dev.example": 200, "evil.example": 421, "localhost": 421, "192.0.2.1:8080": 421} {
			conn := c.At("192.0.2.9").Dial()
			conn.Send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
			if a := conn.Answer("GET"); a.Status != want {
				t.Errorf("%s: %d, and not %d", host, a.Status, want)
			}
			conn.Close()
		}
	})
}

func TestTheGuardOfHostsIsBeforePasswordsAndFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"site/f": []byte("open"), "users": []byte("a:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n")})
	p := start(t, "", "--host", "dev.example", "--auth", filepath.Join(dir, "users"), filepath.Join(dir, "site"))
	for host, want := range map[string]string{"evil.example": "421", "dev.example": "401", "localhost": "401"} {
		if answer := p.visit("GET /f HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %q", host, answer)
		}
	}
	code, out, complaint := try([]string{"config", "print", "--host", "dev.example", "--host", "b.example"}, "", nil)
	if code != exitOK || !strings.Contains(out, "host = ['dev.example', 'b.example'] # command line\n") {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
	if code, out, _ := try([]string{"config", "print"}, "", map[string]string{"BOBBIN_HOST": "dev.example\nb.example"}); code != exitOK || !strings.Contains(out, "host = ['dev.example', 'b.example'] # environment\n") {
		t.Errorf("%d, %q", code, out)
	}
}

func TestAHostThatIsNoNameIsRefused(t *testing.T) {
	for _, name := range []string{"http://dev.example", "dev.example:8080", "*", "*.example", "", "a b", "dev.example/"} {
		if code, _, complaint := try([]string{"config", "test", "--host=" + name}, "", nil); name != "" && (code != exitUsage || !strings.Contains(complaint, "--host")) {
			t.Errorf("%q: %d, %q", name, code, complaint)
		}
	}
}

func TestTheGuardOfHostsKnowsTheNamesOfCertificates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if code, _, complaint := try([]string{"cert", "--folder", folder, "dev.example"}, "", nil); code != exitOK {
		t.Fatal(complaint)
	}
	p := start(t, "", "--tls-cert", filepath.Join(folder, "dev.example.pem"), "--tls-key", filepath.Join(folder, "dev.example-key.pem"))
	at := strings.TrimSuffix(strings.TrimPrefix(p.url, "https://"), "/")
	for host, want := range map[string]int{"dev.example": 200, "evil.example": 421, "localhost:1": 200} {
		for _, major := range []int{1, 2} {
			client := nethttp.Client{Transport: &nethttp.Transport{
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
				ForceAttemptHTTP2: major == 2,
				DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("tcp", at) },
			}}
			answer, err := client.Get("https://" + host + "/")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want || answer.ProtoMajor != major {
				t.Errorf("%s, by HTTP/%d: %s by %s", host, major, answer.Status, answer.Proto)
			}
			client.CloseIdleConnections()
		}
	}
}

func TestTheUsualHostCostsNoMemory(t *testing.T) {
	o, err := parse(nil, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	h := o.guardHosts(&globalMiddleware{}).wrap(func(*http.Response, *http.Request) error { return nil })
	httptest.Run(t, httptest.Config{Handler: func(w *http.Response, r *http.Request) error {
		if err := h(w, r); err != nil {
			return err
		}
		if n := testing.AllocsPerRun(100, func() { h(w, r) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
		return nil
	}}, func(c *httptest.Client) {
		for _, address := range []string{"127.0.0.1", "192.0.2.9"} { // the second as the PROXY protocol names it
			c.At(address).Get("/", "Host: localhost:80")
		}
	})
}
