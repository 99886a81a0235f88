import { describe } from "../../schemas/problem.ts";
import { ApiRefusal, callApi } from "../kube/api.ts";
import { createBackOff } from "../kube/back-off.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { createSeldom } from "../kube/seldom.ts";
import type { Log } from "../log.ts";
import type { ObjectEvent } from "../source.ts";
import type { ExternalObject, ServiceObject, SliceObject } from "./objects.ts";
import { planSlices } from "./plan.ts";
import { MANAGED_BY, MANAGER, SERVICE_NAME, slicesOf } from "./slices.ts";

/** Events that come together are one look. */
const GATHER_MS = 200;
/** All namespaces are looked at again this often, whatever was missed. */
const SWEEP_MS = 300_000;
/** One call of the API server. */
const CALL_MS = 10_000;
/** What fails in the same way is said this often. */
const COMPLAIN_MS = 300_000;

const CORE = "/api/v1";
const SLICES = "/apis/discovery.k8s.io/v1";
const EXTERNALS = "/apis/workload.linkerd.io/v1beta1";
/** Kubernetes' own Services have no business outside of the cluster (as Linkerd). */
const SKIPPED = "kube-system";

export interface ExternalWriterOptions {
  readonly server: ApiServer;
  /** Only one replica writes. */
  readonly isLeader: () => boolean;
  readonly log: Log;
}

/** Writes EndpointSlices for Services that select ExternalWorkloads. */
export interface ExternalWriter {
  readonly observe: (events: readonly ObjectEvent[]) => void;
  /** Looks at all namespaces: this replica writes from now on. */
  readonly sweep: () => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts writing, one namespace after the other; never throws. What is there is read anew for each look: there are few
 * ExternalWorkloads, and the mesh's own index has no need of selectors.
 */
export function startExternalWriter(
  { server, isLeader, log }: ExternalWriterOptions,
): ExternalWriter {
  /** Namespaces that have, or had, ExternalWorkloads. */
  const known = new Set<string>();
  const queue = new Set<string>();
  const ending = new AbortController();
  const backOff = createBackOff(Math.random);
  const isNews = createSeldom(COMPLAIN_MS);
  let running: Promise<void> = Promise.resolve();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  const sweeping = setInterval(sweep, SWEEP_MS);

  function observe(events: readonly ObjectEvent[]): void {
    for (const { object } of events) {
      const { namespace = "" } = object.metadata;
      if (object.kind === "ExternalWorkload") known.add(namespace);
      const matters = object.kind === "ExternalWorkload" ||
        object.kind === "Service" ||
        object.kind === "EndpointSlice" &&
          object.metadata.labels?.[MANAGED_BY] === MANAGER;
      if (matters && known.has(namespace)) touch(namespace);
    }
  }

  function touch(namespace: string): void {
    if (!isLeader() || namespace === SKIPPED) return;
    queue.add(namespace);
    start(GATHER_MS);
  }

  function start(afterMs: number): void {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      running = running.then(drain);
    }, afterMs);
  }

  function sweep(): void {
    if (!isLeader()) return;
    for (const namespace of known) touch(namespace);
    // Slices whose last ExternalWorkload went while nobody wrote.
    running = running.then(async () => {
      const query = `?labelSelector=${MANAGED_BY}%3D${MANAGER}`;
      const path = `${SLICES}/endpointslices${query}`;
      await attempt(async () => {
        for (const { metadata } of await list<Placed>(path)) {
          touch(metadata.namespace);
        }
      });
    });
  }

  async function drain(): Promise<void> {
    for (const namespace of queue) {
      if (ending.signal.aborted || !isLeader()) break;
      queue.delete(namespace);
      if (await attempt(() => look(namespace))) continue;
      queue.add(namespace);
      return start(backOff.next());
    }
  }

  async function attempt(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      backOff.reset();
      return true;
    } catch (error) {
      const words = describe(error);
      if (!ending.signal.aborted && isNews(words, performance.now())) {
        log.warn(words, { stage: "external workloads" });
      }
      return ending.signal.aborted;
    }
  }

  async function look(namespace: string): Promise<void> {
    const within = `/namespaces/${namespace}`;
    const mine = `?labelSelector=${MANAGED_BY}%3D${MANAGER}`;
    const [services, externals, slices] = await Promise.all([
      list<ServiceObject>(`${CORE}${within}/services`),
      list<ExternalObject>(`${EXTERNALS}${within}/externalworkloads`),
      list<SliceObject>(`${SLICES}${within}/endpointslices${mine}`),
    ]);
    const folder = `${SLICES}${within}/endpointslices`;
    for (const service of services) {
      const { name } = service.metadata;
      const there = slices.filter(({ metadata }) =>
        metadata.labels?.[SERVICE_NAME] === name
      );
      await write(folder, name, slicesOf(service, externals), there);
    }
    const names = new Set(services.map(({ metadata }) => metadata.name));
    for (const slice of slices) {
      const service = slice.metadata.labels?.[SERVICE_NAME] ?? "";
      if (!names.has(service)) await write(folder, service, [], [slice]);
    }
  }

  async function write(
    folder: string,
    service: string,
    wanted: readonly SliceObject[],
    there: readonly SliceObject[],
  ): Promise<void> {
    const { create, replace, remove } = planSlices(wanted, there);
    for (const slice of create) {
      const generateName = `linkerd-external-${service}-`;
      const metadata = { ...slice.metadata, generateName };
      await call("POST", folder, { ...HEAD, ...slice, metadata });
    }
    for (const slice of replace) {
      const path = `${folder}/${slice.metadata.name}`;
      await call("PUT", path, { ...HEAD, ...slice });
    }
    for (const { metadata } of remove) {
      await call("DELETE", `${folder}/${metadata.name}`);
    }
  }

  async function list<T>(path: string): Promise<readonly T[]> {
    const response = await callApi(server, { path, signal: limit() });
    return (await response.json() as { items: readonly T[] }).items;
  }

  async function call(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body?: object,
  ): Promise<void> {
    try {
      await callApi(server, { method, path, body, signal: limit() });
    } catch (error) {
      // Gone already; what somebody else changed is looked at again.
      if (error instanceof ApiRefusal && error.status === 404) return;
      throw error;
    }
  }

  function limit(): AbortSignal {
    return AbortSignal.any([ending.signal, AbortSignal.timeout(CALL_MS)]);
  }

  return {
    observe,
    sweep,
    close: async () => {
      clearInterval(sweeping);
      clearTimeout(gathering);
      ending.abort(new Error("ending"));
      await running;
    },
  };
}

const HEAD = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" };

interface Placed {
  readonly metadata: { readonly namespace: string };
}
