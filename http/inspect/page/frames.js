"use strict";
// The last minute: each frame of the stream as it came, its rows and records packed.

const KEPT = 600;    // frames: a minute of ten a second
const ROW = 12;      // numbers of a row, as below
const LOOP = 0, CONN = 1, ACTIVITY = 2, STATE = 3, REQUESTS = 4, OWED = 5, DUE = 6, SINCE = 7, ROUTE = 8, FLAGS = 9, AGE = 10, STREAMS = 11;
const PLACES = 4;    // of the requests of a connection that overlap, three bits each in STREAMS: 1 and the activity, 0 for none
const REC = 6;       // numbers of a record: µs before the frame's t, kind, loop, connection, request, figure

// What a frame's counters and gauges are, by their places.
const C = { turns: 0, events: 1, callbacks: 2, requests: 3, accepted: 4, closed: 5, failed: 6, refused: 7, read: 8, written: 9, notNow: 10, stalls: 11, wait: 12 };
const G = { open: 0, idle: 1, reading: 2, handling: 3, writing: 4, closing: 5, owed: 6, longest: 7, longestConn: 8, longestRoute: 9, late: 10, turn: 11, turnMax: 12, events: 13, eventsMax: 14, callback: 15 };

// pack puts arrays of numbers behind one another. What is no finite number becomes
// missing, because every drawing divides.
function pack(list, width, missing) {
	const packed = new Float64Array(list.length * width);
	for (let i = 0, at = 0; i < list.length; i++) {
		for (let j = 0; j < width; j++, at++) {
			const v = list[i][j];
			packed[at] = Number.isFinite(v) ? v : missing;
		}
	}
	return packed;
}

// A Minute keeps frames by their place in it, seq, which counts from 0 and never goes back.
class Minute {
	constructor() { this.clear(); }

	clear() {
		this.frames = new Array(KEPT);
		this.next = 0;
	}

	get first() { return Math.max(0, this.next - KEPT); }
	get last() { return this.next - 1; }

	// at returns a frame, or undefined if it is not kept.
	at(seq) { return seq >= this.first && seq < this.next ? this.frames[seq % KEPT] : undefined; }

	// add takes a frame of the stream. away says why frames before it are missing, if the
	// page knows.
	add(f, away) {
		const before = this.at(this.last);
		const frame = {
			seq: this.next, n: f.n, t: f.t, w: f.w, skip: f.skip || 0, lost: f.lost || 0, more: f.more || 0,
			level: f.v[0], words: f.v[1], troubles: f.tr || [], c: f.c, g: f.g, held: f.held || [],
			rows: pack(f.rows || [], ROW, -1), strip: f.strip || [], rec: pack(f.rec || [], REC, 0), gap: "",
		};
		if (before) frame.gap = missing(before, frame, f.gap || 0, away);
		this.frames[this.next % KEPT] = frame;
		this.next++;
		return frame;
	}
}

// missing says what breaks the axis of time between two frames, "" if nothing does.
function missing(before, frame, gap, away) {
	const passed = frame.t - before.t;
	const jump = (frame.w - before.w) - passed;
	if (Math.abs(jump) > 2000) return "clock " + (jump > 0 ? "put forward " : "put back ") + span(Math.abs(jump));
	if (gap > 0) return span(gap) + " not recorded";
	if (away && passed > 300) return span(passed) + " " + away;
	if (passed > 1000) return span(passed) + " without a frame";
	return "";
}

// countsOf returns how many rows a frame has.
const rowsOf = (frame) => frame.rows.length / ROW;

// rowOf returns the offset of a connection's row in a frame, or -1.
function rowOf(frame, loop, id) {
	for (let at = 0; at < frame.rows.length; at += ROW) {
		if (frame.rows[at + CONN] === id && frame.rows[at + LOOP] === loop) return at;
	}
	return -1;
}

// openOf returns what the requests of a row do that has several, in their places; -1 in those
// that are free.
const openOf = (streams) => Array.from({ length: streams > 0 ? PLACES : 0 }, (_, place) => (streams >> 3 * place & 7) - 1);

// overlaps returns how many requests a row has at once: 0 if there is one, or none.
function overlaps(streams) {
	const open = openOf(streams).filter((activity) => activity >= 0).length;
	return open > 1 ? open : 0;
}

// loops returns the numbers of the loops that a tab stands for: all of them for -1.
const chosen = (frame, tab) => tab >= 0 && tab < frame.c.length ? [tab] : frame.c.map((_, i) => i);

const numberOr0 = (v) => Number.isFinite(v) ? v : 0;
const sum = (frame, tab, list, place) => chosen(frame, tab).reduce((n, i) => n + numberOr0(list[i][place]), 0);
const most = (frame, tab, list, place) => chosen(frame, tab).reduce((n, i) => Math.max(n, numberOr0(list[i][place])), 0);

// secondOf returns the frame about a second before a frame, or an earlier one near it;
// null if there is none. Counters are absolute, so frames that are missing do no harm.
function secondOf(minute, frame) {
	let found = null;
	for (let seq = frame.seq - 1, later = frame; seq >= minute.first; seq--) {
		const earlier = minute.at(seq);
		if (earlier.t >= later.t || later.t - earlier.t > 3000) break;
		found = later = earlier;
		if (frame.t - earlier.t >= 1000) break;
	}
	return found;
}

// rate returns how much of a counter there was in each second.
function rate(frame, before, tab, place) {
	if (!before) return 0;
	return Math.max(0, (sum(frame, tab, frame.c, place) - sum(before, tab, before.c, place)) * 1000 / (frame.t - before.t));
}

// phaseShares returns the share of time in each phase since an earlier frame, and the
// nanoseconds of each in a turn.
function phaseShares(frame, before, tab) {
	const spent = hello.phases.map((_, i) => before ? Math.max(0, sum(frame, tab, frame.c, C.wait + i) - sum(before, tab, before.c, C.wait + i)) : 0);
	const all = spent.reduce((a, b) => a + b, 0);
	const turns = before ? sum(frame, tab, frame.c, C.turns) - sum(before, tab, before.c, C.turns) : 0;
	return { shares: spent.map((ns) => all ? ns / all : 0), perTurn: spent.map((ns) => turns > 0 ? ns / turns : 0), all, turned: turns > 0 };
}
