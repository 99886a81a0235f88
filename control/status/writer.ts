import { describe } from "../../schemas/problem.ts";
import type { Standing, Verdict } from "../conditions.ts";
import { ApiRefusal, callApi } from "../kube/api.ts";
import { createBackOff } from "../kube/back-off.ts";
import type { ApiServer } from "../kube/in-cluster.ts";
import { createSeldom } from "../kube/seldom.ts";
import type { Standings } from "../kube/standings.ts";
import type { Log } from "../log.ts";
import type { StatusMetrics } from "./metrics.ts";
import { patchOf } from "./patch.ts";

/** Changed objects that may wait; more are found by the next look at all (Linkerd's number). */
const QUEUE_MAX = 10_000;

/** Everything is looked at again this often, whatever was missed (Linkerd's number). */
const RECONCILE_MS = 10_000;

/** Looks at all are at least this far apart: a folder of routes that is applied is a change each. */
const SWEEP_MS = 1_000;

/** What fails in the same way is said this often. */
const COMPLAIN_MS = 300_000;

/** Objects looked at before others may have the processor. */
const BATCH = 200;

/** Who changed a field, as the API server notes it. */
export const FIELD_MANAGER = "policy-controller";

export interface StatusWriterOptions {
  readonly server: ApiServer;
  readonly standings: Standings;
  /** What an object's status is to say now. */
  readonly judge: (standing: Standing) => Verdict;
  /** Only one replica writes. */
  readonly isLeader: () => boolean;
  readonly log: Log;
  readonly metrics: StatusMetrics;
  readonly patchTimeoutMs: number;
  readonly reconcileMs?: number;
}

/** Writes into objects' statuses what the mesh makes of them. */
export interface StatusWriter {
  /** An object changed. */
  readonly touch: (path: string) => void;
  /** What objects depend on changed: all are looked at, soon. */
  readonly sweep: () => void;
  readonly close: () => Promise<void>;
}

/** Starts writing, one status after the other; never throws. */
export function startStatusWriter(
  {
    server,
    standings,
    judge,
    isLeader,
    log,
    metrics,
    patchTimeoutMs,
    reconcileMs = RECONCILE_MS,
  }: StatusWriterOptions,
): StatusWriter {
  const queue = new Set<string>();
  /** Objects of a look at all that are still to come. */
  let rest: Iterator<string> | null = null;
  let wake = (): void => {};
  const ending = new AbortController();
  const backOff = createBackOff(Math.random);
  const isNews = createSeldom(COMPLAIN_MS);
  const running = run();
  let sweptAtMs = -Infinity;
  let timer = setTimeout(sweepNow, reconcileMs);

  function touch(path: string): void {
    if (!isLeader()) return metrics.drop();
    if (queue.has(path)) return;
    if (queue.size >= QUEUE_MAX) return metrics.overflow();
    metrics.enqueue();
    queue.add(path);
    wake();
  }

  function sweep(): void {
    clearTimeout(timer);
    const waitMs = sweptAtMs + SWEEP_MS - performance.now();
    timer = setTimeout(sweepNow, Math.max(0, waitMs));
  }

  function sweepNow(): void {
    timer = setTimeout(sweepNow, reconcileMs);
    if (!isLeader()) return;
    sweptAtMs = performance.now();
    rest = [...standings.paths()].values();
    wake();
  }

  async function run(): Promise<void> {
    for (let seen = 1; !ending.signal.aborted; seen++) {
      const path = next();
      if (path === undefined) {
        await new Promise<void>((resolve) => wake = resolve);
      } else await look(path);
      if (seen % BATCH === 0) await new Promise(setImmediate);
    }
  }

  /** Objects that changed go before those that may be as they were. */
  function next(): string | undefined {
    for (const path of queue) {
      queue.delete(path);
      return path;
    }
    const step = rest?.next();
    if (step?.done) rest = null;
    return step?.value;
  }

  async function look(path: string): Promise<void> {
    metrics.dequeue();
    if (!isLeader()) {
      metrics.drop();
      return;
    }
    const standing = standings.get(path);
    if (standing === undefined) return;
    const body = patchOf(standing, judge(standing), new Date());
    if (body === null) return;
    const startedMs = performance.now();
    const timeout = AbortSignal.timeout(patchTimeoutMs);
    try {
      await patch(standing, body, AbortSignal.any([ending.signal, timeout]));
      metrics.patched((performance.now() - startedMs) / 1_000);
      backOff.reset();
    } catch (error) {
      if (ending.signal.aborted) return;
      if (timeout.aborted) metrics.timedOut();
      else metrics.failed();
      await recover(path, error);
    }
  }

  async function patch(
    standing: Standing,
    body: object,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await callApi(server, {
      method: "PATCH",
      path: `${standing.path}/status?fieldManager=${FIELD_MANAGER}`,
      contentType: "application/merge-patch+json",
      body,
      signal,
    });
    const { metadata, status } = await response.json() as Written;
    // The watch says the same, a little later.
    if (standings.get(standing.path) !== standing) return;
    const { resourceVersion } = metadata;
    standings.put({ ...standing, resourceVersion, status });
  }

  async function recover(path: string, error: unknown): Promise<void> {
    if (error instanceof ApiRefusal && error.status < 500) {
      // Changed or gone meanwhile: the watch tells of that.
      if (error.status === 404 || error.status === 409) return;
      if (error.status !== 429) return complain(error);
    }
    complain(error);
    touch(path);
    const askedMs = error instanceof ApiRefusal ? error.retryAfterMs : 0;
    await pause(Math.max(backOff.next(), askedMs));
  }

  function complain(error: unknown): void {
    const words = describe(error);
    if (isNews(words, performance.now())) {
      log.warn(words, { stage: "status" });
    }
  }

  /** Waits, or until the end. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      ending.signal.addEventListener("abort", done, { once: true });
      function done(): void {
        clearTimeout(timer);
        ending.signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }

  return {
    touch,
    sweep,
    close: async () => {
      clearTimeout(timer);
      ending.abort(new Error("ending"));
      wake();
      await running;
    },
  };
}

/** What is read of the answer to a patch: the object as it is now. */
interface Written {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: unknown;
}
