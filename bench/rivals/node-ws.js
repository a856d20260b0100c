// The package ws on Node: node node-ws.js PORT PACKAGE
"use strict";

const [port, pkg] = process.argv.slice(2);
const { WebSocketServer } = require(pkg);

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
const subscribers = new Set();

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url !== "/topic") {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    return;
  }
  subscribers.add(socket);
  socket.on("close", () => subscribers.delete(socket));
  socket.on("message", (data, binary) => {
    for (const one of subscribers) one.send(data, { binary });
  });
});
