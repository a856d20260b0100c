"use strict";
// One connection in sentences, made from its rows and records over the kept minute.

let offered = null; // the connection whose story is told while none is chosen

// storyKey returns the connection whose story is told: the one that was chosen, else one
// that is in trouble, else the first lane that is not yours; and that one for as long as
// it has a lane, so that its story can be read to the end.
function storyKey() {
	if (selected !== null) return selected;
	const now = lanes[laneOf.get(offered)], worse = lanes.find((lane) => lane.troubled);
	if (!now || now.at < 0 || isYou(now.loop, now.id) || (worse && !now.troubled)) {
		const lane = worse || lanes.find((lane) => lane.at >= 0 && !isYou(lane.loop, lane.id)) || lanes[0];
		offered = lane ? lane.key : null;
	}
	return offered;
}

// select chooses a connection; go moves the focus to its story.
function select(loop, id, go) {
	selected = keyOf(loop, id);
	showAll();
	if (go) byId("storyText").focus();
}

// step chooses the lane above or below.
function step(by) {
	if (!lanes.length) return;
	const now = laneOf.has(storyKey()) ? laneOf.get(storyKey()) : -by;
	const lane = lanes[Math.min(lanes.length - 1, Math.max(0, now + by))];
	const onButton = document.activeElement && document.activeElement.closest("#rows");
	select(lane.loop, lane.id);
	if (onButton) byId("rows").tBodies[0].rows[laneOf.get(lane.key)].querySelector("button").focus();
}

// lifeOf collects what the kept minute knows of a connection, up to a frame.
function lifeOf(loop, id, upto) {
	const life = { loop, id, row: null, rowAt: null, first: null, requests: 0, times: hello.activities.map(() => 0), records: [], ended: null, stints: [] };
	let seen = 0, last = null;
	for (let seq = minute.first; seq <= upto.seq; seq++) {
		const frame = minute.at(seq), at = rowOf(frame, loop, id);
		if (at >= 0) {
			const r = frame.rows.subarray(at, at + ROW);
			if (!life.first) life.first = { frame, row: r };
			const ms = last && !frame.gap ? frame.t - last.t : 0;
			if (life.times[r[ACTIVITY]] !== undefined) life.times[r[ACTIVITY]] += ms;
			if (life.row) life.requests += Math.max(0, r[REQUESTS] - life.row[REQUESTS]);
			life.row = r;
			life.rowAt = frame;
			seen = seq;
		}
		last = frame;
		recordsOf(frame, loop, id, life);
	}
	life.gone = !life.row || seen !== upto.seq;
	return life;
}

// recordsOf adds a frame's records of a connection, the newest 200 of all.
function recordsOf(frame, loop, id, life) {
	for (let at = 0; at < frame.rec.length; at += REC) {
		if (frame.rec[at + 3] !== id || frame.rec[at + 2] !== loop) continue;
		const record = { when: frame.t - frame.rec[at] / 1000, kind: frame.rec[at + 1], request: frame.rec[at + 4], figure: frame.rec[at + 5] };
		if (isClosing(record.kind)) life.ended = record;
		if (record.kind === kind.accepted) life.accepted = record.when;
		life.records.push(record);
		if (life.records.length > 200) life.records.shift();
	}
}

// tellLife writes the sentences.
function tellLife(life, frame) {
	const name = "Connection " + life.id + (hello.loops > 1 ? " on loop " + life.loop : "");
	if (!life.row && !life.records.length) return [name + " is not in the minute that is kept."];
	const said = [], row = life.row;
	if (isYou(life.loop, life.id)) said.push("This is you: the connection that brings this page its figures. It is left out of all of them, because watching is work.");
	const age = row && row[AGE] >= 0 ? row[AGE] + (frame.t - life.rowAt.t) : life.accepted !== undefined ? frame.t - life.accepted : -1;
	const secure = row && row[FLAGS] & TLS ? ", speaks over TLS" : "";
	if (age >= 0) said.push(name + " was accepted " + span(age) + " ago" + secure + ".");
	else said.push(name + " was accepted before the minute that is kept" + secure + ".");
	if (!row) return said.concat(ending(life, frame));
	if (row[REQUESTS] > 0) {
		const lately = life.requests && life.requests < row[REQUESTS] ? ", " + count(life.requests) + " of them in the last " + span(frame.t - life.first.frame.t) : "";
		said.push("It has had " + plural(row[REQUESTS], "request") + lately + ".");
	} else {
		said.push("It has had no answer yet.");
	}
	if (life.gone) return said.concat(ending(life, frame));
	const open = overlaps(row[STREAMS]);
	if (open) said.push("It has " + open + " requests " + (open === PLACES ? "or more " : "") + "at once, by HTTP/2.");
	said.push(doingNow(row));
	if (row[OWED] > 0) said.push(bytes(row[OWED]) + (row[OWED] < 2 ? " is" : " are") + " owed to it" + (row[FLAGS] & FULL ? ", above the high-water mark of " + bytes(hello.highWater) + ": the loop does not read from it until half of that is left." : "."));
	if (row[FLAGS] & PAUSED) said.push("The loop does not read from it at present.");
	if (row[DUE] >= 0) said.push("Its deadline is in " + span(row[DUE]) + ".");
	const trouble = frame.troubles.find((t) => t[2] === life.loop && t[3] === life.id);
	if (trouble && hello.troubles[trouble[0]]) said.push("It is in trouble: " + hello.troubles[trouble[0]].name + ".");
	return said;
}

const plural = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");

// doingNow is the sentence for each activity.
function doingNow(row) {
	const time = span(Math.max(0, row[SINCE])), route = hello.routes[row[ROUTE]];
	const word = hello.activities[row[ACTIVITY]];
	switch (row[ACTIVITY]) {
	case 0: return "It has been idle for " + time + ": nothing is under way.";
	case 1: return "Part of a request has been here for " + time + ", and the rest has yet to come.";
	case 2: return (route ? "A handler for " + route : "A handler") + " has had its request for " + time + ".";
	case 3: return "Its answer has been on its way for " + time + ", at the pace at which the peer takes it.";
	default: return "It has been " + (word ? word.id : "closing") + " for " + time + ".";
	}
}

// ending tells how it ended, if the records say so.
function ending(life, frame) {
	if (life.ended) return ["It ended " + span(Math.max(0, frame.t - life.ended.when)) + " ago: " + hello.kinds[life.ended.kind] + "."];
	return life.rowAt ? ["It was last seen " + span(frame.t - life.rowAt.t) + " ago."] : [];
}

// What the figure of a record counts, by the record's name.
const inBytes = /^(read|wrote|part of a message|no room to write|short write|back-pressure|head read|stream head read)/;
const inNanos = /^(wait|dispatch|run posted|run timers|flush|reap|callback|deadline|stall)$/;

// figureOf writes the figure of a record in its unit, "" where it says nothing.
function figureOf(k, figure) {
	const name = hello.kinds[k] || "";
	if (inBytes.test(name)) return bytes(figure);
	if (inNanos.test(name)) return nanos(figure);
	if (name === "state") return (hello.states[figure >> 8] || "?") + " → " + (hello.states[figure & 255] || "?");
	if (k === kind["handler ended"]) return hello.routes[figure] || "";
	if (name === "turn") return plural(figure, "event");
	if (/^done/.test(name)) return "status " + figure;
	if (name === "posted" || name === "timers") return count(figure);
	return "";
}

// showStory tells the story of the chosen connection.
function showStory(frame) {
	const key = storyKey();
	const box = byId("storyText");
	if (key === null) {
		set(box, "There is no connection to tell of.");
		byId("storyLines").replaceChildren();
		byId("storyBar").replaceChildren();
		return;
	}
	const lane = lanes[laneOf.get(key)] || { loop: Math.floor(key / 4294967296), id: key % 4294967296 };
	const life = lifeOf(lane.loop, lane.id, frame);
	set(box, tellLife(life, frame).join(" "));
	showTimes(life);
	showLines(life, frame);
}

// showTimes draws how the connection has spent the minute, as one bar.
function showTimes(life) {
	const all = life.times.reduce((a, b) => a + b, 0), bar = byId("storyBar");
	bar.hidden = all === 0;
	while (bar.children.length < life.times.length) bar.append(make("i", { class: "a" + bar.children.length }));
	life.times.forEach((ms, i) => {
		bar.children[i].style.flexGrow = all ? ms / all : 0;
		bar.children[i].hidden = ms === 0;
		bar.children[i].title = hello.activities[i].id + " " + percent(all ? ms / all : 0);
	});
}

// showLines lists its last records, the newest first.
function showLines(life, frame) {
	const list = byId("storyLines"), last = life.records.slice(-6).reverse();
	while (list.children.length > last.length) list.lastChild.remove();
	while (list.children.length < last.length) list.append(make("li", {}, make("time", {}), make("b", {}), make("span", {})));
	last.forEach((record, i) => {
		const [when, what, figure] = list.children[i].children;
		set(when, nanos(Math.max(0, Math.round((frame.t - record.when) * 1e3) * 1e3)).replace(/^0 ns/, "0 µs") + " ago");
		set(what, hello.kinds[record.kind] || "");
		set(figure, figureOf(record.kind, record.figure));
	});
}
