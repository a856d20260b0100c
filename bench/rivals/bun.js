// Bun's own server: bun bun.js PORT FOLDER [CERTIFICATE KEY [PROTOCOL]], "" for what there is not
import path from "node:path";

const [port, folder, certificate, key, protocol] = Bun.argv.slice(2);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  idleTimeout: 255, // seconds, its maximum
  tls: certificate ? { cert: Bun.file(certificate), key: Bun.file(key) } : undefined,
  http2: protocol === "HTTP/2",
  routes: {
    "/bench": new Response("Hello, World!", { headers: { "Content-Type": "text/plain" } }),
  },
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const file = folder && Bun.file(path.join(folder, path.normalize(pathname)));
    return file && (await file.exists()) ? new Response(file) : new Response(null, { status: 404 });
  },
});
