"use strict";
// One file after the other is sent by PUT, so that each has its progress and its own answer.
(() => {
	const form = document.querySelector("form");
	const files = document.getElementById("files");
	const button = form.querySelector("button");
	const list = document.getElementById("list");
	const units = ["B", "kB", "MB", "GB", "TB"];
	const size = (n) => {
		let unit = 0;
		for (; n >= 999.95 && unit < units.length - 1; unit++) n /= 1000;
		return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
	};
	const add = (tag, to) => to.appendChild(document.createElement(tag));

	const send = (file) => new Promise((done) => {
		const row = add("li", list);
		row.append(file.name);
		const bar = add("progress", row);
		bar.setAttribute("aria-label", `Progress of ${file.name}`);
		const note = add("p", row);
		const end = (text, refused) => {
			bar.remove();
			note.textContent = text;
			if (refused) row.className = "refused";
			done(!refused);
		};
		const request = new XMLHttpRequest();
		request.upload.addEventListener("progress", (e) => {
			if (!e.lengthComputable) return;
			bar.max = e.total || 1;
			bar.value = e.loaded;
			note.textContent = `${size(e.loaded)} of ${size(e.total)}`;
		});
		request.addEventListener("load", () => {
			if (request.status === 201) end(`${size(file.size)}, uploaded`);
			else end(`Not uploaded: ${request.responseText.split("\n")[0].slice(0, 300)}`, true);
		});
		request.addEventListener("error", () => end("Not uploaded: the connection was lost.", true));
		request.open("PUT", `./${encodeURIComponent(file.name)}`);
		request.setRequestHeader("Accept", "text/plain");
		request.send(file);
	});

	let queue = Promise.resolve();
	const sendAll = (chosen) => {
		button.disabled = true;
		for (const file of chosen) queue = queue.then(() => send(file));
		queue = queue.then(() => { button.disabled = false; });
	};
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		sendAll([...files.files]);
		form.reset();
	});
	document.addEventListener("dragover", (e) => { e.preventDefault(); document.body.className = "over"; });
	document.addEventListener("dragleave", () => { document.body.className = ""; });
	document.addEventListener("drop", (e) => {
		e.preventDefault();
		document.body.className = "";
		sendAll([...e.dataTransfer.files]);
	});
})();
