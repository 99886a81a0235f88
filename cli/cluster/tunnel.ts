import { Buffer } from "node:buffer";
import net, { type Socket } from "node:net";
import tls from "node:tls";
import { Problem } from "../../schemas/problem.ts";

/** How long a proxy may take to open its way. */
const PROXY_TIMEOUT_MS = 30_000;
/** The longest answer of a proxy to CONNECT. */
const ANSWER_MAX_BYTES = 16 * 1024;

/** A connection to `host` and `port` through a proxy. Rejects with `connect.failed` when the proxy refuses. */
export async function dialThrough(
  proxy: URL,
  host: string,
  port: number,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const at = {
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: Number(proxy.port || DEFAULT_PORTS[proxy.protocol]),
  };
  const socket = proxy.protocol === "https:"
    ? tls.connect({ ...at, servername: at.host })
    : net.connect(at);
  const timer = setTimeout(
    () => socket.destroy(refusal(proxy, "it did not answer in time")),
    PROXY_TIMEOUT_MS,
  );
  socket.once("error", reject);
  socket.once("close", () => reject(refusal(proxy, "it hung up")));
  const opened = proxy.protocol.startsWith("socks5")
    ? openSocks(socket, proxy, host, port)
    : openHttp(socket, proxy, host, port);
  opened.then(() => resolve(socket), reject);
  try {
    return await promise;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/** RFC 9110, 9.3.6. */
async function openHttp(
  socket: Socket,
  proxy: URL,
  host: string,
  port: number,
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const login = proxy.username === ""
    ? ""
    : `Proxy-Authorization: Basic ${
      btoa(decodeURIComponent(`${proxy.username}:${proxy.password}`))
    }\r\n`;
  socket.write(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`,
  );
  const head = await readUntil(
    socket,
    (bytes) => {
      const end = bytes.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    },
  );
  const [line = ""] = head.toString("latin1").split("\r\n");
  if (!/^HTTP\/1\.[01] 2\d\d/.test(line)) throw refusal(proxy, line);
}

/** RFC 1928 and 1929: the proxy looks up the name. */
async function openSocks(
  socket: Socket,
  proxy: URL,
  host: string,
  port: number,
): Promise<void> {
  const exactly = (count: number) =>
    readUntil(
      socket,
      (bytes) => bytes.length < count ? undefined : count,
    );
  const named = proxy.username !== "";
  socket.write(Buffer.from(named ? [5, 1, 2] : [5, 1, 0]));
  const method = (await exactly(2))[1];
  if (method !== (named ? 2 : 0)) {
    throw refusal(proxy, "it wants another login");
  }
  if (named) {
    const parts = [proxy.username, proxy.password].map((part) =>
      Buffer.from(decodeURIComponent(part))
    );
    socket.write(Buffer.concat([
      Buffer.from([1]),
      ...parts.flatMap((part) => [Buffer.from([part.length]), part]),
    ]));
    if ((await exactly(2))[1] !== 0) throw refusal(proxy, "wrong login");
  }
  const name = Buffer.from(host);
  socket.write(Buffer.concat([
    Buffer.from([5, 1, 0, 3, name.length]),
    name,
    Buffer.from([port >> 8, port & 0xff]),
  ]));
  const head = await exactly(5);
  if (head[1] !== 0) throw refusal(proxy, `SOCKS error ${head[1]}`);
  const bound = { 1: 4, 3: 1 + (head[4] ?? 0), 4: 16 }[head[3] ?? 0] ?? 4;
  await exactly(bound + 2 - 1); // one byte of the address has been read
}

/** Bytes up to where `end` finds their end; what follows is left for others. */
function readUntil(
  socket: Socket,
  end: (bytes: Buffer) => number | undefined,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let bytes = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const size = end(bytes);
    if (size === undefined && bytes.length < ANSWER_MAX_BYTES) return;
    socket.off("data", onData);
    socket.pause();
    if (size === undefined) {
      reject(new Error("the proxy's answer is too long"));
      return;
    }
    if (bytes.length > size) socket.unshift(bytes.subarray(size));
    resolve(bytes.subarray(0, size));
  };
  socket.on("data", onData);
  socket.resume();
  return promise;
}

function refusal(proxy: URL, why: string): Problem {
  return new Problem(
    "connect.failed",
    `Cannot go through proxy ${proxy.protocol}//${proxy.host}: ${why}`,
    { hint: "Check proxy-url of the kubeconfig, or HTTPS_PROXY and NO_PROXY." },
  );
}
