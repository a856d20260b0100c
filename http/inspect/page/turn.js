"use strict";
// The verdict, the troubles, and the turn: a ring of six arcs, four sparklines and sums.

let tab = -1; // the loop that is shown, -1 for all of them

// toldAt and toldLevel are when the verdict was last spoken, and which.
let toldAt = -Infinity, toldLevel = "", verdictAt = -Infinity;

// showVerdict shows the words of a frame: at once when the level changes, else twice a
// second at most, because figures that change faster cannot be read.
function showVerdict(frame, now) {
	const box = byId("verdict");
	const level = frame.level === "healthy" || frame.level === "busy" ? frame.level : "trouble";
	if (level === box.dataset.level && now - verdictAt < 450) return;
	verdictAt = now;
	box.dataset.level = level;
	set(byId("verdictWords"), frame.words);
	document.title = (level === "trouble" ? "▲ " : "") + "bobbin: " + frame.words;
	showTroubles(frame);
	tell(frame, now);
}

// tell speaks the verdict to a screen reader: each 5 s at most, and a level that is as
// before each half minute.
function tell(frame, now) {
	if (now - toldAt < 5000 || (frame.level === toldLevel && now - toldAt < 30e3)) return;
	toldAt = now;
	toldLevel = frame.level;
	set(byId("told"), frame.words);
}

// showTroubles lists what is wrong, by name. An item is made again only if it is another.
function showTroubles(frame) {
	const list = byId("troubles");
	const seen = frame.troubles.filter(([index, , loop]) => hello.troubles[index] && (tab < 0 || loop === tab)).slice(0, 6);
	seen.forEach(([index, since, loop, conn, words], i) => {
		const trouble = hello.troubles[index], id = index + "/" + loop + "/" + conn;
		let item = list.children[i];
		if (!item || item.dataset.id !== id) {
			const fresh = make("li", {}, make("b", {}, trouble.name), make("span", {}), make("em", {}), make("span", { class: "acts" }));
			fresh.dataset.id = id;
			if (conn) fresh.lastChild.append(make("button", { type: "button", onclick: () => select(loop, conn, true) }, "Connection " + connName(loop, conn)));
			if (/^(https?:|\/)/.test(trouble.href || "")) fresh.lastChild.append(make("a", { href: trouble.href, rel: "noreferrer" }, "What this is"));
			if (item) item.replaceWith(fresh); else list.append(fresh);
			item = fresh;
		}
		set(item.children[1], withoutName(words, trouble.name));
		set(item.children[2], "began " + span(Math.max(0, frame.t - since)) + " ago");
	});
	while (list.children.length > seen.length) list.lastChild.remove();
}

// withoutName takes the name of a trouble from the beginning of its words, because it
// stands before them.
function withoutName(words, name) {
	if (!words.toLowerCase().startsWith(name.toLowerCase() + ": ")) return words;
	const rest = words.slice(name.length + 2);
	return rest.charAt(0).toUpperCase() + rest.slice(1);
}

// makeRing draws the ring once; later its arcs change their lengths only.
const ringLength = 1000;
let arcs = [], ringWords = null, ringUnder = null;

function makeRing() {
	const svg = draw("svg", { viewBox: "0 0 200 200", "aria-hidden": "true" });
	const defs = draw("defs", {});
	const pattern = (i, ...paths) => {
		const p = draw("pattern", { id: "ph" + i, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(" + [0, 0, 0, 45, 0, 45][i] + ")", class: "ph" + i });
		p.append(draw("rect", { width: 6, height: 6, class: "back" }), ...paths.map((d) => draw("path", { d, class: "over" })));
		defs.append(p);
	};
	pattern(1);
	pattern(2, "M0 3H6M3 0V6");
	pattern(3, "M0 1.5H6");
	pattern(4, "M0 2H6M0 5H6");
	pattern(5, "M1.5 0V6M4.5 0V6");
	const circle = (attributes) => draw("circle", { cx: 100, cy: 100, r: 80, fill: "none", transform: "rotate(-90 100 100)", ...attributes });
	arcs = hello.phases.map((_, i) => i ? circle({ pathLength: ringLength, "stroke-width": 26, stroke: "url(#ph" + i + ")", "stroke-dasharray": "0 2000" }) : null);
	const edges = [67, 93].map((r) => circle({ r, class: "track" }));
	ringWords = draw("text", { x: 100, y: 103, class: "big" });
	ringUnder = draw("text", { x: 100, y: 125, class: "under" });
	svg.append(defs, circle({ class: "empty", "stroke-width": 26 }), ...arcs.filter(Boolean), ...edges, ringWords, ringUnder);
	byId("ring").replaceChildren(svg);
	byId("phases").tBodies[0].replaceChildren(...hello.phases.map((name, i) => {
		const head = make("th", { scope: "row" }, make("i", { class: "swatch ph" + i }), name);
		return make("tr", {}, head, make("td", {}), make("td", {}));
	}));
}

// showRing turns the shares of a second into arcs, clockwise from the top in the order of
// a turn. The time asleep stays an empty track. An arc that is there is never too short
// to be seen.
function showRing(frame, before) {
	const { shares, perTurn, all, turned } = phaseShares(frame, before, tab);
	let from = 0;
	arcs.forEach((arc, i) => {
		const length = shares[i] * ringLength;
		if (arc) {
			const seen = length > 0 ? Math.max(length - 2, 4) : 0;
			arc.setAttribute("stroke-dasharray", seen.toFixed(1) + " 2000");
			arc.setAttribute("stroke-dashoffset", (-Math.min(from, ringLength - seen)).toFixed(1));
		}
		from += length;
		const cells = byId("phases").tBodies[0].rows[i].cells;
		set(cells[1], all ? percent(shares[i]) : "–");
		set(cells[2], turned ? nanos(perTurn[i]) : "–");
	});
	set(ringWords, all ? percent(1 - shares[0]) : "–");
	set(ringUnder, !all ? "measuring" : shares[0] > 0.995 ? "busy, else asleep" : "of the time busy");
}

// Lines of the scale of times, from a microsecond to ten seconds.
const times = { floor: 1e3, top: 1e10, lines: [[1e6, "1 ms"], [1e9, "1 s"]], write: nanos };

// The sparklines: a name, what it is, and for a frame its middle and its highest value.
const sparks = [
	{ name: "turn", text: "time from waking to sleeping", ...times, mid: (f) => most(f, tab, f.g, G.turn), max: (f) => most(f, tab, f.g, G.turnMax) },
	{ name: "held", text: "time that one callback took", ...times, mid: (f) => most(f, tab, f.g, G.callback), max: (f) => most(f, tab, f.g, G.longest) },
	{ name: "lag", text: "due until run", ...times, mid: () => 0, max: (f) => most(f, tab, f.g, G.late) },
	{ name: "events per wait", text: "sockets that were ready at once", floor: 1, top: 1e4, lines: [[10, "10"], [1e3, "1,000"]], write: count, mid: (f) => most(f, tab, f.g, G.events), max: (f) => most(f, tab, f.g, G.eventsMax) },
];

function makeSparks() {
	byId("sparks").replaceChildren(...sparks.map((spark) => {
		spark.mids = make("b", {}, "–");
		spark.maxs = make("b", {}, "–");
		const canvas = make("canvas", { "aria-hidden": "true" });
		const figures = spark.name === "lag" ? ["max ", spark.maxs] : ["p50 ", spark.mids, " max ", spark.maxs];
		spark.scroll = new Scroll(canvas, (ink, x, w, frame) => paintSpark(ink, x, w, frame, spark));
		const plot = make("div", { class: "plot" }, canvas, ...spark.lines.map(([value, words]) => {
			const line = make("span", { "aria-hidden": "true" }, words);
			line.style.bottom = 100 * Math.log(value / spark.floor) / Math.log(spark.top / spark.floor) + "%";
			return line;
		}));
		return make("div", { class: "spark" }, make("h3", {}, spark.name), make("p", {}, spark.text), make("p", { class: "figures" }, ...figures), plot);
	}));
}

// paintSpark draws one column: from the middle value to the highest one light, the middle
// dark, on a logarithmic scale.
function paintSpark(ink, x, w, frame, spark) {
	const h = ink.canvas.height, dot = Math.max(1, Math.round(ink.scale));
	const y = (v) => h - Math.round(h * Math.min(1, Math.max(0, Math.log(v / spark.floor) / Math.log(spark.top / spark.floor))));
	if (frame.gap) return paintGap(ink, x, w);
	const max = spark.max(frame), mid = Math.min(spark.mid(frame), max || Infinity);
	if (max > 0) {
		const top = y(max), low = mid > 0 ? y(mid) : h;
		ink.fillStyle = paint.pale;
		ink.fillRect(x, top, w, low - top);
		ink.fillStyle = paint.thread;
		ink.fillRect(x, top, w, 2 * dot);
	}
	if (mid > 0) {
		ink.fillStyle = paint.ink;
		ink.fillRect(x, y(mid), w, 2 * dot);
	}
}

function showSparks(frame, before) {
	// What is written is of the last second, as the shares are.
	for (const spark of sparks) {
		let mid = 0, max = 0;
		for (let seq = frame.seq; seq > (before ? before.seq : frame.seq - 1); seq--) {
			const f = minute.at(seq);
			max = Math.max(max, spark.max(f));
			mid = Math.max(mid, spark.mid(f));
		}
		// A middle value is the upper end of a bucket, which the highest one need not reach.
		set(spark.mids, mid ? spark.write(Math.min(mid, max || mid)) : "–");
		set(spark.maxs, max ? spark.write(max) : "–");
	}
}

// showSums writes the totals of the loops that are shown.
function showSums(frame, before) {
	const per = (place) => rate(frame, before, tab, place);
	const total = (place) => sum(frame, tab, frame.c, place);
	const rows = [
		["requests", count(per(C.requests)) + "/s", count(total(C.requests)) + " in all"],
		["connections", count(sum(frame, tab, frame.g, G.open)), count(per(C.accepted)) + "/s new"],
		["turns", count(per(C.turns)) + "/s", count(per(C.events)) + " events/s"],
		["read", bytes(per(C.read)) + "/s", bytes(total(C.read)) + " in all"],
		["written", bytes(per(C.written)) + "/s", bytes(total(C.written)) + " in all"],
		["owed", bytes(sum(frame, tab, frame.g, G.owed)), "queued for peers"],
		["ended badly", count(total(C.failed)), count(total(C.refused)) + " refused"],
		["stalls", count(total(C.stalls)), "callbacks that held"],
	];
	const box = byId("sums");
	if (box.children.length !== rows.length) {
		box.replaceChildren(...rows.map(([name]) => make("div", {}, make("dt", {}, name), make("dd", {}), make("dd", { class: "soft" }))));
	}
	rows.forEach(([, figure, more], i) => {
		set(box.children[i].children[1], figure);
		set(box.children[i].children[2], more);
	});
}

// showLoop shows one loop, or all of them for -1.
function showLoop(i) {
	tab = i;
	lanes = [];
	selected = null;
	showAll();
}

// showTabs offers the loops, all of them first, if there are several.
function showTabs(frame) {
	const box = byId("tabs"), names = frame.c.length;
	box.hidden = names < 2;
	if (box.hidden) return;
	if (box.children.length !== names + 1) {
		const button = (i) => make("button", { type: "button", onclick: () => showLoop(i) }, make("b", {}, i < 0 ? "All loops" : "Loop " + i), make("span", {}));
		box.replaceChildren(button(-1), ...frame.c.map((_, i) => button(i)));
	}
	const held = new Map(frame.held);
	[...box.children].forEach((button, i) => {
		button.setAttribute("aria-pressed", String(tab === i - 1));
		button.classList.toggle("held", held.has(i - 1));
		set(button.lastChild, held.has(i - 1) ? "no answer for " + span(held.get(i - 1)) : count(sum(frame, i - 1, frame.g, G.open)) + " open");
	});
}
