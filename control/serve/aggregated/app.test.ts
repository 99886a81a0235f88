import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createReview } from "../../kube/access-review.ts";
import type { ApiServer } from "../../kube/in-cluster.ts";
import { metricsPath, tapPath } from "../../../schemas/tap.ts";
import { createMemoryReadings } from "../../stats/memory.ts";
import { tapEvent } from "../../testing/tap-event.ts";
import { createAggregated } from "./app.ts";
import type { User } from "../../visitor.ts";

const JANE: User = {
  name: "jane",
  uid: "7",
  groups: ["dev"],
  extra: { scopes: ["a"] },
};
const JUDGE_EVERY_MS = 20;
const VIZ = "/apis/viz.linkerd.io/v1alpha1";

type Spec = {
  readonly user: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
};

/** What the API server was asked, and what it answers. */
let asked: Spec[] = [];
let judge: (spec: Spec) => Response | Promise<Response>;
let nowMs = 0;
const server = start();
let ask: (method: string, path: string, user?: User) => Promise<Response>;
/** Taps go on until their signal aborts. */
let isLasting = false;

function start(): Bun.Server<undefined> {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const body = await request.json();
      expect(new URL(request.url).pathname)
        .toBe("/apis/authorization.k8s.io/v1/subjectaccessreviews");
      expect(body).toMatchObject({ kind: "SubjectAccessReview" });
      asked.push(body.spec);
      return await judge(body.spec);
    },
  });
}

const say = (status: unknown): Response => Response.json({ status });

beforeEach(() => {
  asked = [];
  nowMs = 0;
  isLasting = false;
  judge = () => say({ allowed: true });
  const api: ApiServer = {
    url: `http://127.0.0.1:${server.port}`,
    token: () => Promise.resolve("mine"),
    ca: () => Promise.resolve(""),
  };
  const answer = createAggregated({
    readings: createMemoryReadings(() => [], () => nowMs),
    pods: () => [],
    now: () => nowMs,
    judgeEveryMs: JUDGE_EVERY_MS,
    tapping: async function* (_target, _filter, signal) {
      yield tapEvent("/tapped");
      while (isLasting && !signal.aborted) await Bun.sleep(5);
    },
  }, createReview(api, { now: () => nowMs, timeoutMs: 100 }));
  ask = (method, path, user = JANE) =>
    answer(new Request(`https://localhost${path}`, { method }), user);
});
afterAll(() => server.stop(true));

function question(page: string, namespace: string | null, query = ""): string {
  return `${metricsPath(page, namespace)}?kind=deployment${query}`;
}

test("the API server is told who asks, and for what", async () => {
  const response = await ask("GET", question("stat", "shop"));
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ rows: [] });
  expect(asked).toEqual([{
    user: "jane",
    uid: "7",
    groups: ["dev"],
    extra: { scopes: ["a"] },
    resourceAttributes: {
      verb: "get",
      group: "viz.linkerd.io",
      version: "v1alpha1",
      resource: "metrics",
      subresource: "",
      namespace: "shop",
      name: "stat",
    },
  } as unknown as Spec]);
});

describe("a question is about the namespaces that it names", () => {
  test.each([
    [question("stat", null), [""]],
    [question("stat", "shop", "&namespace=other"), ["shop"]],
    [question("stat", "shop", "&to_kind=pod&to_namespace=shop"), ["shop"]],
    [
      question("stat", "shop", "&from_kind=pod&from_namespace=other"),
      ["shop", "other"],
    ],
    [
      question("stat", "shop", "&to_kind=namespace&to_name=other"),
      ["shop", "other"],
    ],
    [question("stat", "shop", "&to_kind=pod"), ["shop", ""]],
  ])("%s", async (path, namespaces) => {
    expect((await ask("GET", path)).status).toBe(200);
    expect(
      asked.map(({ resourceAttributes }) => resourceAttributes["namespace"]),
    )
      .toEqual(namespaces);
  });

  test("all of which must be permitted", async () => {
    judge = ({ resourceAttributes }) =>
      say({ allowed: resourceAttributes["namespace"] === "shop" });
    const path = question(
      "stat",
      "shop",
      "&from_kind=pod&from_namespace=other",
    );
    expect((await ask("GET", path)).status).toBe(403);
    expect((await ask("GET", question("stat", "other"))).status).toBe(403);
    expect((await ask("GET", question("stat", "shop"))).status).toBe(200);
  });

  test("and no namespace within another", async () => {
    const within = `${metricsPath("stat", "shop")}?kind=namespace`;
    expect((await ask("GET", within)).status).toBe(200);
    expect((await ask("GET", `${within}&name=shop`)).status).toBe(200);
    expect((await ask("GET", `${within}&name=other`)).status).toBe(400);
  });
});

describe("who is refused", () => {
  test("is told what is missing, as Kubernetes would", async () => {
    judge = () => say({ allowed: false, reason: "no role" });
    const response = await ask("GET", question("edges", "shop"));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      kind: "Status",
      reason: "Forbidden",
      message:
        'metrics.viz.linkerd.io "edges" is forbidden: User "jane" cannot get resource "metrics" in API group "viz.linkerd.io" in the namespace "shop": no role',
    });
  });

  test("whom the API server denies, even if it allows them too", async () => {
    judge = () => say({ allowed: true, denied: true });
    expect((await ask("GET", question("edges", null))).status).toBe(403);
  });

  test.each<[string, () => Response | Promise<Response>]>([
    ["does not answer in time", () => new Promise(() => {})],
    ["fails", () => new Response("no", { status: 500 })],
    ["refuses us", () => Response.json({ message: "no" }, { status: 403 })],
  ])("when the API server %s", async (_, answer) => {
    judge = answer;
    for (
      const [method, path] of [
        ["GET", question("stat", "shop")],
        ["POST", tapPath({ kind: "pod", name: null, namespace: "shop" })],
        ["GET", `${VIZ}/dashboard`],
      ] as const
    ) {
      const response = await ask(method, path);
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({
        kind: "Status",
        message: expect.stringContaining(`Cannot tell whether "jane" may`),
      });
    }
  });

  test.each<[string, () => Response]>([
    ["says nothing", () => Response.json({})],
    ["says something else", () => say({ allowed: "true" })],
  ])("when the API server %s", async (_, answer) => {
    judge = answer;
    expect((await ask("GET", question("stat", "shop"))).status).toBe(403);
  });
});

test("a yes is believed for ten seconds, of one user for one thing; a no is not", async () => {
  const path = question("stat", "shop");
  for (const _ of [1, 2, 3]) await ask("GET", path);
  expect(asked).toHaveLength(1);
  await ask("GET", path, { ...JANE, groups: [] });
  await ask("GET", question("edges", "shop"));
  expect(asked).toHaveLength(3);
  judge = () => say({ allowed: false });
  expect((await ask("GET", path)).status).toBe(200);
  nowMs = 10_000;
  expect((await ask("GET", path)).status).toBe(403);
  judge = () => say({ allowed: true });
  expect((await ask("GET", path)).status).toBe(200);
});

test("more reviews at once than there may be are refused", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  judge = () => promise.then((answer) => answer.clone());
  const answers = Array.from(
    { length: 80 },
    (_, at) => ask("GET", question("stat", `ns-${at}`)),
  );
  while (asked.length < 64) await Bun.sleep(1);
  resolve(say({ allowed: true }));
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 429)).toHaveLength(16);
  expect(statuses.filter((status) => status === 200)).toHaveLength(64);
});

test("a tap needs watch on what is tapped", async () => {
  const path = tapPath({ kind: "deployment", name: "web", namespace: "shop" });
  expect(await (await ask("POST", path)).text()).toContain('"/tapped"');
  expect(asked[0]?.resourceAttributes).toEqual({
    verb: "watch",
    group: "tap.linkerd.io",
    version: "v1alpha1",
    resource: "deployments",
    subresource: "tap",
    namespace: "shop",
    name: "web",
  });
  judge = () => say({ allowed: false });
  const other = tapPath({ kind: "pod", name: null, namespace: "shop" });
  const refused = await ask("POST", other);
  expect(refused.status).toBe(403);
  expect((await refused.json()).message).toBe(
    'pods.tap.linkerd.io is forbidden: User "jane" cannot watch resource "pods/tap" in API group "tap.linkerd.io" in the namespace "shop"',
  );
  expect((await ask("GET", path)).status).toBe(404);
});

describe("the dashboard", () => {
  test.each([
    ["/dashboard", "list", ""],
    ["/dashboard/", "list", ""],
    ["/dashboard/topology", "get", "topology"],
    ["/dashboard/style.css", "get", "style.css"],
  ])("%s is read as a resource of all namespaces", async (path, verb, name) => {
    const response = await ask("GET", VIZ + path);
    expect(response.status).toBe(200);
    expect(asked.map(({ resourceAttributes }) => resourceAttributes)).toEqual([
      expect.objectContaining({
        verb,
        resource: "dashboard",
        namespace: "",
        name,
      }),
    ]);
    judge = () => say({ allowed: false });
    nowMs = 10_000;
    expect((await ask("GET", VIZ + path)).status).toBe(403);
  });

  test("live requests need the right to the page, and to the tap", async () => {
    const path = `${VIZ}/watch/dashboard/tap-events?target=deployment/shop/web`;
    expect((await ask("GET", path)).status).toBe(200);
    expect(asked.map(({ resourceAttributes: { verb, resource } }) => [
      verb,
      resource,
    ])).toEqual([["watch", "dashboard"], ["watch", "deployments"]]);
    for (const denied of ["dashboard", "deployments"]) {
      nowMs += 10_000;
      judge = ({ resourceAttributes }) =>
        say({ allowed: resourceAttributes["resource"] !== denied });
      expect((await ask("GET", path)).status).toBe(403);
    }
  });
});

test.each(["dashboard", "deployments"])(
  "who loses the right to %s while they watch live requests sees no more",
  async (lost) => {
    isLasting = true;
    const path = `${VIZ}/watch/dashboard/tap-events?target=deployment/shop/web`;
    const body = (await ask("GET", path)).text();
    judge = ({ resourceAttributes: { resource } }) =>
      say({ allowed: resource !== lost });
    // What was permitted at the beginning is not believed any more.
    nowMs = 10_000;
    const lines = (await body).trim().split("\n").filter((line) => line);
    expect(JSON.parse(lines.at(-1) ?? "").error).toContain("is forbidden");
  },
);

describe("a path cannot have the review be about anything but what is answered", () => {
  const all = { namespace: "", name: "stat" };
  const shop = { namespace: "shop", name: "stat" };
  const stat = (within: string) => `${VIZ}/${within}metrics/stat?kind=pod`;
  const tap = (within: string) =>
    `/apis/tap.linkerd.io/v1alpha1/watch/namespaces/${within}tap`;
  test.each<[string, number, readonly Partial<Spec["resourceAttributes"]>[]]>([
    [stat("namespaces/%73hop/"), 200, [shop]],
    [stat("namespaces/mine/metrics/../../shop/"), 200, [shop]],
    [stat("namespaces/mine/%2e%2e/shop/"), 200, [shop]],
    [stat("namespaces/%2e%2e/"), 200, [all]],
    [stat("namespaces/"), 404, []],
    [stat("namespaces//"), 404, []],
    [stat("/"), 404, []],
    [stat("namespaces/%20/"), 400, []],
    [stat("namespaces/shop%2fmetrics/"), 400, []],
    [stat("namespaces/shop%00/"), 400, []],
    [stat("namespaces/%2573hop/"), 400, []],
    [stat("namespaces/Shop/"), 400, []],
    [stat("namespaces/*/"), 400, []],
    [stat(`namespaces/${"x".repeat(254)}/`), 400, []],
    [`${stat("namespaces/shop/")}&from_kind=pod&from_namespace=`, 400, [shop]],
    [`${stat("namespaces/shop/")}&to_kind=namespace&to_name=`, 400, [shop]],
    [`${VIZ}/dashboard/%6fverview`, 200, [{ verb: "get", name: "overview" }]],
    [`${VIZ}/watch/../dashboard`, 200, [{ verb: "list", name: "" }]],
    [`${VIZ}/dashboard/overview%2f`, 400, []],
    [`${VIZ}/dashboard/overview/`, 200, [{ verb: "get", name: "overview" }]],
    [`${VIZ}/dashboard/${"x".repeat(254)}`, 400, []],
    [`${VIZ}//dashboard`, 404, []],
    [`${VIZ}/Dashboard`, 404, []],
    [`${VIZ}/dashboard;overview`, 404, []],
    [tap("shop/pods/%2a/"), 200, [{ namespace: "shop", name: "" }]],
    [tap("shop/pods/%61/"), 200, [{ namespace: "shop", name: "a" }]],
    [tap("mine/../shop/"), 200, [{ namespace: "shop", name: "shop" }]],
    [tap("shop/pods/a%2f..%2fb/"), 400, []],
    [tap("shop%2fpods/"), 400, []],
    [tap("shop/Pods/a/"), 400, []],
  ])("%s", async (path, status, expected) => {
    const response = await ask(path.includes("tap.") ? "POST" : "GET", path);
    await response.body?.cancel();
    expect(response.status).toBe(status);
    expect(asked.map(({ resourceAttributes }) => resourceAttributes))
      .toEqual(expected.map((one) => expect.objectContaining(one)));
  });
});

test("what there is can be discovered without a review", async () => {
  for (
    const [path, kind] of [
      ["/apis", "APIGroupList"],
      ["/apis/tap.linkerd.io", "APIGroup"],
      ["/apis/tap.linkerd.io/v1alpha1", "APIResourceList"],
      [VIZ, "APIResourceList"],
    ]
  ) {
    expect(await (await ask("GET", path ?? "")).json()).toMatchObject({ kind });
  }
  const { resources } = await (await ask("GET", VIZ)).json();
  expect(resources.map(({ name }: { name: string }) => name))
    .toEqual(["metrics", "dashboard"]);
  expect((await ask("GET", "/healthz")).status).toBe(200);
  expect((await (await ask("GET", "/openapi/v2")).json()).swagger).toBe("2.0");
  expect((await ask("GET", "/apis/viz.linkerd.io/v2")).status).toBe(404);
  expect(asked).toEqual([]);
});
