"use strict";
// The connections that matter most, a lane each; the others in a strip.

const LANES = 40, NARROW_LANES = 5, LANE = 18; // LANE in CSS pixels, as in xray.css

const keyOf = (loop, id) => loop * 4294967296 + id;

// A lane is {loop, id, key, at, goneAt}: at is the offset of its row in the frame that is
// shown, -1 if it is in none; goneAt the frame since which it is not.
let lanes = [];
let laneOf = new Map(); // by key
let selected = null;    // key of the connection whose story is told, null for the first lane

const maxLanes = () => narrow.matches ? NARROW_LANES : LANES;

// urgent says that a row is worth a lane at once. What is owed for a moment is not.
function urgent(frame, at, troubled) {
	const r = frame.rows;
	return (r[at + FLAGS] & (YOU | FULL | PAUSED)) !== 0 || r[at + OWED] > hello.highWater / 4 || troubled.has(keyOf(r[at + LOOP], r[at + CONN]));
}

// settleLanes gives the rows of a frame their lanes. A connection keeps its lane while it
// is in the rows, so that eyes can follow it; one that matters more takes the lane of one
// that matters least. It reports the lanes whose picture begins anew, or "all".
function settleLanes(frame, afresh) {
	const r = frame.rows, seats = maxLanes();
	const troubled = new Set(frame.troubles.filter((t) => t[3]).map((t) => keyOf(t[2], t[3])));
	const rows = new Map();
	const wanted = [];
	for (let at = 0; at < r.length; at += ROW) {
		if (tab >= 0 && r[at + LOOP] !== tab) continue;
		if (r[at + FLAGS] & LEFTOUT && !(r[at + FLAGS] & YOU)) continue;
		const key = keyOf(r[at + LOOP], r[at + CONN]);
		rows.set(key, at);
		if (wanted.length < seats || r[at + FLAGS] & YOU) wanted.push(at);
	}
	if (afresh) lanes = [];
	const before = lanes.map((lane) => lane.key).join();
	for (const lane of lanes) {
		lane.at = rows.has(lane.key) ? rows.get(lane.key) : -1;
		if (lane.at >= 0) lane.goneAt = -1; else if (lane.goneAt < 0) lane.goneAt = frame.seq;
	}
	lanes = lanes.filter((lane) => lane.at >= 0 || frame.seq - lane.goneAt < 20 || lane.key === selected);
	const kept = new Set(wanted.map((at) => keyOf(r[at + LOOP], r[at + CONN])));
	for (const at of wanted) {
		const loop = r[at + LOOP], id = r[at + CONN], key = keyOf(loop, id);
		if (lanes.some((lane) => lane.key === key)) continue;
		const lane = { loop, id, key, at, goneAt: -1, since: frame.seq };
		if (lanes.length < seats) { lanes.push(lane); continue; }
		const spare = spareLane(kept, urgent(frame, at, troubled));
		if (spare >= 0) lanes[spare] = lane;
	}
	// Yours first, then those in trouble; the others stay where they are.
	const rank = (lane) => isYou(lane.loop, lane.id) ? 0 : troubled.has(lane.key) ? 1 : 2;
	lanes = lanes.map((lane, i) => [rank(lane), i, lane]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((entry) => entry[2]).slice(0, seats);
	for (const lane of lanes) lane.troubled = troubled.has(lane.key);
	laneOf = new Map(lanes.map((lane, i) => [lane.key, i]));
	return changedLanes(before, lanes);
}

// spareLane finds a lane that may be given to another connection: one whose own is gone,
// or, if the newcomer is urgent, one that is not among those wanted.
function spareLane(kept, pressing) {
	const gone = lanes.findIndex((lane) => lane.at < 0 && lane.key !== selected);
	if (gone >= 0 || !pressing) return gone;
	for (let i = lanes.length - 1; i >= 0; i--) {
		if (!kept.has(lanes[i].key) && lanes[i].key !== selected) return i;
	}
	return -1;
}

// changedLanes compares the order of lanes with the one before.
function changedLanes(before, lanes) {
	const was = before ? before.split(",").map(Number) : [], changed = [];
	for (let i = 0; i < lanes.length; i++) {
		if (lanes[i].key === was[i]) continue;
		if (was.includes(lanes[i].key)) return "all"; // it has moved, and its past with it
		changed.push(i);
	}
	for (let i = lanes.length; i < was.length; i++) changed.push(i);
	return changed;
}

// paintLanes draws one column: for each lane what its connection was doing, and below it
// how many requests were answered in that tenth of a second.
function paintLanes(ink, x, w, frame, shift) {
	if (frame.gap) paintGap(ink, x, w);
	const r = frame.rows, before = minute.at(frame.seq - 1);
	for (let at = 0; at < r.length; at += ROW) {
		const i = laneOf.get(keyOf(r[at + LOOP], r[at + CONN]));
		if (i === undefined) continue;
		const y = Math.round(i * LANE * ink.scale);
		paintDoing(ink, x, w, y, r[at + ACTIVITY], r[at + STREAMS], shift);
		if (before && !frame.gap) paintAnswered(ink, x, w, y, heightOf(r[at + REQUESTS] - requestsBefore(before, at, r[at + LOOP], r[at + CONN])));
	}
}

// paintDoing fills the upper ten pixels of a lane with the texture of an activity. Requests that
// overlap are drawn below each other, each in its place.
function paintDoing(ink, x, w, y, activity, streams, shift) {
	const s = ink.scale;
	if (overlaps(streams)) {
		openOf(streams).forEach((activity, place) => {
			const top = y + (1 + 3 * place) * s;
			if (activity < 0) return;
			ink.fillStyle = texture(ink, activity, shift, top);
			ink.fillRect(x, top, w, 2 * s);
		});
		return;
	}
	ink.fillStyle = texture(ink, activity, shift, y);
	ink.fillRect(x, y + 1 * s, w, (activity ? 10 : 7) * s);
}

// heightOf is the height of the bar for so many requests, on a logarithmic scale.
const heightOf = (answered) => answered > 0 ? Math.min(5, 1 + Math.round(Math.log10(answered) * 2)) : 0;

function paintAnswered(ink, x, w, y, high) {
	if (!high) return;
	ink.fillStyle = paint.ink;
	ink.fillRect(x, y + (17 - high) * ink.scale, w, high * ink.scale);
}

// paintAllLanes draws the kept minute. Columns of a lane that look alike are drawn as one,
// which is quicker by an order of magnitude.
function paintAllLanes(scroll, minute, newest) {
	const ink = scroll.ink, w = scroll.wide, runs = lanes.map(() => ({ activity: -1, streams: 0, high: 0, from: 0, to: 0, requests: Infinity, shift: 0 }));
	const end = (run, i) => {
		const y = Math.round(i * LANE * ink.scale);
		if (run.activity < 0) return;
		paintDoing(ink, run.from, run.to - run.from, y, run.activity, run.streams, run.shift);
		paintAnswered(ink, run.from, run.to - run.from, y, run.high);
	};
	for (let seq = Math.max(minute.first, newest - scroll.columns + 1); seq <= newest; seq++) {
		const frame = minute.at(seq), r = frame.rows, x = scroll.xOf(seq, newest);
		if (frame.gap) paintGap(ink, x, w);
		for (let at = 0; at < r.length; at += ROW) {
			const i = laneOf.get(keyOf(r[at + LOOP], r[at + CONN]));
			if (i === undefined) continue;
			const run = runs[i], high = frame.gap ? 0 : heightOf(r[at + REQUESTS] - run.requests);
			run.requests = r[at + REQUESTS];
			if (run.activity === r[at + ACTIVITY] && run.streams === r[at + STREAMS] && run.high === high && run.to === x) { run.to = x + w; continue; }
			end(run, i);
			Object.assign(run, { activity: r[at + ACTIVITY], streams: r[at + STREAMS], high, from: x, to: x + w, shift: x - seq * w });
		}
	}
	runs.forEach(end);
}

// requestsBefore returns how many requests a connection had had in the frame before. Rows
// seldom move far, so it looks near the same place first.
function requestsBefore(before, at, loop, id) {
	const r = before.rows;
	if (r[at + CONN] === id && r[at + LOOP] === loop) return r[at + REQUESTS];
	const found = rowOf(before, loop, id);
	return found < 0 ? Infinity : r[found + REQUESTS];
}

// paintEnds draws what belongs to the moment: the hollow mark of a deadline that nears,
// and the bar of what is owed with the high-water mark on it.
function paintEnds(frame) {
	const canvas = byId("ends"), ink = ends.ink, s = ink.scale;
	ink.clearRect(0, 0, canvas.width, canvas.height);
	const due = ends.due * s, bar = ends.bar * s, gap = 8 * s;
	for (let i = 0; i < lanes.length; i++) {
		const at = lanes[i].at, y = (i * LANE + LANE / 2) * s;
		ink.fillStyle = paint.line;
		if (due) ink.fillRect(gap, y, due - 2 * gap, s);
		if (bar) ink.fillRect(due + (bar - gap) / 2, y - 6 * s, s, 12 * s);
		if (at < 0) continue;
		if (due && frame.rows[at + DUE] >= 0) {
			const near = Math.min(1, Math.max(0, Math.log10(frame.rows[at + DUE] / 100) / 2.8)); // 0.1 s to a minute
			diamond(ink, gap + 4 * s + near * (due - 2 * gap - 8 * s), y, 4 * s);
		}
		if (bar) paintOwed(ink, due, y, bar - gap, frame.rows[at + OWED]);
	}
}

function diamond(ink, x, y, r) {
	ink.strokeStyle = paint.ink;
	ink.fillStyle = paint.paper;
	ink.lineWidth = Math.max(1, 1.25 * ink.scale);
	ink.beginPath();
	for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) ink.lineTo(x + dx, y + dy);
	ink.closePath();
	ink.fill();
	ink.stroke();
}

// paintOwed draws a bar whose middle is the high-water mark; beyond twice that it ends in
// an arrow.
function paintOwed(ink, x, y, wide, owed) {
	if (!(owed > 0)) return;
	const s = ink.scale, part = owed / (2 * hello.highWater), length = Math.max(2 * s, Math.min(1, part) * wide);
	ink.fillStyle = paint.activity[3];
	ink.fillRect(x, y - 3 * s, part > 1 ? length - 4 * s : length, 6 * s);
	if (part > 1) {
		ink.beginPath();
		ink.moveTo(x + wide - 4 * s, y - 5 * s);
		ink.lineTo(x + wide, y);
		ink.lineTo(x + wide - 4 * s, y + 5 * s);
		ink.fill();
	}
	ink.fillStyle = paint.ink; // the mark, over the bar
	ink.fillRect(x + wide / 2, y - 6 * s, Math.max(1, 1.5 * s), 12 * s);
}

// showRows writes the table beside the canvas: the same rows, in words.
function showRows(frame) {
	const body = byId("rows").tBodies[0];
	while (body.rows.length > lanes.length) body.lastChild.remove();
	while (body.rows.length < lanes.length) body.append(makeRow());
	lanes.forEach((lane, i) => showRow(body.rows[i], lane, frame, i));
}

function makeRow() {
	const row = make("tr", {}, make("th", { scope: "row" }, make("button", { type: "button" })));
	for (const name of ["doing", "route", "n", "time", "due", "bar", "n owed"]) row.append(make("td", { class: name }));
	row.cells[1].append(make("i", {}), make("span", {}));
	row.cells[4].append(make("span", { class: "hide" }));
	row.cells[5].append(make("span", { class: "hide" }));
	row.onclick = () => select(row.lane.loop, row.lane.id);
	return row;
}

function showRow(row, lane, frame, i) {
	const r = frame.rows, at = lane.at, there = at >= 0, you = isYou(lane.loop, lane.id);
	row.lane = lane;
	row.className = (you ? "you " : "") + (lane.troubled ? "troubled " : "") + (there ? "" : "gone ") + (lane.key === storyKey() ? "told" : "");
	const button = row.cells[0].firstChild;
	set(button, connName(lane.loop, lane.id) + (you ? " you" : ""));
	button.tabIndex = lane.key === storyKey() || (i === 0 && !laneOf.has(storyKey())) ? 0 : -1;
	button.setAttribute("aria-pressed", String(lane.key === storyKey()));
	row.cells[1].firstChild.className = there ? "swatch a" + r[at + ACTIVITY] : "swatch";
	set(row.cells[1].lastChild, there ? activityName(r[at + ACTIVITY]) : "ended");
	set(row.cells[2], there && r[at + ROUTE] > 0 ? hello.routes[r[at + ROUTE]] || "" : "");
	set(row.cells[3], there ? count(Math.max(0, r[at + REQUESTS])) : "");
	set(row.cells[4].firstChild, there ? "for " + span(Math.max(0, r[at + SINCE])) : "");
	set(row.cells[5].firstChild, there && r[at + DUE] >= 0 ? span(r[at + DUE]) : "");
	set(row.cells[7], there && r[at + OWED] > 0 ? bytes(r[at + OWED]) : "");
}

const activityName = (a) => hello.activities[a] ? hello.activities[a].text ? hello.activities[a].id : "" : "";

// makeLegend explains colours and textures, and counts the connections of each.
function makeLegend() {
	const items = hello.activities.map((a, i) => make("li", { title: a.text }, make("i", { class: "swatch a" + i }), a.id + " ", make("b", {}, "")));
	items.push(make("li", { class: "aside" }, make("i", { class: "swatch tick" }), "requests"), make("li", { class: "aside far" }, "◇ deadline"), make("li", { class: "aside far" }, make("i", { class: "swatch mark" }), "high-water mark"));
	byId("legend").replaceChildren(...items);
}

function showLegend(frame) {
	hello.activities.forEach((_, i) => set(byId("legend").children[i].lastChild, count(sum(frame, tab, frame.g, G.idle + i))));
}
