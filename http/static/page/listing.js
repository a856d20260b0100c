"use strict";
(() => {
	const filter = document.getElementById("filter");
	const none = document.getElementById("none");
	const rows = [...document.querySelectorAll("main > table > tbody > tr")];
	const names = rows.map((row) => row.className === "up" ? "" : row.cells[0].textContent.toLowerCase());
	const visible = () => rows.filter((row) => !row.hidden);

	// The server knows UTC only. Times that no Date can hold stay as they are.
	const two = (n) => String(n).padStart(2, "0");
	for (const time of document.querySelectorAll("time")) {
		const d = new Date(time.dateTime);
		if (!isNaN(d)) time.textContent = `${String(d.getFullYear()).padStart(4, "0")}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
	}
	const zone = document.getElementById("zone");
	if (zone) zone.textContent = `Times are local: ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;

	filter.hidden = rows.length < 2;
	if (matchMedia("(hover: hover)").matches) filter.placeholder = "Filter ( / )"; // there is a keyboard
	filter.addEventListener("input", () => {
		const words = filter.value.toLowerCase().split(/\s+/);
		rows.forEach((row, i) => { row.hidden = !words.every((word) => names[i].includes(word)); });
		none.hidden = visible().length > 0;
	});
	const move = (by) => {
		const links = visible().map((row) => row.querySelector("a"));
		if (links.length === 0) return;
		const at = links.indexOf(document.activeElement);
		const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
		if (to < 0) filter.focus();
		else links[Math.min(to, links.length - 1)].focus();
	};
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
		const typing = document.activeElement === filter;
		if (e.key === "ArrowDown") move(1);
		else if (e.key === "ArrowUp") move(-1);
		else if (e.key === "/" && !typing) filter.focus();
		else if (e.key === "Escape" && typing) { filter.value = ""; filter.dispatchEvent(new Event("input")); filter.blur(); }
		else if (e.key === "Enter" && typing) { const first = visible()[0]; if (first) first.querySelector("a").click(); }
		else if (e.key === "Backspace" && !typing && location.pathname !== "/") location.href = "../";
		else return;
		e.preventDefault();
	});
})();
