// Trickery with HTTP/1 framing (request smuggling, CVE after CVE): refused by the first proxy that reads it.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { type Load, startLoad } from "../demo/bed/load.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { type Memory, readMemory } from "../demo/memory.ts";
import { type HttpServer, listenHttp } from "./testing/counting-server.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { dialRaw, type RawSocket } from "./testing/raw-socket.ts";

setDefaultTimeout(30_000);

const DECLARED_PORT = 8001;
const DETECTED_PORT = 8002;
/** The proxy gives a head ten seconds. */
const DRIP_MS = 300;

let mesh: Mesh;
let server: Pod;
let outsider: Pod;
let caller: Pod;
let clusterIp: string;
const apps: HttpServer[] = [];
/** Steady requests of honest clients, by the ways that are attacked. */
const loads: Load[] = [];

beforeAll(async () => {
  mesh = await openMesh("framing");
  const { bed } = mesh;
  const ports = [DECLARED_PORT, DETECTED_PORT];
  [server, outsider, caller] = await Promise.all([
    bed.addPod({ name: "server", ports }),
    bed.addPod({ name: "outsider", meshed: false }),
    bed.addPod({ name: "caller" }),
  ]);
  await bed.apply({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "declared", namespace: "default" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      port: DECLARED_PORT,
      proxyProtocol: "HTTP/1",
      accessPolicy: "all-unauthenticated",
    },
  });
  // Behind the client's proxy only, so that what gets through it is seen.
  const service = await bed.addService({
    name: "outsider",
    ports: [
      { name: "declared", port: DECLARED_PORT, appProtocol: "http" },
      { name: "detected", port: DETECTED_PORT },
    ],
    pods: [outsider],
  });
  clusterIp = service.clusterIp;
  for (const pod of [server, outsider]) {
    for (const port of ports) apps.push(listenHttp(pod, port));
  }
  for (const [, , way] of WAYS) {
    const { from, ip, port } = way();
    const url = `http://${ip}:${port}/`;
    loads.push(startLoad(from, { url, rate: 50, connections: 2 }));
  }
  await Promise.all(loads.map((load) => load.started()));
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const app of apps) app.close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

/** A proxy under attack: from where, by which address, and in whose pod it runs. */
interface Way {
  readonly from: Pod;
  readonly ip: string;
  readonly port: number;
  readonly attacked: Pod;
}

const inbound = (port: number): Way => ({
  from: outsider,
  ip: server.ip,
  port,
  attacked: server,
});
const outbound = (port: number): Way => ({
  from: caller,
  ip: clusterIp,
  port,
  attacked: caller,
});
const WAYS: readonly (readonly [string, boolean, () => Way])[] = [
  ["inbound, on a declared port", true, () => inbound(DECLARED_PORT)],
  ["inbound, on a detected port", false, () => inbound(DETECTED_PORT)],
  ["outbound, on a declared port", true, () => outbound(DECLARED_PORT)],
  ["outbound, on a detected port", false, () => outbound(DETECTED_PORT)],
];

const GOOD = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";
/** What follows each trick on its connection; every trick and this carry the word that must reach no application. */
const SMUGGLED = "GET /trick-behind HTTP/1.1\r\nhost: shop\r\n\r\n";

const get = (...fields: readonly string[]): string =>
  ["GET /trick HTTP/1.1", "host: shop", ...fields, "", ""].join("\r\n");
const post = (...fields: readonly string[]): string =>
  get(...fields).replace("GET", "POST");

/** By name: what is sent. The request line of each says HTTP/1, which is when a detected port becomes HTTP. */
const TRICKS: Readonly<Record<string, string>> = {
  "conflicting content-lengths":
    post("content-length: 5", "content-length: 6") + "hello",
  "a repeated content-length": post("content-length: 5", "content-length: 5") +
    "hello",
  "a list of content-lengths": post("content-length: 5, 6") + "hello",
  "a signed content-length": post("content-length: +5") + "hello",
  "a content-length that is no number": post("content-length: 5x") + "hello",
  "content-length and transfer-encoding":
    post("content-length: 6", "transfer-encoding: chunked") + "0\r\n\r\n",
  "transfer-encoding and content-length":
    post("transfer-encoding: chunked", "content-length: 6") + "0\r\n\r\n",
  "an unknown coding": post("transfer-encoding: xchunked") + "0\r\n\r\n",
  "a coding before chunked": post("transfer-encoding: gzip, chunked"),
  "chunked, then identity": post(
    "transfer-encoding: chunked",
    "transfer-encoding: identity",
  ),
  "a vertical tab before chunked": post("transfer-encoding: \x0bchunked"),
  "transfer-encoding in HTTP/1.0":
    post("transfer-encoding: chunked").replace("1.1", "1.0") + "0\r\n\r\n",
  "a folded line": get("x-a: 1", " 2"),
  "a line folded by a tab": get("x-a: 1", "\tcontent-length: 5"),
  "a folded first line": get().replace("host", " host"),
  "a space before the colon": post("content-length : 5") + "hello",
  "a tab before the colon": post("transfer-encoding\t: chunked"),
  "a bare CR in a value": get("x-a: 1\rcontent-length: 5"),
  "a bare LF after a field": get("x-a: 1\ncontent-length: 5"),
  "a bare LF after the request line": get().replace("\r\n", "\n"),
  "a bare LF before the end": get().replace("\r\n\r\n", "\r\n\n"),
  "a NUL in a value": get("x-a: 1\0"),
  "a NUL in a name": get("x\0: 1"),
  "a NUL in the target": get().replace("trick", "trick\0"),
  "two hosts": get("host: other"),
  "the same host twice": get("host: shop"),
  "no host": get().replace("host: shop\r\n", ""),
  "a field without a colon": get("trick"),
  "a field larger than a head may be": get(`x-a: ${"a".repeat(1 << 20)}`),
  "a head of too many fields": get(...Array<string>(1000).fill("x-a: 1")),
  "a target larger than a head may be": get().replace(
    "trick",
    "trick".repeat(1 << 16),
  ),
};

/** Connects, sends and resolves with all that was answered once the proxy has closed. */
async function converse(
  { from, ip, port }: Way,
  speak: (client: RawSocket) => Promise<void> | void,
): Promise<string> {
  const client = await dialRaw(from, ip, port);
  await speak(client);
  const answer = await client.ended;
  client.destroy();
  return `${answer}`;
}

/** A refusal and nothing else, or nothing at all. */
const REFUSED = /^$|^HTTP\/1\.1 4\d\d [A-Za-z ]+\r\n[^]*connection: close\r\n/;
const isRefused = (answer: string): boolean =>
  REFUSED.test(answer) && answer.split("HTTP/1.1 ").length <= 2;

const heard = (): boolean => apps.some((app) => app.heard().includes("trick"));

describe.each(WAYS)("%s", (_name, declared, way) => {
  test.each(Object.keys(TRICKS))("%s is refused", async (name) => {
    const trick = TRICKS[name] ?? "";
    const first = await converse(way(), (client) => {
      client.write(trick + SMUGGLED);
    });
    expect(isRefused(first) || first).toBeTrue();
    const second = await converse(way(), async (client) => {
      client.write(GOOD);
      await client.until((text) => text.endsWith("\r\n\r\nok"));
      client.write(trick + SMUGGLED);
    });
    const answers = second.split("\r\n\r\nok");
    expect(answers[0]).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(isRefused(answers[1] ?? "none") || second).toBeTrue();
    expect(heard()).toBeFalse();
  });

  test("a body with broken chunks takes its connection along, and nothing behind it is read", async () => {
    for (const body of ["x\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "-1\r\n"]) {
      const answer = await converse(way(), (client) => {
        client.write(
          "POST /broken HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n" +
            body + SMUGGLED,
        );
      });
      expect(isRefused(answer) || answer).toBeTrue();
    }
    expect(heard()).toBeFalse();
  });

  const foreign = ["trick\r\n\r\n", "\x16\x03\x01\x02trick\r\n\r\n"];
  test.each(declared ? foreign : [])(
    "%j is not taken for HTTP",
    async (trick) => {
      const answer = await converse(way(), (client) => client.write(trick));
      expect(isRefused(answer) || answer).toBeTrue();
      expect(heard()).toBeFalse();
    },
  );
});

test("a head that drips is cut off in time", async () => {
  await Promise.all(WAYS.map(async ([, , way]) => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const startedMs = performance.now();
    const answer = await converse(way(), (client) => {
      client.write("GET /trick HTTP/1.1\r\nhost: shop\r\n");
      timer = setInterval(() => client.write("x-a: 1\r\n"), DRIP_MS);
    });
    clearInterval(timer);
    expect(isRefused(answer) || answer).toBeTrue();
    expect(performance.now() - startedMs).toBeWithin(5_000, 20_000);
  }));
  expect(heard()).toBeFalse();
});

test("memory stays flat under a flood of them", async () => {
  /** Each round sends this often 200 kB of head, many times what may stay. */
  const ATTEMPTS = 150;
  const MAX_GROWTH_MB = 20;
  const tricks = [
    TRICKS["conflicting content-lengths"],
    TRICKS["a bare LF after a field"],
    get(`x-a: ${"a".repeat(200_000)}`),
  ];
  const flood = async (way: Way): Promise<void> => {
    for (let sent = 0; sent < ATTEMPTS; sent++) {
      await Promise.all(
        tricks.map((trick = "") =>
          converse(way, (client) => client.write(trick))
        ),
      );
    }
  };
  for (const way of [inbound(DETECTED_PORT), outbound(DECLARED_PORT)]) {
    const { pid } = proxyOf(way.attacked).program();
    await flood(way);
    const before = await readMemory(pid);
    for (let round = 0; round < 3; round++) await flood(way);
    let now: Memory = before;
    // Collecting garbage is not hurried when nobody needs the memory.
    await waitFor(async () => {
      now = await readMemory(pid);
      return now.privateDirtyMb < before.privateDirtyMb + MAX_GROWTH_MB || null;
    }, {
      what: () => `${JSON.stringify(now)} near ${JSON.stringify(before)}`,
    });
  }
});

test("other connections have been untouched all along", async () => {
  for (const load of loads) {
    const result = await load.stop();
    expect(result).toMatchObject({ failed: 0, connections: 2 });
    expect(result.requests).toBeGreaterThan(200);
  }
});
