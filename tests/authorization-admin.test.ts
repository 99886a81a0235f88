// Who may read a proxy's metrics and the rest of its admin port, through real proxies in network namespaces.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import {
  authorizationManifest,
  POLICY_GROUP,
  policyManifest,
  routeManifest,
} from "../control/testing/policies.ts";
import type { KubeObject } from "../demo/bed/objects.ts";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { dial } from "../proxy/connect.ts";
import { requestHead } from "../proxy/testing/http1.ts";
import { PORTS } from "../schemas/names.ts";
import { inPod } from "./testing/in-pod.ts";
import { speakHttp } from "./testing/knock.ts";
import { createLeaf } from "./testing/leaf.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";

setDefaultTimeout(60_000);

const SUFFIX = "shop.serviceaccount.identity.linkerd.cluster.local";

let mesh: Mesh;
let server: Pod;
let prometheus: Pod;
let stranger: Pod;
let plain: Pod;

beforeAll(async () => {
  mesh = await openMesh("admin");
  const pod = (name: string, spec = {}) =>
    mesh.bed.addPod({ name, namespace: "shop", ...spec });
  [server, prometheus, stranger, plain] = await Promise.all([
    pod("web", { labels: { app: "web" } }),
    pod("prometheus", { serviceAccount: "prometheus" }),
    pod("stranger"),
    pod("plain", { meshed: false }),
  ]);
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** The status of a request that a program in a pod makes. */
async function ask(
  from: Pod,
  path: string,
  host = server.ip,
): Promise<string> {
  const url = `http://${host}:${PORTS.admin}${path}`;
  const { stdout } = await from.exec([
    ...["curl", "-s", "-m", "10", "-o", "/dev/null"],
    ...["-w", "%{http_code}", "--path-as-is", url],
  ]);
  return stdout;
}

async function becomes(
  from: Pod,
  path: string,
  status: string,
): Promise<void> {
  await waitFor(async () => await ask(from, path) === status || null, {
    what: () => `${status} for ${from.name} at ${path}`,
  });
}

/** A Server of the admin port, which denies unless somebody is let in. */
const SERVER = policyManifest("Server", "web", {
  podSelector: { matchLabels: { app: "web" } },
  port: "linkerd-admin",
}, { apiVersion: `${POLICY_GROUP}/v1beta3` });
const SCRAPERS = authorizationManifest("scrapers", "web", [
  { kind: "ServiceAccount", name: "prometheus" },
]);

describe("the admin port", () => {
  test("is open where everything is", async () => {
    for (const from of [plain, prometheus]) {
      expect(await ask(from, "/metrics")).toBe("200");
      expect(await ask(from, "/live")).toBe("200");
    }
  });

  test("lets in whom its Server does, probes and the pod itself always", async () => {
    await mesh.bed.apply(SERVER as unknown as KubeObject);
    await becomes(plain, "/metrics", "403");
    expect(await ask(prometheus, "/metrics")).toBe("403");
    await mesh.bed.apply(SCRAPERS as unknown as KubeObject);
    // Through its own proxy, which has been told whose port it is.
    await becomes(prometheus, "/metrics", "200");
    const found = await Promise.all([
      ask(stranger, "/metrics"),
      ask(plain, "/metrics"),
      ask(plain, "/env.json"),
      ask(plain, "/live/../metrics"),
      ask(plain, "/live?x"),
      ask(plain, "/ready"),
      ask(server, "/metrics", "localhost"),
      // Not from its own machine, whoever asks.
      ask(prometheus, "/proxy-log-level"),
    ]);
    expect(found.join()).toBe("403,403,403,403,200,200,200,403");
  });

  test("counts what it decides, and no scrapes as traffic", async () => {
    const before = await own("inbound_http_authz_deny_total");
    expect(await ask(plain, "/metrics")).toBe("403");
    // The bed's own reading is denied too, and goes by way of the pod then.
    expect(await own("inbound_http_authz_deny_total")).toBe(before + 2);
    expect(
      await own("inbound_http_authz_allow_total", {
        client_id: `prometheus.${SUFFIX}`,
        srv_name: "web",
        authz_name: "scrapers",
      }),
    ).toBeGreaterThan(0);
    expect(await own("request_total")).toBe(0);
    expect(await own("tcp_open_total")).toBe(0);
  });

  test("speaks HTTP/1 and HTTP/2 to those who prove who they are, and knows them", async () => {
    for (const [account, status] of [["prometheus", 200], ["other", 403]]) {
      for (const version of ["1.1", "2"] as const) {
        const client = await knockAt(`${account}.${SUFFIX}`, version);
        const fields = version === "2" ? { authority: "web" } : { host: "web" };
        const answer = await client.ask(
          requestHead("GET", "/metrics", fields, version),
        );
        client.close();
        expect({ account, version, status: answer.status })
          .toEqual({ account, version, status: Number(status) });
        if (status === 200) expect(answer.body).toEndWith("# EOF\n");
      }
    }
  });

  test("takes what routes of its own say, of probes too", async () => {
    await mesh.bed.apply(
      routeManifest("HTTPRoute", "scrape", ["web"], [{
        matches: [{ path: { type: "Exact", value: "/metrics" } }],
      }]) as unknown as KubeObject,
    );
    await becomes(plain, "/live", "404");
    expect(await ask(prometheus, "/metrics")).toBe("200");
    expect(await ask(server, "/live", "localhost")).toBe("404");
  });
});

test("a proxy that denies by default is still found alive and ready", async () => {
  const shut = await mesh.bed.addPod({
    name: "shut",
    namespace: "shut",
    annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
  });
  expect(await ask(plain, "/ready", shut.ip)).toBe("200");
  expect(await ask(plain, "/live", shut.ip)).toBe("200");
  expect(await ask(plain, "/metrics", shut.ip)).toBe("403");
  expect(await ask(prometheus, "/metrics", shut.ip)).toBe("403");
  expect(await ask(shut, "/metrics", "127.0.0.1")).toBe("200");
});

/** The sum of a metric, as the pod itself reads it, of its admin port. */
async function own(
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const page = await proxyOf(server).metrics();
  const wanted = { direction: "inbound", ...labels };
  const about = { target_port: String(PORTS.admin), ...labels };
  return parseMetrics(page).filter((sample) =>
    sample.name === metric &&
    Object.entries(metric.startsWith("inbound_") ? about : wanted).every((
      [name, value],
    ) => sample.labels[name] === value)
  ).reduce((sum, { value }) => sum + value, 0);
}

/** A connection to the admin port as a proxy makes it that has been given an identity for it. */
async function knockAt(id: string, version: "1.1" | "2") {
  const { anchor } = mesh.bed;
  const { key, chain } = await createLeaf(anchor, id);
  const expiresAtMs = Date.now() + 3_600_000;
  const credentials = {
    key,
    chain,
    anchors: anchor.pem,
    name: id,
    expiresAtMs,
  };
  const name = `default.${SUFFIX}`;
  const peer = { id: name, kind: "dns", serverName: name } as const;
  const channel = await inPod(
    plain,
    () =>
      dial({ ip: server.ip, port: PORTS.admin }, {
        timeoutMs: 10_000,
        tcp: {},
        tls: { credentials, peer, transportHeader: false },
      }),
  );
  return speakHttp(channel, version);
}
