// Checks on hand-made objects: a healthy mesh, and what a test changes of it.
import { expect } from "bun:test";
import { describe as describeError } from "../../../schemas/problem.ts";
import { mergeValues } from "../../../schemas/values/merge.ts";
import { VERSION } from "../../../schemas/version.ts";
import type { ApiRequest, Cluster } from "../../cluster.ts";
import type { Verdict } from "../check.ts";
import { MODES } from "../modes.ts";
import { createScene, type Settings } from "../scene.ts";
import { fakeCluster, type FakeObject } from "./cluster.ts";
import { healthyMesh } from "./mesh.ts";

export const NOW = Date.now();
export const DAY_MS = 24 * 3_600_000;
export const MESH = healthyMesh(NOW);

export interface Case {
  readonly objects?: readonly FakeObject[];
  readonly settings?: Partial<Settings>;
  readonly nowMs?: number;
  readonly answer?: (request: ApiRequest) => unknown;
  readonly forward?: Cluster["forward"];
}

/** What checks of a description come to; a throw is a failure, as in the runner. */
export async function look(
  description: string,
  { objects = MESH, settings = {}, nowMs = NOW, answer, forward }: Case = {},
): Promise<Verdict> {
  const found = Object.values(MODES).flat().flatMap(({ checks }) => checks)
    .find((check) => check.description === description);
  if (found === undefined) throw new Error(`no check "${description}"`);
  const scene = createScene({
    settings: {
      namespace: "linkerd",
      cniNamespace: "linkerd-cni",
      dataPlaneNamespace: undefined,
      cliVersion: VERSION,
      expectedVersion: undefined,
      cniEnabled: undefined,
      ...settings,
    },
    nowMs,
    open: () =>
      Promise.resolve({
        ...fakeCluster(
          objects,
          (request) => answer?.(request) ?? metricsOf(objects, request),
        ),
        ...(forward === undefined ? {} : { forward }),
      }),
    memory: new Map(),
    signal: new AbortController().signal,
  });
  try {
    return await found.run(scene);
  } catch (thrown) {
    return { kind: "failed", error: describeError(thrown) };
  }
}

/** A metrics component that hears of all proxies. */
function metricsOf(
  objects: readonly FakeObject[],
  { path }: ApiRequest,
): unknown {
  if (!path.endsWith("/metrics/proxies")) return undefined;
  const rows = objects.filter(({ kind }) => kind === "Pod")
    .map(({ metadata: { namespace, name } }) => ({
      namespace,
      name,
      hasMetrics: true,
    }));
  return { rows };
}

export async function error(
  description: string,
  given: Case = {},
): Promise<string> {
  const verdict = await look(description, given);
  return verdict.kind === "failed" ? verdict.error : `(${verdict.kind})`;
}

/** The mesh with one object changed, by a merge patch; null takes it away. */
export function changed(
  kind: string,
  name: string,
  patch: Readonly<Record<string, unknown>> | null,
): readonly FakeObject[] {
  const isIt = (object: FakeObject) =>
    object.kind === kind && object.metadata.name === name;
  expect(MESH.some(isIt), `${kind} ${name}`).toBe(true);
  if (patch === null) return MESH.filter((object) => !isIt(object));
  return MESH.map((object) =>
    isIt(object) ? mergeValues(object, patch) as unknown as FakeObject : object
  );
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export const NODE: FakeObject = {
  kind: "Node",
  metadata: { name: "one" },
  spec: { podCIDRs: ["10.244.0.0/24"] },
  status: {
    conditions: [{
      type: "Ready",
      status: "True",
      lastHeartbeatTime: new Date(NOW - 60_000).toISOString(),
    }],
    nodeInfo: { containerRuntimeVersion: "containerd://2.0" },
  },
};
export const DEFAULT: FakeObject = {
  kind: "Namespace",
  metadata: { name: "default" },
};

export function pod(
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): FakeObject {
  return mergeValues({
    kind: "Pod",
    metadata: { name, namespace: "default", labels: {}, annotations: {} },
    spec: { containers: [{ name: "app", image: "app:1" }] },
    status: { phase: "Running" },
  }, more) as unknown as FakeObject;
}

/** A pod of the data plane with a proxy of the given tag. */
export function meshed(
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  tag: string = VERSION,
): FakeObject {
  return pod(
    name,
    mergeValues({
      metadata: { labels: { "linkerd.io/control-plane-ns": "linkerd" } },
      spec: {
        containers: [
          { name: "app", ports: [{ name: "db", containerPort: 5000 }] },
          { name: "linkerd-proxy", image: `registry:5000/proxy:${tag}` },
        ],
      },
      status: {
        containerStatuses: [{ name: "linkerd-proxy", ready: true }],
      },
    }, more),
  );
}
