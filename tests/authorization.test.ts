// Who may call, through real proxies in network namespaces: the truth table of `authorization-table.test.ts` row by row,
// what policy does to connections that are open, and what it does when there is no control plane.
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
import { system } from "../demo/bed/system.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { parseMetrics } from "../demo/metrics.ts";
import { requestHead } from "../proxy/testing/http1.ts";
import { Recorder } from "../proxy/testing/recorder.ts";
import {
  approach,
  type Door,
  expectedOf,
  knock,
  type Knocker,
  openHttp,
  PROTOCOLS,
} from "./testing/knock.ts";
import { createLeaf } from "./testing/leaf.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { type Polyglot, servePolyglot } from "./testing/polyglot.ts";
import {
  CALLER_NAMES,
  type CallerName,
  CALLERS,
  MODE_NAMES,
  MODES,
  type Row,
  ROWS,
} from "./testing/truth-table.ts";

setDefaultTimeout(60_000);

const PORT = 8080;
const SERVER_ID = "default.shop.serviceaccount.identity.linkerd.cluster.local";

let mesh: Mesh;
let server: Pod;
let client: Pod;
let app: Polyglot;
let door: Door;
let knockers: Record<CallerName, Knocker>;

beforeAll(async () => {
  mesh = await openMesh("authorization");
  const { bed } = mesh;
  let outside: Pod;
  [server, client, outside] = await Promise.all([
    bed.addPod({
      name: "a",
      namespace: "shop",
      labels: { app: "web" },
      ports: [PORT],
    }),
    bed.addPod({ name: "client", namespace: "shop", meshed: false }),
    bed.addPod({ name: "outside", meshed: false }),
  ]);
  await moveOutside(outside);
  app = servePolyglot(server, PORT);
  door = { ip: server.ip, port: PORT, name: SERVER_ID };
  const entries = await Promise.all(CALLER_NAMES.map(async (name) => {
    const { tls } = CALLERS[name];
    const knocker: Knocker = {
      from: name === "outside" ? outside : client,
      credentials: tls === null ? null : await credentialsOf(tls.id),
    };
    return [name, knocker] as const;
  }));
  knockers = Object.fromEntries(entries) as Record<CallerName, Knocker>;
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  app.close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

/** Gives a pod an address that is in no cluster network, for all it sends. */
async function moveOutside(pod: Pod): Promise<void> {
  const { ip } = CALLERS.outside;
  const [, gateway = ""] = /via (\S+)/.exec(
    await system(["ip", "-n", pod.netns, "route", "show", "default"]),
  ) ?? [];
  await system(
    ["ip", "-n", pod.netns, "-batch", "-"],
    `addr add ${ip}/32 dev eth0
route replace default via ${gateway} dev eth0 src ${ip}`,
  );
  await system([
    ...["ip", "-n", mesh.bed.node, "route", "add", `${ip}/32`],
    ...["via", pod.ip, "dev", "br0", "onlink"],
  ]);
}

async function credentialsOf(name: string): Promise<Knocker["credentials"]> {
  const { anchor } = mesh.bed;
  const { key, chain } = await createLeaf(anchor, name);
  const expiresAtMs = Date.now() + 3_600_000;
  return { key, chain, anchors: anchor.pem, name, expiresAtMs };
}

/** Objects in force besides those of the bed. */
let inForce: readonly KubeObject[] = [];

async function enact(objects: readonly unknown[]): Promise<void> {
  const wanted = objects as readonly KubeObject[];
  const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
  const kept = new Set(wanted.map(keyOf));
  const gone = inForce.filter((object) => !kept.has(keyOf(object)));
  inForce = wanted;
  await mesh.bed.apply(...wanted);
  await mesh.bed.remove(...gone);
}

function row(name: string): Row {
  const found = ROWS.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** Puts a row in force, from a state in which nothing was as the row says. */
async function enactRow(
  { manifests, permitted }: Pick<Row, "manifests" | "permitted">,
): Promise<void> {
  const opposite = permitted?.includes("plain") === true ? "deny" : "audit";
  await enact(row(`Server ${opposite}`).manifests);
  await agrees(opposite === "audit" ? CALLER_NAMES : []);
  await enact(manifests);
}

/** Whoever gets through on each protocol. */
async function visit(): Promise<Record<string, string>> {
  const visits = CALLER_NAMES.flatMap((name) =>
    PROTOCOLS.map(async (protocol) =>
      [
        `${name} ${protocol}`,
        await knock(knockers[name], door, protocol, "/a.B/C"),
      ] as const
    )
  );
  return Object.fromEntries(await Promise.all(visits));
}

function expected(
  permitted: readonly CallerName[],
  bytes: readonly CallerName[],
): Record<string, string> {
  return Object.fromEntries(
    CALLER_NAMES.flatMap((name) =>
      PROTOCOLS.map((protocol) => {
        const who = protocol === "TCP" ? bytes : permitted;
        return [
          `${name} ${protocol}`,
          expectedOf(protocol, who.includes(name)),
        ];
      })
    ),
  );
}

/** Waits until exactly these are let in; what comes last is what is reported. */
async function agrees(
  permitted: readonly CallerName[],
  bytes = permitted,
): Promise<void> {
  const wanted = expected(permitted, bytes);
  let found: Record<string, string> = {};
  await waitFor(async () => {
    found = await visit();
    return Bun.deepEquals(found, wanted) || null;
  }, { what: () => "policy", timeoutMs: 5_000 }).catch(() => {});
  expect(found).toEqual(wanted);
}

/** Rows that ask for the table's own addresses are shown there only. */
const BY_ADDRESS = new Set([
  "ServerAuthorization by network",
  "AuthorizationPolicy by identity and network",
]);

describe("who is let in", () => {
  test.each(MODE_NAMES)("without a Server under %s", async (mode) => {
    const opposite = MODES[mode].length === 0 ? "audit" : "deny";
    await enact(row(`Server ${opposite}`).manifests);
    await agrees(MODES[opposite]);
    await enact([{
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "shop",
        annotations: { "config.linkerd.io/default-inbound-policy": mode },
      },
    }]);
    await agrees(MODES[mode]);
  });

  test.each(
    ROWS.filter(({ name, permitted }) =>
      permitted !== null && !BY_ADDRESS.has(name)
    ).map(({ name }) => name),
  )("with %s", async (name) => {
    const { manifests, permitted, bytes } = row(name);
    await enactRow({ manifests, permitted });
    await agrees(permitted ?? [], bytes ?? permitted ?? []);
  });
});

describe("a change of policy", () => {
  const allowed = "AuthorizationPolicy of an account itself";

  test("reaches requests on connections that are open, and those whose policy is gone", async () => {
    await enactRow(row(allowed));
    await agrees(["same"]);
    for (const version of ["1.1", "2"] as const) {
      const http = await openHttp(knockers.same, door, version);
      const ask = async () => {
        const fields = version === "2" ? { authority: "web" } : { host: "web" };
        return (await http.ask(requestHead("GET", "/", fields, version)))
          .status;
      };
      const becomes = (status: number) =>
        waitFor(async () => await ask() === status || null, {
          what: () => `status ${status}`,
        });
      expect(await ask()).toBe(200);
      await enact(row("Server").manifests);
      await becomes(403);
      await enact(row(allowed).manifests);
      await becomes(200);
      expect(http.connection.closed).toBeFalse();
      http.close();
    }
  });

  test("ends TCP connections that are no longer permitted, and no others", async () => {
    await enactRow(row("AuthorizationPolicy of any identity"));
    await agrees(["same", "elsewhere", "foreign"]);
    const open = async (name: CallerName) => {
      const recorder = new Recorder(
        await approach(knockers[name], door, null),
      );
      recorder.send("hello\n");
      await recorder.until(() => recorder.text === "hello\n");
      return recorder;
    };
    const [same, elsewhere] = await Promise.all([
      open("same"),
      open("elsewhere"),
    ]);
    // Those that asked while policy changed have been counted too.
    const before = await count("inbound_tcp_authz_terminate_total");
    await enact(row(allowed).manifests);
    await elsewhere.until(() => elsewhere.closed);
    same.send("again\n");
    await same.until(() => same.text.endsWith("again\n"));
    expect(same.closed).toBeFalse();
    same.channel.destroy();
    expect(await count("inbound_tcp_authz_terminate_total"))
      .toBe(before + 1);
  });

  test("ends what a request has become", async () => {
    await enact(row(allowed).manifests);
    await agrees(["same"]);
    const recorder = new Recorder(
      await approach(knockers.same, door, "http1"),
    );
    recorder.send(
      "GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
    );
    await recorder.until(() => recorder.text.includes("\r\n\r\n"));
    expect(recorder.take()).toStartWith("HTTP/1.1 101 ");
    recorder.send("hello\n");
    await recorder.until(() => recorder.text === "hello\n");
    await enact(row("Server").manifests);
    await recorder.until(() => recorder.closed);
  });
});

/** The sum of a metric of the server's proxy, over the series that have these labels. */
async function count(
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  return parseMetrics(await proxyOf(server).metrics())
    .filter((sample) =>
      sample.name === metric &&
      Object.entries(labels).every(([name, value]) =>
        sample.labels[name] === value
      )
    ).reduce((sum, { value }) => sum + value, 0);
}

test("a denial is counted, and told in the log with what was missing, but not to the caller", async () => {
  await enactRow(row("AuthorizationPolicy of an account itself"));
  await agrees(["same"]);
  const labels = {
    srv_group: "policy.linkerd.io",
    srv_kind: "server",
    srv_name: "web",
    route_name: "default",
    client_id: CALLERS.elsewhere.tls.id,
  };
  const before = await count("inbound_http_authz_deny_total", labels);
  const http = await openHttp(knockers.elsewhere, door, "2");
  const response = await http.ask(
    requestHead("GET", "/secret?token=1", { authority: "web" }, "2"),
  );
  http.close();
  expect([response.status, response.body]).toEqual([403, ""]);
  expect(response.fields).toEqual([
    "l5d-proxy-error: unauthorized request on route",
    "content-length: 0",
  ]);
  expect(await count("inbound_http_authz_deny_total", labels))
    .toBe(before + 1);
  // The lines of a second are few: the one for this request may be the next second's.
  await waitFor(async () => {
    await knock(knockers.elsewhere, door, "HTTP/2", "/secret?token=1");
    return proxyOf(server).program().tail().includes("path=/secret") || null;
  }, { what: () => "the log line", intervalMs: 300 });
  const line = proxyOf(server).program().tail().split("\n")
    .findLast((one) => one.includes("path=/secret")) ?? "";
  expect(line).toContain("Request denied");
  expect(line).toContain(`clientId=${CALLERS.elsewhere.tls.id}`);
  expect(line).toContain(`client=${client.ip}:`);
  expect(line).toContain(`server="Server web" `);
  expect(line).toContain(`route="default route default"`);
  expect(line).toContain(
    `missing="no authorization of Server web permits it: authorizationpolicy some does not name its identity"`,
  );
  expect(line).not.toContain("token");
});

test("probes pass under default deny, exactly as the pod has them", async () => {
  const spec = server.object["spec"] as {
    readonly containers: readonly Readonly<Record<string, unknown>>[];
  };
  const [container, ...rest] = spec.containers;
  const probed = {
    ...container,
    livenessProbe: { httpGet: { path: "/live?full=1", port: PORT } },
    readinessProbe: { grpc: { port: PORT } },
  };
  await enact([{
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: "shop",
      annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
    },
  }]);
  await mesh.bed.apply({
    ...server.object,
    spec: { ...spec, containers: [probed, ...rest] },
  });
  const url = `http://${server.ip}:${PORT}`;
  const get = async (path: string, init: RequestInit = {}) =>
    (await mesh.bed.fetch(`${url}${path}`, init)).status;
  await waitFor(async () => await get("/live?full=1") === 200 || null, {
    what: () => "a probe that passes",
  });
  const found: Record<string, number | string> = {};
  const denied = [
    ...["/live", "/live?full=2", "/live?ful=1", "/Live?full=1"],
    ...["/live/?full=1", "/lives?full=1", "/liv%65?full=1"],
    ...["/live?full=1&full=2", "/"],
  ];
  for (const path of denied) found[path] = await get(path);
  expect(found).toEqual(
    Object.fromEntries(denied.map((path) => [path, 403])),
  );
  expect(await get("/live?full=1", { method: "POST" })).toBe(403);
  const call = (path: string) => knock(knockers.outside, door, "gRPC", path);
  expect(await call("/grpc.health.v1.Health/Check")).toBe("grpc 0");
  expect(await call("/grpc.health.v1.Health/Checks")).toBe("grpc 7");
  expect(await call("/grpc.health.v1.Healt/Check")).toBe("grpc 7");
  await mesh.bed.apply(server.object);
});

describe("paths", () => {
  /** `/open` is for everybody, `/admin` for one, and everything else for nobody. */
  const MANIFESTS = [
    ...row("Server").manifests,
    routeManifest("HTTPRoute", "open", ["web"], [{
      matches: [{ path: { value: "/open" } }],
    }]),
    routeManifest("HTTPRoute", "mode", ["web"], [{
      matches: [{
        path: { value: "/open" },
        queryParams: [{ name: "mode", value: "admin" }],
      }],
    }]),
    routeManifest("HTTPRoute", "admin", ["web"], [{
      matches: [{ path: { value: "/admin" } }],
    }]),
    routeManifest("HTTPRoute", "rest", ["web"], [{
      matches: [{ path: { value: "/" } }],
    }]),
    ...["open", "rest"].map((name) =>
      authorizationManifest(name, {
        group: POLICY_GROUP,
        kind: "HTTPRoute",
        name,
      }, [])
    ),
    authorizationManifest("admin", {
      group: POLICY_GROUP,
      kind: "HTTPRoute",
      name: "admin",
    }, [{ kind: "ServiceAccount", name: "web" }]),
  ];

  /** Status of a request whose target is sent as it stands. */
  async function request(name: CallerName, target: string): Promise<number> {
    const recorder = new Recorder(
      await approach(knockers[name], door, "http1"),
    );
    recorder.send(`GET ${target} HTTP/1.1\r\nhost: web\r\n\r\n`);
    await recorder.until(() => recorder.text.includes("\r\n"));
    recorder.channel.destroy();
    return Number(recorder.text.slice(9, 12));
  }

  test("that someone might read as another are let through by no trick, and go on as they came", async () => {
    await enactRow({ manifests: MANIFESTS, permitted: null });
    await waitFor(
      async () =>
        await request("plain", "/admin") === 403 &&
          await request("same", "/admin") === 200 || null,
      { what: () => "the routes in force" },
    );
    expect(await request("plain", "/open")).toBe(200);
    const tricks = [
      ...["//admin", "/./admin", "/open/../admin", "/open//../admin"],
      ...["/open%2F..%2Fadmin", "/%2e%2e/admin", "/open/%2E%2e/admin"],
      ...["/open/..;/admin", "/admin;x", "/;/admin", "/open/..\\admin"],
      ...["/%61dmin", "/%2561dmin", "/admin%23", "/admin%3fa", "/%2fadmin"],
      ...[
        "http://web/admin",
        "http://web//admin",
        "http://other/open/../admin",
      ],
      ...["/open?mode=admin", "/open?mode=user&mode=admin"],
      ...["/open?mode=admin&mode=user", "/open?m%6fde=admin"],
    ];
    app.heard.length = 0;
    for (const name of ["plain", "elsewhere"] as const) {
      for (const target of tricks) {
        expect({ name, target, status: await request(name, target) })
          .toEqual({ name, target, status: 403 });
      }
      // A fragment has no place in a request, and HTTP/2 has no other octets than HTTP/1.
      expect(await request(name, "/open#/../admin")).toBe(400);
      for (const path of ["/admin#x", "/open/../admin", "//admin"]) {
        expect(["403", "closed"]).toContain(
          await knock(knockers[name], door, "HTTP/2", path),
        );
      }
    }
    expect(app.heard).toEqual([]);
    // Case makes another path, for the proxy as for the application.
    const plain = [
      "/ADMIN",
      "/open/a%20b;v=1",
      "/open//x",
      "/open/%7e?a=1&a=2",
    ];
    for (const target of plain) {
      expect({ target, status: await request("plain", target) })
        .toEqual({ target, status: 200 });
    }
    expect(app.heard).toEqual(plain);
  });
});

describe("rate limits", () => {
  const limit = (spec: Readonly<Record<string, unknown>>): unknown =>
    policyManifest("HTTPLocalRateLimitPolicy", "limit", {
      targetRef: { group: POLICY_GROUP, kind: "Server", name: "web" },
      ...spec,
    });
  const audit = () => row("Server audit").manifests;

  /** Requests of a caller, evenly spread over the time, and how many of them were let through. */
  async function offer(
    name: CallerName,
    perSecond: number,
    seconds: number,
  ): Promise<{ readonly passed: number; readonly refused: number }> {
    const http = await openHttp(knockers[name], door, "2");
    const statuses = new Map<number, number>();
    const asked: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let sent = 0; sent < perSecond * seconds;) {
      const due = (performance.now() - startedMs) / 1_000 * perSecond;
      for (; sent < Math.min(due, perSecond * seconds); sent++) {
        const head = requestHead("GET", "/", { authority: "web" }, "2");
        asked.push(
          http.ask(head).then(({ status }) =>
            void statuses.set(status, (statuses.get(status) ?? 0) + 1)
          ),
        );
      }
      await Bun.sleep(5);
    }
    await Promise.all(asked);
    http.close();
    const passed = statuses.get(200) ?? 0;
    const refused = statuses.get(429) ?? 0;
    expect(passed + refused).toBe(perSecond * seconds);
    return { passed, refused };
  }

  /** Puts a limit in force and waits until its bursts are there again. */
  async function enactLimit(
    spec: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await enact([...audit(), limit({ total: { requestsPerSecond: 1 } })]);
    await waitFor(
      async () => await knock(knockers.same, door, "HTTP/2") === "429" || null,
      { what: () => "a limit" },
    );
    await enact([...audit(), limit(spec)]);
    await waitFor(async () => {
      const two = await Promise.all([
        knock(knockers.same, door, "HTTP/2"),
        knock(knockers.same, door, "HTTP/2"),
      ]);
      return two.every((status) => status === "200") || null;
    }, { what: () => "the limit" });
    await Bun.sleep(1_000);
  }

  test("let 100 of 1,000 requests per second pass over 30 seconds, and say so", async () => {
    await enactLimit({ total: { requestsPerSecond: 100 } });
    const { passed } = await offer("same", 1_000, 30);
    expect(passed / 30).toBeGreaterThanOrEqual(95);
    expect(passed / 30).toBeLessThanOrEqual(105);
    const labels = {
      ratelimit_group: POLICY_GROUP,
      ratelimit_name: "limit",
      ratelimit_scope: "total",
      client_id: CALLERS.same.tls.id,
    };
    expect(await count("inbound_http_local_ratelimit_total", labels))
      .toBeGreaterThanOrEqual(30_000 - passed);
    expect(await knock(knockers.same, door, "gRPC", "/a.B/C")).toBe("grpc 0");
  });

  test("of identities hold for each alone, and overrides for those they name", async () => {
    await enactLimit({
      total: { requestsPerSecond: 1_000 },
      identity: { requestsPerSecond: 20 },
      overrides: [{
        requestsPerSecond: 100,
        clientRefs: [{
          kind: "ServiceAccount",
          name: "api",
          namespace: "other",
        }],
      }],
    });
    const seconds = 5;
    const [same, elsewhere, foreign, plain] = await Promise.all([
      offer("same", 200, seconds),
      offer("elsewhere", 200, seconds),
      // Below its limit it does not notice the others.
      offer("foreign", 15, seconds),
      offer("plain", 200, seconds),
    ]);
    const allowed = (perSecond: number) => perSecond * (seconds + 1);
    for (const { passed } of [same, plain]) {
      expect(passed).toBeGreaterThan(allowed(20) * 0.9);
      expect(passed).toBeLessThanOrEqual(allowed(20) * 1.05);
    }
    expect(elsewhere.passed).toBeGreaterThan(allowed(100) * 0.9);
    expect(elsewhere.passed).toBeLessThanOrEqual(allowed(100) * 1.05);
    expect(foreign).toEqual({ passed: 15 * seconds, refused: 0 });
  });

  test("refuse gRPC calls with RESOURCE_EXHAUSTED", async () => {
    await enact([...audit(), limit({ total: { requestsPerSecond: 1 } })]);
    await waitFor(
      async () =>
        await knock(knockers.plain, door, "gRPC", "/a.B/C") === "grpc 8" ||
        null,
      { what: () => "a limited call" },
    );
  });
});

describe("without a control plane", () => {
  test("the last policy holds, a broken file opens nothing, and what never had one has its default", async () => {
    const { bed, controlPlane } = mesh;
    await enactRow(row("AuthorizationPolicy of an account itself"));
    await agrees(["same"]);

    // A file that cannot be understood changes nothing.
    const [, policy] = inForce;
    await bed.apply({
      ...policy,
      spec: { targetRef: { kind: "Serverr" }, requiredAuthenticationRefs: [] },
    } as unknown as KubeObject);
    await Bun.sleep(300);
    await agrees(["same"]);

    await controlPlane.destination.kill();
    await agrees(["same"]);
    // Nobody has told its proxy anything: neither about this port nor about another.
    const [open, shut] = await Promise.all(
      ["all-unauthenticated", "deny"].map(async (mode) => {
        const name = `late-${mode}`;
        const pod = await bed.addPod({
          name,
          namespace: "shop",
          labels: { app: "web" },
          ports: [PORT],
          proxyEnv: { LINKERD2_PROXY_INBOUND_DEFAULT_POLICY: mode },
        });
        const late = servePolyglot(pod, PORT);
        const found = await Promise.all(
          PROTOCOLS.map((protocol) =>
            knock(knockers.elsewhere, { ...door, ip: pod.ip }, protocol)
          ),
        );
        late.close();
        return found;
      }),
    );
    expect(open).toEqual(["200", "200", "grpc 0", "echo"]);
    expect(shut).toEqual(["403", "403", "grpc 7", "closed"]);
    await controlPlane.destination.start();
    await agrees(["same"]);
  });
});
