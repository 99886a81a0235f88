import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { parseMetrics } from "../../demo/metrics.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "../testing/mesh.ts";
import { startNginx } from "../testing/nginx.ts";
import { BUILD_TIMEOUT_MS, goTool } from "../tools.ts";

/** All cases of the pinned h2spec, strict ones included. */
const CASES = 147;
const PORTS = { detected: 8080, declared: 8081 } as const;

let h2spec: string;
let mesh: Mesh;
/** A meshed server that nginx runs behind. */
let server: Pod;
/** Meshed: what it sends goes through its outbound proxy. */
let client: Pod;
/** Not meshed: what it sends reaches the server's inbound proxy as it is. */
let outsider: Pod;

beforeAll(async () => {
  h2spec = await goTool("h2spec");
  mesh = await openMesh("h2spec");
  const { bed } = mesh;
  [server, client, outsider] = await Promise.all([
    bed.addPod({
      name: "server",
      namespace: "app",
      ports: Object.values(PORTS),
    }),
    bed.addPod({ name: "client", namespace: "app" }),
    bed.addPod({ name: "outsider", namespace: "app", meshed: false }),
  ]);
  await bed.apply({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "declared", namespace: "app" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      port: PORTS.declared,
      proxyProtocol: "HTTP/2",
      accessPolicy: "all-unauthenticated",
    },
  });
  await bed.addService({
    name: "server",
    namespace: "app",
    ports: [
      { name: "detected", port: PORTS.detected },
      {
        name: "declared",
        port: PORTS.declared,
        appProtocol: "kubernetes.io/h2c",
      },
    ],
    pods: [server],
  });
  const servers = Object.values(PORTS)
    .map((port) =>
      `server { listen ${port} http2; location / { return 200 "hello"; } }`
    );
  await startNginx(bed, server, servers.join("\n"));
}, BUILD_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** Runs every case and returns what h2spec says of those that failed, and its count. */
async function run(from: Pod, host: string, port: number) {
  const argv = [h2spec, "--strict", "--host", host, "--port", String(port)];
  const { code, stdout, stderr } = await from.exec(argv);
  const [, failures = ""] = stdout.split("Failures:");
  const count = /^(\d+) tests, .*$/m.exec(stdout)?.[0] ?? stdout + stderr;
  return { code, failures: failures.trim(), count };
}

const ALL_PASSED = {
  code: 0,
  failures: "",
  count: `${CASES} tests, ${CASES} passed, 0 skipped, 0 failed`,
};

/** HTTP requests that a proxy has counted in a direction: proof that it was the proxy which answered. */
async function counted(
  pod: Pod,
  direction: "inbound" | "outbound",
): Promise<number> {
  return parseMetrics(await proxyOf(pod).metrics())
    .filter(({ name, labels }) =>
      name === "request_total" && labels["direction"] === direction
    ).reduce((sum, { value }) => sum + value, 0);
}

describe("h2spec finds no fault with the inbound proxy", () => {
  test.each(Object.entries(PORTS))("on a port that is %s", async (_, port) => {
    const before = await counted(server, "inbound");
    expect(await run(outsider, server.ip, port)).toEqual(ALL_PASSED);
    expect(await counted(server, "inbound")).toBeGreaterThan(before + 20);
  }, MESH_TIMEOUT_MS);
});

describe("h2spec finds no fault with the outbound proxy", () => {
  test.each(Object.entries(PORTS))("on a port that is %s", async (_, port) => {
    const before = await counted(client, "outbound");
    expect(await run(client, "server", port)).toEqual(ALL_PASSED);
    expect(await counted(client, "outbound")).toBeGreaterThan(before + 20);
  }, MESH_TIMEOUT_MS);
});
