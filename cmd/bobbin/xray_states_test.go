package main

import (
	"encoding/json"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The states of the inspector's page that a healthy server does not show: the page is the
// program's own, its stream is written by the test.

// A scripted server has the page of a program, and a stream that a test writes.
type scripted struct {
	t      *testing.T
	url    string
	page   []byte
	hello  map[string]any
	send   chan string
	refuse chan string // words of a 503, for each visit while there are some
}

// script serves the page with the words of a real program's stream, for so many loops.
func script(t *testing.T, loops int) *scripted {
	t.Helper()
	p := start(t, "")
	s := &scripted{t: t, send: make(chan string), refuse: make(chan string, 8)}
	answer, err := nethttp.Get(p.url + "-/xray")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if s.page, err = io.ReadAll(answer.Body); err != nil {
		t.Fatal(err)
	}
	real := watchProgram(t, p)
	raw, err := json.Marshal(map[string]any{
		"schema": 1, "version": "test", "token": "x", "started": 1, "now": 1, "loops": loops, "you": []int{0, 7}, "watchers": 1, "stall": 100,
		"highWater": 1 << 20, "conns": 100, "frameEvery": 100, "kernel": "epoll", "phases": real.hello.Phases, "kinds": real.hello.Kinds,
		"states": real.hello.States, "routes": []string{"", "GET /reports"}, "try": []string{},
		"activities": []map[string]string{{"id": "idle", "text": "x"}, {"id": "reading", "text": "x"}, {"id": "handling", "text": "x"}, {"id": "writing", "text": "x"}, {"id": "closing", "text": "x"}},
		"troubles":   []map[string]string{{"id": "holds", "name": "handler holds the loop", "text": "x", "href": "javascript:alert(1)"}},
	})
	if err == nil {
		err = json.Unmarshal(raw, &s.hello)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(nethttp.HandlerFunc(s.serve))
	t.Cleanup(server.CloseClientConnections)
	s.url = server.URL + "/-/xray"
	return s
}

func (s *scripted) serve(w nethttp.ResponseWriter, r *nethttp.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(s.page)
		return
	}
	select {
	case words := <-s.refuse:
		nethttp.Error(w, words, nethttp.StatusServiceUnavailable)
		return
	default:
	}
	w.Header().Set("Content-Type", "text/event-stream")
	hello, _ := json.Marshal(s.hello)
	fmt.Fprintf(w, "retry: 200\nevent: hello\ndata: %s\n\n", hello)
	for {
		w.(nethttp.Flusher).Flush()
		select {
		case text := <-s.send:
			if text == "end" {
				return
			}
			io.WriteString(w, text)
		case <-r.Context().Done():
			return
		}
	}
}

// A moment is what a test says of a frame; the rest of it is made up.
type moment struct {
	t, w, gap int
	open      int
	more      string // further members, or others in place of those here
}

// frame sends a frame and waits until the page has it.
func (s *scripted) frame(tab *tab, m moment) {
	s.t.Helper()
	loops := int(s.hello["loops"].(float64))
	var c, g []string
	for i := range loops {
		c = append(c, fmt.Sprintf("[%d,%d,0,%d,0,0,0,0,0,0,0,0,%d,%d,0,0,0,0]", m.t, m.t, m.t*(i+1), m.t*900_000, m.t*100_000))
		g = append(g, fmt.Sprintf("[%d,%d,0,0,0,0,0,1000,0,0,1000,1000,2000,1,2,1000]", m.open, m.open))
	}
	var frame map[string]any
	text := fmt.Sprintf(`{"n":%d,"t":%d,"w":%d,"skip":0,"gap":%d,"v":["healthy","Healthy, says the test at %d"],"tr":[],"held":[],"c":[%s],"g":[%s],
		"rows":[[0,8,2,1,41,1200000,4000,210,1,4,3200],[0,7,2,1,1,0,-1,100,0,1,100]],"strip":[],"more":0,"rec":[],"lost":0}`,
		m.t, m.t, 1_700_000_000_000+m.t+m.w, m.gap, m.t, strings.Join(c, ","), strings.Join(g, ","))
	if err := json.Unmarshal([]byte(text), &frame); err != nil {
		s.t.Fatal(err)
	}
	if m.more != "" {
		if err := json.Unmarshal([]byte(m.more), &frame); err != nil {
			s.t.Fatal(err)
		}
	}
	raw, err := json.Marshal(frame)
	if err != nil {
		s.t.Fatal(err)
	}
	s.send <- "event: frame\ndata: " + string(raw) + "\n\n"
	tab.until("the frame is shown", fmt.Sprintf(`minute.at(minute.last).t === %d && past.drawn === minute.last`, m.t))
}

// TestBrowserShowsEachState sends frames that a page seldom sees.
func TestBrowserShowsEachState(t *testing.T) {
	t.Parallel()
	s := script(t, 1)
	tab := openTab(t)
	tab.size(1440, 900, "light", "no-preference")
	tab.open(s.url)
	for i := range 15 {
		s.frame(tab, moment{t: 1000 + 100*i, open: 1})
	}
	tab.until("your lane is the first, though your row is not", `byId("rows").tBodies[0].rows[0].cells[0].textContent === "7 you"`)
	for _, sentence := range []string{"Connection 8 was accepted 3.2 s ago.", "It has had 41 requests.", "A handler for GET /reports has had its request for 210 ms.",
		"1.2 MB are owed to it, above the high-water mark of 1 MB: the loop does not read from it until half of that is left.", "Its deadline is in 4.0 s."} {
		tab.until("the story says "+sentence, `byId("storyText").textContent.includes(`+quoted(sentence)+`)`)
	}
	for _, row := range []struct {
		name string
		moment
		is string
	}{
		{"what was not recorded breaks the axis", moment{t: 4700, gap: 2100, open: 1}, `shownFrame().gap === "2.1 s not recorded"`},
		{"a clock that jumps breaks it", moment{t: 4800, w: 3_600_000, open: 1}, `shownFrame().gap === "clock put forward 60 min"`},
		{"and one that is put back", moment{t: 4900, open: 1}, `shownFrame().gap === "clock put back 60 min"`},
		{"frames that are missing break it", moment{t: 9900, open: 1}, `shownFrame().gap === "5.0 s without a frame"`},
		{"a trouble has a name, and no link that would run", moment{t: 10_000, open: 1, more: `{"v":["holds","Handler holds the loop: for 210 ms"],"tr":[[0,9800,0,8,"Handler holds the loop: for 210 ms"]]}`},
			`byId("troubles").textContent.startsWith("handler holds the loopFor 210 ms") && byId("verdict").dataset.level === "trouble" && !byId("troubles").querySelector("a")`},
		{"many connections are told", moment{t: 10_100, open: 9412, more: `{"strip":[[0,9000],[3,10]],"more":400}`}, `byId("strip").clientHeight <= 400`},
		{"numbers that are none are not shown", moment{t: 10_200, open: 1, more: `{"g":[[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null]],"rows":[[0,8,2,1,null,null,null,null,null,0,null]]}`},
			`!/NaN|undefined|null|Infinity/.test(document.body.innerText)`},
		{"nor are those of a frame with nothing in it", moment{t: 10_300, more: `{"rows":[],"rec":[],"strip":[]}`}, `!/NaN|undefined|null|Infinity/.test(document.body.innerText)`},
	} {
		s.frame(tab, row.moment)
		tab.until(row.name, row.is)
	}
	tab.pictured("gaps")
	for i := range 12 {
		s.frame(tab, moment{t: 10_400 + 100*i, open: 0, more: `{"rows":[[0,7,2,1,1,0,-1,100,0,1,100]]}`})
	}
	tab.until("it is empty", `!byId("empty").hidden && byId("empty").textContent.startsWith("No client but you.")`)
	tab.until("frames that stay out are told, with their age", `document.body.dataset.feed === "late" && /^no frame for [\d.]+ s/.test(byId("feedText").textContent)`)
	tab.pictured("late")
	s.send <- "event: bye\ndata: The server stops.\n\n"
	tab.until("the server says goodbye", `byId("bannerText").textContent === "The server stops."`)
	s.refuse <- "Four are watching already."
	s.refuse <- "Four are watching already."
	s.send <- "end"
	tab.until("a refusal is told in its words", `byId("bannerText").textContent === "Four are watching already." && document.body.dataset.feed === "refused"`)
	tab.pictured("refused")
	s.frame(tab, moment{t: 20_000, open: 1})
	tab.until("it connects again by itself, and the gap is told", `byId("banner").hidden && shownFrame().gap.length > 0 && document.body.dataset.feed === "live"`)
}

// TestBrowserShowsSeveralLoops as tabs, the sums of all of them first.
func TestBrowserShowsSeveralLoops(t *testing.T) {
	t.Parallel()
	s := script(t, 3)
	tab := openTab(t)
	tab.size(1440, 900, "light", "no-preference")
	tab.open(s.url)
	for i := range 15 {
		s.frame(tab, moment{t: 1000 + 100*i, open: 5})
	}
	connections := `byId("sums").children[1].children[1].textContent`
	tab.until("all loops come first, as sums", `byId("tabs").children.length === 4 && byId("tabs").children[0].getAttribute("aria-pressed") === "true" && `+connections+` === "15"`)
	tab.eval(`byId("tabs").children[2].click()`, nil)
	tab.until("a tab shows its loop only", `tab === 1 && `+connections+` === "5" && lanes.length === 0`)
	s.frame(tab, moment{t: 2500, open: 5, more: `{"held":[[2,1700]]}`})
	for i := range 10 {
		s.frame(tab, moment{t: 2600 + 100*i, open: 5, more: `{"held":[[2,1700]]}`})
	}
	tab.until("a loop that does not answer is told", `byId("tabs").children[3].textContent === "Loop 2no answer for 1.7 s" && byId("tabs").children[3].className === "held"`)
	tab.pictured("loops")
	tab.eval(`byId("tabs").children[0].click()`, nil)
	tab.until("connections have the number of their loop", `lanes.length === 2 && byId("rows").tBodies[0].rows[1].cells[0].textContent === "0/8"`)
	tab.quiet()
}

// TestBrowserIsTooOldForItsServer says so.
func TestBrowserIsTooOldForItsServer(t *testing.T) {
	t.Parallel()
	s := script(t, 1)
	s.hello["schema"] = 2
	tab := openTab(t)
	tab.open(s.url)
	tab.until("it says so", `byId("bannerText").textContent.startsWith("This page is older or newer than its server.") && source === null`)
	tab.quiet()
}
