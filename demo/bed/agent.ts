// Runs in the node's namespace and stands in for the bed's caller there: HTTP requests that arrive on a Unix socket,
// which namespaces share, go to the pod that their Host header names. `POST http://node/mark` sends its body as a
// broadcast datagram over the bridge: whoever captures packets knows that all earlier ones have been seen.

/** RFC 863: a port whose datagrams nobody answers. */
const DISCARD_PORT = 9;

const [socketPath = "", broadcastIp = ""] = process.argv.slice(2);

const udp = await Bun.udpSocket({});
udp.setBroadcast(true);

Bun.serve({
  unix: socketPath,
  async fetch(request) {
    const url = new URL(request.url);
    if (url.hostname === "node") {
      udp.send(await request.text(), DISCARD_PORT, broadcastIp);
      return new Response(null, { status: 204 });
    }
    try {
      return await fetch(url, {
        method: request.method,
        headers: request.headers,
        body: request.body,
        redirect: "manual",
        // The caller decompresses what it asked for.
        decompress: false,
        keepalive: false,
        signal: request.signal,
      });
    } catch (error) {
      return new Response(String(error), { status: UNREACHABLE });
    }
  },
});

/** Not a status that a proxy or an application of a bed answers with (Cloudflare's "unknown error"). */
const UNREACHABLE = 520;

process.stdout.write("ready\n");
