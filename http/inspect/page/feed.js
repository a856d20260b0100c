"use strict";
// The stream, its states, and the buttons that make clients. The page begins here.

const base = location.pathname.replace(/\/+$/, "");
let source = null;    // the EventSource, null while there is none
let lastAt = 0;       // when the last frame came, by performance.now
let leftOut = false;  // frames were left out before the next one
let away = "";        // why, if the page knows
let waiting = 0;      // the timer until the next try
let pendingDraw = 0;
let renewed = null;   // the words of another server than that of the minute that stands

function setFeed(state, text) {
	document.body.dataset.feed = state;
	set(byId("feedText"), text);
}

function showBanner(text, act, run) {
	set(byId("bannerText"), text);
	byId("banner").hidden = false;
	byId("bannerAct").hidden = !act;
	set(byId("bannerAct"), act || "");
	byId("bannerAct").onclick = run || null;
}

function hideBanner() { byId("banner").hidden = true; }

// connect opens the feed, unless the tab is hidden.
function connect() {
	clearTimeout(waiting);
	if (document.hidden || shared) return;
	disconnect();
	setFeed("connecting", minute.last < 0 ? "connecting" : "reconnecting");
	source = new EventSource(base + "/stream");
	source.addEventListener("hello", (event) => onHello(JSON.parse(event.data)));
	source.addEventListener("frame", (event) => onFrame(event.data));
	source.addEventListener("bye", (event) => { showBanner(event.data); away = "while the server was away"; });
	source.onerror = onLost;
}

function disconnect() {
	clearTimeout(waiting);
	if (source) source.close();
	source = null;
}

// onHello takes the words over. A page that was there before goes on in its minute if the
// server is the same one.
function onHello(words) {
	if (words.schema !== 1) {
		disconnect();
		setFeed("refused", "not connected");
		return showBanner("This page is older or newer than its server. Load it again.", "Load it again", () => location.reload());
	}
	const same = hello.started === words.started && minute.last >= 0 && hello.loops === words.loops;
	if (paused && !same) { // what is looked at stays
		renewed = words;
		lastAt = performance.now();
		return setFeed("live", "live");
	}
	const was = hello.you;
	greet(words);
	hideBanner();
	if (!same) begin(); else { makeTries(); leftOut = true; }
	if (was && same) showAll();
	lastAt = performance.now();
	setFeed("live", "live");
}

function onFrame(data) {
	lastAt = performance.now();
	if (document.body.dataset.feed !== "live") setFeed("live", "live");
	if (paused) { leftOut = true; away = "paused"; return; }
	const frame = JSON.parse(data);
	minute.add(frame, leftOut ? away || "left out" : "");
	leftOut = false;
	away = "";
	if (!pendingDraw) pendingDraw = requestAnimationFrame(() => { pendingDraw = 0; showNew(); });
}

// onLost says that the feed is gone. The browser tries again by itself, unless it was
// refused: then the server is asked why, since an EventSource does not tell.
function onLost() {
	leftOut = true;
	away ||= "without a connection";
	setFeed("lost", "reconnecting");
	if (!source || source.readyState !== EventSource.CLOSED) return;
	disconnect();
	askWhy();
}

async function askWhy() {
	const stop = new AbortController();
	let why = "";
	try {
		const answer = await fetch(base + "/stream", { signal: stop.signal, headers: { Accept: "text/event-stream" }, cache: "no-store" });
		if (!answer.ok) {
			why = (await answer.text()).trim().slice(0, 500) || "The server answers " + answer.status + ".";
			setFeed("refused", "not connected");
			if (minute.last < 0) set(byId("verdictWords"), "Not connected");
			showBanner(why);
		}
	} catch { /* it is not there at all: the age in the header says so */ }
	stop.abort();
	if (!shared) waiting = setTimeout(connect, why ? 5000 : 1000);
}

// watchAge greys the page when frames stay out, with the age of what is seen.
function watchAge() {
	const age = performance.now() - lastAt, state = document.body.dataset.feed;
	if (shared || minute.last < 0 || state === "refused") return;
	if (state === "live" && age > 1500) setFeed("late", "no frame");
	const now = document.body.dataset.feed;
	if (now === "late") set(byId("feedText"), "no frame for " + span(Math.round(age / 100) * 100) + ": the loop is held, or the way to it");
	if (now === "lost" || now === "connecting") set(byId("feedText"), "reconnecting, last frame " + span(Math.round(age / 100) * 100) + " ago");
}

function onVisible() {
	if (shared) return;
	if (document.hidden) {
		disconnect();
		leftOut = true;
		away = "while this tab was hidden";
	} else if (!source) {
		connect();
	}
}

// makeTries makes a button for each of the server's clients.
function makeTries() {
	byId("emptyHint").replaceChildren();
	const tries = hello.try || [];
	byId("tries").replaceChildren(...tries.map((one) => make("li", {}, make("button", { type: "button", onclick: () => press(one), "aria-describedby": "try-" + one.id }, one.name), make("span", { id: "try-" + one.id }, one.text))));
	if (!tries.length) byId("tries").replaceChildren(make("li", { class: "soft" }, shared ? "A recording has no server to try." : "The buttons are for a browser on the server's own machine."));
}

// press has the server start one of its clients, and shows its answer.
async function press(one) {
	const told = byId("tryTold");
	told.className = "";
	set(told, "…");
	try {
		const answer = await fetch(base + "/try", { method: "POST", body: new URLSearchParams({ what: one.id, token: hello.token || "" }), cache: "no-store" });
		const text = (await answer.text()).trim().slice(0, 500);
		told.className = answer.ok ? "yes" : "no";
		set(told, text || (answer.ok ? "It has begun." : "The server answers " + answer.status + "."));
	} catch {
		told.className = "no";
		set(told, "The server could not be reached.");
	}
}

document.body.classList.add("waiting");
mix();
makePlayer();
makeScope();
makeShare();
setInterval(watchAge, 500);
document.addEventListener("visibilitychange", onVisible);
if (location.hash.length > 1) openShared(location.hash.slice(1), "link"); else connect();
