"use strict";
(() => {
	const events = new EventSource("/-/reload");
	let server = null;
	events.addEventListener("hello", (e) => {
		if (server !== null && server !== e.data) location.reload(); // it was started anew
		server = e.data;
	});
	events.addEventListener("page", () => location.reload());
	events.addEventListener("css", () => {
		for (const link of document.querySelectorAll("link[rel~=stylesheet]")) {
			const url = new URL(link.href);
			if (url.origin !== location.origin) continue;
			url.searchParams.set("reload", Date.now());
			const fresh = link.cloneNode();
			fresh.href = url;
			fresh.addEventListener("load", () => link.remove());
			link.after(fresh);
		}
	});
})();
