import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../config.ts";
import { environment } from "../config/testing/environment.ts";
import { readLabels, resourceOf } from "./resource.ts";

const SELF = { pid: 7, startedAt: 1_800_000_000 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resource-"));
});
afterAll(() => rm(folder, { recursive: true }));

function traceConfig(
  prefixed: Record<string, string>,
  plain: Record<string, string> = {},
) {
  return parseConfig({ ...environment(prefixed), ...plain });
}

test("a resource is the process, its host, and all that is said of it, the last word counting", () => {
  const { trace } = traceConfig({
    TRACE_SERVICE_NAME: "linkerd-proxy",
    TRACE_EXTRA_ATTRIBUTES: "service.name=web\nk8s.pod.ip=10.0.0.1\na=b=c\n",
  }, {
    HOSTNAME: "web-1",
    OTEL_RESOURCE_ATTRIBUTES: "tier=gold,team=we%20two, rate=5%",
  });
  const labels = 'app="web"\ntier="wood"\napp.kubernetes.io/name="x"\n';
  expect(Object.fromEntries(resourceOf(trace, SELF, labels))).toEqual({
    "process.pid": 7,
    "process.start_timestamp": 1_800_000_000,
    "host.name": "web-1",
    "service.name": "web",
    app: "web",
    "app.kubernetes.io/name": "x",
    "k8s.pod.ip": "10.0.0.1",
    a: "b=c",
    tier: "gold",
    team: "we two",
    rate: "5%",
  });
});

test("what is no attribute is left out, with a warning, and what is too much is cut", () => {
  const { trace, warnings } = traceConfig({
    TRACE_EXTRA_ATTRIBUTES: "alone\n=x\nlong=" + "x".repeat(9_000),
  });
  expect(warnings.filter((line) => line.includes("ATTRIBUTES"))).toEqual(
    Array(2).fill(
      "LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES has a part without name and value, which is left out",
    ),
  );
  const labels = Array.from({ length: 500 }, (_, n) => `l${n}="x"`).join("\n");
  const resource = resourceOf(trace, SELF, `${labels}\nno label\n`);
  expect(resource).toHaveLength(128);
  const [, long] =
    resourceOf(trace, SELF, "").find(([name]) => name === "long") ?? [];
  expect(String(long)).toHaveLength(1_024);
});

test("a collector is known by its address; its name is proved by TLS, but on loopback", () => {
  const of = (prefixed: Record<string, string>) =>
    traceConfig(prefixed).trace.collector;
  const name =
    "collector.tracing.serviceaccount.identity.linkerd.cluster.local";
  expect(of({})).toBeNull();
  expect(of({ TRACE_COLLECTOR_SVC_NAME: name })).toBeNull();
  const address = "collector.tracing.svc.cluster.local.:4317";
  const found = { host: "collector.tracing.svc.cluster.local", port: 4317 };
  expect(of({ TRACE_COLLECTOR_SVC_ADDR: address })).toEqual({
    ...found,
    serverName: null,
  });
  expect(of({
    TRACE_COLLECTOR_SVC_ADDR: address,
    TRACE_COLLECTOR_SVC_NAME: name,
  })).toEqual({ ...found, serverName: name });
  expect(
    of({
      TRACE_COLLECTOR_SVC_ADDR: "127.0.0.1:4318",
      TRACE_COLLECTOR_SVC_NAME: name,
    })?.serverName,
  ).toBeNull();
  expect(() => of({ TRACE_COLLECTOR_SVC_ADDR: "collector" })).toThrow(
    "LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR",
  );
});

test("labels are read from a file; one that cannot be read is said", async () => {
  const said: string[] = [];
  const log = { warn: (message: string) => void said.push(message) };
  const path = join(folder, "labels");
  await writeFile(path, 'app="web"\n');
  expect(await readLabels(path, log)).toBe('app="web"\n');
  expect(await readLabels(null, log)).toBe("");
  expect(said).toEqual([]);
  expect(await readLabels(join(folder, "none"), log)).toBe("");
  expect(said).toEqual(["Spans go without the pod's labels"]);
});
