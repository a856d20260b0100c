'use strict';
// Runs the program apart from the page, so that the page stays alive whatever it does.
async function begin() {
	try {
		importScripts('wasm_exec.js');
	} catch {
		throw new Error('missing');
	}
	const answer = await fetch('play.wasm');
	if (!answer.ok) throw new Error('missing');
	const go = new Go();
	const made = answer.headers.get('Content-Type') === 'application/wasm'
		? await WebAssembly.instantiateStreaming(answer, go.importObject)
		: await WebAssembly.instantiate(await answer.arrayBuffer(), go.importObject);
	go.run(made.instance).then(() => postMessage({ failed: 'its main has returned' }));
	postMessage({ words: JSON.parse(globalThis.playground('words', '')) });
}

onmessage = (e) => postMessage({ state: JSON.parse(globalThis.playground(e.data.what, e.data.with)) });
begin().catch((e) => postMessage({ failed: e.message }));
