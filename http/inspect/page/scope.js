"use strict";
// The microscope: the records before the moment that is shown, to the microsecond.

const SCOPE_LANES = 12, SCOPE_ROWS = 60;

let zoom = 100;     // ms from edge to edge
let zoomed = false; // by a person; else by what the moment holds

// fitZoom takes the narrowest view that the records of a frame fill.
function fitZoom(frame) {
	if (zoomed) return;
	let oldest = 0;
	for (let at = 0; at < frame.rec.length; at += REC) oldest = Math.max(oldest, frame.rec[at]);
	const wide = (oldest - endOf(frame)) / 1000;
	setZoom(wide > 10 ? 100 : wide > 1 ? 10 : 1);
}

function setZoom(ms) {
	zoom = ms;
	for (const button of document.querySelectorAll("[data-zoom]")) button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === ms));
}

// recordsBefore collects the records of the last ms before a frame's moment, the newest
// last: {before: µs, kind, loop, conn, request, figure}.
function recordsBefore(frame, ms) {
	const found = [];
	for (let seq = frame.seq; seq >= minute.first; seq--) {
		const f = minute.at(seq), offset = (frame.t - f.t) * 1000;
		if (offset > ms * 1000) break;
		for (let at = 0; at < f.rec.length; at += REC) {
			const before = offset + f.rec[at];
			if (before <= ms * 1000) found.push({ before, kind: f.rec[at + 1], loop: f.rec[at + 2], conn: f.rec[at + 3], request: f.rec[at + 4], figure: f.rec[at + 5] });
		}
		if (f.gap) break;
	}
	return found.filter((record) => tab < 0 || record.loop === tab).sort((a, b) => b.before - a.before);
}

// endOf finds the moment from which to look back: that of the newest record in the frame,
// if the frame has one, because a millisecond without any shows nothing.
function endOf(frame) {
	let newest = Infinity;
	for (let at = 0; at < frame.rec.length; at += REC) newest = Math.min(newest, frame.rec[at]);
	return Number.isFinite(newest) ? newest : 0;
}

// showScope draws the marks and lists the records.
function showScope(frame) {
	fitZoom(frame);
	const end = endOf(frame);
	let records = recordsBefore(frame, zoom + end / 1000);
	for (const record of records) record.before -= end;
	const key = storyKey();
	const order = [];
	for (let i = records.length - 1; i >= 0; i--) {
		const id = records[i].conn && keyOf(records[i].loop, records[i].conn);
		if (id && !order.includes(id) && order.length < SCOPE_LANES) order.push(id);
	}
	if (key !== null && !order.includes(key)) order.unshift(key);
	order.length = Math.min(order.length, SCOPE_LANES);
	order.sort((a, b) => a - b);
	drawScope(records, order, frame, end);
	listRecords(records);
	const shown = Math.min(records.length, SCOPE_ROWS);
	set(byId("scopeText"), records.length ? count(records.length) + " records in " + zoom + " ms before " + clock(frame.w) + "." + String(Math.round(frame.w) % 1000).padStart(3, "0").slice(0, 1) +
		(shown < records.length ? ", the last " + shown + " listed" : "") + (frame.lost ? "; " + count(frame.lost) + " more were not sent" : "") : "No records in this moment.");
}

// drawScope draws a lane for each connection: reads above the line, the handler as a bar
// on it, writes below. Where marks are closer than they are wide, a column of ink says
// how dense they are.
function drawScope(records, order, frame, end) {
	const canvas = byId("zoom"), lane = 22;
	canvas.style.height = Math.max(1, order.length) * lane + "px";
	const s = Math.min(2, devicePixelRatio || 1);
	canvas.width = Math.round(canvas.clientWidth * s);
	canvas.height = Math.round(Math.max(1, order.length) * lane * s);
	const ink = canvas.getContext("2d"), left = 56 * s, wide = canvas.width - left - 10 * s;
	ink.scale = undefined;
	ink.font = Math.round(12 * s) + "px system-ui,sans-serif";
	ink.textBaseline = "middle";
	const x = (before) => left + wide * (1 - before / (zoom * 1000));
	order.forEach((key, i) => {
		const y = (i + 0.5) * lane * s, loop = Math.floor(key / 4294967296), id = key % 4294967296;
		ink.fillStyle = key === storyKey() ? paint.thread : paint.soft;
		ink.textAlign = "right";
		ink.fillText(connName(loop, id), left - 8 * s, y);
		ink.fillStyle = paint.line;
		ink.fillRect(left, y, wide, s);
		drawMarks(ink, records.filter((r) => r.conn === id && r.loop === loop), x, y, s);
		const at = rowOf(frame, loop, id), due = at >= 0 ? frame.rows[at + DUE] : -1;
		if (due >= 0 && due < 1000) hollow(ink, left + wide - 4 * s, y, 4 * s);
	});
}

function hollow(ink, x, y, r) {
	ink.scale = r / 4;
	diamond(ink, x, y, r);
}

// drawMarks draws the records of one connection.
function drawMarks(ink, records, x, y, s) {
	drawHandlers(ink, records, x, y, s);
	const lastAt = { read: -Infinity, wrote: -Infinity };
	for (const record of records) {
		const at = x(record.before);
		if (record.kind === kind.read) mark(ink, at, y - 8 * s, s, paint.activity[1], lastAt, "read");
		if (record.kind === kind.wrote || record.kind === kind["short write"]) mark(ink, at, y + 8 * s, s, paint.activity[3], lastAt, "wrote");
		if (record.kind === kind.deadline) hollow(ink, at, y, 4 * s);
		if (isClosing(record.kind)) {
			ink.fillStyle = paint.ink;
			ink.fillRect(at, y - 8 * s, 2 * s, 16 * s);
		}
	}
}

// drawHandlers draws a bar for each handler. Those that overlap, as with HTTP/2, are below each
// other.
function drawHandlers(ink, records, x, y, s) {
	const bars = [], open = new Map();
	for (const record of records) {
		const at = x(record.before);
		if (record.kind === kind["handler began"]) {
			let place = 0;
			while ([...open.values()].some((bar) => bar.place === place)) place++;
			open.set(record.request, { from: at, to: x(0), place }); // to the end, unless it returns
			bars.push(open.get(record.request));
		}
		if (record.kind === kind["handler ended"]) {
			const bar = open.get(record.request);
			if (bar) bar.to = at; else bars.push({ from: at - s, to: at, place: 0 });
			open.delete(record.request);
		}
	}
	const several = bars.some((bar) => bar.place > 0);
	ink.fillStyle = paint.activity[2];
	for (const bar of bars) {
		if (several) ink.fillRect(bar.from, y + (Math.min(bar.place, PLACES - 1) * 3 - 5) * s, Math.max(s, bar.to - bar.from), 2 * s);
		else ink.fillRect(bar.from, y - 3 * s, Math.max(s, bar.to - bar.from), 7 * s);
	}
}

// mark draws ▸, or a column of ink if the one before is nearer than a mark is wide.
function mark(ink, x, y, s, colour, lastAt, which) {
	ink.fillStyle = colour;
	if (x - lastAt[which] < 6 * s) {
		ink.fillRect(x, y - 2 * s, Math.max(1, s / 2), 4 * s);
	} else {
		ink.beginPath();
		ink.moveTo(x, y - 3 * s);
		ink.lineTo(x + 5 * s, y);
		ink.lineTo(x, y + 3 * s);
		ink.fill();
	}
	lastAt[which] = x;
}

// listRecords writes the last records as a table, the newest first.
function listRecords(records) {
	const body = byId("records").tBodies[0];
	const lines = records.slice(-SCOPE_ROWS).reverse();
	body.replaceChildren(...lines.map((record) => {
		const before = nanos(Math.max(0, record.before) * 1000);
		return make("tr", {}, make("td", { class: "n" }, before), make("td", {}, String(record.loop)), make("td", {}, record.conn ? String(record.conn) : "the loop"),
			make("td", {}, hello.kinds[record.kind] || ""), make("td", { class: "n" }, figureOf(record.kind, record.figure)));
	}));
}

function makeScope() {
	for (const button of document.querySelectorAll("[data-zoom]")) {
		button.onclick = () => {
			zoomed = true;
			setZoom(Number(button.dataset.zoom));
			showAll();
		};
	}
}
