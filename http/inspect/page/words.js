"use strict";
// How figures are written, and the names of things. The words for phases, activities,
// troubles and records are the server's: they come with the stream's first event.

const byId = (id) => document.getElementById(id);

// hello is the first event of the stream. These are the words before it has come.
let hello = { schema: 1, phases: [], activities: [], kinds: [], states: [], troubles: [], routes: [], try: [], loops: 1, you: null, highWater: 1 << 20 };

// kind holds the number of each kind of record by its name.
let kind = {};

// greet takes a first event over.
function greet(words) {
	hello = words;
	kind = {};
	hello.kinds.forEach((name, i) => { if (name) kind[name] = i; });
}

const isClosing = (k) => /^(closed|aborted|reset|sent too much|TLS (cut|failed)|file shrank|ended|evicted|shed|stopped|cut off|left)/.test(hello.kinds[k] || "");

// The flags of a row.
const YOU = 1, TLS = 2, FULL = 4, PAUSED = 8, LEFTOUT = 16;

const groups = new Intl.NumberFormat("en");

// count writes a number with its thousands apart: 9,412.
const count = (n) => groups.format(Math.round(n));

// three writes a number with three digits at most, or whole.
function three(n) {
	if (n >= 100) return count(n);
	return n >= 10 ? String(Math.round(n)) : String(Math.round(n * 10) / 10);
}

// scaled writes n in the largest of units that leaves at least one.
function scaled(n, step, units) {
	let i = 0;
	for (; n >= step * 0.9995 && i < units.length - 1; i++) n /= step;
	return (i ? three(n) : count(n)) + " " + units[i];
}

const bytes = (n) => scaled(n, 1000, ["B", "kB", "MB", "GB", "TB"]);

// nanos writes a time that was measured in nanoseconds.
const nanos = (n) => n < 1000 ? count(n) + " ns" : scaled(n / 1000, 1000, ["µs", "ms", "s"]).replace(/^([\d.]+) µs$/, (_, v) => three(+v) + " µs");

// span writes a time in milliseconds, as in a sentence.
function span(ms) {
	if (ms < 1000) return count(ms) + " ms";
	if (ms < 90e3) return (ms < 10e3 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)) + " s";
	if (ms < 90 * 60e3) return Math.round(ms / 60e3) + " min";
	return ms < 48 * 3600e3 ? Math.round(ms / 3600e3) + " h" : Math.round(ms / 86400e3) + " days";
}

// percent writes a share of 1.
const percent = (x) => x > 0 && x < 0.01 ? "< 1 %" : Math.round(x * 100) + " %";

const clock = (wall) => new Date(wall).toTimeString().slice(0, 8);

// set changes a text only if it is another one, so that nothing is laid out in vain.
function set(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

// make returns an element with attributes and children.
function make(name, attributes, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {})) {
		if (key in node && typeof value !== "string") node[key] = value; else node.setAttribute(key, value);
	}
	node.append(...children);
	return node;
}

const svgSpace = "http://www.w3.org/2000/svg";
function draw(name, attributes) {
	const node = document.createElementNS(svgSpace, name);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	return node;
}

// connName names a connection; its loop only where there are several.
const connName = (loop, id) => hello.loops > 1 ? loop + "/" + id : String(id);

const isYou = (loop, id) => hello.you && hello.you[0] === loop && hello.you[1] === id;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const narrow = matchMedia("(max-width: 40rem)");
