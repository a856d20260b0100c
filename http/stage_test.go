package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// stage runs a server over a simulated kernel until its client has come to its
// end, and then looks at what is left: nothing may be.
func stage(t testing.TB, k *sim.Kernel, config Config, client func(s *Server, c *sim.Script, w *sim.Wire)) error {
	t.Helper()
	if config.Loop.Kernel == nil { // else one around k
		config.Loop.Kernel = k
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listen := s.Listen
	if config.TLS != nil {
		listen = s.ListenTLS
	}
	if _, err := listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		client(s, c, w)
	})
	err = k.Stage(t, s, s.loop.Stopping)
	if n := s.loop.Memory(); n != 0 {
		t.Errorf("left: %d bytes of answers", n)
	}
	if b := &s.bodies; b.held != 0 || b.all.Total() != 0 || b.coming.Total() != 0 || len(b.piles) != 0 {
		t.Errorf("left of bodies: %d bytes, %d by client, %d to come, %d piles", b.held, b.all.Total(), b.coming.Total(), len(b.piles))
	}
	if n, p, a, l := len(s.incomplete), len(s.ackedAt), len(s.slow), len(s.localAddrs); n+p+a+l != 0 {
		t.Errorf("left of connections: %d heads, %d positions, %d accounts, %d addresses", n, p, a, l)
	}
	return err
}

// site is what the conversations in testdata talk with; testdata/README.md says
// what there is.
func site(w *Response, r *Request) error {
	switch r.Path() {
	case "/":
		return w.Text("hello")
	case "/echo":
		body, err := r.Body()
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	case "/where":
		query := r.RawQuery()
		if _, asked := r.QueryBytes(); asked {
			query = "?" + query
		}
		return w.Text(fmt.Sprintf("%s %s%s at %s", r.Method(), r.Path(), query, r.Host()))
	case "/client":
		return w.Text(r.RemoteAddr().String())
	case "/fields":
		if _, err := r.Body(); err != nil {
			return err
		}
		return w.Text(r.Header("A") + "|" + r.Header("B") + "|" + r.Header("Host"))
	case "/trailers":
		return trailers(w, r)
	case "/hints":
		return hints(w, w.Text("page"))
	case "/hints-later":
		return hints(w, Offload(w, work, (*Response).Text))
	case "/large":
		return w.Text(strings.Repeat("x", 200_000))
	case "/file":
		return w.SendFile(memoryFile{bytes.NewReader(bytes.Repeat([]byte("f"), 200_000))}, 0, 200_000)
	case "/cut-file": // shorter by now than it was
		return w.SendFile(memoryFile{bytes.NewReader(bytes.Repeat([]byte("f"), 1000))}, 0, 2000)
	case "/later":
		return Offload(w, work, func(w *Response, s string) error { return w.Text(s + " for " + r.RawQuery()) })
	case "/much-later":
		return Offload(w, work, func(w *Response, s string) error {
			return Offload(w, work, func(w *Response, s2 string) error { return w.Text(s + " and " + s2) })
		})
	case "/later-with-body":
		body, err := r.Body()
		if err != nil {
			return err
		}
		text := string(body)
		return Offload(w, func() (string, error) { return strings.ToUpper(text), nil }, (*Response).Text)
	case "/stream":
		return stream(w, r, 3, "tick ", time.Second)
	case "/flood":
		return stream(w, r, 1<<30, strings.Repeat("flood ", 1000), 10*time.Millisecond)
	case "/empty":
		return nil
	case "/bad-hints":
		return badHints(w)
	case "/full":
		return full(w, r)
	case "/missing":
		return StatusNotFound
	case "/get-only":
		if m := r.Method(); m != MethodGet && m != MethodHead {
			w.Add("Allow", "GET, HEAD")
			return StatusMethodNotAllowed
		}
		return w.Text("got")
	case "/bye":
		w.Add("Connection", "close")
		return w.Text("bye")
	case "/stream-bye":
		w.Add("Connection", "close")
		return stream(w, r, 3, "bye ", time.Second)
	}
	if strings.HasSuffix(r.Path(), "/slow") {
		w.Timeout(3 * time.Second) // as middleware does, outside of Blocking
	}
	switch {
	case strings.HasPrefix(r.Path(), "/streaming/"):
		return streaming(w, r)
	case strings.HasPrefix(r.Path(), "/blocking/"):
		return blocking(w, r)
	}
	return mishaps(w, r)
}

// trailers answers the trailers of a request before and after its body, one a line.
func trailers(w *Response, r *Request) error {
	for range r.Trailers() {
		return errors.New("there are trailers before the body")
	}
	if _, err := r.Body(); err != nil {
		return err
	}
	for name, value := range r.Trailers() {
		fmt.Fprintf(w, "%s=%s;", name, value)
	}
	fmt.Fprintf(w, "a=%s", r.Trailer("A"))
	return nil
}

// hints sends two interim answers, before the answer that was made already.
func hints(w *Response, made error) error {
	link := [2]string{"Link", "</style.css>; rel=preload"}
	return errors.Join(made, w.Interim(StatusEarlyHints, link, [2]string{"Location", ""}), w.Interim(StatusProcessing))
}

// badHints returns an error unless all of these are refused.
func badHints(w *Response) error {
	for _, err := range []error{
		w.Interim(100), w.Interim(StatusSwitchingProtocols), w.Interim(StatusOK), w.Interim(0),
		w.Interim(StatusEarlyHints, [2]string{"Link", "a\r\nB: c"}), w.Interim(StatusEarlyHints, [2]string{"a b", "c"}),
		w.Interim(StatusEarlyHints, [2]string{"Content-Length", "5"}), w.Interim(StatusEarlyHints, [2]string{"transfer-encoding", "chunked"}), w.Interim(StatusEarlyHints, [2]string{"Connection", "close"}),
	} {
		if err == nil {
			return errors.New("a bad interim answer was sent")
		}
	}
	return nil
}

// The same handler on the loop and aside.
var (
	streaming = Streaming(patient)
	blocking  = Blocking(1000, patient)
	full      = (&slots{}).handler(patient)
)

// patient answers in pieces, and waits.
func patient(w *Response, r *Request) error {
	_, what, _ := strings.Cut(r.Path()[1:], "/")
	switch what {
	case "text":
		return w.Text("hello")
	case "ticks":
		w.Add("Content-Type", "text/plain")
		for range 3 {
			fmt.Fprint(w, "tick ")
			if err := w.Flush(); err != nil {
				return err
			}
			if err := w.Pause(time.Second); err != nil {
				return err
			}
		}
		return nil
	case "endless":
		for {
			fmt.Fprint(w, "tick ")
			if err := w.Flush(); err != nil {
				return err
			}
			if err := w.Pause(time.Second); err != nil {
				return err
			}
		}
	case "large":
		_, err := io.Copy(w, bytes.NewReader(bytes.Repeat([]byte("x"), 200_000)))
		return err
	case "flood":
		for {
			if _, err := fmt.Fprint(w, strings.Repeat("flood ", 1000)); err != nil {
				return err
			}
		}
	case "echo":
		_, err := io.Copy(w, r)
		return err
	case "body":
		body, err := r.Body()
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	case "trailers":
		return trailers(w, r)
	case "early-trailer", "bad-trailer":
		name := map[string]string{"early-trailer": "Content-Length", "bad-trailer": "If-Match"}[what]
		w.Write([]byte("hello"))
		if err := w.Flush(); err != nil {
			return err
		}
		w.SetTrailer(name, "5")
		return nil
	case "hints":
		w.Write([]byte("page"))
		return hints(w, nil)
	case "late-hints":
		w.Write([]byte("page"))
		if err := errors.Join(w.Flush(), badHints(w)); err != nil {
			return err
		}
		if err := w.Interim(StatusEarlyHints); err != errLateInterim {
			return fmt.Errorf("an interim answer behind the head: %w", err)
		}
		return nil
	case "many-hints":
		for range 100 {
			if err := w.Interim(StatusEarlyHints, [2]string{"X-A", strings.Repeat("a", 100_000)}); err != nil {
				return err
			}
		}
		return nil
	case "first-bytes":
		p := make([]byte, 3)
		if _, err := io.ReadFull(r, p); err != nil {
			return err
		}
		w.Write(p)
		return nil
	case "known", "known-less", "known-more":
		w.Add("Content-Length", "10")
		w.Write([]byte("hello"))
		if err := w.Flush(); err != nil {
			return err
		}
		switch what {
		case "known":
			w.Write([]byte("world"))
		case "known-more":
			w.Write([]byte("wide world"))
			return w.Flush()
		}
		return nil
	case "trailer":
		fmt.Fprint(w, "hello")
		w.SetTrailer("X-Sum", "5")
		return w.Flush()
	case "slow":
		if err := w.Pause(time.Minute); err != nil {
			return err
		}
		return w.Text("late")
	case "fails":
		return StatusNotFound
	case "panics":
		panic("the disk is on fire")
	case "fails-late":
		fmt.Fprint(w, "half an answ")
		if err := w.Flush(); err != nil {
			return err
		}
		return errors.New("the disk is on fire")
	case "panics-late":
		fmt.Fprint(w, "half an answ")
		if err := w.Flush(); err != nil {
			return err
		}
		panic("the disk is on fire")
	case "sets-late":
		if err := w.Flush(); err != nil {
			return err
		}
		w.Add("X-Name", "a")
		return nil
	case "text-late":
		if err := w.Flush(); err != nil {
			return err
		}
		return w.Text("hello")
	case "bye":
		w.Add("Connection", "close")
		fmt.Fprint(w, "good ")
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprint(w, "bye")
		return nil
	case "empty":
		return nil
	case "none":
		w.SetStatus(StatusNoContent)
		return w.Flush()
	case "offloads":
		return Offload(w, work, (*Response).Text)
	case "aborts":
		r.Abort()
		for {
			if _, err := fmt.Fprint(w, strings.Repeat("flood ", 1000)); err != nil {
				return err
			}
		}
	case "stops": // asked to stop, it says so
		return ErrStopping
	case "holds-and-writes":
		w.Hold()
		w.Write([]byte("hello"))
		return w.Flush()
	case "holds":
		_, err := w.Hold()
		return err
	case "nested":
		return Streaming(mishaps)(w, r)
	}
	return StatusNotFound
}

// stream says something n times, at intervals. If the client has not taken what
// was said before, it is not said.
func stream(w *Response, r *Request, n int, text string, every time.Duration) error {
	w.Add("Content-Type", "text/plain")
	h, err := w.Hold()
	if err != nil {
		return err
	}
	loop := r.Loop()
	var timer *eventloop.Timer
	var tick func()
	tick = func() {
		if _, err := fmt.Fprint(h, text); err == ErrGone {
			return
		}
		if n--; n == 0 {
			h.Done()
			return
		}
		timer = loop.After(every, tick)
	}
	h.OnClose(func() {
		if timer != nil {
			timer.Stop()
		}
	})
	tick()
	return nil
}

// work is what is done elsewhere.
func work() (string, error) { return "done", nil }

// mishaps are handlers that do what they should not.
func mishaps(w *Response, r *Request) error {
	var status Status
	if _, err := fmt.Sscanf(r.Path(), "/status/%d", &status); err == nil {
		w.SetStatus(status)
		w.Write([]byte("a body"))
		return nil
	}
	switch r.Path() {
	case "/less":
		w.Add("Content-Length", "10")
		return w.Text("hello")
	case "/more":
		w.Add("Content-Length", "2")
		return w.Text("hello")
	case "/exactly":
		w.Add("Content-Length", "5")
		return w.Text("hello")
	case "/of-get": // what GET would have, without making it
		if r.Method() == "HEAD" {
			w.Add("Content-Length", "5")
			return nil
		}
		return w.Text("hello")
	case "/split":
		w.Add("X-Name", "a\r\nSet-Cookie: b")
		return w.Text("hello")
	case "/nul":
		w.Add("X-Name", "a\x00b")
		return w.Text("hello")
	case "/bad-name":
		w.Add("X Name", "a")
		return w.Text("hello")
	case "/bad-type":
		w.Add("Content-Type", "text/html\r\nSet-Cookie: b")
		return w.Text("hello")
	case "/framing":
		w.Add("Transfer-Encoding", "chunked")
		return w.Text("hello")
	case "/keep":
		w.Add("Connection", "keep-alive")
		return w.Text("hello")
	case "/twice":
		w.Text("hello")
		return w.Text("hello")
	case "/twice-unnoticed":
		w.Text("hello")
		w.Text("hello")
		return nil
	case "/text-and-more":
		_ = w.Text("one")
		fmt.Fprint(w, " and two")
		return nil
	case "/busy":
		w.Add("Retry-After", "7").Add("X-A", "b").Add("Connection", "close")
		return StatusServiceUnavailable.Because("try later")
	case "/error":
		w.Add("X-Name", "a")
		w.Write([]byte("half an answ"))
		return errors.New("the disk is on fire")
	case "/panic":
		w.Write([]byte("half an answ"))
		panic("the disk is on fire")
	case "/panic-with-body":
		if _, err := r.Body(); err != nil {
			return err
		}
		panic("the disk is on fire")
	case "/body-twice":
		first, err := r.Body()
		if err != nil {
			return err
		}
		again, err := r.Body()
		fmt.Fprintf(w, "%s %s", first, again)
		return err
	case "/later-error":
		return Offload(w, func() (int, error) { return 0, StatusNotFound }, func(*Response, int) error { return nil })
	case "/later-panic":
		return Offload(w, func() (int, error) { panic("the disk is on fire") }, func(*Response, int) error { return nil })
	case "/later-late-panic":
		return Offload(w, work, func(*Response, string) error { panic("the disk is on fire") })
	case "/later-twice":
		Offload(w, work, func(*Response, string) error { return nil })
		return Offload(w, work, func(*Response, string) error { return nil })
	case "/held-and-failed":
		w.Hold()
		return StatusNotFound
	case "/held-twice":
		h, err := w.Hold()
		if err != nil {
			return err
		}
		if _, err := w.Hold(); err == nil {
			panic("it can be held twice")
		}
		fmt.Fprint(h, "once")
		h.Done()
		h.Done()
		if _, err := fmt.Fprint(h, "more"); err != ErrGone {
			panic(err)
		}
		return nil
	case "/held-with-text":
		w.Text("hello")
		_, err := w.Hold()
		return err
	case "/later-but-now":
		Offload(w, work, func(w *Response, s string) error { return w.Text(s) })
		return StatusNotFound
	case "/swallow": // an error that it should have returned
		r.Body()
		return w.Text("all is well")
	}
	return StatusNotFound
}

// memoryFile is a file that needs no disk.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Fd() uintptr { return 0 }
func (memoryFile) Release()    {}
