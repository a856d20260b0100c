// Node's own server: node node.js PORT [FOLDER [CERTIFICATE KEY]]
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const path = require("node:path");

const [port, folder, certificate, key] = process.argv.slice(2);
const hello = "Hello, World!";

function serve(request, response) {
  if (request.url === "/bench") {
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

const server = certificate
  ? https.createServer({
      cert: fs.readFileSync(certificate),
      key: fs.readFileSync(key),
      ciphers: "TLS_AES_128_GCM_SHA256", // as the other servers
    }, serve)
  : http.createServer(serve);
server.keepAliveTimeout = 600_000; // its 5 s would end idle connections while they are measured
server.listen(Number(port), "127.0.0.1", 4096);
