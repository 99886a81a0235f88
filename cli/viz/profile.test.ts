import { afterEach, expect, test } from "bun:test";
import { parse } from "yaml";
import { parseManifest } from "../../schemas/kube/manifest.ts";
import type { World } from "../command.ts";
import { run } from "../program.ts";
import { type Answer, startTapServer, tell } from "./testing/tap-server.ts";

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

let server: ReturnType<typeof startTapServer>;
afterEach(() => server.close());

async function profile(answer: Answer, ...args: string[]) {
  server = startTapServer(answer);
  const result = await run(
    ["viz", "profile", ...args, "--api-addr", server.address],
    world,
  );
  if (!("code" in result)) throw new Error("expected an outcome");
  const { code, stdout = [], stderr = "" } = result;
  return { code, stdout: stdout.join(""), stderr };
}

/** Events, and then none for ever. */
function then(events: readonly unknown[]): Answer {
  return async function* (signal) {
    yield* events;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  };
}

test("routes are what comes in, by method and path, in their order", async () => {
  const paths = ["/b?page=1", "/a.b", "/b?page=2", "/"];
  const { code, stdout } = await profile(
    then([
      ...paths.flatMap((path, stream) => tell({ stream, path })),
      ...tell({ stream: 8, path: "/b", method: "DELETE" }),
      ...tell({ stream: 9, path: "/out", proxyDirection: "OUTBOUND" }),
    ]),
    ...["web-svc", "-n", "shop", "--tap", "deploy/web", "--tap-duration=1s"],
  );
  expect(code).toBe(0);
  const value = parse(stdout);
  expect(value).toEqual({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name: "web-svc.shop.svc.cluster.local", namespace: "shop" },
    spec: {
      routes: [
        ["DELETE", "/b", "/b"],
        ["GET", "/a.b", "/a\\.b"],
        ["GET", "/b", "/b"],
      ].map(([method, path, pathRegex]) => ({
        name: `${method} ${path}`,
        condition: { method, pathRegex },
      })),
    },
  });
  expect(parseManifest(value).kind).toBe("object");
  expect(server.asked[0]).toMatchObject({
    path:
      "/apis/tap.linkerd.io/v1alpha1/watch/namespaces/shop/deployments/web/tap",
    filter: { headers: false, maxRps: 100 },
  });
});

test("it ends with enough routes, and a long --tap-duration is not waited for", async () => {
  const { stdout } = await profile(
    then(
      [1, 2, 3, 4].flatMap((stream) => tell({ stream, path: `/${stream}` })),
    ),
    ...["web-svc", "--tap=deploy/web", "--tap-duration=1h"],
    ...["--tap-route-limit=3", "-o", "json"],
  );
  expect(JSON.parse(stdout).spec.routes.length).toBe(3);
});

test("what is no path makes no route; without a route there is a hint", async () => {
  const strange = [
    "/\u001b[2J",
    "/\u202e",
    "/a b",
    "*",
    `/${"x".repeat(10_000)}`,
  ];
  const { code, stdout, stderr } = await profile(
    () => [
      ...strange.flatMap((path, stream) => tell({ stream, path })),
      ...tell({ stream: 9, path: "/a", method: "G\u001bT" }),
    ],
    ...["web-svc", "--tap=deploy/web"],
  );
  expect([code, parse(stdout).spec]).toEqual([0, { routes: [] }]);
  expect(stderr).toContain("look longer with --tap-duration");
});

test.each([
  [["web"], "The --tap flag must be specified"],
  [["--tap=deploy"], "accepts 1 arg(s), received 0"],
  [["1web", "--tap=deploy"], 'invalid service "1web"'],
  [["web", "--tap=svc"], "unsupported resource type [service]"],
  [["web", "--tap=deploy", "-n", "a.b"], 'invalid namespace "a.b"'],
  [["web", "--tap=deploy", "-o", "toml"], "unknown output format: toml"],
  [["web", "--tap=deploy", "--tap-route-limit=0"], '--tap-route-limit "0"'],
  [
    ["web", "--tap=deploy", "--tap-duration=soon"],
    'invalid argument "soon" for "--tap-duration"',
  ],
])("%p is refused", async (args, why) => {
  const { code, stderr } = await profile(() => [], ...args);
  expect(code).toBe(1);
  expect(stderr).toContain(why);
  expect(server.asked).toEqual([]);
});
