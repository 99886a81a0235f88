// Bytes that the proxies do not parse: no stall whoever speaks first, nothing lost at the end.
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { chown, mkdir } from "node:fs/promises";
import type { Bed } from "../demo/bed/bed.ts";
import type { Pod } from "../demo/bed/pod.ts";
import { type HttpServer, listenHttp } from "./testing/counting-server.ts";
import { openMesh } from "./testing/mesh.ts";
import {
  dialRaw,
  listenRaw,
  type RawServer,
  type RawSocket,
} from "./testing/raw-socket.ts";

setDefaultTimeout(30_000);

/** In Linkerd's default list of opaque ports, and not. */
const OPAQUE_PORT = 9300;
const PLAIN_PORT = 7000;
/** Ports that no connection has used before, so that each shows what a first contact takes. */
const FRESH_PORTS = Array.from({ length: 32 }, (_, at) => 7100 + at);
/** A first contact asks the control plane and waits for silence on two proxies; a stall takes ten seconds. */
const PROMPT_MS = 400;

let bed: Bed;
let caller: Pod;
let server: Pod;
let outsider: Pod;
let clusterIp: string;
const servers: (RawServer | HttpServer)[] = [];

beforeAll(async () => {
  ({ bed } = await openMesh("opaque"));
  [caller, server, outsider] = await Promise.all([
    bed.addPod({ name: "caller" }),
    bed.addPod({ name: "server", ports: [5432, OPAQUE_PORT, PLAIN_PORT] }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  const service = await bed.addService({
    name: "server",
    ports: [5432, OPAQUE_PORT, PLAIN_PORT, ...FRESH_PORTS].map((port) => ({
      name: `p${port}`,
      port,
    })),
    pods: [server],
  });
  clusterIp = service.clusterIp;
});

afterEach(() => {
  for (const running of servers.splice(0)) running.close();
});
afterAll(() => bed.close());

/** From a pod to a server in another, by an address. */
interface Way {
  readonly from: Pod;
  readonly to: Pod;
  readonly ip: string;
}

const WAYS: readonly (readonly [string, () => Way])[] = [
  ["two proxies, by a Service", () => ({
    from: caller,
    to: server,
    ip: clusterIp,
  })],
  ["two proxies, by a pod's address", () => ({
    from: caller,
    to: server,
    ip: server.ip,
  })],
  ["the client's proxy only", () => ({
    from: caller,
    to: outsider,
    ip: outsider.ip,
  })],
  ["the server's proxy only", () => ({
    from: outsider,
    to: server,
    ip: server.ip,
  })],
];

/** Four mebibytes that only their seed tells apart from others; they look like no protocol. */
function pattern(seed: number): Buffer {
  const bytes = Buffer.alloc(4 << 20);
  for (let at = 0; at < bytes.length; at += 4) {
    bytes.writeUInt32BE((Math.imul(at, 2_654_435_761) ^ seed) >>> 1, at);
  }
  return bytes;
}

const digest = (bytes: Uint8Array): string =>
  `${bytes.length} bytes, ${Bun.hash(bytes)}`;

const received = (served: RawServer): string[] =>
  served.sockets.map((socket) => digest(socket.received()));

/** Sends GET requests at once on a connection and waits for as many answers more. */
async function exchange(client: RawSocket, requests: number): Promise<void> {
  const answered = answersIn(client.text());
  client.write("GET / HTTP/1.1\r\nhost: server\r\n\r\n".repeat(requests));
  await client.until((text) => answersIn(text) === answered + requests);
}

const answersIn = (text: string): number => text.split("\r\n\r\nok").length - 1;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

describe("PostgreSQL on its declared opaque port", () => {
  /** Any user of the system but root will do for a server of our own. */
  const NOBODY = 65_534;

  test("answers through two proxies as promptly as directly", async () => {
    const [bin] = [...new Bun.Glob("*/bin").scanSync({
      cwd: "/usr/lib/postgresql",
      absolute: true,
      onlyFiles: false,
    })];
    const home = `${bed.layout.home}/postgresql`;
    await mkdir(home, { mode: 0o700 });
    await chown(home, NOBODY, NOBODY);
    const made = await server.exec([
      ...[`${bin}/initdb`, "-D", `${home}/data`, "-U", "shop"],
      ...["--auth=trust", "--no-sync", "--no-instructions", "--locale=C"],
    ], { uid: NOBODY });
    expect(made).toMatchObject({ code: 0 });
    await Bun.write(
      `${home}/data/pg_hba.conf`,
      "host all all 0.0.0.0/0 trust\n",
    );
    const postgres = server.run([
      ...[`${bin}/postgres`, "-D", `${home}/data`, "-k", home],
      ...["-c", "listen_addresses=*", "-c", "fsync=off"],
    ], { uid: NOBODY });
    await postgres.line("ready to accept connections");

    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const startedMs = performance.now();
      const { code, stdout } = await caller.exec([
        ...["psql", "-h", "server", "-U", "shop", "-d", "postgres", "-At"],
        ...["-c", "select 6 * 7", "-c", "select repeat('x', 300000)"],
      ]);
      times.push(performance.now() - startedMs);
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `42\n${"x".repeat(300_000)}\n`,
      });
    }
    expect(median(times)).toBeLessThan(PROMPT_MS);

    // A login, then notifications: the server speaks when it likes.
    const session = await dialRaw(caller, clusterIp, 5432);
    session.write(startupMessage({ user: "shop", database: "postgres" }));
    await session.until((text) => text.endsWith("Z\0\0\0\u0005I"));
    session.write(query("listen news"));
    await session.until((text) => text.includes("LISTEN"));
    await caller.exec([
      ...["psql", "-h", "server", "-U", "shop", "-d", "postgres"],
      ...["-c", "notify news, 'fresh bread'"],
    ]);
    await session.until((text) => text.includes("fresh bread"));
    session.destroy();
    // SIGINT: PostgreSQL's fast shutdown.
    await postgres.stop("SIGINT");
    expect(await secured(caller, 5432)).toBe(true);
  });

  /** PostgreSQL's protocol 3.0, "StartupMessage" and "Query". */
  function startupMessage(options: Readonly<Record<string, string>>): Buffer {
    const text = Object.entries(options).flat().join("\0") + "\0\0";
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + text.length, 0);
    head.writeUInt32BE(3 << 16, 4);
    return Buffer.concat([head, Buffer.from(text)]);
  }

  function query(sql: string): Buffer {
    const head = Buffer.alloc(5);
    head.write("Q");
    head.writeUInt32BE(4 + sql.length + 1, 1);
    return Buffer.concat([head, Buffer.from(`${sql}\0`)]);
  }
});

/** Whether the client's proxy reached the server's port with TLS, and only so. */
async function secured(from: Pod, port: number): Promise<boolean> {
  const page = await from.proxy?.metrics() ?? "";
  const lines = page.split("\n").filter((line) =>
    line.startsWith("tcp_open_total{") && line.includes(`peer="dst"`) &&
    line.includes(`target_port="${port}"`)
  );
  return lines.length > 0 && lines.every((line) => line.includes(`tls="true"`));
}

describe.each(WAYS)("through %s", (_name, way) => {
  test("a server that speaks first is heard at once on a port nobody declared", async () => {
    const { from, to, ip } = way();
    const times: number[] = [];
    for (const port of FRESH_PORTS.splice(0, 3)) {
      servers.push(listenRaw(to, port, (socket) => {
        socket.write("220 mail.shop ready\r\n");
        void socket.until((text) => text.includes("EHLO shop\r\n"))
          .then(() => socket.write("250 hello\r\n"));
        void socket.until((text) => text.includes("QUIT\r\n"))
          .then(() => socket.finish());
      }));
      const startedMs = performance.now();
      const client = await dialRaw(from, ip, port);
      await client.until((text) => text === "220 mail.shop ready\r\n");
      times.push(performance.now() - startedMs);
      client.write("EHLO shop\r\n");
      await client.until((text) => text.endsWith("250 hello\r\n"));
      client.write("QUIT\r\n");
      await client.ended;
      client.finish();
      await client.closed;
    }
    expect(median(times)).toBeLessThan(PROMPT_MS);
  });

  test("an HTTP request to a server that speaks first makes it no slower for others", async () => {
    const { from, to, ip } = way();
    const [port = 0] = FRESH_PORTS.splice(0, 1);
    servers.push(listenRaw(to, port, (socket) => socket.write("220 mail\r\n")));
    const probe = await dialRaw(from, ip, port);
    probe.write("GET / HTTP/1.1\r\nhost: mail\r\n\r\n");
    await probe.until((text) => text.startsWith("HTTP/1.1 502 "));
    probe.destroy();
    const startedMs = performance.now();
    const client = await dialRaw(from, ip, port);
    await client.until((text) => text === "220 mail\r\n");
    expect(performance.now() - startedMs).toBeLessThan(2 * PROMPT_MS);
    client.destroy();
  });

  test("a client that speaks first in a protocol of its own is heard at once", async () => {
    const { from, to, ip } = way();
    const [port = 0] = FRESH_PORTS.splice(0, 1);
    servers.push(listenRaw(to, port, (socket) => {
      void socket.until((text) => text.includes("."))
        .then((text) => socket.write(`you said ${text}`));
    }));
    for (const words of ["PING\r\n.", "\u0001\u0002.", "word without end."]) {
      const startedMs = performance.now();
      const client = await dialRaw(from, ip, port);
      client.write(words);
      await client.until((text) => text === `you said ${words}`);
      expect(performance.now() - startedMs).toBeLessThan(2 * PROMPT_MS);
      client.destroy();
    }
  });

  describe.each([
    ["a declared opaque port", OPAQUE_PORT],
    ["a port nobody declared", PLAIN_PORT],
  ])("on %s", (_name, port) => {
    test("an answer after the client's FIN arrives whole", async () => {
      const { from, to, ip } = way();
      const question = pattern(1);
      const answer = pattern(2);
      const served = listenRaw(to, port, (socket) => {
        void socket.ended.then(() => {
          socket.write(answer);
          socket.finish();
        });
      });
      servers.push(served);
      const client = await dialRaw(from, ip, port);
      client.write(question);
      client.finish();
      expect(digest(await client.ended)).toBe(digest(answer));
      await client.closed;
      expect(received(served)).toEqual([digest(question)]);
    });

    test("what the client says after the server's FIN arrives whole", async () => {
      const { from, to, ip } = way();
      const greeting = pattern(3);
      const answer = pattern(4);
      const served = listenRaw(to, port, (socket) => {
        socket.write(greeting);
        socket.finish();
      });
      servers.push(served);
      const client = await dialRaw(from, ip, port);
      expect(digest(await client.ended)).toBe(digest(greeting));
      client.write(answer);
      client.finish();
      await client.closed;
      await served.sockets[0]?.closed;
      expect(received(served)).toEqual([digest(answer)]);
    });

    test("a connection that breaks on one side breaks on the other", async () => {
      const { from, to, ip } = way();
      const served = listenRaw(to, port, (socket) => socket.write("hello"));
      servers.push(served);
      const first = await dialRaw(from, ip, port);
      await first.until((text) => text === "hello");
      served.sockets[0]?.destroy();
      await first.ended;
      first.destroy();
      const second = await dialRaw(from, ip, port);
      await second.until((text) => text === "hello");
      second.destroy();
      await served.sockets[1]?.ended;
    });
  });

  test("a word and a FIN at once both arrive, and so does the answer", async () => {
    const { from, to, ip } = way();
    servers.push(listenRaw(to, PLAIN_PORT, (socket) => {
      void socket.ended.then((word) => {
        socket.write(`you said ${word}`);
        socket.finish();
      });
    }));
    const client = await dialRaw(from, ip, PLAIN_PORT);
    client.write("word");
    client.finish();
    expect(`${await client.ended}`).toBe("you said word");
  });

  test("a server that ends a connection of a silent client is heard", async () => {
    const { from, to, ip } = way();
    const [port = 0] = FRESH_PORTS.splice(0, 1);
    servers.push(listenRaw(to, port, (socket) => socket.finish()));
    const startedMs = performance.now();
    const client = await dialRaw(from, ip, port);
    expect(`${await client.ended}`).toBe("");
    expect(performance.now() - startedMs).toBeLessThan(2 * PROMPT_MS);
    client.destroy();
  });

  test("a reader that is slow gets all of it", async () => {
    const { from, to, ip } = way();
    const answer = pattern(5);
    servers.push(listenRaw(to, OPAQUE_PORT, (socket) => {
      socket.write(answer);
      socket.finish();
    }));
    const client = await dialRaw(from, ip, OPAQUE_PORT);
    for (let round = 0; round < 5; round++) {
      client.pause();
      await Bun.sleep(30);
      client.resume();
      await Bun.sleep(1);
    }
    expect(digest(await client.ended)).toBe(digest(answer));
    client.finish();
    await client.closed;
  });

  test("an HTTP server sees no connection without a request", async () => {
    const { from, to, ip } = way();
    const [port = 0] = FRESH_PORTS.splice(0, 1);
    const http = listenHttp(to, port);
    servers.push(http);
    // The first is silent for longest, before anything is known of the server.
    const silences = [500, 100, 20, 0, 500, 100, 20, 0];
    const silent = silences.map(async (silenceMs) => {
      const client = await dialRaw(from, ip, port);
      await Bun.sleep(silenceMs);
      await exchange(client, 1);
      client.destroy();
    });
    await silent[0];
    const kept = Array.from({ length: 4 }, async () => {
      const client = await dialRaw(from, ip, port);
      for (let round = 0; round < 10; round++) await exchange(client, 1);
      client.finish();
      await client.closed;
    });
    const pipelined = Array.from({ length: 4 }, async () => {
      const client = await dialRaw(from, ip, port);
      await exchange(client, 10);
      client.destroy();
    });
    await Promise.all([...silent, ...kept, ...pipelined]);
    const requests = http.requests();
    expect(requests.reduce((sum, count) => sum + count, 0))
      .toBe(silences.length + 4 * 10 + 4 * 10);
    expect(requests.filter((count) => count === 0)).toEqual([]);
  });
});
