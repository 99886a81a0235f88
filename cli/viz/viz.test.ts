import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { harmless } from "../../schemas/harmless.ts";
import type {
  Edge,
  InboundRow,
  OutboundRow,
  ProfileRouteRow,
  StatRow,
} from "../../schemas/stats.ts";
import type { World } from "../command.ts";
import { run } from "../program.ts";

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

/** What the metrics component answers, by page and kind, and what it was asked. */
let rows: Readonly<Record<string, readonly unknown[]>> = {};
let asked: string[] = [];
let server: Bun.Server<undefined>;

beforeEach(() => {
  rows = {};
  asked = [];
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, search, searchParams } = new URL(request.url);
      asked.push(pathname + search);
      const page = pathname.split("/").at(-1);
      return Response.json({
        rows: rows[`${page} ${searchParams.get("kind")}`] ?? [],
      });
    },
  });
});
afterEach(() => server.stop());

async function viz(...args: string[]) {
  const result = await run(
    ["viz", ...args, "--api-addr", `127.0.0.1:${server.port}`],
    world,
  );
  if (!("code" in result)) throw new Error("expected an outcome");
  return {
    code: result.code,
    stdout: (result.stdout ?? []).join(""),
    stderr: result.stderr ?? "",
  };
}

const WEB: StatRow = {
  kind: "deployment",
  namespace: "shop",
  name: "web",
  pods: { meshed: 1, running: 2 },
  golden: {
    success: 119.4,
    failure: 0.6,
    secured: 120,
    latencyMs: { p50: 1.2, p95: 9.6, p99: 20 },
  },
  tcp: { open: 3, readBytes: 6_000, writtenBytes: 60 },
};
const IDLE: StatRow = { ...WEB, name: "idle", golden: null, tcp: null };
const LONE: StatRow = {
  ...IDLE,
  name: "lone",
  pods: { meshed: 0, running: 1 },
};

describe("stat", () => {
  test("prints a row for each meshed workload", async () => {
    rows = { "stat deployment": [WEB, IDLE, LONE] };
    expect((await viz("stat", "deploy", "-n", "shop")).stdout).toBe(
      "NAME   MESHED   SUCCESS      RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99   TCP_CONN\n" +
        "idle      1/2         -        -             -             -             -          -\n" +
        "web       1/2    99.50%   2.0rps           1ms          10ms          20ms          3\n",
    );
    expect(asked).toEqual([
      "/apis/viz.linkerd.io/v1alpha1/namespaces/shop/metrics/stat?kind=deployment&window=60000",
    ]);
  });

  test("shows others when they are asked for, bytes in wide, and namespaces with -A", async () => {
    rows = { "stat deployment": [WEB, LONE] };
    const { stdout } = await viz(
      ...["stat", "deploy", "-A", "--unmeshed", "-o", "wide"],
    );
    const [head = "", lone = "", web = ""] = stdout.split("\n")
      .map((line) => line.trim().replaceAll(/ +/g, " "));
    expect(head).toStartWith("NAMESPACE NAME MESHED");
    expect(head).toEndWith("TCP_CONN READ_BYTES/SEC WRITE_BYTES/SEC");
    expect(lone).toBe("shop lone 0/1 - - - - - - - -");
    expect(web).toEndWith("3 100.0B/s 1.0B/s");
  });

  test("several kinds have a table each, and names with kinds", async () => {
    rows = {
      "stat deployment": [WEB],
      "stat service": [{ ...WEB, kind: "service", name: "api", pods: null }],
    };
    const { stdout } = await viz("stat", "deploy/web", "svc/api");
    expect(stdout.split("\n\n").map((table) => table.split("\n")[1]?.trim()))
      .toEqual([
        expect.stringMatching(/^deploy\/web +1\/2/),
        expect.stringMatching(/^svc\/api +- /),
      ]);
  });

  test("json has Linkerd's names, and null for what was not asked", async () => {
    rows = { "stat deployment": [WEB, IDLE] };
    const { stdout } = await viz("stat", "deploy", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject([
      {
        kind: "deployment",
        name: "web",
        meshed: "1/2",
        rps: 2,
        latency_ms_p95: 10,
        tcp_open_connections: 3,
        tcp_read_bytes_rate: 100,
      },
      { name: "idle", success: null, rps: null, latency_ms_p50: null },
    ]);
  });

  test("--to and --from say the other end, unless they are empty", async () => {
    await viz(
      ...["stat", "deploy", "-n", "shop", "--to", "svc/api"],
      ...["--to-namespace", "other", "-t", "10m"],
    );
    await viz("stat", "ns", "--from", "deploy/web", "-n", "shop");
    await viz("stat", "deploy", "--from", "", "--to-namespace=", "-n", "");
    expect(asked).toEqual([
      "/apis/viz.linkerd.io/v1alpha1/namespaces/shop/metrics/stat?kind=deployment&window=600000&to_kind=service&to_name=api&to_namespace=other",
      "/apis/viz.linkerd.io/v1alpha1/metrics/stat?kind=namespace&window=60000&from_kind=deployment&from_name=web&from_namespace=shop",
      "/apis/viz.linkerd.io/v1alpha1/namespaces/default/metrics/stat?kind=deployment&window=60000",
    ]);
  });

  test.each([
    [["stat"], "requires at least 1 arg(s)"],
    [["stat", "x"], "canonical name from friendly name [x]"],
    [["stat", "deploy/"], "Invalid resource string: deploy/"],
    [["stat", "all", "deploy"], "'all' can't be supplied alongside"],
    [["stat", "deploy", "a", "a"], "cannot supply duplicate resources"],
    [["stat", "deploy", "-t", "5s"], "needs to be at least 15s"],
    [["stat", "deploy", "-o", "yaml"], 'not "yaml"'],
    [["stat", "deploy", "--to=a", "--from=b"], "mutually exclusive"],
    [["stat", "deploy", "--to=all"], "not supported as a filter"],
    [["stat", "ns", "--to-namespace=a"], "incompatible with namespace"],
    [["stat", "ns", "-n=a"], "--namespace flag is incompatible"],
    [["stat", "deploy", "-n=../a"], 'invalid namespace "../a"'],
    [["stat", "deploy", "-A", "-n=a"], "mutually exclusive"],
    [["stat", "deploy/web", "-A"], "by name across all namespaces"],
    [["stat", "deploy", "-l", "app=web"], "--selector needs a cluster"],
    [["stat-inbound", "deploy", "-o", "wide"], "Invalid output format: wide"],
    [["stat-outbound", "po", "--prometheusURL", "http://a"], "not possible"],
    [["edges", "deploy/web"], "remove web from query"],
    [["edges", "svc"], "Resource type is not supported: service"],
    [["edges"], "accepts 1 arg(s), received 0"],
  ])("%p is refused before anything is asked", async (args, why) => {
    const { code, stderr } = await viz(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(why);
    expect(asked).toEqual([]);
  });

  test("without traffic, and without an answer", async () => {
    expect(await viz("stat", "deploy", "--to", "svc/api")).toEqual({
      code: 0,
      stdout: "",
      stderr: "No traffic found.\n",
    });
    const { port } = server;
    await server.stop();
    const result = await run(
      ["viz", "stat", "deploy", "--api-addr", `127.0.0.1:${port}`],
      world,
    );
    expect(JSON.stringify(result)).toContain(
      `Cannot ask for metrics at http://127.0.0.1:${port}`,
    );
  });
});

test("edges without mutual TLS say why, in words or as the proxy does", async () => {
  const edge: Edge = {
    source: "web",
    sourceNamespace: "shop",
    target: "api",
    targetNamespace: "shop",
    clientId: "web.shop",
    serverId: "api.shop.serviceaccount.identity.linkerd.cluster.local",
    noTlsReason: "",
    connections: 1,
  };
  rows = {
    "edges deployment": [
      edge,
      {
        ...edge,
        clientId: "",
        serverId: "",
        noTlsReason: "not_provided_by_service_discovery",
      },
      { ...edge, clientId: "", serverId: "", noTlsReason: "\u001b[2Jnew" },
    ],
  };
  const { stdout } = await viz("edges", "deploy", "-o", "wide");
  expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")))
    .toEqual([
      "SRC DST SRC_NS DST_NS CLIENT_ID SERVER_ID SECURED",
      "web api shop shop web.shop api.shop √",
      "web api shop shop Not Provided By Service Discovery",
      "web api shop shop \\u001b[2Jnew",
      "",
    ]);
  const [first] = JSON.parse(
    (await viz("edges", "deploy", "-o", "json")).stdout,
  );
  expect(first).toEqual({
    src: "web",
    src_namespace: "shop",
    dst: "api",
    dst_namespace: "shop",
    client_id: "web.shop",
    server_id: "api.shop",
    no_tls_reason: "",
  });
});

test("edges that look alike are one line, in wide one for each pair of identities", async () => {
  const edge: Edge = {
    source: "shop",
    sourceNamespace: "shop",
    target: "shop",
    targetNamespace: "shop",
    clientId: "web.shop.serviceaccount.identity.linkerd.cluster.local",
    serverId: "api.shop.serviceaccount.identity.linkerd.cluster.local",
    noTlsReason: "",
    connections: 1,
  };
  const serverId = edge.serverId.replace("api", "db");
  rows = { "edges namespace": [edge, { ...edge, serverId }] };
  const lines = async (...args: string[]) =>
    (await viz("edges", "ns", ...args)).stdout.trimEnd().split("\n").slice(1)
      .map((line) => line.replaceAll(/ +/g, " "));
  expect(await lines()).toEqual(["shop shop shop shop √"]);
  expect(await lines("-o", "wide")).toEqual([
    "shop shop shop shop web.shop api.shop √",
    "shop shop shop shop web.shop db.shop √",
  ]);
});

test("stat-outbound shows a canary: a route, and the backends below it", async () => {
  const row: OutboundRow = {
    namespace: "shop",
    name: "web",
    service: { kind: "Service", name: "api", port: "80" },
    route: { kind: "HTTPRoute", name: "split" },
    backend: null,
    success: 594,
    failure: 6,
    timeouts: 3,
    retries: 0,
    latencyMs: { p50: 5, p95: 6, p99: 7 },
  };
  const part = (name: string, success: number): OutboundRow => ({
    ...row,
    backend: { kind: "Service", name, port: "80" },
    success,
    failure: 0,
  });
  rows = {
    "outbound deployment": [row, part("v1", 540), part("v2", 54)],
  };
  const { stdout } = await viz("stat-outbound", "deploy/web", "-n", "shop");
  expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")))
    .toEqual([
      "NAME SERVICE ROUTE TYPE BACKEND SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TIMEOUTS RETRIES",
      "web api:80 split HTTPRoute 99.00% 10.00 5ms 6ms 7ms 0.50% 0.00%",
      "├──────────────► v1:80 100.00% 9.00 5ms 6ms 7ms 0.56%",
      "└──────────────► v2:80 100.00% 0.90 5ms 6ms 7ms 5.56%",
      "",
    ]);
});

test("stat-inbound and stat-outbound have Linkerd's names in json", async () => {
  const golden = { success: 54, failure: 6, secured: 0, latencyMs: null };
  const inbound: InboundRow = {
    namespace: "shop",
    name: "web",
    server: { kind: "default", name: "all-unauthenticated" },
    port: "8080",
    route: { kind: "default", name: "default" },
    authorization: null,
    golden,
    denied: 0,
  };
  const outbound: OutboundRow = {
    namespace: "shop",
    name: "web",
    service: { kind: "Service", name: "api", port: "80" },
    route: { kind: "HTTPRoute", name: "split" },
    backend: null,
    success: 54,
    failure: 6,
    timeouts: 3,
    retries: 20,
    latencyMs: { p50: 5, p95: 6, p99: 7 },
  };
  const backend = { kind: "Service", name: "v1", port: "8080" };
  const probe = { ...inbound, route: { kind: "default", name: "probe" } };
  const plain = { ...outbound, route: { kind: "default", name: "http" } };
  rows = { "inbound pod": [probe], "outbound pod": [plain] };
  for (const [side, name] of [["in", "probe"], ["out", "\\[default\\]"]]) {
    const { stdout } = await viz(`stat-${side}bound`, "po");
    expect(stdout).toMatch(new RegExp(` ${name} +(90|100)`));
  }
  rows = {
    "inbound deployment": [inbound],
    "outbound deployment": [outbound, { ...outbound, backend }],
  };
  const read = async (command: string) =>
    JSON.parse((await viz(command, "deploy", "-o", "json")).stdout);
  expect(await read("stat-inbound")).toEqual([{
    name: "web",
    server: "[default]",
    port: "8080",
    route: "[default]",
    routeType: "",
    successesRate: 0.9,
    rps: 1,
    latencyMsP50: null,
    latencyMsP95: null,
    latencyMsP99: null,
  }]);
  const route = {
    name: "web",
    service: "api",
    port: "80",
    route: "split",
    routeType: "HTTPRoute",
    successRate: 0.9,
    rps: 1,
    latencyMsP50: 5,
    latencyMsP95: 6,
    latencyMsP99: 7,
    timeoutRate: 0.05,
  };
  expect(await read("stat-outbound")).toEqual([
    { ...route, retryRate: 0.25 },
    { ...route, backend: "v1", backendPort: "8080" },
  ]);
});

test("stat of policies tells what they denied, and of routes whose they are", async () => {
  const policy = { server: "web-http", allowed: 60, denied: 30 };
  const row: StatRow = {
    ...WEB,
    kind: "server",
    name: "web-http",
    pods: null,
    policy,
  };
  rows = {
    "stat server": [row],
    "stat httproute": [{ ...row, kind: "httproute", name: "reads", tcp: null }],
    "stat authorizationpolicy": [
      { ...row, kind: "authorizationpolicy", name: "callers", tcp: null },
    ],
  };
  const { stdout } = await viz("stat", "all", "-n", "shop");
  expect(
    stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")),
  ).toEqual([
    "NAME SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
    "ap/callers 99.50% 2.0rps 1ms 10ms 20ms",
    "",
    "NAME SERVER UNAUTHORIZED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
    "httproute/reads web-http 0.5rps 99.50% 2.0rps 1ms 10ms 20ms",
    "",
    "NAME UNAUTHORIZED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99 TCP_CONN",
    "srv/web-http 0.5rps 99.50% 2.0rps 1ms 10ms 20ms 3",
    "",
  ]);
  const json = JSON.parse((await viz("stat", "srv", "-o", "json")).stdout);
  expect(json).toMatchObject([{ kind: "server", unauthorized: 0.5 }]);
});

test("authz shows what was let in by whom, and what was not; of several workloads, by name", async () => {
  const row: InboundRow = {
    namespace: "shop",
    name: "web",
    server: { kind: "server", name: "web-http" },
    port: "8080",
    route: { kind: "HTTPRoute", name: "reads" },
    authorization: { kind: "authorizationpolicy", name: "callers" },
    golden: { success: 60, failure: 0, secured: 60, latencyMs: null },
    denied: 0,
  };
  const denied = {
    ...row,
    authorization: null,
    golden: { ...row.golden, success: 0 },
    denied: 30,
  };
  rows = { "authz deployment": [row, denied, { ...denied, denied: 0 }] };
  const { stdout } = await viz("authz", "deploy/web", "-n", "shop");
  expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")))
    .toEqual([
      "ROUTE SERVER AUTHORIZATION UNAUTHORIZED SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
      "reads web-http 0.5rps - - - - -",
      "reads web-http authorizationpolicy/callers 0.0rps 100.00% 1.0rps - - -",
      "",
    ]);
  rows = { "authz deployment": [{ ...row, name: "web-2" }, row] };
  const all = (await viz("authz", "deploy")).stdout.split("\n");
  expect(all.map((line) => line.replace(/ .*/, "")))
    .toEqual(["NAME", "web", "web-2", ""]);
});

test("routes shows retries where they can be seen", async () => {
  const row: ProfileRouteRow = {
    route: "GET /cart",
    service: "api.shop.svc.cluster.local:80",
    golden: {
      success: 60,
      failure: 0,
      secured: 60,
      latencyMs: { p50: 1, p95: 2, p99: 3 },
    },
    actual: { success: 60, failure: 60 },
  };
  rows = { "routes deployment": [row] };
  const { stdout } = await viz(
    ...["routes", "deploy/web", "-n", "shop", "--to", "svc/api", "-o", "wide"],
  );
  expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")))
    .toEqual([
      "ROUTE SERVICE EFFECTIVE_SUCCESS EFFECTIVE_RPS ACTUAL_SUCCESS ACTUAL_RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
      "GET /cart api 100.00% 1.0rps 50.00% 2.0rps 1ms 2ms 3ms",
      "",
      "",
    ]);
  expect((await viz("routes", "deploy", "-o", "wide")).stderr)
    .toContain("only available when --to is specified");
});

test("no name from the network commands a terminal, in any table or in JSON", async () => {
  const evil = `\u001b]0;x\u0007\u202e\u009b2J\r\n<b>${"x".repeat(10_000)}`;
  const port = { kind: "Service", name: evil, port: evil };
  const named = { kind: evil, name: evil };
  const row = { namespace: evil, name: evil };
  rows = {
    "stat deployment": [{ ...WEB, ...row }],
    "edges deployment": [
      {
        source: evil,
        sourceNamespace: evil,
        target: evil,
        targetNamespace: evil,
        clientId: evil,
        serverId: evil,
        noTlsReason: evil,
        connections: 1,
      },
    ],
    ...Object.fromEntries(
      ["inbound", "authz"].map((page) => [
        `${page} deployment`,
        [{
          ...row,
          server: named,
          port: evil,
          route: named,
          authorization: named,
          golden: WEB.golden,
          denied: 0,
        }],
      ]),
    ),
    "outbound deployment": [
      {
        ...row,
        service: port,
        route: named,
        backend: null,
        success: 1,
        failure: 0,
        timeouts: 0,
        retries: 0,
        latencyMs: null,
      },
    ],
    "routes deployment": [
      { route: evil, service: evil, golden: WEB.golden, actual: null },
    ],
  };
  for (
    const command of [
      ...["stat", "edges", "stat-inbound", "stat-outbound", "authz", "routes"],
    ]
  ) {
    for (const format of ["table", "json"]) {
      const { stdout } = await viz(command, "deploy", "-n=shop", "-o", format);
      expect(stdout).toContain("\\u001b]0;x\\u0007\\u202e\\u009b2J");
      expect(stdout).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
      if (format === "table") {
        for (const line of stdout.split("\n")) {
          expect(line.length).toBeLessThan(4_000);
        }
      } else expect(JSON.stringify(JSON.parse(stdout))).toContain("<b>xxx");
    }
  }
});

test("install says that there is nothing to install", async () => {
  expect(await viz("install")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringContaining("part of the default install"),
  });
});

test.each([
  ["plain name", "plain name"],
  ["\u001b[31mred\u0007", "\\u001b[31mred\\u0007"],
  ["a\u202eb\u2066c", "a\\u202eb\\u2066c"],
  ["web\u200b\u{e0041}\ud800", "web\\u200b\\u{e0041}\\ud800"],
  ["a\u3164b\ufe0f", "a\\u3164b\\ufe0f"],
  [
    `a\u0301\u0302\u0303\u0304\u0305b`,
    "a\u0301\u0302\u0303\\u0304\\u0305b",
  ],
  ["x".repeat(10_000), `${"x".repeat(300)}…`],
])("a name from the network is shown harmlessly", (text, shown) => {
  expect(harmless(text)).toBe(shown);
});
