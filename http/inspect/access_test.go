package inspect

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// serve runs an Inspector over a simulated machine: it shows the server that it is on. The
// handler answers other paths, "ok" if there is none.
func serve(t *testing.T, config Config, loop int, client func(c *httptest.Client, i *Inspector)) {
	t.Helper()
	i := New(config)
	ours := i.Handler(loop)
	httptest.Run(t, httptest.Config{
		Handler: func(w *http.Response, r *http.Request) error {
			if err := ours(w, r); err != http.StatusNotFound {
				return err
			}
			return w.Text("ok")
		},
		Server: func(s *http.Server) { i.Show(http.Servers{s}) },
	}, func(c *httptest.Client) { client(c.At("127.0.0.1"), i) })
}

// Buttons that tests press: one that is over at once, and one that is not.
var buttons = []Try{
	{ID: "short", Name: "Short", Text: "Comes and goes.", Run: func(done func()) { done() }},
	{ID: "long", Name: "Long", Text: "Comes and stays.", Run: func(func()) {}},
}

// TestWhoMayLook asks for the page and for the stream, from all sides.
func TestWhoMayLook(t *testing.T) {
	const own = "Host: localhost:8080"
	for _, row := range []struct {
		name   string
		from   string
		admin  bool
		fields []string
		want   string // a part of the refusal, "" for none
	}{
		{"a browser on this machine may", "127.0.0.1", false, []string{own}, ""},
		{"so it may by IPv6", "::1", false, []string{"Host: [::1]:8080"}, ""},
		{"so it may by the address", "127.0.0.1", false, []string{"Host: 127.0.0.1"}, ""},
		{"the case of a name does not matter", "127.0.0.1", false, []string{"Host: LocalHost"}, ""},
		{"a peer elsewhere may not", "10.0.0.1", false, []string{own}, "to this machine only"},
		{"a peer in the same network may not, whatever it calls us", "192.168.1.7", false, []string{"Host: 127.0.0.1"}, "to this machine only"},
		{"a foreign name that points at this machine may not", "127.0.0.1", false, []string{"Host: evil.example"}, "not at another name"},
		{"nor may one that looks like ours", "127.0.0.1", false, []string{"Host: localhost.evil.example"}, "not at another name"},
		{"nor may a further name of the operator's address", "127.0.0.1", false, []string{"Host: dev.example"}, "not at another name"},
		{"nor may another address of this machine", "127.0.0.1", false, []string{"Host: 192.168.1.7"}, "not at another name"},
		{"Forwarded tells of a proxy", "127.0.0.1", false, []string{own, "Forwarded: for=1.2.3.4"}, "its field Forwarded"},
		{"X-Forwarded-For does", "127.0.0.1", false, []string{own, "X-Forwarded-For: 1.2.3.4"}, "its field X-Forwarded-For"},
		{"X-Forwarded-Host does", "127.0.0.1", false, []string{own, "x-forwarded-host: a"}, "its field x-forwarded-host"},
		{"X-Forwarded-Proto does", "127.0.0.1", false, []string{own, "X-Forwarded-Proto: https"}, "its field X-Forwarded-Proto"},
		{"X-Forwarded does", "127.0.0.1", false, []string{own, "X-Forwarded: 1"}, "its field X-Forwarded"},
		{"X-Real-IP does", "127.0.0.1", false, []string{own, "X-Real-IP: 1.2.3.4"}, "its field X-Real-IP"},
		{"Via does", "127.0.0.1", false, []string{own, "Via: 1.1 proxy"}, "its field Via"},
		{"so do those of networks for delivery", "127.0.0.1", false, []string{own, "CF-Connecting-IP: 1.2.3.4"}, "its field CF-Connecting-IP"},
		{"and of load balancers", "127.0.0.1", false, []string{own, "X-Envoy-External-Address: 1.2.3.4"}, "its field X-Envoy-External-Address"},
		{"an empty field of a proxy does, too", "127.0.0.1", false, []string{own, "X-Forwarded-For:"}, "its field X-Forwarded-For"},
		{"another field does not", "127.0.0.1", false, []string{own, "X-Forward: 1", "Viable: 1"}, ""},
		{"a foreign page may not ask", "127.0.0.1", false, []string{own, "Origin: https://evil.example"}, "page of another site"},
		{"nor may one at another port", "127.0.0.1", false, []string{own, "Origin: http://localhost:3000"}, "page of another site"},
		{"nor may one over HTTPS, where we speak plainly", "127.0.0.1", false, []string{own, "Origin: https://localhost:8080"}, "page of another site"},
		{"nor may a page that hides its origin", "127.0.0.1", false, []string{own, "Origin: null"}, "page of another site"},
		{"nor may an image on a foreign page", "127.0.0.1", false, []string{own, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, "page of another site"},
		{"nor may a frame on one", "127.0.0.1", false, []string{own, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, "page of another site"},
		{"nor may a page at another port of this machine", "127.0.0.1", false, []string{own, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"}, "page of another site"},
		{"a link on a foreign page may lead here", "127.0.0.1", false, []string{own, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, ""},
		{"our own page may ask", "127.0.0.1", false, []string{own, "Origin: http://localhost:8080", "Sec-Fetch-Site: same-origin"}, ""},

		{"the operator's address answers a peer elsewhere", "10.0.0.1", true, []string{"Host: 10.0.0.9:9000"}, ""},
		{"it answers to an address of IPv6", "10.0.0.1", true, []string{"Host: [2001:db8::1]:9000"}, ""},
		{"it answers to localhost", "127.0.0.1", true, []string{own}, ""},
		{"it answers to the names of the operator", "10.0.0.1", true, []string{"Host: Dev.example:9000"}, ""},
		{"it does not answer to other names", "127.0.0.1", true, []string{"Host: evil.example"}, "the names of --host"},
		{"it does not answer a proxy", "10.0.0.1", true, []string{"Host: 10.0.0.9", "Via: 1.1 proxy"}, "its field Via"},
		{"it does not answer a foreign page", "10.0.0.1", true, []string{"Host: 10.0.0.9", "Origin: http://evil.example"}, "page of another site"},
	} {
		loop := 0
		if row.admin {
			loop = -1
		}
		serve(t, Config{Hosts: []string{"dev.example"}}, loop, func(c *httptest.Client, _ *Inspector) {
			c = c.At(row.from)
			for _, path := range []string{"/-/xray", "/-/xray/stream"} {
				conn := c.Dial()
				conn.Send(httptest.Request("GET", path, "", row.fields...))
				head, err := conn.Next("\r\n\r\n")
				if err != nil {
					t.Errorf("%s: %s: %v", row.name, path, err)
				}
				body := ""
				if row.want != "" {
					body, _ = conn.Next("\n")
				}
				wanted := "HTTP/1.1 200 "
				if row.want != "" {
					wanted = "HTTP/1.1 403 "
				}
				if !strings.HasPrefix(head, wanted) || !strings.Contains(body, row.want) {
					t.Errorf("%s: %s is answered by\n%s%s", row.name, path, head, body)
				}
				for _, field := range []string{"Cache-Control: no-store", "X-Content-Type-Options: nosniff"} {
					if !strings.Contains(head, field+"\r\n") {
						t.Errorf("%s: %s is answered without %s:\n%s", row.name, path, field, head)
					}
				}
				conn.Close()
			}
		})
	}
}

// TestHTTP10IsThatOfAProxy has the request that nginx makes of a stranger's by default: of
// HTTP/1.0, with the name that proxy_pass has, and without a field that tells of it.
func TestHTTP10IsThatOfAProxy(t *testing.T) {
	for _, row := range []struct {
		loop   int
		path   string
		status string
	}{
		{0, "/-/xray", "403"},
		{0, "/-/xray/stream", "403"},
		{0, "/-/metrics", "403"},
		{0, "/other", "200"},
		{-1, "/-/xray", "200"},
		{-1, "/-/metrics", "200"},
	} {
		serve(t, Config{}, row.loop, func(c *httptest.Client, _ *Inspector) {
			conn := c.Dial()
			conn.Send("GET " + row.path + " HTTP/1.0\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n")
			head, err := conn.Next("\r\n\r\n")
			if err != nil || !strings.HasPrefix(head, "HTTP/1.1 "+row.status) {
				t.Errorf("loop %d: %s is answered by %q, %v", row.loop, row.path, head, err)
			}
			conn.Close()
		})
	}
}

// TestATargetDoesNotHideAForeignHost has a whole URL in the request line, which counts in
// place of Host (RFC 9112 section 3.2.2).
func TestATargetDoesNotHideAForeignHost(t *testing.T) {
	for _, row := range []struct {
		loop         int
		target, host string
		status       int
	}{
		{0, "http://localhost", "evil.example", 403},
		{0, "http://evil.example", "localhost", 403},
		{0, "http://localhost", "localhost", 200},
		{-1, "http://10.0.0.9", "evil.example", 403},
		{-1, "http://evil.example", "10.0.0.9", 403},
		{-1, "http://10.0.0.9", "localhost", 200},
	} {
		serve(t, Config{}, row.loop, func(c *httptest.Client, _ *Inspector) {
			if a := c.Get(row.target+"/-/xray", "Host: "+row.host); a.Status != row.status {
				t.Errorf("loop %d: %s for Host %s is answered by %d", row.loop, row.target, row.host, a.Status)
			}
		})
	}
}

// TestWhoMayPress presses a button in all ways.
func TestWhoMayPress(t *testing.T) {
	const form, own = "Content-Type: application/x-www-form-urlencoded", "Origin: http://localhost"
	for _, row := range []struct {
		name   string
		from   string
		loop   int
		method string
		what   string
		token  string // "" for the right one
		fields []string
		status int
		want   string // a part of the body
	}{
		{"the page may press", "127.0.0.1", 0, "POST", "short", "", []string{own, form}, 202, "Comes and goes."},
		{"so it may on the operator's address, on this machine", "127.0.0.1", -1, "POST", "short", "", []string{own, form}, 202, "Comes and goes."},
		{"nothing is pressed by GET", "127.0.0.1", 0, "GET", "short", "", []string{own}, 405, ""},
		{"nor without an Origin", "127.0.0.1", 0, "POST", "short", "", []string{form}, 403, "no Origin"},
		{"nor by a foreign page", "127.0.0.1", 0, "POST", "short", "", []string{"Origin: http://evil.example", form}, 403, "page of another site"},
		{"nor with another token", "127.0.0.1", 0, "POST", "short", "wrong", []string{own, form}, 403, "the token is not"},
		{"nor without one", "127.0.0.1", 0, "POST", "short", " ", []string{own, form}, 403, "the token is not"},
		{"nor through a proxy", "127.0.0.1", 0, "POST", "short", "", []string{own, form, "X-Forwarded-For: 1.2.3.4"}, 403, "through a proxy"},
		{"nor from elsewhere", "10.0.0.1", 0, "POST", "short", "", []string{own, form}, 403, "to this machine only"},
		{"nor from elsewhere on the operator's address", "10.0.0.1", -1, "POST", "short", "", []string{own, form}, 403, "on the server's own machine"},
		{"a button that is not there does nothing", "127.0.0.1", 0, "POST", "none", "", []string{own, form}, 400, "no button"},
		{"a form that is too long is not read", "127.0.0.1", 0, "POST", "short" + strings.Repeat("x", 5000), "", []string{own, form}, 413, "short"},
		{"a form of another type is none", "127.0.0.1", 0, "POST", "short", "", []string{own, "Content-Type: text/plain"}, 415, ""},
	} {
		serve(t, Config{Try: buttons}, row.loop, func(c *httptest.Client, i *Inspector) {
			token := strings.TrimSpace(row.token)
			if row.token == "" {
				token = i.token
			}
			body := ""
			if row.method == "POST" {
				body = "what=" + row.what + "&token=" + token
			}
			got := c.At(row.from).Do(row.method, "/-/xray/try", body, append(row.fields, "Host: localhost")...)
			if got.Status != row.status || !strings.Contains(got.Body, row.want) {
				t.Errorf("%s: %d %q %v", row.name, got.Status, got.Body, got.Err)
			}
		})
	}
}

// TestAButtonIsPressedOnceAtATime presses one whose clients stay.
func TestAButtonIsPressedOnceAtATime(t *testing.T) {
	var over func()
	long := Try{ID: "long", Name: "Long", Text: "Comes and stays.", Run: func(done func()) { over = done }}
	serve(t, Config{Try: []Try{long}}, 0, func(c *httptest.Client, i *Inspector) {
		press := func() int {
			return c.Do("POST", "/-/xray/try", "what=long&token="+i.token, "Host: localhost", "Origin: http://localhost",
				"Content-Type: application/x-www-form-urlencoded").Status
		}
		if got := []int{press(), press()}; got[0] != 202 || got[1] != 409 {
			t.Errorf("pressed twice: %v", got)
		}
		over()
		if got := press(); got != 202 {
			t.Errorf("pressed again when it is over: %d", got)
		}
	})
}
