"use strict";
// Time: what is shown of the kept minute, and the keys.

const minute = new Minute();
let paused = false; // the picture stands; frames that come meanwhile are left out
let cursor = -1;    // the frame that is shown while it stands
let shared = false; // what is shown is a recording

// shownFrame returns the frame that is shown, or undefined before the first.
const shownFrame = () => minute.at(paused ? cursor : minute.last);

let pastMissing = false, pastAt = 0;

// Canvases: the lanes, the strip, the axis, and what belongs to the moment.
let past, strip, axis, ends;

// begin makes all that depends on the words of the stream.
function begin() {
	minute.clear();
	lanes = [];
	laneOf = new Map();
	selected = null;
	tab = -1;
	paused = false;
	stripRows = 0;
	toldLevel = "";
	toldAt = verdictAt = -Infinity;
	byId("tabs").replaceChildren();
	mix();
	makeRing();
	makeSparks();
	makeLegend();
	makeTries();
	measure();
	document.body.classList.remove("waiting");
	byId("pause").disabled = byId("scrub").disabled = false;
	showPlayer();
}

const scrolls = () => [past, strip, axis, ...sparks.map((spark) => spark.scroll)].filter(Boolean);

// measure fits the canvases to their places.
function measure() {
	const head = byId("rows").tHead.rows[0].cells, box = byId("lanes").getBoundingClientRect();
	const time = head[4].getBoundingClientRect();
	const seats = maxLanes();
	for (const id of ["history", "strip"]) {
		byId(id).style.left = time.left - box.left + "px";
		byId(id).style.width = time.width + "px";
	}
	byId("strip").style.marginLeft = time.left - box.left + "px";
	byId("history").style.top = byId("ends").style.top = time.bottom - box.top + "px";
	byId("history").style.height = byId("ends").style.height = Math.min(seats, Math.max(1, lanes.length)) * LANE + "px";
	ends.due = head[5].getBoundingClientRect().width;
	ends.bar = head[6].getBoundingClientRect().width;
	byId("ends").style.left = time.right - box.left + "px";
	byId("ends").style.width = ends.due + ends.bar + "px";
	ends.fit();
	for (const scroll of scrolls()) scroll.fit();
}

// showNew draws what has come since the last drawing. What costs more than a column is
// spread over the tenths of a second, and figures change twice a second.
function showNew() {
	const frame = shownFrame();
	if (!frame || paused || document.hidden) return;
	const now = performance.now(), beat = frame.seq % 5;
	if (calm.matches && frame.seq % 10) return;
	showVerdict(frame, now);
	lay(frame, false);
	for (const scroll of scrolls()) scroll.show(minute, frame.seq);
	paintEnds(frame);
	const before = secondOf(minute, frame), all = calm.matches || frame.seq < 3;
	if (all || beat === 0) { showRows(frame); showEmpty(frame); }
	if (all || beat === 1) { showSums(frame, before); showTabs(frame); showLegend(frame); }
	if (all || frame.seq % 10 === 2) showStory(frame);
	if (all || beat === 3) { showRing(frame, before); showSparks(frame, before); showRest(frame); }
	if (all || frame.seq % 10 === 4) { showOverview(); showAbout(frame); }
}

// lay gives connections their lanes, and clears those that begin anew.
function lay(frame, afresh) {
	const count = lanes.length, changed = settleLanes(frame, afresh);
	if (lanes.length !== count) measure();
	// A lane that begins anew has its past drawn within three seconds, since that is all
	// lanes drawn anew.
	if (changed.length) pastMissing = true;
	if (changed === "all" || afresh || (pastMissing && frame.seq - pastAt > 30)) {
		past.stale = true;
		pastMissing = false;
		pastAt = frame.seq;
	} else for (const i of changed) past.ink.clearRect(0, Math.round(i * LANE * past.ink.scale), past.canvas.width, Math.round(LANE * past.ink.scale));
	if (changed === "all" || changed.length) showRows(frame);
}

// showAll draws everything anew, for what a person did.
function showAll() {
	const frame = shownFrame();
	if (!frame) return;
	verdictAt = -Infinity;
	showVerdict(frame, performance.now());
	lay(frame, paused);
	measure();
	for (const scroll of scrolls()) {
		scroll.stale = true;
		scroll.show(minute, minute.last);
	}
	paintEnds(frame);
	const before = secondOf(minute, frame);
	showRows(frame);
	showEmpty(frame);
	showSums(frame, before);
	showTabs(frame);
	showLegend(frame);
	showStory(frame);
	showRing(frame, before);
	showSparks(frame, before);
	showRest(frame);
	showOverview();
	showAbout(frame);
	byId("scope").hidden = !paused;
	if (paused) showScope(frame);
	showPlayer();
}

// showEmpty says what to do when there is no connection but one's own.
function showEmpty(frame) {
	// A browser keeps a connection or two beside that of the stream.
	const open = sum(frame, -1, frame.g, G.open), before = secondOf(minute, frame);
	const empty = open === 0 || (open < 3 && open === sum(frame, -1, frame.g, G.idle) && before !== null && rate(frame, before, -1, C.requests) === 0);
	byId("empty").hidden = !empty;
	if (empty && !byId("emptyHint").childNodes.length) {
		const first = hello.try[0];
		if (first) byId("emptyHint").append("Press ", make("button", { type: "button", onclick: () => press(first) }, first.name), " and watch them come.");
		else byId("emptyHint").append("Open this server's start page in another tab, or have wrk ask it.");
	}
}

// showAbout says what the figures are about.
function showAbout(frame) {
	const parts = frame.c.length > 1 ? [] : frame.held.map((held) => "The loop has not answered for " + span(held[1]));
	if (hello.you) parts.push("You are connection " + connName(...hello.you) + ", left out of all figures");
	if (frame.skip) parts.push(plural(frame.skip, "frame") + " skipped, because this browser was slow");
	if (hello.watchers > 1) parts.push(hello.watchers + " are watching");
	set(byId("about"), parts.length ? parts.join(". ") + "." : "");
	const foot = [hello.version && "bobbin " + hello.version, hello.kernel, hello.loops > 1 ? hello.loops + " loops" : "one loop", hello.conns && "at most " + count(hello.conns) + " connections on each"];
	set(byId("foot"), foot.filter(Boolean).join(" · "));
}

// pauseAt stops the picture at a frame; resume lets it go on.
function pauseAt(seq) {
	if (minute.last < 0) return;
	paused = true;
	cursor = Math.min(minute.last, Math.max(minute.first, seq));
	showAll();
}

function resume() {
	paused = false;
	leftOut = true;
	if (renewed) {
		greet(renewed);
		renewed = null;
		begin();
	}
	document.body.classList.remove("paused");
	showAll();
	showPlayer();
}

function togglePause() {
	if (shared) return byId("bannerAct").click();
	if (paused) resume(); else pauseAt(minute.last);
}

// showPlayer shows where in the minute the picture stands.
function showPlayer() {
	const back = minute.last - cursor, frame = shownFrame(), newest = minute.at(minute.last);
	document.body.classList.toggle("paused", paused);
	set(byId("pause"), shared ? "Go live" : paused ? "Go on" : "Pause");
	const ago = paused && frame ? (newest.t - frame.t) / 1000 : 0;
	const text = !paused ? "live, the last minute" : (ago ? "−" + ago.toFixed(1) + " s · " : "") + clock(frame.w);
	set(byId("at"), text);
	byId("scrub").value = String(paused ? KEPT - 1 - back : KEPT - 1);
	byId("scrub").setAttribute("aria-valuetext", !paused ? "live" : ago.toFixed(1) + " seconds ago");
	const line = byId("cursor");
	line.hidden = !paused || !past.canvas.width;
	if (!line.hidden) {
		const x = past.xOf(cursor, minute.last) / past.ink.scale;
		line.hidden = x < 0;
		line.style.transform = "translateX(" + (parseFloat(byId("history").style.left) + x) + "px)";
	}
}

// showOverview draws the kept minute behind the slider: how busy the loops were, and
// where there was trouble.
function showOverview() {
	const canvas = byId("overview"), s = Math.min(2, devicePixelRatio || 1);
	const w = Math.round(canvas.clientWidth * s), h = Math.round(canvas.clientHeight * s);
	if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
	const ink = canvas.getContext("2d"), wide = w / KEPT;
	ink.clearRect(0, 0, w, h);
	ink.fillStyle = paint.line;
	ink.fillRect(0, h - s, w, s);
	for (let seq = Math.max(1, minute.first + 1); seq <= minute.last; seq++) {
		const frame = minute.at(seq), before = minute.at(seq - 1), x = w - (minute.last - seq + 1) * wide;
		if (frame.gap) { ink.fillStyle = paint.soft; ink.fillRect(x, 0, s, h); continue; }
		const ring = phaseShares(frame, before, tab), busy = ring.all ? 1 - ring.shares[0] : 0;
		const tall = Math.max(s, busy * (h - 2 * s));
		ink.fillStyle = frame.troubles.length ? paint.thread : paint.wood;
		ink.fillRect(x, h - tall, Math.ceil(wide), tall);
		if (frame.troubles.length) ink.fillRect(x, 0, Math.ceil(wide), 3 * s);
	}
}

// onKey handles the keys of the page, outside of fields and dialogs.
function onKey(event) {
	const on = event.target, scrubbing = on === byId("scrub");
	if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
	if (/^(INPUT|TEXTAREA|SELECT)$/.test(on.tagName) && !scrubbing) return;
	const onControl = on.closest("button, a, summary"), onRow = on.closest("#rows");
	const by = event.shiftKey ? 10 : 1, at = paused ? cursor : minute.last;
	const keys = {
		" ": () => togglePause(),
		ArrowLeft: () => pauseAt(at - by), ArrowRight: () => pauseAt(at + by),
		Home: () => pauseAt(minute.first), End: () => pauseAt(minute.last),
		ArrowUp: () => scrubbing ? pauseAt(at + by) : step(-1), ArrowDown: () => scrubbing ? pauseAt(at - by) : step(1),
		Enter: () => { const lane = lanes[laneOf.get(storyKey())]; if (lane) select(lane.loop, lane.id, true); },
		"?": () => byId("keys").showModal(),
	};
	if (!keys[event.key] || (onControl && event.key === " ")) return;
	if (onControl && event.key === "Enter" && !onRow) return;
	if (/^Arrow(Up|Down)$/.test(event.key) && on.closest(".scroll")) return;
	event.preventDefault();
	keys[event.key]();
}

function makePlayer() {
	past = new Scroll(byId("history"), paintLanes);
	past.paintAll = paintAllLanes;
	strip = new Scroll(byId("strip"), paintStrip);
	axis = new Scroll(byId("axis"), paintAxis);
	ends = new Scroll(byId("ends"), () => {});
	byId("pause").onclick = togglePause;
	byId("scrub").oninput = () => pauseAt(minute.last - (KEPT - 1 - Number(byId("scrub").value)));
	byId("keysOpen").onclick = () => byId("keys").showModal();
	byId("storyUp").onclick = () => step(-1);
	byId("storyDown").onclick = () => step(1);
	addEventListener("keydown", onKey);
	let resizing = 0, width = 0;
	new ResizeObserver(([entry]) => {
		if (entry.contentRect.width === width) return; // lanes come and go, which is drawn already
		width = entry.contentRect.width;
		cancelAnimationFrame(resizing);
		resizing = requestAnimationFrame(showAll);
	}).observe(byId("conns"));
	for (const query of [calm, narrow, matchMedia("(prefers-color-scheme: dark)")]) query.addEventListener("change", () => { mix(); showAll(); });
}
