package websocket

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// Clients of other makers, where they are installed. peertest has one that is a module of
// Go's, and browser_test.go the browser.

// A peerSite is what they talk to: echoes with and without deflating, a session that the
// server closes, and one that asks for much more than it answers.
type peerSite struct{ gone chan string }

func (p *peerSite) serve(w *http.Response, r *http.Request) error {
	o := Options{Deflate: r.Path() != "/plain", Protocols: []string{"sums", "echo"}, Limits: Limits{MessageSize: 4 << 20}}
	s, err := Accept(w, r, o)
	if err != nil {
		return err
	}
	s.OnGone(func(code int, reason string) { p.gone <- strings.TrimSpace(fmt.Sprint(code, " ", reason)) })
	s.OnMessage(func(kind Kind, m []byte) {
		switch {
		case string(m) != "close":
			s.Send(kind, m)
		default:
			s.Close(4001, "enough ✓")
		}
	})
	return nil
}

// What each peer does, in its own language: it prints what has failed, or the last line.
const (
	python = `
import asyncio, sys, websockets

async def main(url, plain):
    messages = ["hello", "", "é€😀", "x" * 200_000, b"", b"\x00\xff", bytes(range(256)) * 4096]
    async with websockets.connect(url + "/" + plain, max_size=None, subprotocols=["other", "echo"]) as ws:
        assert ws.subprotocol == "echo", ws.subprotocol
        assert bool(ws.extensions) != (plain == "plain"), ws.extensions
        for m in messages:
            await ws.send(m)
            assert await ws.recv() == m
        await ws.send(["in ", "", "fragments ", "x" * 70_000])
        assert await ws.recv() == "in fragments " + "x" * 70_000
        for m in messages:  # all at once
            await ws.send(m)
        for m in messages:
            assert await ws.recv() == m
        await (await ws.ping(b"are you there?"))
        await ws.close(4000, "bye ✓")
        assert ws.close_code == 4000
    async with websockets.connect(url + "/" + plain, max_size=None) as ws:
        await ws.send("close")
        try:
            await ws.recv()
            print("a message came")
        except websockets.ConnectionClosed as e:
            assert (e.rcvd.code, e.rcvd.reason) == (4001, "enough ✓"), e
    async with websockets.connect(url + "/" + plain, max_size=None) as ws:
        await ws.send("x" * (5 << 20))
        try:
            await ws.recv()
            print("a message came")
        except websockets.ConnectionClosed as e:
            assert e.rcvd.code == 1009, e
    try:
        await websockets.connect(url + "/" + plain, origin="http://elsewhere.example")
        print("another origin may connect")
    except websockets.InvalidStatusCode as e:
        assert e.status_code == 403, e

for plain in ["plain", "deflated"]:
    asyncio.run(main(sys.argv[1], plain))
print("fine")`

	node = `
const WebSocket = require("ws"), assert = require("assert");
const messages = ["hello", "", "é€😀", "x".repeat(200000), Buffer.alloc(0), Buffer.from([0, 255]), Buffer.alloc(1 << 20, "0123456789")];
const next = (ws) => new Promise((resolve, reject) => {
	ws.once("message", (data, binary) => resolve(binary ? data : data.toString()));
	ws.once("close", (code) => reject(new Error("closed with " + code)));
});
const closed = (ws) => new Promise((resolve) => ws.once("close", (code, reason) => resolve(code + " " + reason)));
const open = (url, ...more) => new Promise((resolve, reject) => {
	const ws = new WebSocket(url, ...more);
	ws.once("open", () => resolve(ws));
	ws.once("error", reject);
});
const same = (a, b) => Buffer.isBuffer(a) === Buffer.isBuffer(b) && Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
async function main(url, deflate) {
	const ws = await open(url, ["other", "echo"], { perMessageDeflate: deflate });
	assert.equal(ws.protocol, "echo");
	assert.equal(ws.extensions !== "", deflate);
	for (const m of messages) {
		const answer = next(ws);
		ws.send(m);
		assert(same(await answer, m));
	}
	let answer = next(ws);
	ws.send("in ", { fin: false });
	ws.ping("between");
	ws.send("fragments", { fin: true });
	assert.equal(await answer, "in fragments");
	const pong = new Promise((resolve) => ws.once("pong", (p) => resolve(p.toString())));
	ws.ping("are you there?");
	assert.equal(await pong, "are you there?");
	const got = [];
	const all = new Promise((resolve) => ws.on("message", (data, binary) => {
		got.push(binary ? data : data.toString());
		if (got.length === messages.length) resolve();
	}));
	for (const m of messages) ws.send(m);
	await all;
	messages.forEach((m, i) => assert(same(got[i], m)));
	ws.close(4000, "bye ✓");
	assert.equal(await closed(ws), "4000 ");

	const second = await open(url, { perMessageDeflate: deflate });
	second.send("close");
	assert.equal(await closed(second), "4001 enough ✓");

	const third = await open(url, { perMessageDeflate: deflate });
	third.on("error", () => {}); // the rest of the message may meet the end
	third.send(Buffer.alloc(5 << 20));
	assert.match(await closed(third), /^1009 /);

	await assert.rejects(open(url, { origin: "http://elsewhere.example" }), /403/);
}
(async () => {
	await main(process.argv[1], false);
	await main(process.argv[1], true);
	console.log("fine");
})();`

	nodes = `
const assert = require("assert");
const open = (url, ...more) => new Promise((resolve, reject) => {
	const ws = new WebSocket(url, ...more);
	ws.binaryType = "arraybuffer";
	ws.onopen = () => resolve(ws);
	ws.onerror = reject;
});
(async () => {
	const ws = await open(process.argv[1], ["other", "echo"]);
	assert.equal(ws.protocol, "echo");
	for (const m of ["hello", "", "é€😀", "x".repeat(200000), new Uint8Array([0, 255])]) {
		const answer = new Promise((resolve) => { ws.onmessage = (e) => resolve(e.data); });
		ws.send(m);
		const got = await answer;
		assert.deepEqual(typeof m === "string" ? got : new Uint8Array(got), m);
	}
	const end = new Promise((resolve) => { ws.onclose = (e) => resolve(e.code + " " + e.reason + " " + e.wasClean); });
	ws.send("close");
	assert.equal(await end, "4001 enough ✓ true");
	console.log("fine");
})();`
)

// TestPeers has each of them talk to the site, and looks at what the server knows of the
// ends.
func TestPeers(t *testing.T) {
	t.Parallel()
	const once = "4000 bye ✓, 4001 enough ✓, 1009 a message is too large"
	for _, peer := range []struct {
		name    string
		command []string // that the script stands behind
		has     string   // fails where the peer is not installed
		script  string
		gone    string
	}{
		{"python3-websockets", []string{"/usr/bin/python3", "-c"}, "import websockets", python, once + ", " + once}, // the system's: its packages are Debian's
		{"ws, npm's", []string{"node", "-e"}, `require("ws")`, node, once + ", " + once},
		{"Node's own WebSocket", []string{"node", "--experimental-websocket", "-e"}, "WebSocket", nodes, "4001"},
	} {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			run := func(args ...string) ([]byte, error) {
				return exec.CommandContext(t.Context(), peer.command[0], slices.Concat(peer.command[1:], args)...).CombinedOutput()
			}
			if out, err := run(peer.has); err != nil {
				t.Skipf("%s is not here: %v, %.100s", peer.name, err, out)
			}
			site := peerSite{make(chan string, 100)}
			at, stop := serveReal(t, site.serve)
			out, err := run(peer.script, "ws://"+at)
			stop()
			close(site.gone)
			var gone []string
			for one := range site.gone {
				gone = append(gone, one)
			}
			if err != nil || string(out) != "fine\n" {
				t.Errorf("%v: %s", err, out)
			}
			if got := strings.Join(gone, ", "); got != peer.gone {
				t.Errorf("the sessions ended as %s", got)
			}
		})
	}
}
