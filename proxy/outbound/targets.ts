import { type Destination, formatDestination } from "../discover.ts";
import { openTarget, type Target, type TargetOptions } from "./target.ts";

/** How targets are looked up, and kept. */
export interface TargetsOptions extends TargetOptions {
  /** How long an unused target is kept. */
  readonly idleMs: number;
}

/**
 * Targets kept at once; beyond, a target lives as long as its connections. A process that dials more distinct addresses
 * within seconds is scanning.
 */
const MAX_CACHED = 10_000;

/** Looks targets up once for all connections and requests to the same, and keeps them while they are used and a little longer. */
export interface Targets {
  take(destination: Destination): Target;
  close(): void;
}

export function createTargets(options: TargetsOptions): Targets {
  const cached = new Map<string, Entry>();
  return {
    take(destination) {
      const key = formatDestination(destination);
      const known = cached.get(key);
      if (known !== undefined) return known.take();
      const entry = createEntry(destination, options, () => {
        if (cached.get(key) === entry) cached.delete(key);
      });
      if (cached.size < MAX_CACHED) cached.set(key, entry);
      return entry.take();
    },
    close() {
      for (const entry of cached.values()) entry.close();
      cached.clear();
    },
  };
}

interface Entry {
  take(): Target;
  close(): void;
}

/** A target that counts its users, and is closed when there has been none for a while. */
function createEntry(
  destination: Destination,
  options: TargetsOptions,
  evicted: () => void,
): Entry {
  let users = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;
  const evict = () => {
    live.close();
    evicted();
  };
  const live = openTarget(destination, options, () => {
    if (--users === 0) idle = setTimeout(evict, options.idleMs);
  });
  return {
    take() {
      clearTimeout(idle);
      users += 1;
      return live.target;
    },
    close() {
      clearTimeout(idle);
      live.close();
    },
  };
}
