import type { EndpointContext } from "../endpoint/context.ts";
import { createRegistry } from "../record.ts";
import { createFamilies } from "../record/families.ts";
import { pageOf } from "../record/testing/page.ts";
import type { Credentials } from "../tls.ts";

/** A host's own address that is not a loopback one: endpoints there may be dialled in tests (Linux takes it for itself). */
export const THIS_HOST = "0.0.0.0";

const RETAIN_MS = 1_000;

/** What reaching endpoints needs, with metrics of its own. */
export function createEndpointBed(
  credentials: Credentials | null,
  ownIps: readonly string[] = [],
): {
  readonly context: EndpointContext;
  /** Lines of the metrics page that begin so. */
  lines(start: string): string[];
  /** The same once whatever nobody holds is gone. */
  kept(start: string): string[];
} {
  const registry = createRegistry({ retainIdleMs: RETAIN_MS });
  const linesAt = (nowMs: number, start: string) =>
    pageOf(registry, nowMs).split("\n").filter((line) =>
      line.startsWith(start)
    );
  return {
    context: {
      credentials: () => credentials,
      ownIps: new Set(ownIps),
      connectTimeoutMs: 1_000,
      tcp: {},
      pool: { maxIdle: 10, idleMs: 1_000 },
      backOff: { minMs: 20, maxMs: 1_000, jitter: 0 },
      http2: {},
      families: createFamilies(registry),
    },
    lines: (start) => linesAt(0, start),
    kept(start) {
      registry.sweep(0);
      return linesAt(RETAIN_MS, start);
    },
  };
}
