// HTTP/2 by prior knowledge and gRPC, with a Connect server and client, curl and h2load at the ends.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import type { GrpcReport } from "./testing/grpc-client.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";

setDefaultTimeout(30_000);

const DETECTED_PORT = 9090;
const DECLARED_PORT = 9091;
/** Nobody listens there. */
const DEAD_PORT = 9092;
/** Declared to speak gRPC and nothing else. */
const GRPC_PORT = 9093;
const DECLARED = [[DECLARED_PORT, "HTTP/2"], [GRPC_PORT, "gRPC"]] as const;
const CALLER_ID =
  "caller.default.serviceaccount.identity.linkerd.cluster.local";

let mesh: Mesh;
let caller: Pod;
let server: Pod;
let outsider: Pod;

beforeAll(async () => {
  mesh = await openMesh("grpc");
  const { bed } = mesh;
  [caller, server, outsider] = await Promise.all([
    bed.addPod({ name: "caller", serviceAccount: "caller" }),
    bed.addPod({
      name: "server",
      ports: [DETECTED_PORT, DECLARED_PORT, GRPC_PORT],
    }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  for (const [port, proxyProtocol] of DECLARED) {
    await bed.apply({
      apiVersion: "policy.linkerd.io/v1beta3",
      kind: "Server",
      metadata: { name: `declared-${port}`, namespace: "default" },
      spec: {
        podSelector: { matchLabels: { app: "server" } },
        port,
        proxyProtocol,
        accessPolicy: "all-unauthenticated",
      },
    });
  }
  await bed.addService({
    name: "echo",
    ports: [
      { name: "detected", port: DETECTED_PORT },
      {
        name: "declared",
        port: DECLARED_PORT,
        appProtocol: "kubernetes.io/h2c",
      },
      { name: "grpc", port: GRPC_PORT, appProtocol: "kubernetes.io/h2c" },
      { name: "dead", port: DEAD_PORT },
    ],
    pods: [server],
  });
  await server.run([
    ...["bun", "tests/testing/grpc-server.ts"],
    ...[`${DETECTED_PORT}`, `${DECLARED_PORT}`, `${GRPC_PORT}`],
  ]).line("ready");
  // An address that the control plane has not heard of yet is nobody's Service.
  await waitFor(
    async () =>
      (await ask(caller, "http://echo:9090/")).includes(CALLER_ID) || null,
    { what: () => "the Service in use" },
  );
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** What curl gets in HTTP/2, without having asked whether the other side knows it. */
async function ask(
  from: Pod,
  url: string,
  ...flags: readonly string[]
): Promise<string> {
  const { stdout } = await from.exec([
    ...["curl", "-s", "--http2-prior-knowledge", ...flags, url],
  ]);
  return stdout;
}

const WAYS: readonly (readonly [string, () => Pod, () => string, string])[] = [
  [
    "two proxies, on a detected port",
    () => caller,
    () => `http://echo:${DETECTED_PORT}`,
    CALLER_ID,
  ],
  [
    "two proxies, on a declared port",
    () => caller,
    () => `http://echo:${DECLARED_PORT}`,
    CALLER_ID,
  ],
  [
    "the server's proxy only, on a detected port",
    () => outsider,
    () => `http://${server.ip}:${DETECTED_PORT}`,
    "none",
  ],
  [
    "the server's proxy only, on a declared port",
    () => outsider,
    () => `http://${server.ip}:${DECLARED_PORT}`,
    "none",
  ],
];

describe.each(WAYS)("through %s", (_name, from, url, callerId) => {
  test("gRPC calls of every kind come to what they should", async () => {
    const { code, stdout, stderr } = await from().exec([
      ...["bun", "tests/testing/grpc-client.ts", url()],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout) as GrpcReport).toEqual({
      unary: {
        text: "hello",
        caller: callerId,
        metadata: "metadata",
        trailer: "bye",
      },
      large: 1 << 20,
      parallel: 200,
      streamed: 1000,
      collected: "a b c",
      rounds: 50,
      failures: [
        ["NotFound", "no such thing: 100% of «it»", 0],
        ["Unavailable", "gone", 3],
      ],
      cancelled: "Canceled",
      late: "DeadlineExceeded",
      running: 0,
    });
  });

  test("HTTP/2 requests arrive with their fields and bodies, and nothing of ours", async () => {
    const said = await ask(
      ...[from(), `${url()}/a?b`, "-X", "PATCH", "-H", "x-a: 1"] as const,
      ...["-H", "l5d-client-id: forged", "-d", "hello"],
    );
    const { method, url: path, headers, bytes } = JSON.parse(said) as {
      method: string;
      url: string;
      headers: Record<string, string>;
      bytes: number;
    };
    expect({ method, path, bytes })
      .toEqual({ method: "PATCH", path: "/a?b", bytes: 5 });
    expect(headers).toMatchObject({
      ":authority": url().slice("http://".length),
      ":scheme": "http",
      "x-a": "1",
      "content-length": "5",
    });
    expect(headers["l5d-client-id"] ?? "none").toBe(callerId);
    expect(Object.keys(headers).filter((name) => name.startsWith("l5d-")))
      .toEqual(callerId === "none" ? [] : ["l5d-client-id"]);
  });

  test("thousands of streams on a few connections all succeed", async () => {
    const { stdout } = await from().exec([
      ...["h2load", "-n", "2000", "-c", "4", "-m", "50", `${url()}/load`],
    ]);
    expect(stdout).toContain("2000 succeeded, 0 failed, 0 errored, 0 timeout");
    expect(stdout).toContain("2000 2xx");
  });
});

test("a port that is declared gRPC takes calls, and nothing that is none", async () => {
  const url = `http://echo:${GRPC_PORT}`;
  const { code } = await caller.exec([
    ...["bun", "tests/testing/grpc-client.ts", url],
  ]);
  expect(code).toBe(0);
  const head = await ask(caller, `${url}/a`, "-D", "-", "-o", "/dev/null");
  expect(head).toStartWith("HTTP/2 404");
});

test("a gRPC call to an application that does not listen is UNAVAILABLE in gRPC's own words", async () => {
  const head = await ask(
    ...[caller, `http://echo:${DEAD_PORT}/tests.Echo/Say`] as const,
    ...["-D", "-", "-H", "content-type: application/grpc", "-d", ""],
  );
  expect(head).toStartWith("HTTP/2 200");
  expect(head).toMatch(/^grpc-status: 14\r$/m);
});
