"use strict";
// Canvases whose columns are frames: the picture is shifted, and one column drawn.

// paint holds the colours of the page and the textures made of them; they are read anew
// when the paper changes.
const paint = { textures: [] };

function mix() {
	const style = getComputedStyle(document.documentElement);
	for (const name of ["ink", "soft", "line", "pale", "thread", "paper", "wood"]) paint[name] = style.getPropertyValue("--" + name).trim();
	paint.activity = [0, 1, 2, 3, 4].map((i) => style.getPropertyValue("--a" + i).trim());
	paint.textures = [];
}

// tiles are the textures of the activities, 12 px wide: what is inked of a tile, as
// rectangles or lines. They are the same as those of the legend in xray.css.
const tiles = [
	(ink) => ink.fillRect(0, 5, 3, 2) || ink.fillRect(6, 5, 3, 2),                                     // idle: a dotted line
	(ink) => { for (let i = -12; i < 24; i += 6) for (let y = 0; y < 12; y++) ink.fillRect(i + y, y, 3, 1); }, // reading: rising stripes
	(ink) => ink.fillRect(0, 0, 12, 12),                                                                // handling: solid
	(ink) => { for (const y of [0, 4, 8]) ink.fillRect(0, y, 12, 2); },                                 // writing: level stripes
	(ink) => { for (let y = 0; y < 12; y += 4) for (let x = 0; x < 12; x += 4) ink.fillRect(x + (y % 8 ? 2 : 0), y, 2, 2); }, // closing: dots
];

const moved = new DOMMatrix();

// texture returns the texture of an activity for a lane at y, so shifted that it goes on
// where the column before has left off.
function texture(ink, activity, shift, y) {
	let made = paint.textures[activity];
	if (!made) {
		const tile = make("canvas", { width: 12, height: 12 }), brush = tile.getContext("2d");
		brush.fillStyle = paint.activity[activity] || paint.soft;
		(tiles[activity] || tiles[2])(brush);
		made = paint.textures[activity] = ink.createPattern(tile, "repeat");
	}
	moved.e = shift % 12;
	moved.f = y;
	made.setTransform(moved);
	return made;
}

// paintGap breaks the axis: a dashed line where time is missing.
function paintGap(ink, x, w) {
	const dash = Math.round(4 * ink.scale), h = ink.canvas.height;
	ink.clearRect(x, 0, w, h);
	ink.fillStyle = paint.soft;
	for (let y = 0; y < h; y += 2 * dash) ink.fillRect(x, y, Math.max(w, ink.scale), dash);
}

// A Scroll is a canvas that shows a minute, the newest frame at its right edge. Where
// motion is not wanted nothing slides: columns are written from left to right, and again
// from the left, with a gap before the oldest.
class Scroll {
	// painter draws the column of one frame at x, w wide, of the device's own pixels.
	constructor(canvas, painter) {
		this.canvas = canvas;
		this.ink = canvas.getContext("2d", { willReadFrequently: true }); // shifting reads
		this.painter = painter;
		this.paintAll = null; // draws all columns, if that is quicker than one by one
		this.drawn = -1; // the last frame that is in the picture
		this.stale = true;
	}

	// fit takes the size that the style sheet gives.
	fit() {
		const scale = Math.min(2, devicePixelRatio || 1);
		const width = Math.round(this.canvas.clientWidth * scale), height = Math.round(this.canvas.clientHeight * scale);
		if (width === this.canvas.width && height === this.canvas.height && scale === this.ink.scale) return;
		this.canvas.width = width;
		this.canvas.height = height;
		this.ink.scale = scale;
		this.stale = true;
	}

	get wide() { return Math.max(1, Math.floor(this.canvas.width / KEPT)); }
	get columns() { return Math.max(1, Math.min(KEPT, Math.floor(this.canvas.width / this.wide))); }

	// xOf returns the place of a frame when the last one drawn is newest.
	xOf(seq, newest) {
		if (calm.matches) return (seq % this.columns) * this.wide;
		return this.canvas.width - (newest - seq + 1) * this.wide;
	}

	// show brings the picture up to the newest frame.
	show(minute, newest) {
		if (!this.canvas.width || newest < 0) return;
		const fresh = newest - this.drawn;
		if (this.stale || fresh < 0 || fresh > this.columns) return this.showAll(minute, newest);
		if (!fresh) return;
		const ink = this.ink, w = this.wide;
		if (!calm.matches) {
			ink.globalCompositeOperation = "copy";
			ink.drawImage(this.canvas, -fresh * w, 0);
			ink.globalCompositeOperation = "source-over";
		}
		for (let seq = this.drawn + 1; seq <= newest; seq++) this.column(minute.at(seq), newest);
		this.drawn = newest;
	}

	showAll(minute, newest) {
		axisFree = 0;
		this.ink.clearRect(0, 0, this.canvas.width, this.canvas.height);
		if (this.paintAll) this.paintAll(this, minute, newest);
		else for (let seq = Math.max(minute.first, newest - this.columns + 1); seq <= newest; seq++) this.column(minute.at(seq), newest);
		this.drawn = newest;
		this.stale = false;
	}

	column(frame, newest) {
		if (!frame) return;
		const x = this.xOf(frame.seq, newest);
		if (calm.matches) this.ink.clearRect(x, 0, 6 * this.wide, this.canvas.height);
		this.painter(this.ink, x, this.wide, frame, x - frame.seq * this.wide);
	}
}

// paintAxis writes the time of the wall each 10 s, and what broke the axis.
let axisFree = 0; // the frame from which there is room for words
function paintAxis(ink, x, w, frame) {
	const h = ink.canvas.height, s = ink.scale, before = minute.at(frame.seq - 1);
	ink.fillStyle = paint.soft;
	ink.font = Math.round(11 * s) + "px system-ui,sans-serif";
	ink.textAlign = "right";
	ink.textBaseline = "middle";
	const words = frame.gap || (before && Math.floor(frame.w / 10e3) !== Math.floor(before.w / 10e3) ? clock(frame.w) : "");
	if (frame.gap) { // two strokes across the axis
		ink.clearRect(x - 5 * s, h - 3 * s, 5 * s + w, 3 * s);
		for (const at of [x - 5 * s, x - s]) for (let i = 0; i < 7; i++) ink.fillRect(at + (6 - i) * s / 2, h - (8 - i) * s, s, s);
	} else {
		ink.fillRect(x, h - s, w, s);
	}
	if (!words || frame.seq < axisFree && !frame.gap) return;
	const room = ink.measureText(words).width + 12 * s;
	if (frame.seq < axisFree) ink.clearRect(x - 2 * room, 0, 2 * room - 6 * s, h - 3 * s);
	if (x < room) return;
	ink.fillRect(x, h - 5 * s, s, 5 * s);
	ink.fillText(words, x - 7 * s, h / 2 - s);
	axisFree = frame.seq + Math.ceil(room / w);
}
