import { afterEach, expect, test } from "bun:test";
import type { Standing, Verdict } from "../conditions.ts";
import type { Resource } from "../kube/resources.ts";
import { createStandings, standingOf } from "../kube/standings.ts";
import { createMetrics, type Metrics } from "../metrics.ts";
import { type Recorder, recordLogs } from "../testing/logs.ts";
import { addStatusMetrics } from "./metrics.ts";
import { startStatusWriter, type StatusWriter } from "./writer.ts";

const ROUTES: Resource = {
  apiVersion: "policy.linkerd.io/v1beta3",
  kind: "HTTPRoute",
  plural: "httproutes",
};

interface Patch {
  readonly path: string;
  readonly manager: string | null;
  readonly type: string | null;
  readonly version: string;
}

let writer: StatusWriter;
let server: ReturnType<typeof Bun.serve>;
let metrics: Metrics;
let logs: Recorder;
let isLeader: boolean;
let isAccepted: boolean;
/** Patches that came, and how they are answered; then with what was asked for. */
const patches: Patch[] = [];
const answers: (() => Response | Promise<Response>)[] = [];
let wake = (): void => {};

afterEach(async () => {
  await writer.close();
  await server.stop(true);
  patches.length = answers.length = 0;
});

/** A writer over a server of its own; `routes` are known to it. */
function start(routes: number, patchTimeoutMs = 5_000) {
  isLeader = isAccepted = true;
  metrics = createMetrics();
  logs = recordLogs();
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const body = await request.json() as {
        metadata: { resourceVersion: string };
        status: unknown;
      };
      patches.push({
        path: pathname,
        manager: searchParams.get("fieldManager"),
        type: request.headers.get("content-type"),
        version: body.metadata.resourceVersion,
      });
      wake();
      const answer = answers.shift();
      if (answer !== undefined) return await answer();
      const resourceVersion = `${body.metadata.resourceVersion}'`;
      return Response.json({
        metadata: { resourceVersion },
        status: body.status,
      });
    },
  });
  const standings = createStandings((path) => writer?.touch(path));
  writer = startStatusWriter({
    server: {
      url: `http://127.0.0.1:${server.port}`,
      token: () => Promise.resolve("mine"),
      ca: () => Promise.resolve(""),
    },
    standings,
    judge,
    isLeader: () => isLeader,
    log: logs.log,
    metrics: addStatusMetrics(metrics),
    patchTimeoutMs,
  });
  const all = Array.from({ length: routes }, (_, at) => standing(`r${at}`));
  standings.list(ROUTES, all);
  return standings;
}

function standing(name: string, resourceVersion = "1"): Standing {
  const metadata = { name, namespace: "shop", resourceVersion, generation: 1 };
  const { apiVersion } = ROUTES;
  return standingOf({ apiVersion, metadata }, ROUTES, { kind: "foreign" });
}

function judge(): Verdict {
  const reason = isAccepted ? "Accepted" : "NoMatchingParent";
  return {
    kind: "parents",
    parents: [{
      parentRef: { kind: "Service", name: "web" },
      conditions: [
        { type: "Accepted", isTrue: isAccepted, reason, message: "" },
      ],
    }],
  };
}

async function patched(count: number): Promise<readonly Patch[]> {
  while (patches.length < count) {
    await new Promise<void>((resolve) => wake = resolve);
  }
  return patches;
}

/** The value of a counter once it is this. */
async function counts(name: string, value: number): Promise<void> {
  const line = `resource_status_${name}_total ${value}`;
  while (!metrics.render().split("\n").includes(line)) await Bun.sleep(1);
}

test("objects that are new are written once, for the version that was seen", async () => {
  start(2);
  await patched(2);
  await counts("patches", 2);
  expect(patches).toEqual(["r0", "r1"].map((name) => ({
    path:
      `/apis/policy.linkerd.io/v1beta3/namespaces/shop/httproutes/${name}/status`,
    manager: "policy-controller",
    type: "application/merge-patch+json",
    version: "1",
  })));
  // A look at all finds nothing to write.
  writer.sweep();
  await counts("patch_dequeues", 6);
  expect(patches).toHaveLength(2);
});

test("what changed around them is written when all are looked at", async () => {
  start(1);
  await counts("patches", 1);
  isAccepted = false;
  writer.sweep();
  expect(await patched(2)).toMatchObject([{ version: "1" }, { version: "1'" }]);
});

test("who does not lead writes nothing, and everything once it does", async () => {
  const standings = start(0);
  isLeader = false;
  standings.put(standing("late"));
  await counts("patch_drops", 1);
  writer.sweep();
  isLeader = true;
  writer.sweep();
  expect(await patched(1)).toMatchObject([{ version: "1" }]);
});

test("a conflict is left to whoever tells of the newer version", async () => {
  const standings = start(0);
  answers.push(() => Response.json({}, { status: 409 }));
  standings.put(standing("late"));
  await counts("patch_api_errors", 1);
  standings.put(standing("late", "2"));
  expect(await patched(2)).toMatchObject([{ version: "1" }, { version: "2" }]);
});

test("while the API server fails it is tried again, later and later", async () => {
  const standings = start(0);
  const fail = () => Response.json({}, { status: 503 });
  answers.push(fail, fail);
  standings.put(standing("late"));
  await patched(3);
  await counts("patch_api_errors", 2);
  await counts("patches", 1);
  expect(await logs.until("answers 503")).toContain("stage=status");
});

test("a patch that takes too long is given up and tried again", async () => {
  const standings = start(0, 100);
  const never = Promise.withResolvers<Response>();
  answers.push(() => never.promise);
  standings.put(standing("late"));
  await counts("patch_timeouts", 1);
  await patched(2);
  never.resolve(Response.json({}));
});

test("what the API server refuses is said, and the next one is written", async () => {
  const standings = start(0);
  answers.push(() => Response.json({ message: "too long" }, { status: 422 }));
  standings.put(standing("wrong"));
  standings.put(standing("right"));
  await patched(2);
  await logs.until("too long");
  await counts("patches", 1);
});

test("more changes than may wait are left to the next look at all", async () => {
  const standings = start(0);
  const first = Promise.withResolvers<Response>();
  answers.push(() => first.promise);
  standings.put(standing("first"));
  await patched(1);
  for (let at = 0; at < 10_003; at++) standings.put(standing(`r${at}`));
  await counts("patch_enqueue_overflows", 3);
  isLeader = false;
  first.resolve(Response.json({}, { status: 409 }));
  await counts("patch_drops", 10_000);
});
