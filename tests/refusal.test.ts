import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { startLoad } from "../demo/bed/load.ts";
import { type PodFacts, podObject } from "../demo/bed/objects.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { createAnchor } from "../demo/bed/trust.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { readMemory } from "../demo/memory.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { Output } from "../proxy/channel.ts";
import { writeTransportHeader } from "../proxy/wire/transport-header.ts";
import { ANNOTATIONS, PORTS, TRANSPORT_PROTOCOL } from "../schemas/names.ts";
import type { AttackResult, AttackSpec } from "./testing/attack.ts";
import { createLeaf, type LeafFiles } from "./testing/leaf.ts";
import {
  addBackend,
  type Backend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

/** How long the proxy under attack waits for a handshake or a header; the default of 10 s would only make us wait. */
const DETECT_TIMEOUT_MS = 1_000;
const HOUR_MS = 3_600_000;

let mesh: Mesh;
/** The meshed server that is attacked. */
let server: Backend;
/** A meshed client. */
let client: Pod;
/** Without a proxy: whatever is said there goes to the wire as it is. */
let outsider: Pod;
/** Where certificates are that tests present. */
let files: string;
/** Not meshed, though its manifest says so: tests run there what is not its proxy. */
let impostor: Pod;

beforeAll(async () => {
  mesh = await openMesh("refusal");
  const { bed } = mesh;
  files = `${bed.layout.home}/refusal`;
  await mkdir(files);
  const leaves = createLeaves();
  [server, client, outsider, impostor] = await Promise.all([
    addBackend(bed, {
      name: "server",
      serviceAccount: "server",
      proxyEnv: {
        LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT: `${DETECT_TIMEOUT_MS}ms`,
      },
    }),
    bed.addPod({ name: "client", namespace: "app", serviceAccount: "client" }),
    bed.addPod({ name: "outsider", namespace: "app", meshed: false }),
    bed.addPod({
      name: "impostor",
      namespace: "app",
      serviceAccount: "peer",
      meshed: false,
    }),
  ]);
  await bed.addService({
    name: "server",
    namespace: "app",
    ports: [{ port: 80, targetPort: BACKEND_PORTS.http }],
    pods: [server.pod],
  });
  await bed.addService({
    name: "impostor",
    namespace: "app",
    ports: [BACKEND_PORTS.echo],
    annotations: { [ANNOTATIONS.opaquePorts]: String(BACKEND_PORTS.echo) },
    pods: [impostor],
  });
  await bed.apply(podObject({ ...facts(impostor), meshed: true }));
  for (const [name, leaf] of Object.entries(await leaves)) {
    await writeFile(`${files}/${name}.crt`, leaf.chain);
    await writeFile(`${files}/${name}.key`, leaf.key);
  }
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** What a pod's manifest says. */
function facts(pod: Pod): PodFacts {
  return {
    ...pod,
    labels: { app: pod.name },
    annotations: {},
    ports: [],
    meshed: pod.proxy !== null,
  };
}

/** The identity of a service account of namespace `app`. */
const nameOf = (account: string): string =>
  `${account}.app.serviceaccount.identity.linkerd.cluster.local`;

/** Certificates for the identity `peer`: one that is good, and others. */
async function createLeaves(): Promise<Record<string, LeafFiles>> {
  const { anchor } = mesh.bed;
  const now = Date.now();
  return {
    good: await createLeaf(anchor, nameOf("peer")),
    foreign: await createLeaf(await createAnchor(now), nameOf("peer")),
    expired: await createLeaf(anchor, nameOf("peer"), {
      fromMs: now - 2 * HOUR_MS,
      lifetimeMs: HOUR_MS,
    }),
    early: await createLeaf(anchor, nameOf("peer"), {
      fromMs: now + HOUR_MS,
    }),
    other: await createLeaf(anchor, nameOf("other")),
  };
}

const pathsOf = (leaf: string) => ({
  cert: `${files}/${leaf}.crt`,
  key: `${files}/${leaf}.key`,
});

const present = (leaf: string): string[] => {
  const { cert, key } = pathsOf(leaf);
  return ["-cert", cert, "-cert_chain", cert, "-key", key];
};

/** A transport header for the server's HTTP port. */
function formatHeader(): Uint8Array {
  const out = new Output();
  writeTransportHeader(out, {
    port: BACKEND_PORTS.http,
    name: "",
    session: "http1",
  });
  return out.bytes.slice(0, out.length);
}

/** What openssl gets from the server's pod for a request, behind a transport header on the proxy's own port. */
async function request(
  port: number,
  flags: readonly string[],
): Promise<{ answered: boolean; said: string }> {
  const direct = port === PORTS.inbound;
  const head = "GET / HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n";
  const file = `${files}/${crypto.randomUUID()}`;
  await writeFile(
    file,
    Buffer.concat([
      ...(direct ? [formatHeader()] : []),
      Buffer.from(head),
    ]),
  );
  const { stdout, stderr } = await outsider.exec([
    ...["sh", "-c", 'exec timeout 10 openssl s_client "$@" < "$0"', file],
    ...["-quiet", "-connect", `${server.pod.ip}:${port}`],
    ...["-servername", nameOf("server")],
    ...flags,
  ]);
  return { answered: stdout.startsWith("HTTP/1.1 200 OK"), said: stderr };
}

/** Who asks, and whether the proxy listens to them on its own port and on an application's. */
const CLIENTS = [
  { what: "a certificate of the mesh", leaf: "good", own: true, app: true },
  { what: "TLS 1.2", leaf: "good", flags: ["-tls1_2"], own: false, app: false },
  {
    what: "a certificate from another root",
    leaf: "foreign",
    own: false,
    app: false,
  },
  { what: "an expired certificate", leaf: "expired", own: false, app: false },
  {
    what: "a certificate that is not valid yet",
    leaf: "early",
    own: false,
    app: false,
  },
  { what: "no certificate", leaf: null, own: false, app: true },
] as const;

/** Requests that came to the server, and connections of which its proxy let nothing through. */
async function count(): Promise<{ served: number; refused: number }> {
  const [served, page] = await Promise.all([
    server.served(),
    proxyOf(server.pod).metrics(),
  ]);
  const refused = parseMetrics(page)
    .filter(({ name }) => name === "inbound_tcp_errors_total")
    .reduce((sum, { value }) => sum + value, 0);
  return { served, refused };
}

for (const side of ["own", "app"] as const) {
  const [port, where] = side === "own"
    ? [PORTS.inbound, "its own port"]
    : [BACKEND_PORTS.http, "an application's port"];
  for (const { what, leaf, [side]: welcome, ...rest } of CLIENTS) {
    test(`a proxy ${welcome ? "takes" : "refuses"} ${what} on ${where}`, async () => {
      const before = await count();
      const { answered, said } = await request(port, [
        ...(side === "own" ? ["-alpn", TRANSPORT_PROTOCOL] : []),
        ...(leaf === null ? [] : present(leaf)),
        ...("flags" in rest ? rest.flags : []),
      ]);
      expect(answered).toBe(welcome);
      const { served, refused } = await count();
      expect(served - before.served).toBe(welcome ? 1 : 0);
      expect(refused - before.refused).toBe(welcome ? 0 : 1);
      if (what === "TLS 1.2") expect(said).toContain("alert protocol version");
    });
  }
}

/** What a server presents that stands where discovery expects the proxy of a pod of service account `peer`. */
const SERVERS = [
  { what: "a certificate of that name", leaf: "good", trusted: true },
  {
    what: "TLS 1.2",
    leaf: "good",
    flags: ["-no_tls1_3"],
    trusted: false,
  },
  { what: "a certificate from another root", leaf: "foreign", trusted: false },
  { what: "an expired certificate", leaf: "expired", trusted: false },
  { what: "a certificate for another name", leaf: "other", trusted: false },
] as const;

for (const { what, leaf, trusted, ...rest } of SERVERS) {
  const verb = trusted ? "speaks to" : "refuses";
  test(`a proxy ${verb} a server with ${what}`, async () => {
    const marker = crypto.randomUUID();
    const openssl = impostor.run([
      ...["openssl", "s_server", "-accept", String(PORTS.inbound), "-rev"],
      ...["-alpn", TRANSPORT_PROTOCOL, ...present(leaf)],
      ...("flags" in rest ? rest.flags : []),
    ]);
    await openssl.line("ACCEPT");
    const { stdout } = await client.exec([
      ...["bun", "tests/testing/say.ts"],
      ...["impostor", String(BACKEND_PORTS.echo), marker],
    ]);
    await openssl.stop();
    // openssl says every line backwards.
    const answer = [...marker].reverse().join("");
    expect(stdout.includes(answer)).toBe(trusted);
    expect(stdout === "").toBe(!trusted);
  });
}

test(
  "a proxy sends no request to a pod whose certificate names another than discovery does",
  async () => {
    const status = async () => {
      const { stdout } = await client.exec([
        ...["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"],
        "http://server/",
      ]);
      return stdout;
    };
    expect(await status()).toBe("200");
    const truth = facts(server.pod);
    await mesh.bed.apply(podObject({ ...truth, serviceAccount: "other" }));
    await waitFor(async () => await status() === "200" ? null : true, {
      what: () => "a refusal",
    });
    const served = await server.served();
    expect(await status()).toBe("503");
    expect(await server.served()).toBe(served);
    await mesh.bed.apply(podObject(truth));
    await waitFor(async () => await status() === "200" || null, {
      what: () => "an answer again",
    });
  },
  30_000,
);

/** The start of what openssl says first, with which the rest never comes. */
const HALF_HELLO = Buffer.from(
  "16030101000100" + "01fc0303" + "ab".repeat(64),
  "hex",
);

/** A transport header that announces 4 GB. */
const HUGE_HEADER = Buffer.concat([
  Buffer.from(`${TRANSPORT_PROTOCOL}\r\n\r\n`),
  Buffer.from("ffffffff", "hex"),
  Buffer.alloc(1_000),
]);

const GARBAGE = Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(100));

/** Attempts, and how many at once: those that only a timeout ends are made together. */
const ATTACKS = [
  {
    what: "half a ClientHello on its own port",
    port: PORTS.inbound,
    say: HALF_HELLO,
    attempts: 2_000,
    parallel: 1_000,
  },
  {
    what: "half a ClientHello on an application's port",
    port: BACKEND_PORTS.http,
    say: HALF_HELLO,
    attempts: 2_000,
    parallel: 1_000,
  },
  {
    what: "garbage on its own port",
    port: PORTS.inbound,
    say: GARBAGE,
    attempts: 10_000,
    parallel: 250,
  },
  {
    what: "a transport header of 4 GB",
    port: PORTS.inbound,
    leaf: "good",
    say: HUGE_HEADER,
    attempts: 2_000,
    parallel: 100,
  },
  {
    what: "garbage instead of a transport header",
    port: PORTS.inbound,
    leaf: "good",
    say: GARBAGE,
    attempts: 2_000,
    parallel: 100,
  },
] as const;

/** What memory may grow by over all attempts: those without TLS may not leave 2 KB each, those with it not 8 KB. */
const MAX_GROWTH_MB = 16;

describe("a proxy under attack", () => {
  let pid: number;
  let before: { privateDirtyMb: number; rssMb: number; open: number };

  const look = async () => ({
    ...await readMemory(pid),
    open: (await readdir(`/proc/${pid}/fd`)).length,
  });

  beforeAll(async () => {
    ({ pid } = proxyOf(server.pod).program());
    before = await look();
  });

  for (const { what, say, ...spec } of ATTACKS) {
    test(`closes ${what}, and nobody else notices`, async () => {
      const load = startLoad(client, {
        url: "http://server/",
        connections: 2,
        rate: 100,
      });
      await load.started();
      const result = await attack({
        hostname: server.pod.ip,
        port: spec.port,
        attempts: spec.attempts,
        parallel: spec.parallel,
        say: say.toString("base64"),
        tls: "leaf" in spec ? pathsOf(spec.leaf) : null,
      });
      expect(await load.stop()).toMatchObject({ failed: 0, connections: 2 });
      expect(result).toMatchObject({ closed: spec.attempts, heardBytes: 0 });
    }, 60_000);
  }

  test("is as it was when that is over", async () => {
    let now = before;
    const calm = async () => {
      now = await look();
      return now.open <= before.open &&
          now.privateDirtyMb < before.privateDirtyMb + MAX_GROWTH_MB &&
          now.rssMb < before.rssMb + MAX_GROWTH_MB || null;
    };
    // Collecting garbage is not hurried when nobody needs the memory.
    await waitFor(calm, {
      what: () =>
        `a calm proxy: ${JSON.stringify(now)}, before ${
          JSON.stringify(before)
        }`,
      timeoutMs: 40_000,
    });
  }, 50_000);
});

async function attack(spec: AttackSpec): Promise<AttackResult> {
  const { code, stdout, stderr } = await outsider.exec([
    ...["bun", "tests/testing/attack.ts", JSON.stringify(spec)],
  ]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as AttackResult;
}
