"use strict";
// A moment in a link or a file: what is seen, packed by columns of differences, deflated,
// and written in base64url behind "x1.", which names the version.

const SHARE_VERSION = "x1.", LINK_LIMIT = 32 << 10, OPEN_LIMIT = 16 << 20;
const LESSONS = "https://github.com/bobbin-http/bobbin/";
const SHARE_FRAMES = 50, SHARE_RECORDS = 2000, FILE_RECORDS = 20000, SHARE_LANES = 40;

// columns turns rows of numbers into columns of differences, which deflate well.
function columns(list, width) {
	return Array.from({ length: width }, (_, j) => {
		let last = 0;
		return list.map((row) => {
			const v = Math.round(row[j]), d = v - last;
			last = v;
			return d;
		});
	});
}

// rowsOfColumns is the way back. It throws if the columns are not what columns makes.
function rowsOfColumns(cols, width, limit) {
	if (!Array.isArray(cols) || cols.length !== width || cols.some((c) => !Array.isArray(c) || c.length !== cols[0].length) || cols[0].length > limit) throw new Error("its numbers do not fit together");
	const rows = cols[0].map(() => new Array(width));
	cols.forEach((col, j) => {
		let last = 0;
		col.forEach((d, i) => {
			if (!Number.isFinite(d)) throw new Error("it has something else where numbers belong");
			rows[i][j] = last += d;
		});
	});
	return rows;
}

// snapshot collects what is shared: frames up to the one shown, lanes and records.
function snapshot(upto, frames, records, options) {
	const from = Math.max(minute.first, upto.seq - frames + 1), list = [], rows = [], rec = [];
	const seats = new Set([...laneOf.keys()].slice(0, SHARE_LANES));
	for (let seq = from; seq <= upto.seq; seq++) list.push(minute.at(seq));
	for (const key of seats) {
		list.forEach((f, i) => {
			const at = rowOf(f, Math.floor(key / 4294967296), key % 4294967296);
			if (at >= 0) rows.push([i, ...f.rows.subarray(at, at + ROW)]);
		});
	}
	for (let i = list.length - 1; i >= 0 && rec.length < records; i--) {
		for (let at = 0; at < list[i].rec.length && rec.length < records; at += REC) rec.push([i, ...list[i].rec.subarray(at, at + REC)]);
	}
	const plain = (words) => options.routes ? words : hello.routes.reduce((text, route, i) => route ? text.replaceAll(route, "route " + i) : text, words);
	const loops = upto.c.length;
	return {
		version: hello.version || "", address: options.address ? location.host : "", loops, highWater: hello.highWater, you: hello.you,
		phases: hello.phases, activities: hello.activities, kinds: hello.kinds, states: hello.states,
		troubles: hello.troubles.map(({ id, name, href }) => ({ id, name, href: href || "" })),
		routes: options.routes ? hello.routes : hello.routes.map((route, i) => route && "route " + i),
		frames: columns(list.map((f) => [f.t, f.w, f.skip, f.lost, f.more, ...f.c.flat(), ...f.g.flat()]), 5 + loops * (18 + 16)),
		words: list.map((f, i) => i && f.words === list[i - 1].words && f.level === list[i - 1].level && !f.gap ? 0 : [f.level, plain(f.words), f.gap]),
		troubled: list.map((f) => f.troubles.map(([a, b, c, d, words]) => [a, Math.round(b), c, d, plain(words)])),
		rows: columns(rows, 1 + ROW), rec: columns(rec, 1 + REC),
	};
}

// through sends bytes through a stream that changes them, and stops at a limit.
async function through(input, stream, limit) {
	const reader = new Blob([input]).stream().pipeThrough(stream).getReader(), parts = [];
	for (let size = 0; ;) {
		const { value, done } = await reader.read();
		if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
		size += value.length;
		if (size > limit) throw new Error("it is larger than a recording can be");
		parts.push(value);
	}
}

async function encode(shot) {
	const packed = await through(new TextEncoder().encode(JSON.stringify(shot)), new CompressionStream("deflate-raw"), OPEN_LIMIT);
	let text = "";
	for (let i = 0; i < packed.length; i += 0x8000) text += String.fromCharCode(...packed.subarray(i, i + 0x8000));
	return SHARE_VERSION + btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// decode reads what encode has made. Its errors are the end of a sentence.
async function decode(text) {
	text = text.trim();
	if (!text.startsWith(SHARE_VERSION)) throw new Error(/^x\d+\./.test(text) ? "it was made by another version of this page" : "it is no recording of a loop");
	const body = text.slice(SHARE_VERSION.length);
	if (/[^\w-]/.test(body)) throw new Error("it has signs that do not belong there");
	let shot;
	try {
		const packed = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
		shot = JSON.parse(new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw"), OPEN_LIMIT)));
	} catch (err) {
		throw err.message.startsWith("it ") ? err : new Error("a part of it is missing or was changed");
	}
	return checked(shot);
}

const texts = (list, limit) => Array.isArray(list) && list.length <= limit && list.every((v) => typeof v === "string");
const words = (list, limit, ...names) => Array.isArray(list) && list.length <= limit && list.every((v) => v && typeof v === "object" && names.every((name) => typeof v[name] === "string"));
const whole = (v, most) => Number.isInteger(v) && v >= 0 && v <= most;

// checked turns a recording into the events of a stream, or throws.
function checked(shot) {
	const fail = (why) => { throw new Error(why); };
	if (!shot || typeof shot !== "object" || !texts(shot.phases, 6) || shot.phases.length !== 6 || !words(shot.activities, 8, "id", "text") || shot.activities.length < 5 || !texts(shot.kinds, 256) || !texts(shot.states, 32) || !words(shot.troubles, 32, "id", "name", "href") ||
		!texts(shot.routes, 10000) || !whole(shot.loops, 64) || !shot.loops || !(shot.highWater > 0) || typeof shot.version !== "string" || typeof shot.address !== "string") fail("its words are not those of a loop");
	const frames = rowsOfColumns(shot.frames, 5 + shot.loops * 34, KEPT);
	if (!frames.length || !Array.isArray(shot.words) || shot.words.length !== frames.length || !Array.isArray(shot.troubled) || shot.troubled.length !== frames.length) fail("it has no frame, or half of one");
	const made = frames.map((row, n) => {
		const take = (from, width) => Array.from({ length: shot.loops }, (_, i) => row.slice(from + i * width, from + (i + 1) * width));
		return { n, t: row[0], w: row[1], skip: row[2], lost: row[3], more: row[4], c: take(5, 18), g: take(5 + shot.loops * 18, 16), v: ["none", ""], tr: [], rows: [], rec: [], gapWords: "" };
	});
	let said = ["none", "", ""];
	made.forEach((frame, i) => {
		const gapless = shot.words[i] === 0;
		if (!gapless) said = texts(shot.words[i], 3) && shot.words[i].length === 3 ? shot.words[i] : fail("its verdict is not one");
		frame.v = [said[0], said[1]];
		frame.gapWords = gapless ? "" : said[2];
		if (!Array.isArray(shot.troubled[i]) || shot.troubled[i].length > 64 || shot.troubled[i].some((t) => !Array.isArray(t) || t.length !== 5 || typeof t[4] !== "string" || !whole(t[0], 31) || !t.slice(1, 4).every(Number.isFinite))) fail("its troubles are not those of a loop");
		frame.tr = shot.troubled[i];
	});
	const put = (list, into) => list.forEach(([i, ...rest]) => (whole(i, made.length - 1) ? made[i][into].push(rest) : fail("its numbers do not fit together")));
	put(rowsOfColumns(shot.rows, 1 + ROW, KEPT * SHARE_LANES), "rows");
	put(rowsOfColumns(shot.rec, 1 + REC, FILE_RECORDS), "rec");
	const you = Array.isArray(shot.you) && shot.you.length === 2 && shot.you.every(Number.isFinite) ? shot.you : null;
	// A link in a recording may have been changed on its way: only those to the lessons stay.
	const troubles = shot.troubles.map(({ id, name, href }) => ({ id, name, href: href.startsWith(LESSONS) ? href : "" }));
	const { phases, activities, kinds, states, routes, loops, highWater, version, address } = shot;
	return { hello: { schema: 1, phases, activities, kinds, states, routes, loops, highWater, version, address, troubles, you, try: [] }, frames: made };
}

// linkOf makes a link that is no longer than it may be, with fewer records if need be;
// null if even without them it is too long.
async function linkOf(upto, options) {
	for (const records of [SHARE_RECORDS, SHARE_RECORDS / 2, SHARE_RECORDS / 4, 100, 0]) {
		const link = location.href.replace(/#.*/, "") + "#" + await encode(snapshot(upto, SHARE_FRAMES, records, options));
		if (link.length <= LINK_LIMIT) return link;
	}
	return null;
}

const shareOptions = () => ({ routes: byId("shareRoutes").checked, address: byId("shareAddress").checked });

async function shareLink() {
	const link = await linkOf(shownFrame(), shareOptions()), field = byId("shareLink");
	field.hidden = !link;
	if (!link) return set(byId("shareTold"), "This moment is more than a link carries (32 KB). Save it as a file instead.");
	field.value = link;
	field.select();
	let copied = true;
	try { await navigator.clipboard.writeText(link); } catch { copied = false; }
	set(byId("shareTold"), (copied ? "Copied: " : "Copy it from the field: ") + bytes(link.length) + ".");
}

async function shareFile() {
	const text = await encode(snapshot(shownFrame(), KEPT, FILE_RECORDS, shareOptions()));
	const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
	make("a", { href: url, download: "loop-" + clock(shownFrame().w).replaceAll(":", "") + ".bobbin" }).click();
	setTimeout(() => URL.revokeObjectURL(url), 10e3);
	set(byId("shareTold"), "Saved: " + bytes(text.length) + ".");
}

// openShared shows a recording, or says what is wrong with it.
async function openShared(text, what) {
	let shot;
	try { shot = await decode(text); } catch (err) {
		return showBanner("This " + what + " cannot be shown: " + err.message + ".", "Dismiss", () => { clearFragment(); hideBanner(); if (!source && !shared) connect(); });
	}
	disconnect();
	shared = true;
	greet(shot.hello);
	begin();
	for (const frame of shot.frames) minute.add(frame).gap = frame.gapWords;
	const last = shot.frames[shot.frames.length - 1], first = shot.frames[0];
	showBanner("A recording of " + span(last.t - first.t) + ", made on " + new Date(last.w).toLocaleString() + (shot.hello.address ? " at " + shot.hello.address : "") + (shot.hello.version ? " by bobbin " + shot.hello.version : "") + ".",
		"Show the live loop", () => { clearFragment(); shared = false; hideBanner(); minute.clear(); resume(); connect(); });
	setFeed("shared", "recording");
	pauseAt(minute.last);
}

const clearFragment = () => history.replaceState(null, "", location.pathname + location.search);

function makeShare() {
	const dialog = byId("share");
	byId("shareOpen").onclick = () => {
		if (!shownFrame()) return;
		byId("shareLink").hidden = true;
		set(byId("shareTold"), "");
		if (!paused) pauseAt(minute.last);
		dialog.showModal();
	};
	byId("shareCopy").onclick = shareLink;
	byId("shareFile").onclick = shareFile;
	addEventListener("hashchange", () => { if (location.hash.length > 1) openShared(location.hash.slice(1), "link"); });
	addEventListener("dragover", (event) => event.preventDefault());
	addEventListener("drop", async (event) => {
		event.preventDefault();
		const file = event.dataTransfer.files[0];
		if (file) openFile(file);
	});
}

async function openFile(file) {
	if (file.size > OPEN_LIMIT) return showBanner("This file cannot be shown: it is larger than a recording can be.", "Dismiss", hideBanner);
	return openShared(await file.text(), "file");
}
