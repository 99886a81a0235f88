import { afterEach, describe, expect, test } from "bun:test";
import type { TapEvent } from "../../schemas/tap.ts";
import type { World } from "../command.ts";
import { run } from "../program.ts";
import { type Answer, startTapServer, tell } from "./testing/tap-server.ts";

const QUIET: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

let server: ReturnType<typeof startTapServer>;
afterEach(() => server.close());

async function tap(answer: Answer, ...args: string[]) {
  server = startTapServer(answer);
  const printed: string[] = [];
  const world = {
    ...QUIET,
    print: (text: string) => void printed.push(text),
  };
  const result = await run(
    ["viz", "tap", ...args, "--api-addr", server.address],
    world,
  );
  if (!("code" in result)) throw new Error("expected an outcome");
  const { code, stderr = "" } = result;
  return { code, stderr, printed, stdout: printed.join("") };
}

const TERMINATED = "Tap stream terminated\n";
const PLAIN = {
  selector: "",
  to: null,
  maxRps: 100,
  scheme: null,
  method: null,
  authority: null,
  path: null,
  headers: false,
};

describe("what is asked", () => {
  test.each([
    [["deploy/web", "-n", "shop"], "shop/deployments/web", {}],
    [["deploy", "web", "-n", "shop"], "shop/deployments/web", {}],
    [["po"], "default/pods/*", {}],
    [["ns/shop"], "shop", {}],
    [["ns", "-n", "shop"], "shop", {}],
    [["sts", "-l", "app=web"], "default/statefulsets/*", {
      selector: "app=web",
    }],
    [["deploy", "-o", "json"], "default/deployments/*", { headers: true }],
    [
      ["deploy", "-o", "jsonpath={.source.ip}"],
      "default/deployments/*",
      { headers: false },
    ],
    [
      ["deploy/web", "-n", "shop", "--to", "svc/api"],
      "shop/deployments/web",
      { to: { kind: "service", name: "api", namespace: "shop" } },
    ],
    [
      ["deploy/web", "--to", "svc", "--to-namespace", "other"],
      "default/deployments/web",
      { to: { kind: "service", name: null, namespace: "other" } },
    ],
    [
      ["deploy/web", "--to", "ns/other"],
      "default/deployments/web",
      { to: { kind: "namespace", name: "other", namespace: "other" } },
    ],
    [
      ["deploy/web", "--to-namespace", "other"],
      "default/deployments/web",
      { to: { kind: "namespace", name: "other", namespace: "other" } },
    ],
    [
      ["rc", "--max-rps=0.5", "--scheme=https", "--method=POST"],
      "default/replicationcontrollers/*",
      { maxRps: 0.5, scheme: "https", method: "POST" },
    ],
    [
      ["cj", "--authority=api:80", "--path=/a"],
      "default/cronjobs/*",
      { authority: "api:80", path: "/a" },
    ],
  ])("%p", async (args, path, filter) => {
    expect(await tap(() => [], ...args)).toMatchObject({
      code: 0,
      stdout: "",
      stderr: TERMINATED,
    });
    expect(server.asked).toEqual([{
      path: `/apis/tap.linkerd.io/v1alpha1/watch/namespaces/${path}/tap`,
      filter: { ...PLAIN, ...filter },
    }]);
  });

  test.each([
    [[], "accepts between 1 and 2 arg(s), received 0"],
    [["x"], "target resource invalid: cannot find Kubernetes canonical name"],
    [["deploy/a", "b"], "target resource invalid: Invalid resource string"],
    [["svc/api"], "unsupported resource type [service]"],
    [["all"], "unsupported resource type [all]"],
    [["deploy", "--to=x"], "destination resource invalid: cannot find"],
    [["deploy", "--to=all"], "unsupported resource type [all]"],
    [["deploy", "--max-rps=0"], '--max-rps "0": expected requests a second'],
    [["deploy", "--max-rps=many"], '--max-rps "many"'],
    [
      ["deploy", "-o", "yaml"],
      'validation error when executing tap command: output format "yaml" not recognized',
    ],
    [["deploy", "-o", "jsonpath"], "jsonpath filter not found"],
    [
      ["deploy", "-o", "jsonpath={.a[}"],
      'Cannot read jsonpath "{.a[}" at "["',
    ],
  ])("%p is refused before anything is asked", async (args, why) => {
    const { code, stderr } = await tap(() => [], ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(why);
    expect(server.asked).toEqual([]);
  });
});

test("a request is three lines, whichever side saw it and however it ended", async () => {
  const [request, response, end] = tell({ stream: 3, path: "/books?id=1" });
  const six = {
    ip: "fd00::1",
    port: 443,
    metadata: { tls: "not_provided_by_service_discovery" },
  };
  const ends = [
    { isGrpc: true },
    { grpcStatusCode: 5, isGrpc: true },
    { grpcStatusCode: 666 },
    { resetErrorCode: 8, isGrpc: true },
  ];
  const { stdout } = await tap(() => [
    request,
    response,
    end,
    ...tell({
      stream: 4,
      proxyDirection: "OUTBOUND",
      destination: six,
    }).slice(0, 1),
    ...tell({ stream: 5, proxyDirection: "UNKNOWN" }).slice(0, 1),
    ...ends.map((end) => tell({ stream: 6, end })[2]),
    { ...request, requestInitEvent: undefined },
  ], "deploy/web");
  const flow = "proxy=in  src=10.0.0.1:5000 dst=10.0.0.2:80 tls=true";
  const rest = "duration=56µs response-length=12B";
  expect(stdout.split("\n")).toEqual([
    `req id=7:3 ${flow} :method=GET :authority=api :path=/books?id=1`,
    `rsp id=7:3 ${flow} :status=200 latency=1234µs`,
    `end id=7:3 ${flow} ${rest}`,
    "req id=7:4 proxy=out src=10.0.0.1:5000 dst=[fd00::1]:443 tls=not_provided_by_service_discovery :method=GET :authority=api :path=/",
    "req id=7:5 proxy=??? src=10.0.0.1:5000 dst=10.0.0.2:80 tls= :method=GET :authority=api :path=/",
    `end id=7:6 ${flow} grpc-status=OK ${rest}`,
    `end id=7:6 ${flow} grpc-status=NotFound ${rest}`,
    `end id=7:6 ${flow} grpc-status=Code(666) ${rest}`,
    `end id=7:6 ${flow} reset-error=8 ${rest}`,
    `unknown ${flow}`,
    "",
  ]);
});

test("wide has labels of both ends and of the route", async () => {
  const [request] = tell({
    stream: 1,
    destination: {
      ip: "10.0.0.2",
      port: 80,
      metadata: { pod: "api-1", namespace: "shop", deployment: "api" },
    },
    routeMeta: { route: "GET /" },
  });
  const { stdout } = await tap(() => [request], "deploy/web", "-o", "wide");
  expect(stdout).toEndWith(
    " :path=/ src_pod=web-1 src_tls=true dst_deployment=api dst_namespace=shop dst_pod=api-1 rt_route=GET /\n",
  );
});

test("json is an object for each event, with Linkerd's fields alone", async () => {
  const events = tell({ stream: 1, end: { isGrpc: true } });
  const { printed } = await tap(() => events, "deploy/web", "-o", "json");
  const [, , end] = events;
  expect(printed[0]).toStartWith('{\n  "source": {\n    "ip": "10.0.0.1",\n');
  expect(printed.map((text) => JSON.parse(text))).toEqual([
    ...events.slice(0, 2),
    {
      ...end,
      responseEndEvent: {
        id: { base: 7, stream: 1 },
        sinceRequestInit: { nanos: 2_500_000, seconds: 0 },
        sinceResponseInit: { nanos: 56_000 },
        responseBytes: 12,
        trailers: null,
        grpcStatusCode: 0,
      },
    },
  ]);
});

const NO_MATCH =
  `{"error filtering JSON": "couldn't find any results matching with jsonpath filter"}\n`;

test.each([
  ["source.ip", '"10.0.0.1"\n'],
  [".source.ip", '"10.0.0.1"\n'],
  ["{source.ip}", '"10.0.0.1"\n'],
  ["{.source.ip}", '"10.0.0.1"\n'],
  ["{$.source.port}", "5000\n"],
  ["{.source['metadata'].pod}", '"web-1"\n'],
  ["{.source.metadata.a\\.b}", '"dotted"\n'],
  ["{.requestInitEvent.id}", '{\n  "base": 7,\n  "stream": 1\n}\n'],
  ["{.requestInitEvent.headers[1].name}", '"b"\n'],
  ["{.requestInitEvent.headers[*].name}", '"a"\n'],
  ["{.*.ip}", '"10.0.0.1"\n'],
  ["{.requestInitEvent.headers[9].name}", NO_MATCH],
  ["{.responseInitEvent.httpStatus}", NO_MATCH],
  ["{.source.ip.more}", NO_MATCH],
  ["{.source.toString}", NO_MATCH],
])("jsonpath=%s prints %j", async (path, printed) => {
  const [request] = tell({ stream: 1 });
  const event = {
    ...request,
    source: {
      ...request.source,
      metadata: { ...request.source.metadata, "a.b": "dotted" },
    },
    requestInitEvent: {
      ...request.requestInitEvent,
      headers: [{ name: "a" }, { name: "b" }],
    },
  };
  const { stdout } = await tap(
    () => [event],
    ...["deploy/web", "-o", `jsonpath=${path}`],
  );
  expect(stdout).toBe(printed);
});

describe("texts from the network", () => {
  const HOSTILE = "\u001b[2J\u009b31m\u202e\u2066\u{e0041}\r\n\t<b>\u007f";
  const SHOWN =
    "\\u001b[2J\\u009b31m\\u202e\\u2066\\u{e0041}\\u000d\\u000a\\u0009<b>\\u007f";
  const [request] = tell({
    stream: 1,
    method: HOSTILE,
    authority: HOSTILE,
    path: `/${"x".repeat(10_000)}`,
    source: { ip: HOSTILE, port: 1, metadata: { tls: HOSTILE } },
    destination: { ip: "::1", port: 2, metadata: { [HOSTILE]: HOSTILE } },
    routeMeta: { route: HOSTILE },
  });

  test("are harmless in lines", async () => {
    const { stdout } = await tap(() => [request], "deploy", "-o", "wide");
    expect(stdout).toBe(
      `req id=7:1 proxy=in  src=${SHOWN}:1 dst=[::1]:2 tls=${SHOWN} :method=${SHOWN}` +
        ` :authority=${SHOWN} :path=/${"x".repeat(299)}… src_tls=${SHOWN}` +
        ` dst_${SHOWN}=${SHOWN} rt_route=${SHOWN}\n`,
    );
  });

  test("are whole and harmless in JSON", async () => {
    const { stdout } = await tap(() => [request], "deploy", "-o", "json");
    expect(stdout).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(stdout)).toEqual(request as unknown as object);
    const path = await tap(
      () => [request],
      ...["deploy", "-o", "jsonpath={.requestInitEvent.method}"],
    );
    expect(path.stdout).toBe(
      '"\\u001b[2J\\u009b31m\\u202e\\u2066\\udb40\\udc41\\r\\n\\t<b>\\u007f"\n',
    );
  });

  test("are harmless in errors", async () => {
    const { stderr } = await tap(
      () => Response.json({ message: HOSTILE }, { status: 400 }),
      "deploy",
    );
    expect(stderr).toStartWith(
      `Error: HTTP error, status Code [400] (${SHOWN})\n`,
    );
  });
});

describe("a tap that fails", () => {
  test("says what Kubernetes says of who may not, and what to ask for", async () => {
    const message =
      'deployments.tap.linkerd.io "web" is forbidden: User "jane" cannot watch resource "deployments/tap"';
    const { code, stdout, stderr } = await tap(
      () => Response.json({ kind: "Status", message }, { status: 403 }),
      "deploy/web",
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toStartWith(
      `Error: HTTP error, status Code [403] (${message})\n`,
    );
    expect(stderr).toContain("ClusterRole");
  });

  test.each<[string, Answer, string]>([
    [
      "later on",
      () => [...tell({ stream: 1 }), { error: "the source went away" }],
      "The tap has failed: the source went away\n",
    ],
    [
      "with what is no JSON",
      () => [...tell({ stream: 1 }), "{oops\n"],
      "Cannot read the stream of requests: ",
    ],
    [
      "with what is no event",
      () => [...tell({ stream: 1 }), { source: 1 }],
      "Cannot read the stream of requests: a line that is no event\n",
    ],
    [
      "with an event without end",
      () => [...tell({ stream: 1 }), `"${"x".repeat(3_000_000)}`],
      "Cannot read the stream of requests: an event of more than",
    ],
  ])("%s", async (_, answer, why) => {
    const { code, printed, stderr } = await tap(answer, "deploy/web");
    expect(code).toBe(1);
    expect(printed.length).toBe(3);
    expect(stderr).toStartWith(`Error: ${why}`);
  });

  test("because nobody answers", async () => {
    server = startTapServer(() => []);
    await server.close();
    const result = await run(
      ["viz", "tap", "deploy", "--api-addr", server.address],
      QUIET,
    );
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `Cannot ask for metrics at http://${server.address}`,
      ),
    });
  });
});

test("events in pieces and lines between them are read, and a slow reader is waited for", async () => {
  const events: TapEvent[] = [1, 2, 3].flatMap((stream) => tell({ stream }));
  const text = events.map((event) => `\n${JSON.stringify(event)}\n\n`).join("")
    .replaceAll("api", "äpi");
  const bytes = new TextEncoder().encode(text);
  server = startTapServer(() =>
    Array.from(
      { length: Math.ceil(bytes.length / 7) },
      (_, at) => bytes.subarray(at * 7, at * 7 + 7),
    )
  );
  let waiting = 0;
  let most = 0;
  const printed: string[] = [];
  const result = await run(
    ["viz", "tap", "deploy", "--api-addr", server.address],
    {
      ...QUIET,
      print: async (text) => {
        most = Math.max(most, ++waiting);
        await new Promise((resolve) => setImmediate(resolve));
        waiting--;
        printed.push(text);
      },
    },
  );
  expect(result).toMatchObject({ code: 0 });
  expect(printed.filter((line) => line.includes(":authority=äpi")).length)
    .toBe(3);
  expect(printed.length).toBe(9);
  expect(most).toBe(1);
});
