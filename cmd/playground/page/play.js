'use strict';
// Asks the program for states, and the reader for what to do next.

let words, data, state, moment, timer = 0, moved = false, stepped = 0, ofLuck = false;
const waiting = []; // answers of the worker that are expected, in their order

// fail says why there is nothing to play with.
function fail(why) {
	pause();
	const command = make('code', { textContent: 'go run ./cmd/playground' });
	$('where').textContent = 'not started';
	if (why === 'missing') {
		$('text').textContent = 'The program of this page is not here.';
		$('why').replaceChildren('It is built, and not kept with the page. In a clone of the repository run ', command, ', which builds it and serves this page.');
	} else {
		$('text').textContent = 'The program of this page has ended.';
		$('why').replaceChildren('Reload the page to begin again. If that does not help, build it anew, by ', command, ` in a clone of the repository. The browser says: ${why}`);
	}
	for (const e of document.querySelectorAll('button, input')) e.disabled = true;
}

// ask has the program do something, and draws what comes of it.
function ask(what, how = '') {
	return new Promise((resolve) => {
		waiting.push(resolve);
		worker.postMessage({ what, with: how });
	}).then(show);
}

function show(next) {
	$('error').textContent = next.error;
	if (!next.moments) return ask('open').then(() => { $('error').textContent = next.error; }); // of a damaged link
	const inside = $('turn').contains(document.activeElement);
	state = next;
	drawTurn(state, data.phases, (m) => choose(m));
	choose(state.moments[state.focus]);
	if (inside) current().focus({ preventScroll: true });
	for (const k of words.knobs) setKnob(k.id, state.luck[k.id] || 0);
	if (document.activeElement !== $('seed')) $('seed').value = state.seed;
	$('back').disabled = state.turn === 0;
	$('step').disabled = $('run').disabled = state.over;
	for (const b of document.querySelectorAll('#habits button')) b.disabled = state.full;
	if (state.over) pause();
	if (location.hash.slice(1) !== state.link) history.replaceState(null, '', '#' + state.link);
	coach();
}

function choose(m) {
	moment = m;
	$('status').setAttribute('aria-live', timer ? 'off' : 'polite'); // a run would speak without end
	drawMoment(m, words, data);
	showCode();
}

// current is the button of the moment that is shown.
const current = () => document.querySelector('#turn button[aria-current]');

// showCode shows the loop's code, or what the simulated kernel did, if the reader wants
// that and there is something.
function showCode() {
	const luck = moment.cause && ofLuck;
	$('tabs').hidden = !moment.cause;
	$('of-loop').setAttribute('aria-pressed', String(!luck));
	$('of-luck').setAttribute('aria-pressed', String(!!luck));
	drawCode(data.places[luck ? moment.cause : moment.place]);
}

// coach says what to try next, until it was tried.
function coach() {
	const short = state.moments.some((m) => m.short);
	$('coach').textContent = state.turn === 0 ? 'Press Step: the loop has its first turn.'
		: !moved && short ? 'Move “short reads” to the right, and step on: however the request is cut, it is the same request.'
			: moved && stepped < 12 && state.moments.every((m) => (m.lanes || []).length < 2) ? 'Now add a slow reader, below, and see where its answer waits.' : '';
}

const step = () => { stepped++; return ask('step'); };

function pause() {
	clearInterval(timer);
	timer = 0;
	$('run').textContent = 'Run';
	$('run').setAttribute('aria-pressed', 'false');
	$('status').setAttribute('aria-live', 'polite');
}

function toggle() {
	if (timer) return pause();
	timer = setInterval(() => { if (!waiting.length) step(); }, 900);
	$('run').textContent = 'Pause';
	$('run').setAttribute('aria-pressed', 'true');
	step();
}

// newKnob is a slider for one misfortune.
function newKnob(k, into) {
	const value = make('output', { id: 'value-' + k.id });
	const input = make('input', { type: 'range', id: 'knob-' + k.id, min: 0, max: 100, step: 10 });
	input.setAttribute('aria-describedby', 'about-' + k.id);
	input.oninput = () => { moved ||= k.id === 'reads'; ask(k.id, '=' + input.value); };
	into.append(make('label', { htmlFor: input.id, textContent: k.name }), value, input, make('p', { id: 'about-' + k.id, textContent: k.text }));
	return into;
}

function setKnob(id, percent) {
	$('knob-' + id).value = percent;
	$('value-' + id).textContent = percent + ' %';
}

// move goes to the moment before or behind, and stays within what is shown.
function move(by) {
	const i = state.moments.indexOf(moment) + by;
	if (!state.moments[i]) return;
	choose(state.moments[i]);
	current().scrollIntoView({ block: 'nearest' });
}

document.addEventListener('keydown', (e) => {
	const typing = e.target.matches('input'), pressing = e.target.matches('button');
	if (!state || e.ctrlKey || e.metaKey || e.altKey || typing) return;
	const act = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), r: toggle, b: () => state.turn && back(), ' ': () => !state.over && step() }[e.key];
	if (!act || e.key === ' ' && pressing || e.key.startsWith('Arrow') && e.target === $('code')) return;
	e.preventDefault();
	act();
});

const back = () => { pause(); return ask('back'); };
$('step').onclick = () => { pause(); step(); };
$('run').onclick = toggle;
$('of-loop').onclick = () => { ofLuck = false; showCode(); };
$('of-luck').onclick = () => { ofLuck = true; showCode(); };
$('back').onclick = back;
$('restart').onclick = () => { pause(); ask('restart', state.seed); };
$('new-seed').onclick = () => { pause(); ask('restart', String(Math.floor(Math.random() * 1e6))); };
$('seed').onchange = () => { pause(); ask('restart', $('seed').value.trim()); };
$('seed-form').onsubmit = (e) => { e.preventDefault(); $('seed').blur(); };
window.addEventListener('hashchange', () => { pause(); ask('open', location.hash.slice(1)); });

async function begin(got) {
	words = got;
	const answer = await fetch('page.json');
	if (!answer.ok) return fail('missing');
	data = await answer.json();
	$('mark').lastChild.textContent = `high-water mark, ${plural(words.highWater)} from the end`;
	words.knobs.forEach((k, i) => i ? $('knobs').append(newKnob(k, make('div', { className: 'knob' }))) : newKnob(k, $('first-knob')));
	$('habits').append(...words.habits.map((h) => make('li', {}, make('button', { textContent: 'Add ' + h.name, onclick: () => ask(h.id) }), make('span', { textContent: h.text }))));
	for (const e of document.querySelectorAll('button, input')) e.disabled = false;
	await ask('open', location.hash.slice(1));
	$('step').focus({ preventScroll: true });
}

let worker;
try {
	worker = new Worker('worker.js');
	worker.onmessage = ({ data }) => data.failed ? fail(data.failed) : data.words ? begin(data.words) : waiting.shift()(data.state);
	worker.onerror = (e) => { e.preventDefault(); fail(e.message || 'missing'); };
} catch (e) {
	fail('missing'); // opened as a file
}
