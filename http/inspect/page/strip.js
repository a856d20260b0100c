"use strict";
// The connections that have no lane: a row of one pixel each, by age.

// STRIP is how many rows there are at most. Of more connections several share a row, and
// the strip is shorter, because then it shows shares and no longer each of them.
const STRIP = 1000, SHORT_STRIP = 400;

// restOf returns what the connections without a lane are doing, as run lengths
// [activity, how many]: first the rows of the frame that are no lanes, then its strip.
function restOf(frame) {
	const runs = [], r = frame.rows;
	const put = (activity, n) => {
		const last = runs[runs.length - 1];
		if (last && last[0] === activity) last[1] += n; else runs.push([activity, n]);
	};
	for (let at = 0; at < r.length; at += ROW) {
		if (tab >= 0 && r[at + LOOP] !== tab || r[at + FLAGS] & LEFTOUT) continue;
		if (!laneOf.has(keyOf(r[at + LOOP], r[at + CONN]))) put(r[at + ACTIVITY], 1);
	}
	if (tab < 0) for (const [activity, n] of frame.strip) put(activity, n);
	return runs;
}

let stripRows = 0, stripEach = 1; // rows of the strip, and connections in each

// showRest sizes the strip and says how many are in it.
function showRest(frame) {
	const rest = restOf(frame).reduce((n, run) => n + run[1], 0);
	const open = sum(frame, tab, frame.g, G.open);
	const each = rest > STRIP ? Math.ceil(rest / SHORT_STRIP) : 1, tall = Math.ceil(rest / each);
	byId("rest").hidden = rest === 0;
	byId("strip").hidden = narrow.matches;
	// The strip keeps its height while a few come and go.
	if (tall > stripRows || tall < stripRows * 0.8 - 8 || each !== stripEach) {
		stripRows = Math.min(STRIP, Math.ceil(tall / 16) * 16);
		stripEach = each;
		byId("strip").style.height = stripRows + "px";
		strip.fit();
	}
	set(byId("restText"), count(rest) + " more, by age" + (each > 1 ? ", " + count(each) + " in a line" : ""));
	const shown = lanes.filter((lane) => lane.at >= 0 && !isYou(lane.loop, lane.id)).length;
	const rows = !narrow.matches && (frame.strip.length || frame.more) ? rowsOf(frame) : shown;
	set(byId("shown"), open > rows ? count(rows) + " of " + count(open) + " shown" + (rest && !narrow.matches ? ", the others as a strip" : "") : "");
}

// How much of twelve columns each activity inks, since a row of one pixel has no room for
// a texture of its own.
const inked = [(n) => n % 6 === 0, (n) => n % 4 !== 3, () => true, (n) => n % 2 === 0, (n) => n % 3 === 0];

function paintStrip(ink, x, w, frame) {
	if (frame.gap) return paintGap(ink, x, w);
	const s = ink.scale;
	let from = 0;
	for (const [activity, n] of restOf(frame)) {
		const y = from / stripEach, h = n / stripEach;
		from += n;
		if (!inked[activity] || !inked[activity](frame.seq)) continue;
		ink.fillStyle = paint.activity[activity];
		ink.fillRect(x, y * s, w, Math.max(h * s, s));
	}
}
