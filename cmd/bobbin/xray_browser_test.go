package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// The inspector in a browser, against the real server. BOBBIN_PICTURES=FOLDER has the tests
// write pictures of the page there, for a person to look at.

// xrayed opens the inspector of a program and waits for its first frames.
func xrayed(t *testing.T, p *program) *tab {
	t.Helper()
	tab := openTab(t)
	tab.size(1440, 900, "light", "no-preference")
	tab.open(p.url + "-/xray")
	tab.until("frames come", `document.body.dataset.feed === "live" && minute.last > 12`)
	return tab
}

// pictured takes a picture, if a person has asked for them.
func (p *tab) pictured(name string) {
	if folder := os.Getenv("BOBBIN_PICTURES"); folder != "" {
		p.picture(filepath.Join(folder, name+".png"))
	}
}

// quiet fails the test for each error that the browser has reported.
func (p *tab) quiet() {
	p.t.Helper()
	for _, complaint := range p.complaints() {
		p.t.Errorf("the console has an error: %s", complaint)
	}
}

// underLoad has wrk keep 200 connections busy until the test ends.
func underLoad(t *testing.T, p *program) {
	t.Helper()
	path, err := exec.LookPath("wrk")
	if err != nil {
		t.Skip("wrk is not installed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, path, "-t1", "-c200", "-d300s", p.url+"bench")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
}

// TestBrowserWatchesABusyLoop goes through all that a visitor may do while wrk keeps 200
// connections busy.
func TestBrowserWatchesABusyLoop(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	underLoad(t, p)
	tab := xrayed(t, p)
	tab.until("all connections of wrk are there", `sum(shownFrame(), -1, shownFrame().g, G.open) >= 200`)
	tab.until("there are forty lanes", `byId("rows").tBodies[0].rows.length === 40`)
	tab.until("requests are counted", `rate(shownFrame(), secondOf(minute, shownFrame()), -1, C.requests) > 0`)
	tab.pictured("busy-light")
	for _, row := range []struct{ name, is string }{
		{"the verdict is the server's, in words", `byId("verdictWords").textContent.length > 5 && byId("verdict").dataset.level !== "none"`},
		{"the first lane is yours", `/you$/.test(byId("rows").tBodies[0].rows[0].cells[0].textContent) && byId("rows").tBodies[0].rows[0].className.includes("you")`},
		{"yours has a lane and a row that is flagged", `rowOf(shownFrame(), ...hello.you) >= 0 && (shownFrame().rows[rowOf(shownFrame(), ...hello.you) + FLAGS] & YOU) === YOU`},
		{"the activities add up to the open connections without yours", `[1, 2, 3, 4, 5].reduce((n, i) => n + sum(shownFrame(), -1, shownFrame().g, i), 0) === sum(shownFrame(), -1, shownFrame().g, G.open)`},
		{"the rest is in the strip", `!byId("rest").hidden && restOf(shownFrame()).reduce((n, run) => n + run[1], 0) > 100`},
		{"the lanes are drawn", `past.ink.getImageData(0, 0, past.canvas.width, past.canvas.height).data.some((v) => v > 0)`},
		{"the ring has its phases", `byId("phases").tBodies[0].rows.length === 6 && arcs.filter(Boolean).some((arc) => !arc.getAttribute("stroke-dasharray").startsWith("0"))`},
		{"all records that the page knows by name are in the stream's words", `["read", "wrote", "accepted", "handler began", "handler ended", "done 2xx", "deadline", "short write"].every((name) => kind[name] >= 0)`},
	} {
		tab.until(row.name, row.is)
	}
	tab.part("space pauses", func() {
		tab.key(" ", " ")
		tab.until("it is paused", `paused && byId("pause").textContent === "Go on"`)
		tab.until("frames that come are left out", `leftOut && cursor === minute.last`)
		tab.until("the microscope has records", `!byId("scope").hidden && byId("records").tBodies[0].rows.length > 5`)
		tab.pictured("busy-paused")
	})
	tab.part("arrows go back in time", func() {
		tab.key("ArrowLeft", "")
		tab.key("ArrowLeft", "")
		tab.until("it shows the frame before the last", `cursor === minute.last - 2 && byId("at").textContent.startsWith("−0.")`)
		tab.eval(`byId("scrub").value = "592", byId("scrub").dispatchEvent(new Event("input"))`, nil)
		tab.until("the slider goes where it is put", `cursor === minute.last - 7 && !byId("cursor").hidden`)
	})
	tab.part("enter tells a story", func() {
		tab.key("ArrowDown", "")
		tab.key("Enter", "\r")
		tab.until("its story is told", `document.activeElement === byId("storyText") && /^Connection \d+ was accepted .*It has had [\d,]+ request/.test(byId("storyText").textContent)`)
		tab.until("its records are listed", `byId("storyLines").children.length > 0`)
	})
	tab.part("a link carries the moment", func() { sharedMoment(tab) })
	tab.part("? shows the keys", func() {
		tab.key("?", "?")
		tab.until("the keys are shown", `byId("keys").open`)
		tab.eval(`byId("keys").close()`, nil)
	})
	tab.quiet()
}

// sharedMoment makes a link and a file of the moment that is shown, opens both, and has
// damaged ones refused.
func sharedMoment(tab *tab) {
	var before, link string
	tab.eval(`JSON.stringify([lanes.map((lane) => lane.key), shownFrame().words, Array.from(shownFrame().rows.subarray(0, 11))])`, &before)
	tab.eval(`linkOf(shownFrame(), {routes: true, address: false})`, &link)
	_, fragment, _ := strings.Cut(link, "#")
	if len(link) > 32<<10 || !strings.HasPrefix(fragment, "x1.") || strings.Contains(link, "?") {
		tab.t.Fatalf("the link has %d bytes and begins with %.80s", len(link), link)
	}
	tab.eval(`location.hash = `+quoted(fragment), nil)
	tab.until("the recording is shown", `shared && byId("bannerText").textContent.startsWith("A recording of ") && !source`)
	tab.pictured("shared")
	for _, row := range []struct{ name, is string }{
		{"it has the same verdict", `shownFrame().words === JSON.parse(` + quoted(before) + `)[1]`},
		{"and the same connections", `JSON.parse(` + quoted(before) + `)[0].every((key) => laneOf.has(key))`},
		{"and records", `minute.frames.some((f) => f && f.rec.length > 0)`},
		{"and no address", `!byId("bannerText").textContent.includes(location.host)`},
		{"a story is told from it", `/^(Connection|This is you)/.test(byId("storyText").textContent)`},
	} {
		tab.until(row.name, row.is)
	}
	for _, row := range []struct{ name, text, says string }{
		{"a part is missing", fragment[:len(fragment)/2], "a part of it is missing or was changed"},
		{"another version", "x9." + fragment[3:], "another version"},
		{"something else", "hello", "no recording of a loop"},
		{"signs that do not belong there", "x1.%%%", "signs that do not belong"},
		{"nothing", "x1.", "a part of it is missing or was changed"},
	} {
		tab.eval(`openFile(new File([`+quoted(row.text)+`], "dropped"))`, nil)
		tab.until("of a file with "+row.name+" it says so", `byId("bannerText").textContent.startsWith("This file cannot be shown: ") && byId("bannerText").textContent.includes(`+quoted(row.says)+`)`)
	}
	damaged(tab, fragment)
	tab.eval(`openFile(new File([`+quoted(fragment)+`], "dropped"))`, nil)
	tab.until("a file that is dropped is shown", `shared && byId("bannerText").textContent.startsWith("A recording of ")`)
	tab.eval(`byId("bannerAct").click()`, nil)
	tab.until("the live loop is back", `!shared && document.body.dataset.feed === "live" && minute.last > 2 && location.hash === ""`)
}

// damaged changes a recording in 200 ways, by a number that grows: each of them is
// refused with a sentence, or shown without an exception and without NaN.
func damaged(tab *tab, fragment string) {
	var outcome struct{ Refused, Shown, Wrong []string }
	tab.eval(`(async () => {
		const outcome = { refused: [], shown: [], wrong: [] };
		const packed = Uint8Array.from(atob(`+quoted(fragment)+`.slice(3).replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
		const raw = new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw"), OPEN_LIMIT));
		const foreign = JSON.parse(raw);
		foreign.troubles[0].href = "https://example.com/";
		if (checked(foreign).hello.troubles[0].href) outcome.wrong.push("a foreign link stays");
		let seed = 1;
		const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
		const odd = [null, -1, 1e300, 0.5, "x", [], {}, true, [[]], 4294967296, "<b>"];
		for (let i = 0; i < 200; i++) {
			const shot = JSON.parse(raw);
			for (let at = shot, depth = 0; depth < 6; depth++) { // one place, at random
				const keys = Object.keys(at), key = keys[random(keys.length)];
				if (at[key] && typeof at[key] === "object" && Object.keys(at[key]).length && random(4)) { at = at[key]; continue; }
				if (random(6)) at[key] = odd[random(odd.length)]; else if (Array.isArray(at)) at.splice(Number(key), 1); else delete at[key];
				break;
			}
			let read;
			try { read = checked(shot); } catch (err) {
				(/^its? /.test(err.message) ? outcome.refused : outcome.wrong).push(err.message);
				continue;
			}
			try {
				greet(read.hello);
				begin();
				for (const frame of read.frames) minute.add(frame);
				pauseAt(minute.last);
				pauseAt(minute.first);
				if (/NaN|undefined|Infinity/.test(document.body.innerText)) throw new Error("NaN is shown");
				outcome.shown.push("");
			} catch (err) { outcome.wrong.push(err.message + " " + err.stack.slice(0, 300)); }
		}
		return outcome;
	})()`, &outcome)
	if len(outcome.Refused) < 20 || len(outcome.Shown) < 20 || len(outcome.Wrong) > 0 {
		tab.t.Errorf("of damaged recordings %d are refused, %d are shown, and wrong are %.2000q", len(outcome.Refused), len(outcome.Shown), outcome.Wrong)
	}
}

// quoted writes a text as JavaScript does.
func quoted(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

// idleClients opens connections that ask once and then keep silent.
func idleClients(t *testing.T, p *program, n int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", p.host())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := fmt.Fprint(c, "GET /bench HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrowserWatchesAThousandIdleConnections on a wide screen, on a small one, and where
// motion is not wanted.
func TestBrowserWatchesAThousandIdleConnections(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	tab := xrayed(t, p)
	tab.until("it is empty", `!byId("empty").hidden && byId("emptyHint").textContent.length > 10`)
	tab.pictured("empty")
	idleClients(t, p, 1000)
	tab.until("all are there", `sum(shownFrame(), -1, shownFrame().g, G.idle) >= 1000 && byId("empty").hidden`)
	tab.until("it says how many are shown", `/^\d+ of 1,00\d shown/.test(byId("shown").textContent)`)
	tab.until("each has a row of the strip", `stripEach === 1 && byId("strip").clientHeight >= 950`)
	tab.pictured("idle-light")
	tab.size(1440, 900, "dark", "no-preference")
	tab.until("dark paper has colours of its own", `paint.activity[2] === "#ff7d9c"`)
	tab.pictured("idle-dark")
	tab.size(390, 844, "dark", "no-preference")
	tab.until("a small screen has five lanes and nothing beside it", `byId("rows").tBodies[0].rows.length === 5 && document.documentElement.scrollWidth <= 390`)
	tab.pictured("idle-390")
	tab.size(1440, 900, "light", "reduce")
	tab.eval(`(() => {
		const show = past.show.bind(past);
		window.seen = [];
		past.show = (kept, newest) => { seen.push(newest); show(kept, newest); };
	})()`, nil)
	tab.until("without motion the picture changes once a second", `calm.matches && seen.length > 3 && seen.slice(-3).every((seq) => seq % 10 === 0)`)
	tab.pictured("idle-still")
	tab.quiet()
}

// TestBrowserShowsRequestsThatOverlap has a client of HTTP/2 leave three downloads and an upload in
// the middle.
func TestBrowserShowsRequestsThatOverlap(t *testing.T) {
	t.Parallel()
	p := startAs(t, "sums", "", "--xray", "--limit", "SendTimeout=10m", "--limit", "BodyTimeout=10m", "--limit", "MinRate=1", folder(t, map[string][]byte{"large": large}))
	q := p.peer()
	for _, stream := range []uint32{1, 3} {
		q.ask(stream, true, "/large")
		q.status(stream, "200")
	}
	q.ask(5, false, "/sum")
	tab := xrayed(t, p)
	tab.until("the connection has a lane", `lanes.some((lane) => lane.at >= 0 && overlaps(shownFrame().rows[lane.at + STREAMS]) === 3)`)
	tab.eval(`window.lane = lanes.find((lane) => overlaps(shownFrame().rows[lane.at + STREAMS]) === 3)`, nil)
	tab.eval(`select(lane.loop, lane.id)`, nil)
	for _, row := range []struct{ name, is string }{
		{"each request has its place", `openOf(shownFrame().rows[lane.at + STREAMS]).join() === "3,3,1,-1"`},
		{"the story says how many there are", `byId("storyText").textContent.includes("It has 3 requests at once, by HTTP/2.")`},
		{"they are drawn below each other", `inkOf(laneOf.get(lane.key)).join() === "1,0,1,0,1"`},
	} {
		tab.eval(inkOf, nil)
		tab.until(row.name, row.is)
	}
	tab.pictured("streams")
	q.does(q.f.WriteRSTStream(1, http2.ErrCodeCancel))
	tab.until("what ends leaves its place", `openOf(shownFrame().rows[lane.at + STREAMS]).join() === "-1,3,1,-1"`)
	q.does(q.f.WriteRSTStream(3, http2.ErrCodeCancel))
	tab.until("one request alone fills the lane", `!byId("storyText").textContent.includes("at once") && inkOf(laneOf.get(lane.key)).length === 1`)
	tab.eval(`past.stale = true, showAll()`, nil)
	tab.until("the minute is drawn anew with its places", `past.drawn === minute.last`)
	tab.quiet()
}

// inkOf tells of the newest column of a lane which of its pixels are inked, in runs from the top to
// the bars of requests that were answered. Texture may leave a pixel of two free.
const inkOf = `window.inkOf = (lane) => {
	const s = past.ink.scale, w = 12 * past.wide, top = Math.round(lane * LANE * s);
	const pixels = past.ink.getImageData(past.canvas.width - w, top, w, 12 * s), runs = [];
	for (let y = 0; y < pixels.height; y++) {
		const inked = pixels.data.subarray(y * w * 4, (y + 1) * w * 4).some((v, i) => i % 4 === 3 && v > 0) ? 1 : 0;
		if (runs[runs.length - 1] !== inked) runs.push(inked);
	}
	return runs.slice(runs[0] ? 0 : 1, runs[runs.length - 1] ? runs.length : -1);
}`

// TestBrowserClosesTheFeedOfAHiddenTab and opens it when the tab is shown.
func TestBrowserClosesTheFeedOfAHiddenTab(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	tab := xrayed(t, p)
	hide := func(hidden bool) {
		tab.eval(fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %v, configurable: true}), document.dispatchEvent(new Event("visibilitychange"))`, hidden), nil)
	}
	hide(true)
	tab.until("the feed is closed", `source === null`)
	last := tab.text("minute.last")
	hide(false)
	tab.until("it comes again, and the axis is broken", `minute.last > `+last+` + 3 && minute.at(`+last+` + 1).gap.length > 0 || minute.last > 3 && minute.at(`+last+` + 1).t - minute.at(`+last+`).t < 300`)
	tab.quiet()
}

// TestBrowserSeesTheBobbinTurn on the start page: the drawing moves with the loop, and
// stands when the loop sleeps.
func TestBrowserSeesTheBobbinTurn(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	tab := openTab(t)
	tab.open(p.url)
	tab.until("the drawing shows the loop", `document.querySelector(".turn.now")`)
	tab.until("it stands while the loop sleeps", `/^0 turns a second/.test(document.getElementById("turns").textContent)`)
	tab.eval(`window.asking = setInterval(() => fetch("/bench"), 20)`, nil)
	tab.until("it counts the turns", `/^[1-9][\d,]* turns a second just now, [\d,]+ since/.test(document.getElementById("turns").textContent)`)
	tab.until("a winding is lit", `[...document.querySelectorAll(".lit")].some((winding) => winding.style.opacity > 0.5)`)
	tab.pictured("start")
	tab.eval(`clearInterval(asking), document.querySelector(".watch a").click()`, nil)
	tab.until("the link leads to the inspector", `location.pathname === "/-/xray" && minute.last > 2`)
	tab.quiet()

	public := start(t, "", "--public")
	tab.open(public.url)
	tab.until("a public server has neither the script nor the link", `!document.querySelector("script") && !document.querySelector(".watch")`)
	tab.quiet()
}

// TestBrowserPressesTheButtons has the server start each of its clients, and presses one
// twice.
func TestBrowserPressesTheButtons(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	tab := xrayed(t, p)
	var ids []string
	tab.eval(`hello.try.map((one) => one.id)`, &ids)
	if len(ids) != 5 {
		t.Fatalf("the buttons are %q", ids)
	}
	for i, id := range ids {
		press := fmt.Sprintf(`(byId("tryTold").className = "", byId("tries").children[%d].firstChild.click())`, i)
		tab.eval(press, nil)
		tab.until(id+" begins", `byId("tryTold").className === "yes" && byId("tryTold").textContent.length > 5`)
		if id != "slow" {
			continue
		}
		tab.eval(press, nil)
		tab.until("it is refused while it runs", `byId("tryTold").className === "no" && byId("tryTold").textContent.length > 5`)
		tab.until("the trouble has a name", `[...byId("troubles").children].some((item) => item.textContent.includes(hello.troubles.find((one) => one.id === "takes").name))`)
		tab.until("its connection has a lane of its own and owes", `lanes.some((lane) => lane.troubled && lane.at >= 0 && shownFrame().rows[lane.at + OWED] > 0)`)
		tab.until("its story says so", `byId("storyText").textContent.includes("are owed to it")`)
		tab.pictured("trouble")
	}
	tab.until("the burst is counted", `sum(shownFrame(), -1, shownFrame().c, C.requests) >= 500`)
	tab.eval(`hello.token = "of another page", byId("tryTold").className = ""`, nil)
	tab.eval(`press(hello.try[0])`, nil)
	tab.until("a foreign token is refused in words", `byId("tryTold").className === "no" && byId("tryTold").textContent.length > 5`)
	for _, complaint := range tab.complaints() {
		if !strings.Contains(complaint, "409") && !strings.Contains(complaint, "403") {
			t.Errorf("the console has an error: %s", complaint)
		}
	}
}

// TestBrowserFindsNoFaultOfAccess runs axe-core, which finds faults that keep people from
// using a page, in the papers and sizes that there are.
func TestBrowserFindsNoFaultOfAccess(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	p := start(t, "")
	idleClients(t, p, 60)
	tab := xrayed(t, p)
	tab.eval(axe, nil)
	look := func(name string) {
		t.Helper()
		var faults []string
		tab.eval(`axe.run().then((result) => (result.passes.length > 5 ? [] : [{impact: "serious", id: "axe", help: "it has not looked", nodes: []}]).concat(result.violations).filter((v) => v.impact === "serious" || v.impact === "critical")
			.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary).join("; ")))`, &faults)
		for _, fault := range faults {
			t.Errorf("%s: %s", name, fault)
		}
	}
	for _, view := range []struct {
		name, paper   string
		width, height int
	}{{"light", "light", 1440, 900}, {"dark", "dark", 1440, 900}, {"small", "light", 390, 844}, {"small and dark", "dark", 390, 844}} {
		tab.size(view.width, view.height, view.paper, "no-preference")
		tab.until("it is drawn", `past.drawn === minute.last`)
		look(view.name)
		tab.eval(`pauseAt(minute.last)`, nil)
		look(view.name + ", paused")
		tab.eval(`byId("share").showModal()`, nil)
		look(view.name + ", sharing")
		tab.eval(`byId("share").close(), byId("keys").showModal()`, nil)
		look(view.name + ", keys")
		tab.eval(`byId("keys").close(), resume()`, nil)
	}
	tab.quiet()
}

// axeCore returns the script of axe-core, by npm. Without it the test is skipped.
func axeCore(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed, which brings axe-core")
	}
	folder := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // without a network it tries for long
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, "axe-core@4.14.1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm does not bring axe-core, for which it needs a network: %v: %.300s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(folder, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script) + "; true"
}
