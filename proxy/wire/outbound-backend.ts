import type {
  Backend,
  Distribution,
  Load,
  Penalty,
  RouteBackend,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import { type Notices, readDuration, readMeta } from "./common.ts";
import { readEndpoint, readOnlyText } from "./endpoint.ts";
import type { Reader } from "./reader.ts";

/** Peak-EWMA parameters when a balancer names none: what Linkerd's controller always sends (facts 4.8). */
const DEFAULT_LOAD: Load = {
  defaultRttMs: 30,
  decayMs: 10_000,
  penalty: null,
};
const DEFAULT_PENALTY: Penalty = {
  penaltyMs: 5_000,
  maxRetryAfterMs: 300_000,
};

/** Where nothing can be sent to. */
export const NO_BACKENDS = { kind: "first", backends: [] } as const;

/** A filter of the kind that a route has; one that is not known becomes one that refuses, and a notice. */
type ReadFilter<F> = (reader: Reader, notices: Notices) => F;

/** A `Distribution` of any kind of route; of an unknown kind it leads nowhere. */
export function readDistribution<F>(
  reader: Reader,
  readFilter: ReadFilter<F>,
  notices: Notices,
): Distribution<F> {
  let distribution: Distribution<F> = NO_BACKENDS;
  const readOne = (at: Reader) => readRouteBackend(at, readFilter, notices);
  const readWeighted = (at: Reader) => readWeightedBackend(at, readOne);
  while (reader.next()) {
    if (reader.field === 2) {
      distribution = { kind: "first", backends: readList(reader, readOne) };
    } else if (reader.field === 3) {
      const backends = readList(reader, readWeighted);
      distribution = { kind: "random", backends };
    } else {
      if (reader.field !== 1) {
        notices.add("requests fail: where they go is not known here");
      }
      distribution = NO_BACKENDS;
      reader.skip();
    }
  }
  return distribution;
}

function readList<B>(reader: Reader, readOne: (reader: Reader) => B): B[] {
  return reader.message((list) => {
    const backends: B[] = [];
    while (list.next()) {
      if (list.field === 1) backends.push(list.message(readOne));
      else list.skip();
    }
    return backends;
  });
}

function readWeightedBackend<F>(
  reader: Reader,
  readOne: (reader: Reader) => RouteBackend<F>,
): RouteBackend<F> {
  let one: RouteBackend<F> = { backend: NOWHERE, weight: 0, filters: [] };
  let weight = 0;
  while (reader.next()) {
    if (reader.field === 1) one = reader.message(readOne);
    else if (reader.field === 2) weight = reader.uint32();
    else reader.skip();
  }
  return { ...one, weight };
}

function readRouteBackend<F>(
  reader: Reader,
  readFilter: ReadFilter<F>,
  notices: Notices,
): RouteBackend<F> {
  let backend: Backend = NOWHERE;
  const filters: F[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      backend = reader.message((at) => readBackend(at, notices));
    } else if (reader.field === 3) {
      filters.push(reader.message((at) => readFilter(at, notices)));
    } else {
      // Field 4 was a timeout, which no controller sends any more.
      notices.add("a part of a backend that is not known here is left out");
      reader.skip();
    }
  }
  return { backend, weight: 1, filters };
}

const NOWHERE: Backend = {
  kind: "nowhere",
  meta: { kind: "default", name: "" },
};

/** Queue settings are read by no proxy (facts 4.7) and passed over. */
function readBackend(reader: Reader, notices: Notices): Backend {
  let meta: Meta = NOWHERE.meta;
  let backend: Backend = NOWHERE;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 2) {
      const endpoint = reader.message(readEndpoint);
      backend = endpoint === null
        ? NOWHERE
        : { kind: "forward", meta, endpoint };
      if (endpoint === null) {
        notices.add(
          "requests fail: the address of a backend, or the identity it demands, is unusable",
        );
      }
    } else if (reader.field === 3) {
      const { path, load } = reader.message((at) => readBalancer(at, notices));
      backend = path === "" ? NOWHERE : { kind: "balancer", meta, path, load };
    } else reader.skip();
  }
  return { ...backend, meta };
}

function readBalancer(
  reader: Reader,
  notices: Notices,
): { path: string; load: Load } {
  let path = "";
  let load = DEFAULT_LOAD;
  while (reader.next()) {
    if (reader.field === 1) path = reader.message(readDiscovery);
    else if (reader.field === 2) load = reader.message(readPeakEwma);
    else if (reader.field === 3) load = reader.message(readPenaltyPeakEwma);
    else {
      notices.add("load is measured as usual: how else is not known here");
      reader.skip();
    }
  }
  return { path, load };
}

function readDiscovery(reader: Reader): string {
  let path = "";
  while (reader.next()) {
    if (reader.field === 1) path = reader.message(readOnlyText);
    else reader.skip();
  }
  return path;
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

function readPeakEwma(reader: Reader): Load {
  const load = { ...DEFAULT_LOAD };
  while (reader.next()) readLoadField(reader, load);
  return load;
}

function readPenaltyPeakEwma(reader: Reader): Load {
  const load = { ...DEFAULT_LOAD };
  const penalty = { ...DEFAULT_PENALTY };
  while (reader.next()) {
    if (reader.field === 3) penalty.penaltyMs = reader.message(readDuration);
    else if (reader.field === 4) {
      penalty.maxRetryAfterMs = reader.message(readDuration);
    } else readLoadField(reader, load);
  }
  return { ...load, penalty };
}

/** A decay of nothing would divide by zero in the balancer, so zero means the default. */
function readLoadField(reader: Reader, load: Mutable<Load>): void {
  if (reader.field === 1) load.defaultRttMs = reader.message(readDuration);
  else if (reader.field === 2) {
    load.decayMs = reader.message(readDuration) || DEFAULT_LOAD.decayMs;
  } else reader.skip();
}
