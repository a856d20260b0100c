// Bun's WebSocket: bun bun-ws.js PORT
const [port] = Bun.argv.slice(2);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch(request, server) {
    const topic = new URL(request.url).pathname === "/topic";
    if (!server.upgrade(request, { data: { topic, server } })) return new Response(null, { status: 426 });
  },
  websocket: {
    idleTimeout: 960, // seconds, its maximum
    open(socket) {
      if (socket.data.topic) socket.subscribe("all");
    },
    message(socket, text) {
      if (socket.data.topic) socket.data.server.publish("all", text);
      else socket.send(text);
    },
  },
});
