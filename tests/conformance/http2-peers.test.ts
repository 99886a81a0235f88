// Programs that are not ours speak HTTP/2 through two proxies: what they send arrives octet for octet, however large, and
// whoever reads slowly costs the proxies no memory.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import type { Pod } from "../../demo/bed/pod.ts";
import { system } from "../../demo/bed/system.ts";
import { ErrorCode } from "../../proxy/http/message.ts";
import { Flag } from "../../proxy/http2/frames.ts";
import {
  dialHttp2,
  type Http2Peer,
  listenHttp2,
} from "../testing/http2-peer.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "../testing/mesh.ts";
import { startNginx } from "../testing/nginx.ts";
import { watchMemory } from "../testing/watch-memory.ts";

const PORTS = { nginx: 8080, node: 8090, http1: 8081, raw: 8082 } as const;
const LARGE = 1_000_000_000;
const SIZES = [0, 1, 16_384, 1_000_000];
/** A gigabyte takes seconds, and many more on a busy machine. */
const BODY_TIMEOUT_MS = 120_000;
/** What buffers and uncollected garbage may take while a gigabyte passes: a tenth of it. */
const FLAT_MB = 100;

let mesh: Mesh;
let client: Pod;
let server: Pod;
let serviceIp: string;
/** Where files are that have as many octets as their names say. */
let folder: string;
/** SHA-256 of each file. */
const sums: Record<number, string> = {};

beforeAll(async () => {
  mesh = await openMesh("peers");
  const { bed } = mesh;
  folder = `${bed.layout.home}/bodies`;
  const bodies = writeBodies();
  [client, server] = await Promise.all([
    bed.addPod({ name: "client" }),
    bed.addPod({ name: "server", ports: Object.values(PORTS) }),
  ]);
  await bodies;
  const [service] = await Promise.all([
    bed.addService({
      name: "peers",
      ports: Object.entries(PORTS).map(([name, port]) => ({ name, port })),
      pods: [server],
    }),
    startNginx(
      bed,
      server,
      `server { listen ${PORTS.nginx} http2; root ${folder}; }
server { listen ${PORTS.http1}; root ${folder}; }`,
    ),
    server.run([
      ...["node", "tests/testing/http2-server.mjs"],
      ...[String(PORTS.node), folder],
    ]).line("ready"),
  ]);
  serviceIp = service.clusterIp;
}, BODY_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** Files of octets that repeat nowhere: a key stream of AES. */
async function writeBodies(): Promise<void> {
  await mkdir(folder);
  const key = ["-aes-128-ctr", "-K", "01", "-iv", "02", "-in", "/dev/zero"];
  await Promise.all([...SIZES, LARGE].map(async (size) => {
    const file = `${folder}/${size}`;
    const script = `openssl enc ${key.join(" ")} 2>/dev/null | head -c ${size}`;
    await system(["sh", "-c", `${script} > ${file}; chmod 644 ${file}`]);
    const [sum = ""] = (await system(["sha256sum", file])).split(" ");
    sums[size] = sum;
  }));
}

/** Runs a shell line in the client's pod and returns what it prints. */
async function say(line: string): Promise<string> {
  const { code, stdout, stderr } = await client.exec(["sh", "-c", line]);
  expect(code, `${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}

const urlOf = (port: keyof typeof PORTS, path: string | number): string =>
  `http://peers:${PORTS[port]}/${path}`;
const SUM = "sha256sum | cut -d' ' -f1";

/** How clients fetch a URL and print what they got. */
const FETCH = {
  nghttp: "nghttp",
  curl: "curl -s --fail --http2-prior-knowledge",
} as const;

describe.each(SIZES)("a body of %d octets", (size) => {
  for (const from of ["nginx", "node"] as const) {
    test.each(Object.entries(FETCH))(
      `comes whole from ${from} to %s`,
      async (_, fetch) => {
        expect(await say(`${fetch} ${urlOf(from, size)} | ${SUM}`))
          .toBe(sums[size] ?? "");
      },
      BODY_TIMEOUT_MS,
    );
  }

  test.each([
    ["nghttp", "nghttp -d"],
    ["curl", "curl -s --http2-prior-knowledge --data-binary @"],
  ])("goes whole from %s to node", async (_, send) => {
    const file = `${folder}/${size}`;
    const argument = send.endsWith("@") ? `${send}${file}` : `${send} ${file}`;
    expect(JSON.parse(await say(`${argument} ${urlOf("node", "")}`)))
      .toMatchObject({ octets: size, sha256: sums[size] ?? "" });
  }, BODY_TIMEOUT_MS);

  test(
    "comes whole over HTTP/1, which is HTTP/2 between the proxies",
    async () => {
      expect(await say(`curl -s --fail ${urlOf("http1", size)} | ${SUM}`))
        .toBe(sums[size] ?? "");
    },
    BODY_TIMEOUT_MS,
  );
});

/** Requests of h2load, over connections, at a time on each. */
const LOAD = { requests: 400, connections: 4, streams: 20 } as const;

test.each([["nginx", 16_384], ["node", 16_384], ["nginx", 1_000_000]] as const)(
  "h2load gets all of many bodies at once from %s, of %d octets",
  async (port, size) => {
    const { requests, connections, streams } = LOAD;
    const count = size > 100_000 ? requests / 10 : requests;
    const flags = `-n ${count} -c ${connections} -m ${streams}`;
    const report = await say(`h2load ${flags} ${urlOf(port, size)}`);
    expect(report).toContain(`${count} succeeded, 0 failed, 0 errored`);
    expect(report).toContain(`(${count * size}) data`);
  },
  BODY_TIMEOUT_MS,
);

describe("trailers", () => {
  test("come with a response", async () => {
    const seen = await say(`nghttp -nv ${urlOf("node", 16_384)}`);
    expect(seen).toContain(`x-sha256: ${sums[16_384]}`);
  });

  test("go with a request", async () => {
    const file = `${folder}/16384`;
    const flags = `-d ${file} --trailer 'x-sum: of it all'`;
    const { trailers, sha256 } = JSON.parse(
      await say(`nghttp ${flags} ${urlOf("node", "")}`),
    );
    expect(trailers).toEqual({ "x-sum": "of it all" });
    expect(sha256).toBe(sums[16_384]);
  });
});

/** Ways of a gigabyte through both proxies; readers that are slow take nothing for a second now and then. */
const WAYS: Readonly<Record<string, () => string>> = {
  "from node to nghttp": () => `nghttp ${urlOf("node", LARGE)} | sha256sum`,
  "from nginx to a slow nghttp": () =>
    `nghttp ${urlOf("nginx", LARGE)} | ${READER}`,
  "from nginx to a slow nghttp with windows of a gigabyte": () =>
    `nghttp -w 30 -W 30 ${urlOf("nginx", LARGE)} | ${READER}`,
  "from nginx to a slow curl over HTTP/1": () =>
    `curl -s ${urlOf("http1", LARGE)} | ${READER}`,
  "from nghttp to a slow node": () =>
    `nghttp -d ${folder}/${LARGE} ${urlOf("node", "slow")}`,
};
const READER = "bun tests/testing/slow-reader.ts";

test.each(Object.keys(WAYS))(
  "a body of a gigabyte comes whole %s, and the proxies' memory is flat",
  async (way) => {
    const watches = [await watchMemory(client), await watchMemory(server)];
    const seen = await say(WAYS[way]?.() ?? "");
    const grown = await Promise.all(watches.map((stop) => stop()));
    expect(seen).toContain(sums[LARGE] ?? "");
    process.stderr.write(`${way}: ${JSON.stringify(grown)}\n`);
    for (const { peakMb } of grown) expect(peakMb).toBeLessThan(FLAT_MB);
  },
  BODY_TIMEOUT_MS,
);

describe("a reset", () => {
  let accept: (server: Http2Peer) => void;
  let listener: { close(): void };
  beforeAll(() => {
    listener = listenHttp2(server, PORTS.raw, (peer) => accept(peer));
  });
  afterAll(() => listener.close());

  async function meet(): Promise<{ near: Http2Peer; far: Http2Peer }> {
    const accepted = Promise.withResolvers<Http2Peer>();
    accept = (opened) => {
      opened.peer.settings([]);
      accepted.resolve(opened);
    };
    const address = { ip: serviceIp, port: PORTS.raw };
    const near = await dialHttp2(client, address);
    near.peer.post(1);
    const far = await accepted.promise;
    await far.peer.line("headers 1");
    return { near, far };
  }

  /** Those that an application may have a reason for. */
  const CODES = [
    "noError",
    "internalError",
    "refusedStream",
    "cancel",
    "enhanceYourCalm",
  ] as const;

  test.each(CODES)(
    "by the server reaches the client with its code: %s",
    async (name) => {
      const { near, far } = await meet();
      far.peer.headers(1, [":status: 200"], Flag.endHeaders);
      await near.peer.line("headers 1");
      far.peer.reset(1, ErrorCode[name]);
      await near.peer.line(`rstStream 1 ${ErrorCode[name]}`);
      near.channel.destroy();
      far.channel.destroy();
    },
  );

  test("before a response reaches the client, too", async () => {
    const { near, far } = await meet();
    near.peer.body(1, 10, true);
    far.peer.reset(1, ErrorCode.internalError);
    await near.peer.line(`rstStream 1 ${ErrorCode.internalError}`);
    near.channel.destroy();
    far.channel.destroy();
  });

  test("by the client cancels the request at the server", async () => {
    const { near, far } = await meet();
    near.peer.reset(1, ErrorCode.cancel);
    await far.peer.line(`rstStream 1 ${ErrorCode.cancel}`);
    near.channel.destroy();
    far.channel.destroy();
  });

  test("is what becomes of requests when the client is gone", async () => {
    const { near, far } = await meet();
    near.channel.destroy();
    await far.peer.line(`rstStream 1 ${ErrorCode.cancel}`);
    far.channel.destroy();
  });
});
