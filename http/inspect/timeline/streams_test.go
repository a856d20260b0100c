package timeline

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// twoStreams is a turn with two requests of HTTP/2: the first is held, the second answered.
func twoStreams(at int, conn uint32) []eventloop.Record {
	return turn(at, at+60,
		rec(at, eventloop.Read, conn, 0, 90), rec(at, http.StreamHeadRead, conn, 1, 45), rec(at+10, http.HandlerBegan, conn, 1, 0), rec(at+20, http.HandlerEnded, conn, 1, 1),
		rec(at+20, http.StreamHeadRead, conn, 2, 45), rec(at+20, http.HandlerBegan, conn, 2, 0), rec(at+30, http.HandlerEnded, conn, 2, 2), rec(at+30, http.Done2xx, conn, 2, 200),
		rec(at+40, eventloop.Callback, conn, 0, 10_000))
}

func TestRequestsOfHTTP2OverlapInRowsOfTheirOwn(t *testing.T) {
	held := turn(300, 360, rec(310, http.Done2xx, 7, 1, 200), rec(320, eventloop.Callback, 7, 0, 10_000))
	f, s := made(t, words(t, 1, "/held", "/fast"), Options{}, Block{Records: append(twoStreams(100, 7), held...)})
	if got, want := shown(f, "request"), "/held on 2/1, 0 to 260; /fast on 2/2, 0 to 60"; got != want {
		t.Errorf("the requests are %s, and not %s", got, want)
	}
	if got, want := shown(f, "connection"), "conn 7 on 2/1, 0 to 260"; got != want {
		t.Errorf("the connections are %s, and not %s", got, want)
	}
	if f.Arrows != 2 || s.Requests != 2 {
		t.Errorf("%d arrows, %+v", f.Arrows, s)
	}
	var names []string
	for _, e := range f.Events {
		if e.Name == "thread_name" && e.Pid == 2 {
			names = append(names, e.Args["name"].(string))
		}
	}
	if got := strings.Join(names, "; "); got != "lane 1; lane 1, row 2" {
		t.Errorf("the tracks are %s", got)
	}
	for _, e := range f.Events {
		if e.Cat == "write" && e.At/1000 == 50 && e.Arg("request") != 0 {
			t.Errorf("a write of two requests is that of request %d", e.Arg("request"))
		}
	}
}

func TestAResetEndsARequest(t *testing.T) {
	f, _ := made(t, words(t, 1, "/held", "/fast"), Options{}, Block{Records: append(twoStreams(100, 7),
		turn(200, 260, rec(210, eventloop.Read, 7, 0, 13), rec(220, http.StreamReset, 7, 1, 8), rec(230, eventloop.Callback, 7, 0, 10_000))...)})
	if got, want := shown(f, "request"), "/held on 2/1, 0 to 120; /fast on 2/2, 0 to 60"; got != want {
		t.Errorf("the requests are %s, and not %s", got, want)
	}
}

// TestARowIsUsedAgain has three requests of which two overlap at a time.
func TestARowIsUsedAgain(t *testing.T) {
	third := turn(200, 260, rec(200, eventloop.Read, 7, 0, 45), rec(200, http.StreamHeadRead, 7, 3, 45), rec(210, http.HandlerBegan, 7, 3, 0),
		rec(230, http.HandlerEnded, 7, 3, 2), rec(230, http.Done2xx, 7, 3, 200), rec(240, eventloop.Callback, 7, 0, 10_000))
	f, _ := made(t, words(t, 1, "/held", "/fast"), Options{}, Block{Records: append(twoStreams(100, 7), third...)})
	if got, want := shown(f, "request"), "/held on 2/1, 0 to 160; /fast on 2/2, 0 to 60; /fast on 2/2, 100 to 160"; got != want {
		t.Errorf("the requests are %s, and not %s", got, want)
	}
}

// TestLostRecordsEndRequestsOfHTTP2 loses the end of one, which would go on for ever.
func TestLostRecordsEndRequestsOfHTTP2(t *testing.T) {
	third := turn(900, 960, rec(900, eventloop.Read, 7, 0, 45), rec(900, http.StreamHeadRead, 7, 30, 45), rec(910, http.HandlerBegan, 7, 30, 0),
		rec(930, http.HandlerEnded, 7, 30, 2), rec(930, http.Done2xx, 7, 30, 200), rec(940, eventloop.Callback, 7, 0, 10_000))
	f, _ := made(t, words(t, 1, "/held", "/fast"), Options{}, Block{Records: twoStreams(100, 7)}, Block{Lost: 100, Records: third})
	if got, want := shown(f, "request"), "/held on 2/1, 0 to 800; /fast on 2/2, 0 to 60; /fast on 2/1, 800 to 860"; got != want {
		t.Errorf("the requests are %s, and not %s", got, want)
	}
}

// TestMoreRequestsOverlapThanThereAreRows has a file keep within its bound.
func TestMoreRequestsOverlapThanThereAreRows(t *testing.T) {
	list := []eventloop.Record{rec(100, eventloop.Accepted, 7, 0, 4)}
	for i := range uint32(3 * mostRows) {
		list = append(list, rec(200+int(i), http.StreamHeadRead, 7, i+1, 45))
	}
	f, s := made(t, words(t, 1), Options{Events: LeastEvents}, Block{Records: list})
	if n := len(f.Slices("request")); n != mostRows && s.RequestsOneIn == 1 || n == 0 {
		t.Errorf("%d requests are shown, one in %d", n, s.RequestsOneIn)
	}
}

// h2Get is a GET on a stream of HTTP/2: HEADERS with fields of the static table.
func h2Get(stream uint32, path string) []byte {
	block := append([]byte{0x82, 0x86, 0x04, byte(len(path))}, path...)
	block = append(block, 0x01, 1, 'a')
	const headers, endStreamAndHeaders = 1, 5
	return append([]byte{0, 0, byte(len(block)), headers, endStreamAndHeaders, 0, 0, byte(stream >> 8), byte(stream)}, block...)
}

// h2Reset is RST_STREAM with CANCEL.
func h2Reset(stream uint32) []byte {
	return []byte{0, 0, 4, 3, 0, 0, 0, byte(stream >> 8), byte(stream), 0, 0, 0, 8}
}

// streams visits paths with clients of HTTP/2, several requests at a time, and resets some.
func streams(t testing.TB, paths []string, each int) func(k *moving, s *sim.Script) {
	return func(k *moving, s *sim.Script) {
		for range each {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			s.Send(w, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
			stream := uint32(1)
			for range 12 {
				var said []byte
				for range 1 + k.luck.IntN(4) {
					said = append(said, h2Get(stream, paths[k.luck.IntN(len(paths))])...)
					if k.luck.IntN(5) == 0 {
						said = append(said, h2Reset(stream)...)
					}
					stream += 2
				}
				cut := k.luck.IntN(len(said))
				s.Send(w, said[:cut])
				s.Sleep(time.Duration(k.luck.IntN(3000)) * time.Microsecond)
				s.Send(w, said[cut:])
				s.Sleep(time.Duration(k.luck.IntN(3000)) * time.Microsecond)
			}
			w.Close()
			s.Sleep(time.Millisecond)
		}
	}
}

// TestEveryTimelineOfHTTP2IsOneThatAViewerReads goes over seeds, and over a bound that is far too
// small.
func TestEveryTimelineOfHTTP2IsOneThatAViewerReads(t *testing.T) {
	paths := []string{"/fast", "/slow/1", "/large", "/nothing", "/streaming", "/fast", "/held"}
	requests, arrows, beside := 0, 0, 0
	for seed := range uint64(20) {
		var kernel *moving
		rec := record(t, seed, seed%2 == 1, site(&kernel), func(k *moving, s *sim.Script) {
			kernel = k
			k.Go(func(s *sim.Script) { clients(t, paths, 3)(k, s) })
			k.Go(func(s *sim.Script) { streams(t, paths, 3)(k, s) })
			streams(t, paths, 3)(k, s)
			s.Sleep(2 * time.Second)
		})
		f, _ := rec.build(t, Options{})
		arrows += f.Arrows
		for _, r := range f.Slices("request") {
			if requests++; r.Parent == nil {
				beside++
			}
		}
		rec.build(t, Options{Events: LeastEvents})
	}
	if requests < 1000 || beside < 100 || arrows < requests/2 {
		t.Errorf("of %d requests, %d are beside others, and %d have arrows", requests, beside, arrows)
	}
}
