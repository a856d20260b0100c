package sim_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// A mixed workload over the simulated kernel: real HTTP code on the real loop,
// clients of every temper, and a seed's worth of bad luck. What must hold is
// checked all along: every byte of every answer right and in order, nothing
// held above its limit, each descriptor closed exactly once, each conversation
// mourned exactly once; and when the luck turns, everything comes to its end.

func TestSeeds(t *testing.T) { seeds(t, runHTTP) }

const (
	highWater = 8 << 10
	largest   = 96 << 10 // answer
	calmAfter = 4000     // turns
	endAfter  = 200_000  // turns, or it never will
)

// A run is one seed's server and its clients.
type run struct {
	t     *testing.T
	k     *sim.Kernel
	loop  *eventloop.Loop
	files int // open

	blocking http.Handler // patient, aside
	waiting  int          // handlers that have not returned
	turns    int
	stopped  bool // Stop was called

	keys *tls.Config // of clients that speak TLS, in a run that has them
}

func runHTTP(t *testing.T, seed uint64, trace io.Writer) uint64 {
	r := &run{t: t, k: sim.NewUnlucky(seed)}
	r.blocking = http.Blocking(1000, r.patient)
	r.k.Descriptors = 6 + r.k.Roll(20) // 0 to 2 and two listeners are taken
	secured, waits := r.security()
	server, err := http.NewServer(http.Config{
		Handler: r.handle,
		Limits: http.Limits{
			HighWater: highWater, Conns: 16, OutputTotal: 512 << 10,
			ReadBudget: 1 << (8 + r.k.Roll(9)), WriteBudget: 1 << (8 + r.k.Roll(13)),
			Body: 20_000,
		},
		TLS: secured, TLSWaits: waits,
		Loop: eventloop.Config{Kernel: r.k, Trace: trace, CheckOwner: seed%20 == 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.loop = server.Loop()
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.ListenTLS(":443"); secured != nil && err != nil {
		t.Fatal(err)
	}
	r.k.Every = r.check
	tempers := []func(*sim.Script){
		r.pipelining, r.pipelining, r.trickling, r.posting, r.posting, r.slowReading,
		r.halfClosing, r.resetting, r.malformed, r.silent, r.dawdling, r.dripping, r.leaving, r.clinging, r.taking, r.tunnelling,
	}
	if secured != nil {
		tempers = append(tempers, r.breakingOff, r.babbling, r.plain)
	}
	for range 1 + r.k.Roll(8) {
		temper := tempers[r.k.Roll(len(tempers))]
		r.k.Go(func(s *sim.Script) {
			s.Sleep(r.k.Between(0, time.Second))
			temper(s)
		})
	}
	err = server.Run()
	r.k.Abandon()
	cut := err == eventloop.ErrCut && r.k.Luck.Suspend > 0
	if cut {
		err = nil // the machine slept through the time for finishing
	}
	report(t, r.k, r.loop, err)
	if r.files != 0 {
		t.Errorf("%d files were not released", r.files)
	}
	if !cut && r.waiting != 0 || r.k.Parked() != 0 {
		t.Errorf("%d handlers have not returned, of which %d wait for ever", r.waiting, r.k.Parked())
	}
	c := r.loop.Counters()
	if left := c[eventloop.LeftLoop].N; c[eventloop.Accepted].N != c.Closed()+c.Failed()+left {
		t.Errorf("%d connections were accepted, %d closed, %d failed and %d left", c[eventloop.Accepted].N, c.Closed(), c.Failed(), left)
	}
	if c[eventloop.Panicked].N != 0 {
		t.Errorf("%d panics", c[eventloop.Panicked].N)
	}
	return r.k.Hash()
}

// check is made at every wait.
func (r *run) check() {
	r.turns++
	switch {
	case r.turns == calmAfter:
		r.k.Calm()
	case r.turns == endAfter:
		r.t.Errorf("%d clients have not come to their end after %d turns", r.k.Running(), r.turns)
		r.k.Abandon()
		r.loop.Stop()
		r.loop.Stop()
	}
	if r.k.Running() == 0 && !r.stopped {
		r.stopped = true // once: it begins a turn later if something is posted, and a second call cuts off
		r.loop.Stop()
	}
	r.loop.Each(func(c *eventloop.Conn) {
		if c.Buffered() > highWater+largest+4096 {
			r.t.Errorf("%d bytes are queued for one connection", c.Buffered())
		}
		if n := len(c.Rest()); n > r.loop.Limits().Input+r.loop.Limits().ReadBudget {
			r.t.Errorf("%d bytes of one connection are waiting to be used", n)
		}
	})
}

// handle answers /KIND/SIZE/ID with SIZE bytes that follow from ID, and a POST
// with its body.
func (r *run) handle(w *http.Response, q *http.Request) error {
	switch kind := strings.Split(q.Path(), "/")[1]; {
	case kind == "streaming":
		return http.Streaming(r.patient)(w, q)
	case kind == "blocking":
		return r.blocking(w, q)
	case kind == "tunnel":
		return r.tunnel(w, q)
	case kind == "taken":
		if r.k.Roll(2) == 0 {
			return http.Streaming(r.take)(w, q)
		}
		return http.Blocking(1000, r.take)(w, q)
	case q.Method() == "POST":
		body, err := q.Body()
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	}
	part := strings.Split(q.Path(), "/")
	if len(part) != 4 {
		return http.StatusNotFound
	}
	size, _ := strconv.Atoi(part[2])
	body := content(part[3], size)
	w.Add("X-ID", part[3])
	switch part[1] {
	case "file":
		r.files++
		return w.SendFile(&file{bytes.NewReader(body), r}, 0, int64(size))
	case "later":
		return http.Offload(w, func() ([]byte, error) { return body, nil }, func(w *http.Response, body []byte) error {
			_, err := w.Write(body)
			return err
		})
	case "given":
		p, err := http.Prepare(body)
		if err != nil {
			return err
		}
		return w.WritePrepared(p)
	}
	_, err := w.Write(body)
	return err
}

// patient is a handler that waits, on the loop or aside: it reads what comes as it
// comes, or writes piece by piece, with pauses.
func (r *run) patient(w *http.Response, q *http.Request) error {
	r.waiting++
	defer func() { r.waiting-- }()
	if q.Method() == "POST" {
		var all []byte
		p := make([]byte, 1+r.k.Roll(2000))
		for {
			n, err := q.Read(p)
			all = append(all, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			if r.k.Roll(10) == 0 {
				if err := w.Pause(r.k.Between(0, 50*time.Millisecond)); err != nil {
					return err
				}
			}
		}
		_, err := w.Write(all)
		return err
	}
	part := strings.Split(q.Path(), "/")
	size, _ := strconv.Atoi(part[2])
	w.Add("X-ID", part[3])
	if r.k.Roll(3) == 0 {
		w.Add("Content-Length", part[2])
	}
	for body := content(part[3], size); len(body) > 0; {
		n := min(len(body), 1+r.k.Roll(20_000))
		if _, err := w.Write(body[:n]); err != nil {
			return err
		}
		body = body[n:]
		if r.k.Roll(3) == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if r.k.Roll(5) == 0 {
			if err := w.Pause(r.k.Between(0, 50*time.Millisecond)); err == http.ErrGone {
				return err
			}
		}
	}
	return nil
}

// file is a file in memory that knows whether it was released.
type file struct {
	*bytes.Reader
	run *run
}

func (f *file) Fd() uintptr { return 0 }
func (f *file) Release()    { f.run.files-- }

// content is what an answer must hold.
func content(id string, size int) []byte {
	p := make([]byte, 0, size+len(id)+1)
	for i := 0; len(p) < size; i++ {
		p = strconv.AppendInt(append(append(p, id...), '.'), int64(i), 10)
	}
	return p[:size]
}

// A visit is one client's connection, and what it expects to hear.
type visit struct {
	run   *run
	s     *sim.Script
	w     *sim.Wire
	tls   *tls.Conn // or nil
	heard []byte
	n     int // requests made
}

func (r *run) dial(s *sim.Script) *visit {
	if r.keys != nil && r.k.Roll(2) == 0 {
		return r.dialTLS(s)
	}
	return r.dialPort(s, 80)
}

func (r *run) dialPort(s *sim.Script, port uint16) *visit {
	w, err := r.k.DialPort(port)
	if err != nil {
		r.t.Errorf("dial: %v", err)
		w = &sim.Wire{}
	}
	return &visit{run: r, s: s, w: w}
}

// say sends bytes.
func (v *visit) say(p []byte) (err error) {
	if v.tls != nil {
		_, err = v.tls.Write(p)
		return err
	}
	return v.s.Send(v.w, p)
}

// finish says that nothing more will come.
func (v *visit) finish() {
	if v.tls != nil {
		v.tls.CloseWrite()
	}
	v.w.CloseWrite()
}

// leave hangs up.
func (v *visit) leave() {
	if v.tls != nil {
		v.tls.CloseWrite()
	}
	v.w.Close()
}

// lawful reports whether a connection may have ended without the answers that
// were due: the client's side or the kernel broke it, or the machine slept, so
// that what was under way was late.
func (v *visit) lawful() bool {
	return v.w.Broken() && v.run.k.Luck.PeerReset+v.run.k.Luck.DiedQueued > 0 || v.run.k.Luck.Suspend > 0
}

func (v *visit) fail(format string, args ...any) {
	if !v.lawful() {
		v.run.t.Errorf(format, args...)
	}
}

// request returns one request, its id and the content that it asks for.
func (v *visit) request() (text string, want []byte) {
	k := v.run.k
	v.n++
	id := fmt.Sprintf("c%d-%d", v.w.Port(), v.n)
	size := k.Roll(1 << k.Roll(12))
	if k.Roll(8) == 0 {
		size = k.Roll(largest)
	}
	kind := []string{"file", "given", "written", "later", "streaming", "blocking"}[k.Roll(6)]
	return fmt.Sprintf("GET /%s/%d/%s HTTP/1.1\r\nHost: sim\r\n\r\n", kind, size, id), content(id, size)
}

// post returns a request with a body, framed by chance.
func (v *visit) post(expect bool) (head, body string, want []byte) {
	k := v.run.k
	v.n++
	want = content(fmt.Sprintf("p%d-%d", v.w.Port(), v.n), k.Roll(1<<k.Roll(14)))
	extra := ""
	path := []string{"/", "/", "/streaming", "/blocking"}[k.Roll(4)]
	if expect {
		extra = "Expect: 100-continue\r\n"
	}
	if k.Roll(2) == 0 {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: sim\r\n%sContent-Length: %d\r\n\r\n", path, extra, len(want)), string(want), want
	}
	var b strings.Builder
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 1+k.Roll(3000))
		fmt.Fprintf(&b, "%x;a=\"b\"\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	b.WriteString("0\r\nTrailer: x\r\n\r\n")
	return "POST " + path + " HTTP/1.1\r\nHost: sim\r\n" + extra + "Transfer-Encoding: chunked\r\n\r\n", b.String(), want
}

// more waits for more of what the server says.
func (v *visit) more() (err error) {
	most := 1 + v.run.k.Roll(20_000)
	if v.tls == nil {
		v.heard, err = v.s.Receive(v.w, v.heard, most)
		return err
	}
	p := make([]byte, most)
	n, err := v.tls.Read(p)
	v.heard = append(v.heard, p[:n]...)
	if n > 0 {
		return nil // an end that comes beside it comes again
	}
	return err
}

// answer reads one answer, and returns its status, content and whether the
// connection ends after it.
func (v *visit) answer() (status int, body []byte, last bool, err error) {
	for {
		head, rest, whole := bytes.Cut(v.heard, []byte("\r\n\r\n"))
		if whole {
			lines := strings.Split(string(head), "\r\n")
			if !strings.HasPrefix(lines[0], "HTTP/1.1 ") {
				return 0, nil, false, fmt.Errorf("no status line: %q", lines[0])
			}
			status, _ = strconv.Atoi(lines[0][9:12])
			length := 0
			for _, line := range lines[1:] {
				if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
					length, _ = strconv.Atoi(n)
				}
				last = last || line == "Connection: close"
				if line == "Transfer-Encoding: chunked" {
					length = -1
				}
			}
			if length < 0 {
				body, rest, err := unchunk(rest)
				if err != nil {
					return 0, nil, false, err
				}
				if rest != nil {
					v.heard = append([]byte(nil), rest...)
					return status, body, last, nil
				}
				length = 1 << 30
			}
			if len(rest) >= length {
				v.heard = append([]byte(nil), rest[length:]...)
				return status, rest[:length], last, nil
			}
		}
		if err := v.more(); err != nil {
			return 0, nil, false, err
		}
	}
}

// unchunk takes a body in chunks off p. What comes behind it is nil while it is
// not complete.
func unchunk(p []byte) (body, rest []byte, err error) {
	for {
		line, behind, whole := bytes.Cut(p, []byte("\r\n"))
		if !whole {
			return nil, nil, nil
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, nil, fmt.Errorf("a chunk begins with %.20q", line)
		}
		n := int(size)
		if len(behind) < n+2 {
			return nil, nil, nil
		}
		if string(behind[n:n+2]) != "\r\n" {
			return nil, nil, fmt.Errorf("a chunk ends with %q", behind[n:n+2])
		}
		body, p = append(body, behind[:n]...), behind[n+2:]
		if n == 0 {
			return body, p, nil
		}
	}
}

// expect reads one answer and compares it.
func (v *visit) expect(want []byte) bool {
	status, body, _, err := v.answer()
	switch {
	case err != nil:
		v.fail("an answer of %d bytes did not come: %v", len(want), err)
	case status != 200:
		v.fail("status %d: %s", status, body)
	case !bytes.Equal(body, want):
		v.run.t.Errorf("an answer of %d bytes is not the one of %d that was due", len(body), len(want))
	default:
		return true
	}
	return false
}

// ends reads to the end of the connection.
func (v *visit) ends() {
	for {
		switch err := v.more(); {
		case err == io.EOF && len(v.heard) > 0:
			v.run.t.Errorf("%d bytes came that were not due: %.80q", len(v.heard), v.heard)
			return
		case err == io.EOF:
			return
		case err != nil:
			v.fail("the end was no proper one: %v", err)
			return
		}
	}
}

// pipelining sends many requests before it reads an answer.
func (r *run) pipelining(s *sim.Script) {
	v := r.dial(s)
	for range 1 + r.k.Roll(3) {
		var wants [][]byte
		var all string
		for range 1 + r.k.Roll(30) {
			text, want := v.request()
			all += text
			wants = append(wants, want)
		}
		if len(all) > r.k.Buffer/2 && len(wants) > 1 { // or both sides wait for each other to read
			all, wants = all[:strings.Index(all, "\r\n\r\n")+4], wants[:1]
		}
		if v.say([]byte(all)) != nil {
			return
		}
		for _, want := range wants {
			if !v.expect(want) {
				return
			}
		}
		s.Sleep(r.k.Between(0, 20*time.Second))
	}
	v.leave()
}

// trickling sends byte by byte.
func (r *run) trickling(s *sim.Script) {
	v := r.dial(s)
	for range 1 + r.k.Roll(2) {
		text, want := v.request()
		for i := range len(text) {
			if v.say([]byte{text[i]}) != nil {
				break
			}
			if r.k.Roll(3) == 0 {
				s.Sleep(r.k.Between(0, 100*time.Millisecond))
			}
		}
		if !v.expect(want) {
			return
		}
	}
	v.finish()
	v.ends()
}

// posting sends bodies, some of them only when they are wanted.
func (r *run) posting(s *sim.Script) {
	v := r.dial(s)
	for range 1 + r.k.Roll(3) {
		waits := r.k.Roll(3) == 0
		head, body, want := v.post(waits)
		if v.say([]byte(head)) != nil {
			return
		}
		if waits && len(want) > 0 && strings.Contains(head, "Length") || waits && strings.Contains(head, "chunked") {
			if status, _, _, err := v.answer(); status != 100 {
				v.fail("in place of 100 Continue: %d, %v", status, err)
				return
			}
		}
		for rest := []byte(body); len(rest) > 0; {
			n := min(len(rest), 1+r.k.Roll(5000))
			if v.say(rest[:n]) != nil {
				return
			}
			rest = rest[n:]
			s.Sleep(r.k.Between(0, 50*time.Millisecond))
		}
		if !v.expect(want) {
			return
		}
	}
	v.leave()
}

// slowReading takes its answer in small sips.
func (r *run) slowReading(s *sim.Script) {
	v := r.dial(s)
	text, want := v.request()
	text = strings.Replace(text, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
	if v.say([]byte(text)) != nil {
		return
	}
	for v.w.Waiting() == 0 && !v.w.Broken() {
		s.Sleep(time.Millisecond)
	}
	pause := min(time.Second, time.Duration(r.k.Buffer)*time.Millisecond) // not below the least rate
	for len(v.heard) < len(want)/2 {
		s.Sleep(r.k.Between(0, pause))
		if v.more() != nil {
			break
		}
	}
	if v.expect(want) {
		v.ends()
	}
}

// halfClosing says all it has to say and shuts its half.
func (r *run) halfClosing(s *sim.Script) {
	v := r.dial(s)
	text, want := v.request()
	second, wantSecond := v.request()
	if v.say([]byte(text+second)) != nil {
		return
	}
	v.finish()
	if v.expect(want) && v.expect(wantSecond) {
		since := r.k.Now()
		v.ends()
		if took := r.k.Now().Sub(since); took > 10*time.Second {
			v.fail("the end came %v after the last answer", took)
		}
	}
}

// clinging has its last answer, and neither says more nor goes.
func (r *run) clinging(s *sim.Script) {
	v := r.dial(s)
	if v.say([]byte("BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET")) != nil {
		return
	}
	if status, _, _, err := v.answer(); status != 501 {
		v.fail("in place of 501: %d, %v", status, err)
		return
	}
	since := r.k.Now()
	for !v.w.ServerClosed() && !v.w.Broken() {
		if s.Sleep(100 * time.Millisecond); r.k.Now().Sub(since) > 10*time.Second {
			v.fail("the server lingers for ever")
			return
		}
	}
}

// resetting breaks off somewhere.
func (r *run) resetting(s *sim.Script) {
	v := r.dial(s)
	text, _ := v.request()
	v.say([]byte(text[:r.k.Roll(len(text)+1)]))
	s.Sleep(r.k.Between(0, 10*time.Millisecond))
	v.w.Reset()
}

// leaving goes away in the middle of its answer.
func (r *run) leaving(s *sim.Script) {
	v := r.dial(s)
	for range 1 + r.k.Roll(5) {
		text, _ := v.request()
		if v.say([]byte(text)) != nil {
			return
		}
	}
	v.more()
	v.leave()
}

// malformed makes one good request and then a bad one: both are answered, and
// what is behind the bad one never is.
func (r *run) malformed(s *sim.Script) {
	v := r.dial(s)
	text, want := v.request()
	bad := []string{"GET /\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "\x16\x03\x01", "GET / HTTP/1.1\n\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}[r.k.Roll(5)]
	if v.say([]byte(text+bad+text)) != nil || !v.expect(want) {
		return
	}
	status, _, last, err := v.answer()
	if err != nil || status != 400 || !last {
		v.fail("in place of 400 and the end: %d, %v, %v", status, last, err)
		return
	}
	v.finish()
	v.ends()
}

// silent says nothing at all.
func (r *run) silent(s *sim.Script) {
	v := r.dial(s)
	if status, _, _, err := v.answer(); err != io.EOF {
		v.fail("for silence: %d, %v", status, err)
	}
	v.finish()
}

// dawdling sends a head so slowly that it is never complete in time, although
// something comes every second.
func (r *run) dawdling(s *sim.Script) {
	v := r.dial(s)
	text, _ := v.request() // which takes longer to say than there is time
	for i := 0; i < len(text) && v.dripsOn(i, 12); i++ {
		if v.say([]byte{text[i]}) != nil {
			break
		}
		s.Sleep(time.Second)
	}
	if status, _, _, err := v.answer(); status != 408 {
		v.fail("for a head that drips: %d, %v", status, err)
	}
	v.finish()
}

// dripsOn reports whether a client that drips has no answer yet. Over TLS that cannot
// be seen from what is on the wire, so that it goes on as long as it takes for one.
func (v *visit) dripsOn(i, enough int) bool {
	if v.tls != nil {
		return i < enough
	}
	return v.w.Waiting() == 0
}

// dripping sends a body so slowly that only a minimum rate can notice.
func (r *run) dripping(s *sim.Script) {
	v := r.dial(s)
	if v.say([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")) != nil {
		return
	}
	for i := 0; i < 100 && v.dripsOn(i, 8); i++ {
		if v.say([]byte("x")) != nil {
			break
		}
		s.Sleep(time.Second)
	}
	if status, _, _, err := v.answer(); status != 408 {
		v.fail("for a drip: %d, %v", status, err)
	}
	v.finish()
}
