// `node tests/testing/http2-server.mjs <port> <folder>`: an HTTP/2 server without TLS, as Node's own http2 makes it. GET
// sends a file of the folder, with the SHA-256 of it in a trailer; POST answers in JSON what came: octets, their SHA-256
// and the trailers. POST to /slow reads with a pause now and then.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer } from "node:http2";

/** Octets between two pauses of /slow, and how long a pause is. */
const PAUSE_EVERY = 200_000_000;
const PAUSE_MS = 1_000;

const [port, folder] = process.argv.slice(2);

function send(stream, path) {
  const hash = createHash("sha256");
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.on("wantTrailers", () => {
    stream.sendTrailers({ "x-sha256": hash.digest("hex") });
  });
  const file = createReadStream(`${folder}${path}`);
  file.on("data", (chunk) => hash.update(chunk));
  file.pipe(stream);
}

function receive(stream, slow) {
  const hash = createHash("sha256");
  let octets = 0;
  let trailers = {};
  stream.on("data", (chunk) => {
    hash.update(chunk);
    const before = octets;
    octets += chunk.length;
    if (
      !slow ||
      Math.floor(before / PAUSE_EVERY) === Math.floor(octets / PAUSE_EVERY)
    ) return;
    stream.pause();
    setTimeout(() => stream.resume(), PAUSE_MS);
  });
  stream.on("trailers", (fields) => trailers = { ...fields });
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(
      JSON.stringify({ octets, sha256: hash.digest("hex"), trailers }),
    );
  });
}

createServer().on("stream", (stream, headers) => {
  // Whoever is reset or given up has nothing more to say here.
  stream.on("error", () => {});
  const path = headers[":path"];
  if (headers[":method"] === "POST") receive(stream, path === "/slow");
  else send(stream, path);
}).listen(Number(port), "0.0.0.0", () => process.stdout.write("ready\n"));
