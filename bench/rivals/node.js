// Node's own servers: node node.js PORT FOLDER [CERTIFICATE KEY [PROTOCOL]], "" for what there is not
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const http2 = require("node:http2");
const https = require("node:https");
const path = require("node:path");

const [port, folder, certificate, key, protocol] = process.argv.slice(2);
const hello = "Hello, World!";

function serve(request, response) {
  if (request.url.split("?", 1)[0] === "/bench") {
    response.writeHead(200, {
      "Content-Type": "text/plain",
      "Content-Length": hello.length,
    });
    response.end(hello);
  } else if (folder) {
    file(path.join(folder, path.normalize(request.url)), response);
  } else {
    missing(response);
  }
}

function missing(response) {
  response.writeHead(404, { "Content-Length": 0 });
  response.end();
}

// file streams one from the disk, as Node's documentation has it.
function file(name, response) {
  fs.stat(name, (trouble, stat) => {
    if (trouble || !stat.isFile()) return missing(response);
    response.writeHead(200, {
      "Content-Type": "application/octet-stream",
      "Content-Length": stat.size,
    });
    fs.createReadStream(name).on("error", () => response.destroy()).pipe(response);
  });
}

// make returns the server for the protocol.
function make() {
  const tls = certificate && {
    cert: fs.readFileSync(certificate),
    key: fs.readFileSync(key),
    ciphers: "TLS_AES_128_GCM_SHA256", // as the other servers
  };
  if (protocol === "HTTP/2") return tls ? http2.createSecureServer(tls, serve) : http2.createServer(serve);
  return tls ? https.createServer(tls, serve) : http.createServer(serve);
}

const server = make();
server.keepAliveTimeout = 600_000; // its 5 s would end idle connections while they are measured
server.listen(Number(port), "127.0.0.1", 4096);
