import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import type { KubeObject } from "../../schemas/kube.ts";
import type { ObjectEvent } from "../source.ts";
import { type Recorder, recordLogs } from "../testing/logs.ts";
import { type KubeSource, openKubeSource } from "./source.ts";

/** Answers of a scripted API server, by path; what is not here is an empty list and a watch that never says anything. */
type Answer = (query: URLSearchParams) => Response;

let tests = 0;
const answers = new Map<string, Answer[]>();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const [, test, path = ""] = /^\/(\d+)(.*)$/.exec(pathname) ?? [];
    // A call of the test before this one may have been on its way.
    if (test !== `${tests}`) return new Response(null, { status: 500 });
    const next = answers.get(path)?.shift();
    if (next !== undefined) return next(searchParams);
    return searchParams.has("watch") ? watching() : list([]);
  },
});

let end: AbortController;
let events: ObjectEvent[][];
let wake: () => void;

beforeEach(() => {
  tests++;
  answers.clear();
  events = [];
  end = new AbortController();
});
afterEach(() => end.abort(new Error("the test is over")));
afterAll(() => server.stop(true));

function list(items: readonly object[], metadata: object = {}): Response {
  return Response.json({
    metadata: { resourceVersion: "1", ...metadata },
    items,
  });
}

/** A watch that says these lines, then waits. */
function watching(...lines: readonly object[]): Response {
  return saying(lines, () => {});
}

/** A watch that ends after these lines. */
function ending(...lines: readonly object[]): Response {
  return saying(lines, (writer) => writer.close());
}

function saying(
  lines: readonly object[],
  then: (writer: ReadableStreamDefaultController) => void,
): Response {
  return new Response(
    new ReadableStream({
      start: (writer) => {
        for (const line of lines) {
          writer.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
        }
        then(writer);
      },
    }),
  );
}

const namespace = (name: string, version = "1"): KubeObject & object => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, resourceVersion: version },
} as never);

const NAMESPACES = "/api/v1/namespaces";

function open(): { source: KubeSource; logs: Recorder } {
  const logs = recordLogs();
  const source = openKubeSource({
    server: {
      url: `http://127.0.0.1:${server.port}/${tests}`,
      token: () => Promise.resolve("mine"),
      ca: () => Promise.resolve(""),
    },
    emit: (batch) => {
      events.push([...batch]);
      wake?.();
    },
    log: logs.log,
    signal: end.signal,
  });
  return { source, logs };
}

/** What was emitted, once it is as many batches. */
async function batches(count: number): Promise<string[][]> {
  while (events.length < count) {
    await new Promise<void>((resolve) => wake = resolve);
  }
  return events.map((batch) =>
    batch.map(({ kind, object }) => `${kind} ${object.metadata.name}`)
  );
}

test("a list of several pages is one batch, and the watch goes on from there", async () => {
  answers.set(NAMESPACES, [
    () => list([namespace("one")], { continue: "more" }),
    (query) => {
      expect(query.get("continue")).toBe("more");
      return list([namespace("two")], { resourceVersion: "7" });
    },
    (query) => {
      expect(query.get("resourceVersion")).toBe("7");
      return watching(
        { type: "ADDED", object: namespace("three", "8") },
        { type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } },
        { type: "DELETED", object: namespace("one", "10") },
      );
    },
  ]);
  const { source } = open();
  await source.synced;
  expect((await batches(2)).slice(0, 1)).toEqual([["apply one", "apply two"]]);
  while (events.flat().length < 4) await batches(events.length + 1);
  expect(
    events.slice(1).flat().map(({ kind, object }) =>
      `${kind} ${object.metadata.name}`
    ),
  ).toEqual(["apply three", "delete one"]);
  expect(source.sizes()).toMatchObject({ namespaces: 2, pods: 0 });
});

test("a watch that ends is taken up where it was; one that is too old lists again", async () => {
  answers.set(NAMESPACES, [
    () => list([namespace("one"), namespace("two")], { resourceVersion: "5" }),
    () =>
      ending({
        type: "BOOKMARK",
        object: { metadata: { resourceVersion: "6" } },
      }),
    (query) => {
      expect(query.get("resourceVersion")).toBe("6");
      return watching({
        type: "ERROR",
        object: { code: 410, message: "too old resource version" },
      });
    },
    () => list([namespace("two"), namespace("three")]),
  ]);
  open();
  expect(await batches(2)).toEqual([
    ["apply one", "apply two"],
    ["apply two", "apply three", "delete one"],
  ]);
});

test("an API server in trouble is told once and asked again; nothing is forgotten", async () => {
  const failing = () =>
    Response.json({ message: "etcd is away" }, { status: 500 });
  answers.set(NAMESPACES, [
    () => list([namespace("one")]),
    failing,
    failing,
    () => watching({ type: "ADDED", object: namespace("two") }),
  ]);
  const { logs } = open();
  expect(await batches(2)).toEqual([["apply one"], ["apply two"]]);
  expect(logs.lines.filter((line) => line.includes("etcd is away")))
    .toHaveLength(1);
});

test("a kind that the server does not know has no objects", async () => {
  answers.set("/apis/policy.linkerd.io/v1beta3/servers", [
    () => new Response("404 page not found", { status: 404 }),
  ]);
  const { source } = open();
  await source.synced;
  expect(source.sizes()["servers.policy.linkerd.io"]).toBe(0);
  expect(source.problems()).toEqual([]);
});

test("a kind is read in the version that the server has, and the newest of them first", async () => {
  const unknown = () => new Response("404 page not found", { status: 404 });
  const api = "/apis/gateway.networking.k8s.io";
  const web = {
    metadata: { name: "r", namespace: "shop" },
    spec: { parentRefs: [{ kind: "Service", name: "web" }], rules: [{}] },
  };
  const asked: string[] = [];
  for (const version of ["v1", "v1alpha3", "v1alpha2"]) {
    answers.set(`${api}/${version}/tlsroutes`, [() => {
      asked.push(version);
      return version === "v1alpha2" ? list([web]) : unknown();
    }]);
  }
  const { source } = open();
  await source.synced;
  expect(asked).toEqual(["v1", "v1alpha3", "v1alpha2"]);
  expect(source.sizes()["tlsroutes.gateway.networking.k8s.io"]).toBe(1);
  expect(source.problems()).toEqual([]);
});

test("an object that cannot be used is named, and what was known of it stays", async () => {
  const webServer = (port: unknown) => ({
    metadata: { name: "web", namespace: "shop" },
    spec: { podSelector: {}, port },
  });
  answers.set("/apis/policy.linkerd.io/v1beta3/servers", [
    () => list([webServer(80)]),
    () =>
      watching({
        type: "MODIFIED",
        object: {
          apiVersion: "policy.linkerd.io/v1beta3",
          kind: "Server",
          ...webServer(-1),
        },
      }),
  ]);
  const { source, logs } = open();
  await source.synced;
  await logs.until("is -1");
  expect(source.problems().join()).toContain("Server shop/web");
  expect(source.sizes()["servers.policy.linkerd.io"]).toBe(1);
  expect(events.flat().map(({ kind }) => kind)).toEqual(["apply"]);
});

test("a Server that nobody understands denies from the beginning", async () => {
  answers.set("/apis/policy.linkerd.io/v1beta3/servers", [
    () =>
      list([{
        metadata: { name: "web", namespace: "shop" },
        spec: { podSelector: {}, port: 80, proxyProtocol: "HTTP/9" },
      }]),
  ]);
  const { source } = open();
  await source.synced;
  expect(events.flat().map(({ object }) => object)).toMatchObject([
    { kind: "Server", spec: { accessPolicy: "deny" } },
  ]);
  expect(source.problems().join()).toContain("HTTP/9");
});

test("an object that the mesh has no use for any more is forgotten", async () => {
  const route = (parent: object) => ({
    metadata: { name: "web", namespace: "shop" },
    spec: { parentRefs: [parent], rules: [] },
  });
  const group = "policy.linkerd.io";
  answers.set("/apis/gateway.networking.k8s.io/v1/httproutes", [
    () => list([route({ group, kind: "Server", name: "web" })]),
    () =>
      watching({
        type: "MODIFIED",
        object: {
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          ...route({ kind: "Gateway", name: "edge" }),
        },
      }),
  ]);
  const { source } = open();
  expect(await batches(2)).toEqual([["apply web"], ["delete web"]]);
  expect(source.sizes()["httproutes.gateway.networking.k8s.io"]).toBe(0);
});
