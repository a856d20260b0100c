'use strict';
// Draws a state of the program. Nothing here asks for one.

const $ = (id) => document.getElementById(id);

// make returns an element with text, and with others in it.
function make(name, set = {}, ...inside) {
	const e = Object.assign(document.createElement(name), set);
	e.append(...inside);
	return e;
}

const plural = (n) => n.toLocaleString('en') + (n === 1 ? ' byte' : ' bytes');

// drawMoment shows one moment: what it is, why, its code, and where the bytes are then.
function drawMoment(moment, words, data) {
	const who = moment.conn ? `connection ${moment.conn}` : moment.client ? `client ${moment.client}` : 'the loop';
	$('where').textContent = `turn ${moment.turn} · ${data.phases[moment.phase].name} · ${who}`;
	const subject = moment.source === 'client' ? 'the client ' : moment.place === 'wait' || moment.place === 'end' ? 'the loop ' : '';
	$('text').textContent = subject + moment.text;
	$('why').textContent = moment.why;
	for (const b of document.querySelectorAll('#turn button')) {
		if (b.moment === moment) b.setAttribute('aria-current', 'step');
		else b.removeAttribute('aria-current');
	}
	drawLanes(moment, words.highWater, data.activities);
}

// drawCode shows a function of the repository, and lights one line.
function drawCode(snippet) {
	$('line').hidden = !snippet;
	if (snippet) $('line').replaceChildren(make('code', { textContent: snippet.lines[snippet.lit].trim() }), make('small', { textContent: snippet.file }));
	$('file').textContent = snippet ? `${snippet.file}, line ${snippet.first + snippet.lit}` : '';
	if (!snippet || $('code').shown === snippet) return;
	$('code').shown = snippet;
	$('code').replaceChildren(...snippet.lines.map((line, i) => {
		const at = line.search(/(^|\s)\/\//);
		const row = make('span', {}, at < 0 ? line || ' ' : line.slice(0, at));
		if (at >= 0) row.append(make('i', { textContent: line.slice(at) }));
		if (i === snippet.lit) row.className = 'lit';
		return row;
	}));
	const lit = $('code').querySelector('.lit');
	$('code').scrollTop = lit.offsetTop - $('code').clientHeight / 2;
	$('code').scrollLeft = 0;
}

// drawTurn lists the moments of a turn by phase, and then the wait for the next one.
function drawTurn(state, phases, choose) {
	const turn = Math.max(state.turn, 1);
	$('turn-title').textContent = state.turn ? `Turn ${turn}` : 'Turn 1, not yet run';
	$('clock').textContent = `${state.clock} by the kernel’s clock`;
	const list = (moments) => make('ol', {}, ...moments.map((m) => {
		const button = make('button', { moment: m, onclick: () => choose(m) }, m.text);
		const who = m.conn ? `connection ${m.conn}` : m.client ? `client ${m.client}` : '';
		if (who) button.append(' ', make('small', { textContent: who }));
		return make('li', {}, button);
	}));
	const row = (phase, moments, next) => {
		const li = make('li', { className: moments.length ? 'busy' : '' });
		li.append(make('p', { className: 'phase' }, make('b', { textContent: next ? 'and wait again' : phase.name }), ' ',
			make('span', { textContent: next ? `for turn ${turn + 1}` : moments.length ? '' : phase.text })));
		if (!moments.length && !state.turn) li.classList.add('later');
		if (next) li.classList.add('next');
		li.append(list(moments));
		return li;
	};
	$('turn').replaceChildren(
		...phases.map((phase, i) => row(phase, state.moments.filter((m) => m.turn === turn && m.phase === i))),
		...(state.turn && !state.over ? [row(phases[0], state.moments.filter((m) => m.turn === turn + 1), true)] : []));
}

// drawLanes shows each connection. A lane that was there keeps its elements, so that
// screen readers and transitions are not disturbed.
function drawLanes(moment, highWater, activities) {
	const old = new Map([...$('lanes').children].map((e) => [e.client, e]));
	$('lanes').replaceChildren(...(moment.lanes || []).map((l) => {
		const lane = old.get(l.client) || newLane(l.client);
		lane.classList.toggle('here', l.client === moment.client);
		lane.title_.replaceChildren(l.conn ? `connection ${l.conn} ` : 'not accepted yet ', make('small', { textContent: l.name }));
		lane.is.replaceChildren();
		if (l.end) lane.is.append(l.end);
		else if (l.activity) lane.is.append(make('b', { title: activities.find((a) => a.id === l.activity).text }, make('i', { className: l.activity }), l.activity), `, ${l.state}`);
		else lane.is.append('waits at the listener');
		if (l.full) lane.is.append(make('span', { className: 'full', textContent: 'back-pressure' }));
		drawRequest(lane.request, l);
		drawAnswer(lane.answer, l, highWater);
		return lane;
	}));
}

function newLane(client) {
	const lane = make('li', { className: 'lane', client });
	lane.title_ = make('h3');
	lane.is = make('p', { className: 'is' });
	lane.request = newStrip();
	lane.answer = newStrip();
	lane.append(make('div', {}, lane.title_, lane.is), lane.request, lane.answer);
	return lane;
}

function newStrip() {
	const bytes = make('div', { className: 'bytes' });
	bytes.strip = make('div', { className: 'strip' });
	bytes.strip.setAttribute('aria-hidden', 'true');
	bytes.said = make('p');
	bytes.append(bytes.strip, bytes.said);
	return bytes;
}

// drawRequest has a cell for each byte. The ends of lines are shown as in code.
function drawRequest(bytes, l) {
	const text = [...l.request];
	while (bytes.strip.children.length > text.length) bytes.strip.lastChild.remove();
	while (bytes.strip.children.length < text.length) bytes.strip.append(make('i', { className: 'cell' }));
	text.forEach((c, i) => {
		const cell = bytes.strip.children[i];
		cell.textContent = c === '\r' ? '\\r' : c === '\n' ? '\\n' : c;
		cell.className = (c < ' ' ? 'ctl cell ' : 'cell ') + (i < l.used ? 'done' : i < l.read ? 'kept' : i < l.sent ? 'sent' : 'none');
	});
	const parts = [];
	if (l.read > l.used) parts.push(`${(l.read - l.used).toLocaleString('en')} kept`);
	if (l.sent > l.read) parts.push(`${(l.sent - l.read).toLocaleString('en')} in the socket`);
	if (!parts.length) parts.push(l.used ? 'all used' : 'nothing yet');
	bytes.said.replaceChildren(make('b', { textContent: 'request' }), ` of ${plural(text.length)}: ${parts.join(', ')}`);
}

// drawAnswer has a bar, as answers are long: taken, in the socket, in the outbox. While the
// outbox reaches over the high-water mark, there is back-pressure.
function drawAnswer(bytes, l, highWater) {
	const all = l.queued;
	bytes.strip.classList.toggle('bar-of', all > 0);
	bytes.strip.replaceChildren();
	for (const [name, n] of [['done', l.taken], ['sent', l.written - l.taken], ['kept', l.queued - l.written]]) {
		if (n <= 0) continue;
		const part = make('i', { className: 'cell ' + name });
		part.style.width = `${100 * n / all}%`;
		bytes.strip.append(part);
	}
	if (!all) {
		bytes.strip.append(make('i', { className: 'cell none' }));
		bytes.said.replaceChildren(make('b', { textContent: 'answer' }), ': none yet');
		return;
	}
	if (all > highWater) {
		const mark = make('i', { className: 'mark' });
		mark.style.left = `${100 * (all - highWater) / all}%`;
		bytes.strip.append(mark);
		$('mark').hidden = false;
	}
	const parts = [];
	if (l.queued > l.written) parts.push(`${(l.queued - l.written).toLocaleString('en')} owed`);
	if (l.written > l.taken) parts.push(`${(l.written - l.taken).toLocaleString('en')} in the socket`);
	if (l.taken) parts.push(l.taken === all ? 'all taken' : `${l.taken.toLocaleString('en')} taken`);
	bytes.said.replaceChildren(make('b', { textContent: 'answer' }), ` of ${plural(all)}: ${parts.join(', ')}`);
}
