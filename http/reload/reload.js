"use strict";
(() => {
	const events = new EventSource("/-/reload");
	let version = null;
	events.addEventListener("hello", (e) => {
		if (version !== null && version !== e.data) location.reload(); // changed while disconnected
		version = e.data;
	});
	events.addEventListener("page", () => location.reload());
	events.addEventListener("css", (e) => {
		version = e.data;
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
