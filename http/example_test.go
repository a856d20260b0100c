package http_test

import (
	"errors"
	"fmt"
	"html/template"
	"net/netip"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// say asks a server over a simulated kernel, and prints what it answers, without
// the fields that are in every answer.
func say(h http.Handler, lines ...string) { sayTo(http.Config{Handler: h}, lines...) }

// sayTo is say for a server with other settings.
func sayTo(config http.Config, lines ...string) {
	kernel := sim.New(1)
	config.Loop.Kernel = kernel
	server, err := http.NewServer(config)
	if err != nil {
		panic(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		panic(err)
	}
	stopped := false
	kernel.Every = func() {
		if kernel.Running() == 0 && !stopped {
			stopped = true
			server.Stop()
		}
	}
	kernel.Go(func(s *sim.Script) {
		wire, err := kernel.Dial()
		if err != nil {
			panic(err)
		}
		head, body, _ := strings.Cut(strings.Join(lines, "\r\n"), "\r\n\r\n")
		s.Send(wire, []byte(head+"\r\nHost: example.com\r\nConnection: close\r\n\r\n"+body))
		answer, err := s.ReceiveAll(wire)
		if err != nil {
			fmt.Println("the connection was broken")
		}
		for line := range strings.SplitSeq(strings.TrimSpace(string(answer)), "\r\n") {
			switch name, _, _ := strings.Cut(line, ":"); name {
			case "Server", "Date", "Connection", "Content-Length", "":
			default:
				fmt.Println(line)
			}
		}
	})
	if err := server.Run(); err != nil {
		fmt.Println(err)
	}
}

// Set replaces, Add adds, and Del removes, also what the server adds by itself.
func ExampleResponse_Set() {
	h := func(w *http.Response, r *http.Request) error {
		w.Add("Link", "</style.css>; rel=preload").Add("Link", "</page.js>; rel=preload")
		w.Set("Cache-Control", "no-store").Set("Cache-Control", "max-age=60")
		w.Del("Content-Type")
		fmt.Println(w.HeaderValues("link"))
		return w.Text("hello\n")
	}
	say(h, "GET / HTTP/1.1")
	// Output:
	// [</style.css>; rel=preload </page.js>; rel=preload]
	// HTTP/1.1 200 OK
	// Link: </style.css>; rel=preload
	// Link: </page.js>; rel=preload
	// Cache-Control: max-age=60
	// hello
}

// An upload may be larger than other bodies, and a login smaller.
func ExampleBodyLimits() {
	size := func(w *http.Response, r *http.Request) error {
		body, err := r.Body()
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprintln(len(body), "bytes"))
	}
	site := new(http.Router)
	site.Handle("POST /login", http.BodyLimits{Size: 4 << 10, Time: 5 * time.Second}.Wrap(size))
	site.Handle("POST /files", http.BodyLimits{Size: 8 << 20}.Wrap(size))
	const twoMegabytes = 2 << 20
	for _, path := range []string{"/login", "/files"} {
		say(site.Serve, "POST "+path+" HTTP/1.1", fmt.Sprint("Content-Length: ", twoMegabytes), "", strings.Repeat("x", twoMegabytes))
	}
	// Output:
	// HTTP/1.1 413 Content Too Large
	// Content-Type: text/plain; charset=utf-8
	// 413 Content Too Large: the body is too large
	// HTTP/1.1 200 OK
	// Content-Type: text/plain; charset=utf-8
	// 2097152 bytes
}

var visitor http.Key[string]

// Middleware identifies the user, for all handlers behind it.
func ExampleKey() {
	login := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if r.Header("Authorization") != "Bearer 42" {
				return http.StatusUnauthorized
			}
			visitor.Set(r, "ann")
			return next(w, r)
		}
	}
	h := func(w *http.Response, r *http.Request) error {
		name, _ := visitor.Get(r)
		return w.Text("hello, " + name + "\n")
	}
	say(login(h), "GET / HTTP/1.1", "Authorization: Bearer 42")
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/plain; charset=utf-8
	// hello, ann
}

// All errors of an API as JSON: those of handlers, and the server's own.
func ExampleErrorHandler() {
	asJSON := func(w *http.Response, r *http.Request, f http.Failure) error {
		return w.JSON(map[string]any{"status": f.Status, "reason": f.Reason})
	}
	h := func(w *http.Response, r *http.Request) error {
		return http.StatusBadGateway.Because("the catalogue is away", errors.New("dial tcp 10.0.0.7: refused"))
	}
	sayTo(http.Config{Handler: h, ErrorHandler: asJSON}, "GET / HTTP/1.1")
	sayTo(http.Config{Handler: h, ErrorHandler: asJSON}, "BREW / HTTP/1.1")
	// Output:
	// HTTP/1.1 502 Bad Gateway
	// Content-Type: application/json
	// {"reason":"the catalogue is away","status":502}
	// HTTP/1.1 501 Not Implemented
	// Content-Type: application/json
	// {"reason":"no such method here","status":501}
}

// A handler that waits for its client, and for time to pass.
func ExampleStreaming() {
	countdown := func(w *http.Response, r *http.Request) error {
		for n := 3; n > 0; n-- {
			fmt.Fprint(w, n)
			if err := w.Flush(); err != nil {
				return err // the client has left: http.ErrGone
			}
			if err := w.Pause(time.Second); err != nil {
				return err // so has the server, if it is http.ErrStopping
			}
		}
		w.SetTrailer("X-Result", "lift-off")
		return nil
	}
	say(http.Streaming(countdown), "GET / HTTP/1.1")
	// Output:
	// HTTP/1.1 200 OK
	// Transfer-Encoding: chunked
	// 1
	// 3
	// 1
	// 2
	// 1
	// 1
	// 0
	// X-Result: lift-off
}

// An answer that is kept open, while nothing runs. Another goroutine has something
// to say later.
func ExampleResponse_Hold() {
	h := func(w *http.Response, r *http.Request) error {
		held, err := w.Hold()
		if err != nil {
			return err
		}
		held.OnClose(func() { fmt.Println("over, and live is", held.Live()) })
		held.OnStop(held.Done)
		go held.Post(func() { // on the loop again
			if !held.Full() {
				fmt.Fprint(held, "at last")
			}
			held.Done()
		})
		return nil
	}
	say(h, "GET / HTTP/1.0")
	// Output:
	// over, and live is false
	// HTTP/1.1 200 OK
	// at last
}

// A page of html/template: an error in it is a 500, and not half a page.
func ExampleResponse_Render() {
	page := template.Must(template.New("").Parse("<h1>Hello, {{.Name}}</h1>{{.Visits.Last}}\n"))
	h := func(w *http.Response, r *http.Request) error {
		data := map[string]any{"Name": "<Ann>", "Visits": map[string]int{"Last": 3}}
		if r.RawQuery() == "broken" {
			data["Visits"] = "none"
		}
		return w.Render(page, data)
	}
	say(h, "GET / HTTP/1.1")
	say(h, "GET /?broken HTTP/1.1")
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/html; charset=utf-8
	// <h1>Hello, &lt;Ann&gt;</h1>3
	// HTTP/1.1 500 Internal Server Error
	// Content-Type: text/plain; charset=utf-8
	// 500 Internal Server Error
}

// A client that misspells a field is told which, and where.
func ExampleStrictJSON() {
	h := func(w *http.Response, r *http.Request) error {
		var order struct {
			Item  string
			Count int
		}
		if err := (http.StrictJSON{Size: 64 << 10}).Read(r, &order); err != nil {
			return err // 400, 413 or 415
		}
		return w.JSON(order)
	}
	say(h, "POST / HTTP/1.1", "Content-Type: application/json", "Content-Length: 26", "", `{"item":"bread","cuont":1}`)
	// Output:
	// HTTP/1.1 400 Bad Request
	// Content-Type: text/plain; charset=utf-8
	// 400 Bad Request: "cuont" is not a field that is wanted, at byte 23
}

func ExampleRequest_JSON() {
	h := func(w *http.Response, r *http.Request) error {
		var order struct {
			Item  string
			Count int
		}
		if err := r.JSON(&order); err != nil {
			return err
		}
		order.Count++
		return w.JSON(order)
	}
	say(h, "POST / HTTP/1.1", "Content-Type: application/json", "Content-Length: 26", "", `{"item":"bread","count":1}`)
	say(h, "POST / HTTP/1.1", "Content-Type: application/json", "Content-Length: 4", "", `{"a}`)
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: application/json
	// {"Item":"bread","Count":2}
	// HTTP/1.1 400 Bad Request
	// Content-Type: text/plain; charset=utf-8
	// 400 Bad Request: the JSON ends too early, at byte 4
}

// The parts of a request. Results of methods whose names end in Bytes are the
// server's, and costs no memory.
func ExampleRequest() {
	h := func(w *http.Response, r *http.Request) error {
		fmt.Fprintln(w, r.Method(), r.Target(), r.ProtoMinor(), r.Host())
		fmt.Fprintln(w, r.Path(), r.RawQuery(), r.Query()["b"])
		if query, asked := r.QueryBytes(); asked && string(r.HeaderBytes("accept")) == "text/html" {
			fmt.Fprintf(w, "%d bytes of query\n", len(query))
		}
		for name, value := range r.HeadersBytes() {
			fmt.Fprintf(w, "%s=%s ", name, value)
		}
		return nil
	}
	say(h, "GET /a%20b?a=1&b=2&b=3 HTTP/1.1", "Accept: text/html")
	// Output:
	// HTTP/1.1 200 OK
	// GET /a%20b?a=1&b=2&b=3 1 example.com
	// /a b a=1&b=2&b=3 [2 3]
	// 11 bytes of query
	// Accept=text/html Host=example.com Connection=close
}

func ExampleCookie() {
	h := func(w *http.Response, r *http.Request) error {
		if name, ok := r.Cookie("name"); ok {
			return w.Text("welcome back, " + name)
		}
		w.SetCookie(http.Cookie{Name: "name", Value: "stranger", MaxAge: time.Hour, Secure: true})
		return w.Redirect(http.StatusSeeOther, "/")
	}
	say(h, "GET / HTTP/1.1", "Cookie: name=stranger")
	say(h, "GET / HTTP/1.1")
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/plain; charset=utf-8
	// welcome back, stranger
	// HTTP/1.1 303 See Other
	// Content-Type: text/plain; charset=utf-8
	// Set-Cookie: name=stranger; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax
	// Location: /
	// 303 See Other
}

// Middleware that looks at the answer asks for it beforehand, for the handler may
// answer later.
func ExampleMiddleware() {
	shout := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.OnHead(func(w *http.Response) {
				if body, whole := w.BodyBytes(); whole && w.Status() == http.StatusOK {
					w.SetBody([]byte(strings.ToUpper(string(body))))
				}
			})
			return next(w, r)
		}
	}
	watch := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			r.SetClientAddr(netip.MustParseAddr("192.0.2.1"))
			w.Timeout(10 * time.Second)
			w.OnEnd(func() { fmt.Println("over") })
			w.OnAnswer(func(status http.Status, size int64) {
				fmt.Println(int(status), size, w.Header("X-Name"), r.ClientAddr())
			})
			return next(w, r)
		}
	}
	var site http.Router
	site.Use(http.Chain(watch, shout))
	site.Handle("GET /", func(w *http.Response, r *http.Request) error {
		return w.Add("X-Name", "a").WriteNoCopy([]byte("hello"))
	})
	say(site.Serve, "GET / HTTP/1.1")
	// Output:
	// 200 5 a 192.0.2.1
	// over
	// HTTP/1.1 200 OK
	// X-Name: a
	// HELLO
}

// An answer that is made once and given often, and fields that several share.
func ExamplePrepare() {
	always, err := http.Prepare(nil, [2]string{"Cache-Control", "no-cache"})
	if err != nil {
		panic(err)
	}
	page, err := http.Prepare([]byte("<h1>hello</h1>"), [2]string{"Content-Type", "text/html"})
	if err != nil {
		panic(err)
	}
	say(func(w *http.Response, r *http.Request) error { return w.AddPrepared(always).WritePrepared(page) }, "GET / HTTP/1.1")
	// Output:
	// HTTP/1.1 200 OK
	// Cache-Control: no-cache
	// Content-Type: text/html
	// <h1>hello</h1>
}

func ExampleErrAbort() {
	say(func(w *http.Response, r *http.Request) error { return http.ErrAbort }, "GET / HTTP/1.1")
	// Output: the connection was broken
}

// The parser by itself: bytes in, a count out.
func ExampleParser() {
	p, err := http.NewParser(http.Limits{})
	if err != nil {
		panic(err)
	}
	text := "GET / HTTP/1.1\r\nHost: example.com\r\n\r\nand more"
	n, err := p.Head([]byte(text[:20]))
	fmt.Println(n, err)
	n, err = p.Head([]byte(text))
	fmt.Println(n, err, p.Fields())
	_, err = p.Head([]byte("GET / HTTP/1.1\r\nHost : example.com\r\n\r\n"))
	var status http.Status
	fmt.Println(errors.As(err, &status), err)
	// Output:
	// 0 <nil>
	// 37 <nil> 1
	// true 400 Bad Request: a blank before the colon of a field
}

func ExampleCleanPath() {
	path, err := http.CleanPath(nil, []byte("/a/./b/../c%20d"))
	fmt.Println(string(path), err)
	fmt.Println(string(http.EscapePath(nil, string(path))))
	// Output:
	// /a/c d <nil>
	// /a/c%20d
}

// Server has a life: it is made, listens, runs until it is stopped.
func ExampleServer() {
	server, err := http.NewServer(http.Config{
		Handler: func(w *http.Response, r *http.Request) error { return w.Text("hello") },
		Limits:  http.Limits{Body: 10 << 20},
	})
	if err != nil {
		panic(err)
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listeners[0].Addr().IP.Addr())
	server.Loop().Post(server.Stop) // on SIGTERM, perhaps: see Loop.OnSignal
	fmt.Println(server.Run())
	// Output:
	// 127.0.0.1
	// <nil>
}

// Two servers on two loops, each with a counter of its own.
func ExampleServers() {
	servers, err := http.NewServers(2, func(loop int) (http.Config, error) {
		visits := 0 // of one loop, so that it needs no lock
		return http.Config{Handler: func(w *http.Response, r *http.Request) error {
			visits++
			return w.Text(fmt.Sprintf("visit %d of loop %d", visits, loop))
		}}, nil
	})
	if err != nil {
		panic(err)
	}
	listeners, err := servers.Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listeners[0].Addr().IP.Addr())
	go servers.Stop() // on SIGTERM, perhaps
	fmt.Println(servers.Run())
	// Output:
	// 127.0.0.1
	// <nil>
}

func ExampleParseDate() {
	t, ok := http.ParseDate("Sun, 06 Nov 1994 08:49:37 GMT")
	fmt.Println(t.UTC(), ok)
	fmt.Println(http.FormatDate(t))
	// Output:
	// 1994-11-06 08:49:37 +0000 UTC true
	// Sun, 06 Nov 1994 08:49:37 GMT
}
