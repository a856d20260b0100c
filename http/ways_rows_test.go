package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// of makes the handler of a row that notes nothing.
func of(h Handler) func(*wayNotes) Handler { return func(*wayNotes) Handler { return h } }

// posting is a request with a body in two pieces.
func posting(target string) asking {
	return asking{method: "POST", target: target, body: []string{"hel", "lo"}}
}

// inPiecesSlowly says a request with a second between two pieces of its body.
func inPiecesSlowly(c *wayClient) *hearing {
	q := &c.row.ask
	c.ask(q, false)
	for _, piece := range q.body {
		c.s.Sleep(time.Second)
		c.send(piece)
	}
	c.end(q.trailers)
	return c.hear()
}

// unfinishedBody says a request and not the end of its body.
func unfinishedBody(c *wayClient) *hearing {
	c.ask(&c.row.ask, false)
	c.send(c.row.ask.body[0])
	return c.hear()
}

// hearOnlyTheCut forgets how much of an answer has come before it was cut: HTTP/1.1 resets its
// connection, and what was on its way may be lost.
func hearOnlyTheCut(c *wayClient) *hearing {
	sayAll(c, &c.row.ask)
	return &hearing{cut: c.hear().cut}
}

// leaveAfter has a client leave when its answer has begun, and returns what it has heard.
func leaveAfter(n int) func(c *wayClient) *hearing {
	return func(c *wayClient) *hearing {
		sayAll(c, &c.row.ask)
		h := c.hearBody(n)
		c.s.Sleep(time.Second)
		c.leave()
		c.s.Sleep(10 * time.Second)
		return h
	}
}

// inSteps writes pieces with a second in between.
func inSteps(n *wayNotes, declare bool) Handler {
	return func(w *Response, r *Request) error {
		w.Set("Content-Type", "text/plain")
		if declare {
			w.Set("Content-Length", "6")
		}
		for i := range 3 {
			fmt.Fprintf(w, "%d ", i)
			if err := w.Flush(); err != nil {
				n.note("flush: %v", err)
				return err
			}
			if err := w.Pause(time.Second); err != nil {
				n.note("pause: %v, context: %v", err, r.Context().Err())
				return err
			}
		}
		return nil
	}
}

// readsInPieces reads a body in pieces, and answers each.
func readsInPieces(n *wayNotes) Handler {
	return func(w *Response, r *Request) error {
		p := make([]byte, 100)
		for {
			got, err := r.Read(p)
			if got > 0 {
				w.Write(p[:got])
				err = errors.Join(err, w.Flush())
			}
			if err != nil {
				n.note("%v, trailers: %s", err, r.Trailer("X-Sum"))
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
		}
	}
}

var wayRows = []wayRow{
	// Requests.
	{
		name: "A request is the same", handler: describe,
		ask:  asking{method: "GET", target: "/a%20b/c?d=e&f", host: "example.com:8080", fields: [][2]string{{"Accept", "text/html, */*;q=0.8"}, {"X-A", "1"}, {"X-A", "2"}, {"Cookie", "a=b; c=d"}, {"X-Empty", ""}, {"TE", "trailers"}}},
		want: "200 [content-length: 0, server: bobbin] \"\"\nGET /a%20b/c?d=e&f at example.com:8080 0 [\"accept=text/html, */*;q=0.8\" \"x-a=1\" \"x-a=2\" \"cookie=a=b; c=d\" \"x-empty=\" \"te=trailers\"]; \"\" <nil> 0; answered 200 0; over",
	},
	{
		name: "A method that is none of HTTP's is the same", handler: describe,
		ask:  asking{method: "BREW", target: "/pot"},
		want: "200 [content-length: 0, server: bobbin] \"\"\nBREW /pot at a 0 []; \"\" <nil> 0; answered 200 0; over",
	},
	{
		name: "A body with a length is the same", handler: describe,
		ask:  asking{method: "POST", target: "/", body: []string{"hel", "lo"}},
		want: "200 [content-length: 0, server: bobbin] \"\"\nPOST / at a 5 [\"content-length=5\"]; \"hello\" <nil> 5; answered 200 0; over",
	},
	{
		name: "A body without a length is the same, and so are its trailers", handler: describe,
		ask:  asking{method: "PUT", target: "/", body: []string{"hel", "lo"}, open: true, trailers: [][2]string{{"X-Sum", "5"}, {"X-Other", "a b"}}},
		want: "200 [content-length: 0, server: bobbin] \"\"\nPUT / at a -1 []; \"hello\" <nil> 5; x-sum: 5; x-other: a b; answered 200 0; over",
	},
	{
		name: "An empty body without a length has the length -1", handler: describe,
		ask:  asking{method: "POST", target: "/", open: true},
		want: "200 [content-length: 0, server: bobbin] \"\"\nPOST / at a -1 []; \"\" <nil> 0; answered 200 0; over",
	},
	{
		name: "A large body is the same", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				body, err := r.Body()
				n.note("%d %d %v", len(body), sumOf(body), err)
				return err
			}
		},
		ask:  asking{method: "POST", target: "/", body: []string{string(filled(500_000))}},
		want: "200 [content-length: 0, server: bobbin] \"\"\n500000 1208596432 <nil>; answered 200 0; over",
	},
	{
		name: "A body is read in pieces as it comes", handler: func(n *wayNotes) Handler { return Streaming(readsInPieces(n)) },
		ask: asking{method: "POST", body: []string{"hel", "lo"}, open: true, trailers: [][2]string{{"X-Sum", "5"}}}, play: inPiecesSlowly,
		want: "200 [server: bobbin] \"hello\"\nEOF, trailers: 5; answered 200 5; over",
	},
	{
		name: "A handler off the loop reads in pieces, too", handler: func(n *wayNotes) Handler { return Blocking(5, readsInPieces(n)) },
		ask: posting("/"), play: inPiecesSlowly,
		want: "200 [server: bobbin] \"hello\"\nEOF, trailers: ; answered 200 5; over",
	},
	{
		name: "A body that is not read is thrown away", handler: of(func(w *Response, r *Request) error { return w.Text("no") }),
		ask: asking{method: "POST", body: []string{string(filled(10_000))}},
		play: func(c *wayClient) *hearing {
			sayAll(c, &c.row.ask)
			c.hear()
			sayAll(c, &c.row.ask)
			return c.hear()
		},
		want: "200 [content-length: 2, content-type: text/plain; charset=utf-8, server: bobbin] \"no\"\nanswered 200 2; over; answered 200 2; over",
	},
	{
		name: "A body that is too large for memory is a 413", handler: describe, limits: Limits{Body: 10},
		ask:  asking{method: "POST", body: []string{string(filled(20))}},
		want: "413 [content-length: 45, content-type: text/plain; charset=utf-8, server: bobbin] \"413 Content Too Large: the body is too large\\n\"\nPOST / at a 20 [\"content-length=20\"]; \"\" 413 Content Too Large: the body is too large 0; answered 413 45; over",
	},
	{
		name: "A body that grows too large is a 413", handler: describe, limits: Limits{Body: 10},
		ask:  asking{method: "POST", body: []string{string(filled(8)), string(filled(8))}, open: true},
		want: "413 [content-length: 45, content-type: text/plain; charset=utf-8, server: bobbin] \"413 Content Too Large: the body is too large\\n\"\nPOST / at a -1 []; \"\" http: the answer is over 8; answered 413 45; over",
	},
	{
		name: "A body is too large for its route", handler: func(n *wayNotes) Handler { return BodyLimits{Size: 10}.Wrap(Streaming(readsInPieces(n))) },
		ask:  asking{method: "POST", body: []string{string(filled(20))}},
		want: "413 [content-length: 45, content-type: text/plain; charset=utf-8, server: bobbin] \"413 Content Too Large: the body is too large\\n\"\nanswered 413 45; over",
	},
	{
		name: "A body that does not come is a 408", handler: describe, limits: Limits{BodyTimeout: time.Second},
		ask: posting("/"), play: unfinishedBody,
		want: "408 [content-length: 44, content-type: text/plain; charset=utf-8, server: bobbin] \"408 Request Timeout: the body took too long\\n\"\nPOST / at a 5 [\"content-length=5\"]; \"\" http: the answer is over 3; answered 408 44; over",
	},
	{
		name: "A handler has a deadline for reading", handler: func(n *wayNotes) Handler {
			return Streaming(func(w *Response, r *Request) error {
				if err := r.SetReadDeadline(time.Second); err != nil {
					return err
				}
				_, err := r.Body()
				n.note("%v %v", errors.Is(err, context.DeadlineExceeded), errors.Is(err, StatusRequestTimeout))
				return w.Text("late")
			})
		},
		ask: posting("/"), play: unfinishedBody,
		want: "200 [content-length: 4, content-type: text/plain; charset=utf-8, server: bobbin] \"late\"\ntrue true; answered 200 4; over",
	},
	{
		name: "A read is interrupted", handler: func(n *wayNotes) Handler {
			return Blocking(5, func(w *Response, r *Request) error {
				if err := r.InterruptRead(); err != nil {
					return err
				}
				p := make([]byte, 10)
				_, err := r.Read(p)
				n.note("%v", err == ErrInterrupted)
				body, err := r.Body()
				n.note("%s %v", body, err)
				return w.Text("done")
			})
		},
		ask: posting("/"), play: inPiecesSlowly,
		want: "200 [content-length: 4, content-type: text/plain; charset=utf-8, server: bobbin] \"done\"\ntrue; hello <nil>; answered 200 4; over",
	},
	{
		name: "A client is told to send its body", handler: describe,
		ask: asking{method: "POST", body: []string{"hello"}, fields: [][2]string{{"Expect", "100-continue"}}},
		play: func(c *wayClient) *hearing {
			c.ask(&c.row.ask, false)
			c.s.Sleep(time.Second)
			c.send("hello")
			c.end(nil)
			return c.hear()
		},
		want: "100 [] | 200 [content-length: 0, server: bobbin] \"\"\nPOST / at a 5 [\"expect=100-continue\" \"content-length=5\"]; \"hello\" <nil> 5; answered 200 0; over",
	},
	// Refusals.
	{
		name: "TRACE is refused", handler: describe,
		ask:  asking{method: "TRACE"},
		want: "405 [allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, content-length: 49, content-type: text/plain; charset=utf-8, server: bobbin] \"405 Method Not Allowed: not for an origin server\\n\"\nanswered 405 49; over",
	},
	{
		name: "Another expectation is refused", handler: describe,
		ask:  asking{fields: [][2]string{{"Expect", "tea"}}},
		want: "417 [content-length: 58, content-type: text/plain; charset=utf-8, server: bobbin] \"417 Expectation Failed: only 100-continue can be expected\\n\"\nanswered 417 58; over",
	},
	{
		name: "A bad escape is refused", handler: describe,
		ask:  asking{target: "/%zz"},
		want: "400 [content-length: 75, content-type: text/plain; charset=utf-8, server: bobbin] \"400 Bad Request: a percent sign in the path without two hexadecimal digits\\n\"\nanswered 400 75; over",
	},
	{
		name: "The server itself has its options", handler: describe,
		ask:  asking{method: "OPTIONS", target: "*"},
		want: "204 [allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, server: bobbin] \"\"\nanswered 204 0; over",
	},
	{
		name: "A field that is too long is refused", handler: describe, limits: Limits{FieldLine: 1000},
		ask:  asking{fields: [][2]string{{"X-A", strings.Repeat("a", 1100)}}},
		want: "431 [content-length: 57, content-type: text/plain; charset=utf-8, server: bobbin] \"431 Request Header Fields Too Large: a field is too long\\n\"\nanswered 431 57; over",
	},
	{
		name: "A target that is too long is refused", handler: describe, limits: Limits{RequestLine: 1000},
		ask:  asking{target: "/" + strings.Repeat("a", 1100)},
		want: "414 [content-length: 47, content-type: text/plain; charset=utf-8, server: bobbin] \"414 URI Too Long: the request line is too long\\n\"\nanswered 414 47; over",
	},
	// Whole answers.
	{
		name: "A text is the same", handler: of(func(w *Response, r *Request) error { return w.Text("hello") }),
		want: "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"hello\"\nanswered 200 5; over",
	},
	{
		name: "Values are the same", handler: of(func(w *Response, r *Request) error { return w.JSON(map[string]int{"a": 1}) }),
		want: "200 [content-length: 8, content-type: application/json, server: bobbin] \"{\\\"a\\\":1}\\n\"\nanswered 200 8; over",
	},
	{
		name: "Fields are the same", handler: of(func(w *Response, r *Request) error {
			w.Add("X-A", "1").Add("X-A", "2").Set("Cache-Control", "no-store").Set("Vary", "accept").SetCookie(Cookie{Name: "a", Value: "b"}).Set("Server", "mine")
			return w.HTML("<p>")
		}),
		want: "200 [cache-control: no-store, content-length: 3, content-type: text/html; charset=utf-8, server: mine, set-cookie: a=b; Path=/; HttpOnly; SameSite=Lax, vary: accept, x-a: 1, x-a: 2] \"<p>\"\nanswered 200 3; over",
	},
	{
		name: "What is written is one body", handler: of(func(w *Response, r *Request) error {
			for range 3 {
				w.Write([]byte("piece "))
			}
			return nil
		}),
		want: "200 [content-length: 18, server: bobbin] \"piece piece piece \"\nanswered 200 18; over",
	},
	{
		name: "A mebibyte is sent without a copy", handler: of(func(w *Response, r *Request) error { return w.WriteNoCopy(filled(1 << 20)) }),
		want: "200 [content-length: 1048576, server: bobbin] 1048576 bytes, \"012\" to \"def\", 2930245632 in sum\nanswered 200 1048576; over",
	},
	{
		name: "An answer may be prepared", handler: func(*wayNotes) Handler {
			p, err := Prepare(filled(100_000), [2]string{"Content-Type", "text/x"}, [2]string{"X-A", "p"})
			if err != nil {
				panic(err)
			}
			return func(w *Response, r *Request) error { return w.Add("X-B", "b").WritePrepared(p) }
		},
		want: "200 [content-length: 100000, content-type: text/x, server: bobbin, x-a: p, x-b: b] 100000 bytes, \"012\" to \"def\", 3061870992 in sum\nanswered 200 100000; over",
	},
	{
		name: "A small answer may be prepared", handler: func(*wayNotes) Handler {
			p, err := Prepare([]byte("hello"), [2]string{"Content-Type", "text/x"})
			if err != nil {
				panic(err)
			}
			return func(w *Response, r *Request) error { return w.WritePrepared(p) }
		},
		want: "200 [content-length: 5, content-type: text/x, server: bobbin] \"hello\"\nanswered 200 5; over",
	},
	{
		name: "A file is the same", handler: of(func(w *Response, r *Request) error {
			return w.SendFile(memoryFile{bytes.NewReader(filled(300_000))}, 100, 200_000)
		}),
		want: "200 [content-length: 200000, server: bobbin] 200000 bytes, \"456\" to \"123\", 4159922976 in sum\nanswered 200 200000; over",
	},
	{
		name: "A file that has become shorter cuts the answer", handler: of(func(w *Response, r *Request) error {
			return w.SendFile(memoryFile{bytes.NewReader(filled(1000))}, 0, 2000)
		}),
		play: hearOnlyTheCut,
		want: "0 [] \"\" and is cut\nanswered 200 2000; over",
	},
	{
		name: "HEAD has the fields of GET", handler: of(func(w *Response, r *Request) error { return w.Text("hello") }),
		ask:  asking{method: "HEAD"},
		want: "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"\"\nanswered 200 0; over",
	},
	{
		name: "HEAD of a file has none of it", handler: of(func(w *Response, r *Request) error {
			return w.SendFile(memoryFile{bytes.NewReader(filled(300_000))}, 0, 300_000)
		}),
		ask:  asking{method: "HEAD"},
		want: "200 [content-length: 300000, server: bobbin] \"\"\nanswered 200 0; over",
	},
	{
		name: "A 204 has nothing", handler: of(func(w *Response, r *Request) error { return StatusNoContent }),
		want: "204 [server: bobbin] \"\"\nanswered 204 0; over",
	},
	{
		name: "A 205 is empty", handler: of(func(w *Response, r *Request) error {
			w.SetStatus(StatusResetContent).Write([]byte("a body"))
			return nil
		}),
		want: "205 [content-length: 0, server: bobbin] \"\"\nanswered 205 0; over",
	},
	{
		name: "A 304 has no body", handler: of(func(w *Response, r *Request) error {
			w.SetStatus(StatusNotModified).Set("ETag", `"a"`).Write([]byte("a body"))
			return nil
		}),
		want: "304 [etag: \"a\", server: bobbin] \"\"\nanswered 304 0; over",
	},
	{
		name: "A redirect is the same", handler: of(func(w *Response, r *Request) error { return w.Redirect(StatusFound, "/b c") }),
		want: "302 [content-length: 10, content-type: text/plain; charset=utf-8, location: /b%20c, server: bobbin] \"302 Found\\n\"\nanswered 302 10; over",
	},
	{
		name: "An error is a status", handler: of(func(w *Response, r *Request) error { return StatusNotFound.Because("no such page") }),
		want: "404 [content-length: 28, content-type: text/plain; charset=utf-8, server: bobbin] \"404 Not Found: no such page\\n\"\nanswered 404 28; over",
	},
	{
		name: "An error of another kind is a 500", handler: of(func(w *Response, r *Request) error { return errors.New("the disk is on fire") }),
		want: "500 [content-length: 26, content-type: text/plain; charset=utf-8, server: bobbin] \"500 Internal Server Error\\n\"\nanswered 500 26; over",
	},
	{
		name: "A mistake in the fields is a 500", handler: of(func(w *Response, r *Request) error { return w.Add("X A", "b").Text("hello") }),
		want: "500 [content-length: 26, content-type: text/plain; charset=utf-8, server: bobbin] \"500 Internal Server Error\\n\"\nanswered 500 26; over",
	},
	{
		name: "A panic is a 500", handler: of(func(w *Response, r *Request) error { panic("the disk is on fire") }),
		want: "500 [content-length: 26, content-type: text/plain; charset=utf-8, server: bobbin] \"500 Internal Server Error\\n\"\nanswered 500 26; over",
	},
	{
		name: "A handler breaks its answer off", handler: of(func(w *Response, r *Request) error { return ErrAbort }),
		want: "0 [] \"\" and is cut\nover",
	},
	{
		name: "A request is aborted", handler: of(func(w *Response, r *Request) error {
			r.Abort()
			return w.Text("hello")
		}),
		want: "0 [] \"\" and is cut\nanswered 200 5; over",
	},
	// Answers in pieces, on the loop and off it.
	{
		name: "A handler that waits on the loop sends pieces", handler: func(n *wayNotes) Handler { return Streaming(inSteps(n, false)) },
		want: "200 [content-type: text/plain, server: bobbin] \"0 1 2 \"\nanswered 200 6; over",
	},
	{
		name: "A handler that waits off the loop sends pieces", handler: func(n *wayNotes) Handler { return Blocking(5, inSteps(n, false)) },
		want: "200 [content-type: text/plain, server: bobbin] \"0 1 2 \"\nanswered 200 6; over",
	},
	{
		name: "Pieces may have a length in all", handler: func(n *wayNotes) Handler { return Streaming(inSteps(n, true)) },
		want: "200 [content-length: 6, content-type: text/plain, server: bobbin] \"0 1 2 \"\nanswered 200 6; over",
	},
	{
		name: "HEAD of pieces has none", handler: func(n *wayNotes) Handler { return Streaming(inSteps(n, false)) },
		ask:  asking{method: "HEAD"},
		want: "200 [content-type: text/plain, server: bobbin] \"\"\nanswered 200 0; over",
	},
	{
		name: "Much is sent in pieces", handler: of(Streaming(func(w *Response, r *Request) error {
			_, err := io.Copy(w, bytes.NewReader(filled(1_000_000)))
			return err
		})),
		want: "200 [server: bobbin] 1000000 bytes, \"012\" to \"def\", 4125503392 in sum\nanswered 200 1000000; over",
	},
	{
		name: "Less than was declared cuts the answer", handler: of(Streaming(func(w *Response, r *Request) error {
			w.Set("Content-Length", "10").Write([]byte("hello"))
			return w.Flush()
		})),
		play: hearOnlyTheCut,
		want: "0 [] \"\" and is cut\nanswered 200 5; over",
	},
	{
		name: "An error behind the head cuts the answer", handler: of(Blocking(5, func(w *Response, r *Request) error {
			w.Write([]byte("half"))
			return errors.Join(w.Flush(), w.Pause(time.Second), errors.New("the disk is on fire"))
		})),
		want: "200 [server: bobbin] \"half\" and is cut\nanswered 200 4; over",
	},
	{
		name: "A panic behind the head cuts the answer", handler: of(Streaming(func(w *Response, r *Request) error {
			w.Write([]byte("half"))
			if err := errors.Join(w.Flush(), w.Pause(time.Second)); err != nil {
				return err
			}
			panic("the disk is on fire")
		})),
		want: "200 [server: bobbin] \"half\" and is cut\nanswered 200 4; over",
	},
	{
		name: "Trailers come behind pieces", handler: of(Streaming(func(w *Response, r *Request) error {
			w.Write([]byte("hello"))
			w.SetTrailer("X-Sum", "5")
			w.SetTrailer("X-Other", "a b")
			return w.Flush()
		})),
		want: "200 [server: bobbin] \"hello\" [x-other: a b x-sum: 5]\nanswered 200 5; over",
	},
	{
		name: "Trailers may come behind nothing", handler: of(Streaming(func(w *Response, r *Request) error {
			if err := w.Flush(); err != nil {
				return err
			}
			w.SetTrailer("X-Sum", "0")
			return nil
		})),
		want: "200 [server: bobbin] \"\" [x-sum: 0]\nanswered 200 0; over",
	},
	{
		name: "HEAD has no trailers", handler: of(Streaming(func(w *Response, r *Request) error {
			if err := w.Flush(); err != nil {
				return err
			}
			w.SetTrailer("X-Sum", "0")
			return nil
		})),
		ask:  asking{method: "HEAD"},
		want: "200 [server: bobbin] \"\"\nanswered 200 0; over",
	},
	{
		name: "A whole answer has no trailers", handler: of(func(w *Response, r *Request) error {
			w.SetTrailer("X-Sum", "5")
			return w.Text("hello")
		}),
		want: "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"hello\"\nanswered 200 5; over",
	},
	{
		name: "Trailers behind a length are left out by HTTP/1.1", handler: of(Streaming(func(w *Response, r *Request) error {
			w.Set("Content-Length", "5").Write([]byte("hello"))
			w.SetTrailer("X-Sum", "5")
			return w.Flush()
		})),
		want:    "200 [content-length: 5, server: bobbin] \"hello\"\nanswered 200 5; over",
		http2:   "200 [content-length: 5, server: bobbin] \"hello\" [x-sum: 5]\nanswered 200 5; over",
		because: "trailers",
	},
	{
		name: "Interim answers come first", handler: of(Streaming(func(w *Response, r *Request) error {
			if err := w.Interim(StatusEarlyHints, [2]string{"Link", "</style.css>; rel=preload"}); err != nil {
				return err
			}
			return errors.Join(w.Interim(StatusProcessing), w.Pause(time.Second), w.Text("page"))
		})),
		want: "103 [link: </style.css>; rel=preload] | 102 [] | 200 [content-length: 4, content-type: text/plain; charset=utf-8, server: bobbin] \"page\"\nanswered 200 4; over",
	},
	{
		name: "A deadline for writing cuts the answer", handler: func(n *wayNotes) Handler {
			return Streaming(func(w *Response, r *Request) error {
				if err := w.SetWriteDeadline(1500 * time.Millisecond); err != nil {
					return err
				}
				return inSteps(n, false)(w, r)
			})
		},
		want: "200 [content-type: text/plain, server: bobbin] \"0 1 \" and is cut\nanswered 200 4; pause: http: the answer is over, context: context canceled; over",
	},
	{
		name: "A client that leaves ends the context of a handler on the loop", handler: func(n *wayNotes) Handler { return Streaming(inSteps(n, false)) },
		play: leaveAfter(2),
		want: "200 [content-type: text/plain, server: bobbin] \"0 \"\nanswered 200 4; pause: http: the answer is over, context: context canceled; over",
	},
	{
		name: "A client that leaves ends the context of a handler off the loop", handler: func(n *wayNotes) Handler {
			return Blocking(5, func(w *Response, r *Request) error {
				w.Write([]byte("a "))
				if err := w.Flush(); err != nil {
					return err
				}
				peer := r.RemoteAddr()
				err := w.Pause(5 * time.Second)
				n.note("%v %v %v", err, r.Context().Err(), r.RemoteAddr() == peer)
				return err
			})
		},
		play: leaveAfter(2),
		want: "200 [server: bobbin] \"a \"\nanswered 200 2; http: the answer is over context canceled true; over",
	},
	// Answers that are made later.
	{
		name: "Work is offloaded", handler: of(func(w *Response, r *Request) error { return Offload(w, work, (*Response).Text) }),
		want: "200 [content-length: 4, content-type: text/plain; charset=utf-8, server: bobbin] \"done\"\nanswered 200 4; over",
	},
	{
		name: "Work with a body is offloaded", handler: of(func(w *Response, r *Request) error {
			body, err := r.Body()
			if err != nil {
				return err
			}
			text := string(body)
			return Offload(w, func() (string, error) { return strings.ToUpper(text), nil }, (*Response).Text)
		}),
		ask:  posting("/"),
		want: "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"HELLO\"\nanswered 200 5; over",
	},
	{
		name: "An answer comes later", handler: of(func(w *Response, r *Request) error {
			p, err := Later(w)
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() { p.Answer(func(w *Response) error { return w.Text("later") }) })
			return nil
		}),
		want: "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"later\"\nanswered 200 5; over",
	},
	{
		name: "An answer that comes later fails", handler: of(func(w *Response, r *Request) error {
			p, err := Later(w)
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() { p.Fail(StatusBadGateway) })
			return nil
		}),
		want: "502 [content-length: 16, content-type: text/plain; charset=utf-8, server: bobbin] \"502 Bad Gateway\\n\"\nanswered 502 16; over",
	},
	{
		name: "A client that leaves is no longer wanted", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				p, err := Later(w)
				if err != nil {
					return err
				}
				ctx := r.Context()
				n.note("%v %v", p.Wanted(), ctx.Err())
				r.Loop().After(5*time.Second, func() {
					n.note("%v %v", p.Answer(func(w *Response) error { return w.Text("later") }), ctx.Err())
				})
				return nil
			}
		},
		play: func(c *wayClient) *hearing {
			sayAll(c, &c.row.ask)
			c.s.Sleep(time.Second)
			c.leave()
			c.s.Sleep(10 * time.Second)
			return &hearing{}
		},
		want: "0 [] \"\"\ntrue <nil>; over; false context canceled",
	},
	{
		name: "An answer is held", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error { return stream(w, r, 3, "tick ", time.Second) }
		},
		want: "200 [content-type: text/plain, server: bobbin] \"tick tick tick \"\nanswered 200 15; over",
	},
	{
		name: "HEAD of a held answer has no body", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error { return stream(w, r, 3, "tick ", time.Second) }
		},
		ask:  asking{method: "HEAD"},
		want: "200 [content-type: text/plain, server: bobbin] \"\"\nanswered 200 0; over",
	},
	{
		name: "A client leaves a held answer", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				h, err := w.Hold()
				if err != nil {
					return err
				}
				h.OnClose(func() { n.note("closed") })
				h.Write([]byte("a "))
				r.Loop().After(5*time.Second, func() {
					_, err := h.Write([]byte("b "))
					n.note("%v %v", h.Live(), err == ErrGone)
				})
				return nil
			}
		},
		play: leaveAfter(2),
		want: "200 [server: bobbin] \"a \"\nanswered 200 2; closed; over; false true",
	},
	{
		name: "Events are the same", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				e, err := w.Events()
				if err != nil {
					return err
				}
				e.OnClose(func() { n.note("closed") })
				n.note("%v", e.Send(Event{ID: "1", Name: "a", Data: "b\nc"}))
				r.Loop().After(20*time.Second, func() { // behind a heartbeat
					n.note("%v", e.Send(Event{Data: "last"}))
					e.Close()
				})
				return nil
			}
		},
		want: "200 [cache-control: no-store, content-type: text/event-stream, server: bobbin] \"id: 1\\nevent: a\\ndata: b\\ndata: c\\n\\n:\\n\\ndata: last\\n\\n\"\n<nil>; <nil>; answered 200 47; closed; over",
	},
	{
		name: "A topic has receivers of all kinds", handler: func(n *wayNotes) Handler {
			var topic *Topic
			return func(w *Response, r *Request) error {
				if topic == nil {
					topic = n.server.NewTopic()
				}
				h, err := w.Hold()
				if err != nil {
					return err
				}
				topic.Add(h, nil)
				n.note("%v %v", topic.Publish(PreparePiece([]byte("small "))), topic.Publish(PreparePiece(filled(2000))))
				r.Loop().After(time.Second, h.Done)
				return nil
			}
		},
		want: "200 [server: bobbin] 2006 bytes, \"sma\" to \"def\", 1552425473 in sum\n<nil> <nil>; answered 200 2006; over",
	},
	{
		name: "A long poll has its answer", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				h, err := w.LongPoll(time.Minute)
				if err != nil {
					return err
				}
				r.Loop().After(time.Second, func() { n.note("%v", h.Answer(func(w *Response) error { return w.Text("news") })) })
				return nil
			}
		},
		want: "200 [content-length: 4, content-type: text/plain; charset=utf-8, server: bobbin] \"news\"\nanswered 200 4; over; <nil>",
	},
	{
		name: "A long poll is over", handler: of(func(w *Response, r *Request) error {
			_, err := w.LongPoll(time.Minute)
			return err
		}),
		want: "204 [server: bobbin] \"\"\nanswered 204 0; over",
	},
	{
		name: "A handler that takes too long is a 503", handler: func(n *wayNotes) Handler {
			h := Blocking(5, func(w *Response, r *Request) error {
				err := w.Pause(time.Minute)
				n.note("%v %v", err, r.Context().Err())
				return err
			})
			return func(w *Response, r *Request) error {
				w.Timeout(time.Second)
				return h(w, r)
			}
		},
		want: "503 [cache-control: no-store, content-length: 60, content-type: text/plain; charset=utf-8, retry-after: 1, server: bobbin] \"503 Service Unavailable: it takes too long, try again later\\n\"\nanswered 503 60; over; http: the answer is over context canceled",
	},
	{
		name: "A body that takes too long is a 503", handler: func(n *wayNotes) Handler {
			h := describe(n)
			return func(w *Response, r *Request) error {
				w.Timeout(time.Second)
				return h(w, r)
			}
		},
		ask: posting("/"), play: unfinishedBody,
		want: "503 [cache-control: no-store, content-length: 60, content-type: text/plain; charset=utf-8, retry-after: 1, server: bobbin] \"503 Service Unavailable: it takes too long, try again later\\n\"\nPOST / at a 5 [\"content-length=5\"]; \"\" http: the answer is over 3; answered 503 60; over",
	},
	// What is different.
	{
		name: "A handler ends its connection", handler: of(func(w *Response, r *Request) error { return w.Set("Connection", "close").Text("bye") }),
		play: func(c *wayClient) *hearing {
			sayAll(c, &c.row.ask)
			h := c.hear()
			c.saw.note("%v", c.goneAway())
			return h
		},
		want: "200 [content-length: 3, content-type: text/plain; charset=utf-8, server: bobbin] \"bye\"\nanswered 200 3; over; true",
	},
	{
		name: "A handler takes its connection", handler: func(n *wayNotes) Handler {
			return Streaming(func(w *Response, r *Request) error {
				d, err := w.Hijack()
				if err != nil {
					n.note("%v", err)
					return w.Text("not taken")
				}
				_, err = io.WriteString(d.Conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken")
				return errors.Join(err, d.Conn.Close())
			})
		},
		want:    "200 [content-length: 5] \"taken\"\nanswered 101 0; over",
		http2:   "200 [content-length: 9, content-type: text/plain; charset=utf-8, server: bobbin] \"not taken\"\neventloop: a stream has no connection of its own to give away: others are on it, too; answered 200 9; over",
		because: "Hijack",
	},
	{
		name: "A handler wants another protocol", handler: of(func(w *Response, r *Request) error {
			t, err := w.Tunnel("echo")
			if err != nil {
				return err
			}
			t.Close()
			return nil
		}),
		ask:     asking{fields: [][2]string{{"Connection", "upgrade"}, {"Upgrade", "echo"}}},
		want:    "101 [server: bobbin, upgrade: echo] \"\"\nanswered 101 0; over",
		http2:   "426 [content-length: 57, content-type: text/plain; charset=utf-8, server: bobbin] \"426 Upgrade Required: this path is for the protocol echo\\n\"\nanswered 426 57; over",
		because: "101",
	},
	{
		name: "What breaks one request off leaves the others", handler: of(func(w *Response, r *Request) error {
			if r.Path() == "/broken" {
				return ErrAbort
			}
			return w.Text("hello")
		}),
		play: func(c *wayClient) *hearing {
			sayAll(c, &asking{target: "/broken"})
			c.hear()
			sayAll(c, &c.row.ask)
			return c.hear()
		},
		want:    "0 [] \"\" and is cut\nover",
		http2:   "200 [content-length: 5, content-type: text/plain; charset=utf-8, server: bobbin] \"hello\"\nover; answered 200 5; over",
		because: "one stream",
	},
	{
		name: "A head beyond all limits is not read to its end", handler: describe,
		ask:     asking{target: "/" + strings.Repeat("a", 40_000)},
		want:    "414 [content-length: 47, content-type: text/plain; charset=utf-8, server: bobbin] \"414 URI Too Long: the request line is too long\\n\"\nanswered 414 47; over",
		http2:   "0 [] \"\" and is cut\n",
		because: "field block size",
	},
	{
		name: "Names are sent in lower case", handler: func(n *wayNotes) Handler {
			return func(w *Response, r *Request) error {
				for name := range r.Headers() {
					n.note("%s", name)
				}
				return nil
			}
		},
		ask:     asking{fields: [][2]string{{"X-A", "b"}}},
		want:    "200 [content-length: 0, server: bobbin] \"\"\nHost; X-A; answered 200 0; over",
		http2:   "200 [content-length: 0, server: bobbin] \"\"\nhost; x-a; answered 200 0; over",
		because: "lower case",
	},
}
