package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/rivals"
)

func TestUnequalAnswersAreRefused(t *testing.T) {
	want := Answer{Status: 200, Body: []byte("Hello, World!")}
	tests := []struct {
		name string
		got  []Answer
		want string
	}{
		{"an equal one is not", []Answer{want}, ""},
		{"other fields do not count", []Answer{{Status: 200, Body: want.Body, Length: 999}}, ""},
		{"another status", []Answer{{Status: 206, Body: want.Body}}, "the answer has status 206 instead of 200"},
		{"a shorter body", []Answer{{Status: 200, Body: []byte("Hello")}}, "the answer has a body of 5 bytes instead of 13"},
		{"no body", []Answer{{Status: 200}}, "the answer has a body of 0 bytes instead of 13"},
		{"another body of the same length", []Answer{{Status: 200, Body: []byte("Hello, world!")}}, "the answer differs from byte 7 on"},
		{"one of many", []Answer{want, want, {Status: 500}}, "answer 3 of 3 has status 500 instead of 200"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Same(want, test.got)
			if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
				t.Errorf("the difference is %v, want %q", err, test.want)
			}
		})
	}
}

// answering is a server that reads a request and writes what it is told to,
// once for each request, and then closes if it is told so.
func answering(t *testing.T, text string, close bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					io.WriteString(c, text)
					if close {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestAsking(t *testing.T) {
	const one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	tests := []struct {
		name    string
		text    string
		closes  bool
		request Request
		err     string
	}{
		{"one request has one answer", one, false, Request{Path: "/"}, ""},
		{"sixteen have sixteen", one, false, Request{Path: "/", Pipeline: 16}, ""},
		{"fewer answers than requests are noticed", one, true, Request{Path: "/", Pipeline: 16}, "answer 2 of 16: "},
		{"more answers than requests are noticed", one + one, false, Request{Path: "/"}, "40 bytes after the last answer"},
		{"who is to close and does is right", one, true, Request{Path: "/", Close: true}, ""},
		{"who is to close and does not is wrong", one, false, Request{Path: "/", Close: true}, "in spite of Connection: close"},
		{"who speaks something else is wrong", "220 smtp.example.org\r\n\r\n", true, Request{Path: "/"}, "answer 1 of 1: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answers, err := Ask(t.Context(), answering(t, test.text, test.closes), test.request, 300*time.Millisecond)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(answers) != test.request.Count() || answers[0].Length != len(one) {
				t.Errorf("%d answers, the first of %d bytes; want %d of %d", len(answers), answers[0].Length, test.request.Count(), len(one))
			}
		})
	}
}

// workshop finds what it can, in a folder of its own.
func workshop(t *testing.T) (*Workshop, *Site) {
	t.Helper()
	scratch := t.TempDir()
	w, err := NewWorkshop(scratch)
	if err != nil {
		t.Fatal(err)
	}
	site, err := MakeSite(scratch)
	if err != nil {
		t.Fatal(err)
	}
	return w, site
}

// TestServersThatNeedNoBuilding starts everything that is installed, and the
// floor, for each job, and looks at their answers: so that a configuration that
// is wrong is noticed here and not in an hour of measuring.
func TestServersThatNeedNoBuilding(t *testing.T) {
	w, site := workshop(t)
	certificate, err := MakeCertificate(w.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	hello := Request{Path: HelloPath}
	jobs := []struct {
		name  string
		job   Job
		asked []Request // that are answered, too
	}{
		{"hello", Job{Request: hello}, nil},
		{"hello, again and again", Job{Request: Request{Path: HelloPath, Pipeline: 16}}, []Request{hello}},
		{"hello to the idle", Job{Request: hello, Idle: 10 * time.Minute}, nil},
		{"hello and farewell", Job{Request: Request{Path: HelloPath, Close: true}}, nil},
		{"a small file", Job{Request: Request{Path: "/64k.bin"}, Files: true}, []Request{{Path: "/64k.bin", Pipeline: 3}}},
		{"a large file", Job{Request: Request{Path: "/10m.bin"}, Files: true}, nil},
		{"hello in secret", Job{Request: Request{Path: HelloPath, TLS: true}, TLS: certificate}, nil},
		{"HTTP/2 over TLS", Job{Request: Request{Protocol: HTTP2, Path: HelloPath, TLS: true}, TLS: certificate, Idle: 10 * time.Minute}, []Request{
			{Protocol: HTTP2, Path: HelloPath, TLS: true, Pipeline: 100},
			{Protocol: HTTP2, Path: HelloPath, TLS: true, Pipeline: 10, Paths: 7, Fields: []string{"User-Agent: x"}},
		}},
		{"HTTP/2 in plain text", Job{Request: Request{Protocol: HTTP2, Path: HelloPath, Pipeline: 10}}, nil},
		{"files over HTTP/2", Job{Request: Request{Protocol: HTTP2, Path: "/64k.bin", TLS: true, Pipeline: 10}, Files: true, TLS: certificate}, nil},
		{"files over HTTP/2 in plain text", Job{Request: Request{Protocol: HTTP2, Path: "/64k.bin", Pipeline: 10}, Files: true}, nil},
		{"WebSocket", Job{Request: Request{Protocol: WebSocket, Path: rivals.EchoPath, Message: 64}}, []Request{
			{Protocol: WebSocket, Path: rivals.EchoPath, Message: 16 << 10, Pipeline: 16},
			{Protocol: WebSocket, Path: rivals.TopicPath, Message: 64},
		}},
	}
	for _, k := range Kinds() {
		if _, builds := goPrograms[k.Program]; builds {
			continue // takes too long for a test, and is the same program for every job
		}
		t.Run(k.Name, func(t *testing.T) {
			if err := w.Find(t.Context(), k); err != nil {
				t.Skip(err)
			}
			if v := w.Version(t.Context(), k); v == "" || v == "unknown" {
				t.Errorf("its version is %q", v)
			}
			for _, j := range jobs {
				t.Run(j.name, func(t *testing.T) {
					t.Parallel()
					j.job.Folder = site.Folder
					j.job.File = site.File(j.job.Request.Path)
					r, err := w.Start(t.Context(), k, j.job, child.AnyCore)
					if can := w.Can(k, j.job); (can == nil) == IsCannot(err) {
						t.Errorf("that it can is told as %v, and then it is %v", can, err)
					}
					if IsCannot(err) {
						t.Skip(err)
					}
					if err != nil {
						t.Fatal(err)
					}
					defer r.End()
					for _, request := range append(j.asked, j.job.Request) {
						_, err := r.Check(t.Context(), request, site.Answer(request))
						if k.Name == "article" && request.Pipeline > 1 {
							if err == nil {
								t.Error("a server that hears one request of 16 has passed for an equal one")
							}
							continue
						}
						if err != nil {
							t.Errorf("asked %+v: %v", request, err)
						}
					}
				})
			}
		})
	}
}

func TestTheFloorFindsTheEndOfARequestHoweverItComes(t *testing.T) {
	w, _ := workshop(t)
	for _, k := range Kinds() {
		if k.Role != Floor {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			if err := w.Find(t.Context(), k); err != nil {
				t.Skip(err)
			}
			r, err := w.Start(t.Context(), k, Job{Request: Request{Path: HelloPath}}, child.AnyCore)
			if err != nil {
				t.Fatal(err)
			}
			defer r.End()
			// The first empty line is not where it seems to be.
			const two = "GET / HTTP/1.1\r\nA: b\r\n\rC: d\r\n\r\nGET / HTTP/1.1\r\n\r\n"
			for piece := 1; piece < len(two); piece++ {
				c, err := net.Dial("tcp", r.Address)
				if err != nil {
					t.Fatal(err)
				}
				c.SetDeadline(time.Now().Add(10 * time.Second))
				for rest := two; rest != ""; {
					n := min(piece, len(rest))
					io.WriteString(c, rest[:n])
					rest = rest[n:]
					if piece < 8 {
						time.Sleep(50 * time.Microsecond) // so that it is read apart
					}
				}
				in := bufio.NewReader(c)
				for i := range 2 {
					response, err := http.ReadResponse(in, nil)
					if err != nil {
						t.Fatalf("in pieces of %d, answer %d: %v", piece, i+1, err)
					}
					body, _ := io.ReadAll(response.Body)
					if string(body) != Hello {
						t.Fatalf("in pieces of %d, answer %d is %q", piece, i+1, body)
					}
				}
				c.SetReadDeadline(time.Now().Add(time.Millisecond))
				if b, err := in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("in pieces of %d, something follows: %q, %v", piece, b, err)
				}
				c.Close()
			}
		})
	}
}

func TestTheFloorSendsToThoseWhoReadSlowly(t *testing.T) {
	w, site := workshop(t)
	for _, k := range Kinds() {
		if k.Role != Floor {
			continue
		}
		if err := w.Find(t.Context(), k); err != nil {
			t.Skip(err)
		}
		for _, path := range []string{"/64k.bin", "/10m.bin"} {
			t.Run(k.Name+path, func(t *testing.T) {
				t.Parallel()
				j := Job{Request: Request{Path: path}, Files: true, File: site.File(path)}
				r, err := w.Start(t.Context(), k, j, child.AnyCore)
				if err != nil {
					t.Fatal(err)
				}
				defer r.End()
				c, err := net.Dial("tcp", r.Address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				const times = 5 // more than the kernel keeps for us
				io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\n\r\n", times))
				time.Sleep(20 * time.Millisecond) // it cannot go on, and must not forget to
				in := bufio.NewReader(c)
				for i := range times {
					a, err := read(in)
					if err != nil {
						t.Fatal(err)
					}
					if err := Same(site.Answer(Request{Path: path}), []Answer{a}); err != nil {
						t.Fatalf("answer %d: %v", i+1, err)
					}
				}
			})
		}
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	w, _ := workshop(t)
	says := func(script string) *Kind {
		return &Kind{Name: "x", Command: func(*Workshop, Job) ([]string, error) { return []string{"sh", "-c", script}, nil }}
	}
	tests := []struct {
		name string
		kind *Kind
		want string
	}{
		{"when it ends", says("echo 'unknown flag: --tls-cert' >&2; exit 2"), "it does not start: exit status 2: unknown flag: --tls-cert"},
		{"when it was not made for it", &Kind{Name: "x", Command: func(*Workshop, Job) ([]string, error) { return nil, cannot("it serves no files") }}, "it serves no files"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.Start(t.Context(), test.kind, Job{Request: Request{Path: "/"}}, child.AnyCore)
			if err == nil || err.Error() != test.want {
				t.Errorf("it says %v, want %q", err, test.want)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.Start(ctx, says("sleep 60"), Job{Request: Request{Path: "/"}}, child.AnyCore); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for one that never answers ends with %v", err)
	}
}

// Servers are started at the same time, so that a port is free when two of them get it.
func TestNoPortIsGivenTwice(t *testing.T) {
	seen := make(map[int]bool)
	for range 2000 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("port %d is given again", port)
		}
		seen[port] = true
	}
}

func TestTheSiteIsTheSameEachTime(t *testing.T) {
	_, a := workshop(t)
	_, b := workshop(t)
	if len(a.files) != len(sizes)+1 {
		t.Errorf("there are %d files", len(a.files))
	}
	for path, body := range a.files {
		if string(body) != string(b.files[path]) {
			t.Errorf("%s differs from one run to the next", path)
		}
		on, err := os.ReadFile(filepath.Join(a.Folder, path))
		if err != nil || string(on) != string(body) {
			t.Errorf("%s is not what is expected of it: %v", path, err)
		}
	}
}
