import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { parseMetrics } from "../../demo/metrics.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "../testing/mesh.ts";
import { BUILD_TIMEOUT_MS, goTool } from "../tools.ts";

/** What the gRPC project's interop client can test, without credentials of a cloud. */
const CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
  "orca_per_rpc",
  "orca_oob",
];
const ELSEWHERE: Readonly<Record<string, string>> = {
  compute_engine_creds: "a cloud",
  service_account_creds: "a cloud",
  jwt_token_creds: "a cloud",
  per_rpc_creds: "a cloud",
  oauth2_auth_token: "a cloud",
  google_default_credentials: "a cloud",
  compute_engine_channel_credentials: "a cloud",
  pick_first_unary: "a server that says its id, which the project's own cannot",
};
/** Offered besides those that the client's help lists. */
const SOAKS = ["rpc_soak", "channel_soak"];
/** Calls of a soak test. */
const SOAK_CALLS = 100;
/** The load balancer that reads the reports of the ORCA cases. */
const ORCA = JSON.stringify({
  loadBalancingConfig: [{ test_backend_metrics_load_balancer: {} }],
});
const PORTS = { detected: 10_000, declared: 10_001 } as const;
/** No case takes a second here; a soak's limits are its own. */
const CASE_TIMEOUT_MS = 30_000;

let interop: string;
let mesh: Mesh;
let client: Pod;
let server: Pod;

beforeAll(async () => {
  const program = await goTool("grpc-server");
  interop = await goTool("grpc-client");
  mesh = await openMesh("interop");
  const { bed } = mesh;
  [client, server] = await Promise.all([
    bed.addPod({ name: "client", namespace: "app" }),
    bed.addPod({
      name: "server",
      namespace: "app",
      ports: Object.values(PORTS),
    }),
  ]);
  await bed.apply({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "declared", namespace: "app" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      port: PORTS.declared,
      proxyProtocol: "gRPC",
      accessPolicy: "all-authenticated",
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
  for (const port of Object.values(PORTS)) {
    const started = server.run([program, "-port", String(port)], {
      env: { GRPC_GO_LOG_SEVERITY_LEVEL: "info" },
    });
    await started.line("ListenSocket created");
  }
}, BUILD_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

async function run(name: string, port: number): Promise<string> {
  const { code, stdout, stderr } = await client.exec([
    ...[interop, "-server_host", "server", "-server_port", String(port)],
    ...["-test_case", name, "-soak_iterations", String(SOAK_CALLS)],
    ...(name.startsWith("orca") ? ["-service_config_json", ORCA] : []),
  ]);
  return code === 0 ? "passed" : stdout + stderr;
}

test("every case of the interop client is run here, or named", async () => {
  const { stderr } = await client.exec([interop, "-help"]);
  const [, offered = ""] = stderr.split("Valid options are:");
  const names = [...offered.matchAll(/^\s*([a-z0-9_]+) ?: /gm)]
    .map(([, name]) => name);
  expect(names.toSorted()).toEqual(
    [...CASES, ...Object.keys(ELSEWHERE)].toSorted(),
  );
});

describe.each(Object.entries(PORTS))("gRPC on a port that is %s", (_, port) => {
  test.each([...CASES, ...SOAKS])("passes %s", async (name) => {
    expect(await run(name, port)).toBe("passed");
  }, CASE_TIMEOUT_MS);
});

test("both proxies have carried the calls encrypted, and know how they ended", async () => {
  for (
    const [pod, direction] of [[client, "outbound"], [
      server,
      "inbound",
    ]] as const
  ) {
    const counts: Record<string, number> = {};
    for (const sample of parseMetrics(await proxyOf(pod).metrics())) {
      const { name, labels, value } = sample;
      if (name !== "response_total" || labels["direction"] !== direction) {
        continue;
      }
      expect(labels["tls"]).toBe("true");
      const { classification, grpc_status, error } = labels;
      const key = `${classification} ${grpc_status} ${error}`.trim();
      counts[key] = (counts[key] ?? 0) + value;
    }
    expect(Object.keys(counts).toSorted()).toEqual(ENDINGS);
    expect(counts["success 0"]).toBeGreaterThan(4 * SOAK_CALLS);
  }
});

/** OK; UNKNOWN, as two cases ask for; UNIMPLEMENTED, which is the client's fault; and calls that the client gave up. */
const ENDINGS = [
  "failure  h2(CANCEL)",
  "failure 2",
  "success 0",
  "success 12",
];
