import type { Backend, ClientRoute, Load, Meta } from "../../schemas/policy.ts";
import { type Notices, readDuration, readMeta } from "./common.ts";
import { readEndpoint, readOnlyText } from "./endpoint.ts";
import type { Reader } from "./reader.ts";

/** Which of the four route messages is read; gRPC routes are laid out as HTTP routes, where we look. */
export type RouteKind = "http" | "opaque" | "tls";

type Outcome = ClientRoute["outcome"];

/** Peak-EWMA parameters when a balancer names none: what Linkerd's controller always sends (facts 4.8). */
const DEFAULT_LOAD: Load = { defaultRttMs: 30, decayMs: 10_000 };

const NO_BACKEND: Outcome = {
  kind: "invalid",
  message: "the client policy names no backend",
};

/** An `HttpRoute`, `GrpcRoute`, `OpaqueRoute` or `TlsRoute`: its name, and what its first rule does. */
export function readRoute(
  reader: Reader,
  kind: RouteKind,
  notices: Notices,
): ClientRoute {
  let meta: Meta = { kind: "default", name: "" };
  let outcome: Outcome | null = null;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 3 && outcome === null) {
      outcome = reader.message((at) => readRule(at, kind, notices));
    } else {
      if (reader.field === 3) {
        notices.add(
          "only a route's first rule is used: more are not supported yet",
        );
      }
      reader.skip();
    }
  }
  return { meta, outcome: outcome ?? NO_BACKEND };
}

function readRule(reader: Reader, kind: RouteKind, notices: Notices): Outcome {
  let refusal: Outcome | null = null;
  let backend: Outcome = NO_BACKEND;
  const backendsField = kind === "http" ? 3 : 1;
  while (reader.next()) {
    if (reader.field === backendsField) {
      backend = reader.message((at) => readDistribution(at, kind, notices));
    } else if (reader.field === 2) {
      refusal = reader.message((at) => readFilter(at, kind, notices)) ??
        refusal;
    } else {
      const ignored = kind === "http"
        ? HTTP_RULE_FIELDS[reader.field]
        : undefined;
      if (ignored !== undefined) {
        notices.add(`${ignored} of a route not applied: not supported yet`);
      }
      reader.skip();
    }
  }
  return refusal ?? backend;
}

const HTTP_RULE_FIELDS: Readonly<Record<number, string>> = {
  5: "timeouts",
  6: "retries",
};

/** What a filter refuses, or null when it lets traffic pass. HTTP filters that only edit are not applied yet. */
function readFilter(
  reader: Reader,
  kind: RouteKind,
  notices: Notices,
): Outcome | null {
  let refusal: Outcome | null = null;
  while (reader.next()) {
    if (kind === "http") {
      if (reader.field === 1) refusal = reader.message(readFailure);
      else {
        reader.skip();
        notices.add("filters of a route not applied: not supported yet");
      }
    } else if (reader.field === 1) {
      refusal = { kind: "invalid", message: reader.message(readOnlyText) };
    } else {
      reader.skip();
      refusal = { kind: "forbidden", message: "forbidden by client policy" };
    }
  }
  return refusal;
}

/** A failure injector: the controller's way to say that a backend does not exist (facts 3.5). */
function readFailure(reader: Reader): Outcome {
  let message = "failure injected by client policy";
  while (reader.next()) {
    if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return { kind: "invalid", message };
}

/** The first usable backend; when there is none, the refusal of the last one. */
function readDistribution(
  reader: Reader,
  kind: RouteKind,
  notices: Notices,
): Outcome {
  let chosen: Outcome = NO_BACKEND;
  let backends = 0;
  const read = (at: Reader): Outcome => readRouteBackend(at, kind, notices);
  while (reader.next()) {
    if (reader.field !== 2 && reader.field !== 3) {
      reader.skip();
      continue;
    }
    const weighted = reader.field === 3;
    reader.message((list) => {
      while (list.next()) {
        if (list.field !== 1) {
          list.skip();
          continue;
        }
        backends++;
        const outcome = list.message(
          weighted ? (at) => readWeighted(at, read) : read,
        );
        if (chosen.kind !== "backend") chosen = outcome;
      }
    });
    if (weighted && backends > 1) {
      notices.add("traffic split not applied: all goes to the first backend");
    }
  }
  return chosen;
}

/** A backend of weight 0 gets nothing, whatever it is. */
function readWeighted(reader: Reader, read: (at: Reader) => Outcome): Outcome {
  let outcome = NO_BACKEND;
  let weight = 0;
  while (reader.next()) {
    if (reader.field === 1) outcome = reader.message(read);
    else if (reader.field === 2) weight = reader.uint32();
    else reader.skip();
  }
  return weight === 0 ? NO_BACKEND : outcome;
}

function readRouteBackend(
  reader: Reader,
  kind: RouteKind,
  notices: Notices,
): Outcome {
  let refusal: Outcome | null = null;
  let backend: Backend | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      backend = reader.message((at) => readBackend(at, notices));
    } else if (reader.field === 3) {
      refusal = reader.message((at) => readFilter(at, kind, notices)) ??
        refusal;
    } else reader.skip();
  }
  if (refusal !== null) return refusal;
  return backend === null ? NO_BACKEND : { kind: "backend", backend };
}

/** Queue settings are read by no proxy (facts 4.7) and passed over. */
function readBackend(reader: Reader, notices: Notices): Backend | null {
  let meta: Meta = { kind: "default", name: "" };
  let backend: Backend | null = null;
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else if (reader.field === 2) {
      const endpoint = reader.message(readEndpoint);
      backend = endpoint === null ? null : { kind: "forward", meta, endpoint };
    } else if (reader.field === 3) {
      const { path, load } = reader.message((at) => readBalancer(at, notices));
      backend = path === "" ? null : { kind: "balancer", meta, path, load };
    } else reader.skip();
  }
  return backend === null ? null : { ...backend, meta };
}

function readBalancer(
  reader: Reader,
  notices: Notices,
): { path: string; load: Load } {
  let path = "";
  let load = DEFAULT_LOAD;
  while (reader.next()) {
    if (reader.field === 1) path = reader.message(readDiscovery);
    else if (reader.field === 2 || reader.field === 3) {
      if (reader.field === 3) {
        notices.add("penalties for failures not applied: not supported yet");
      }
      load = reader.message(readLoad);
    } else reader.skip();
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

/** A decay of nothing would divide by zero in the balancer, so zero means the default. */
function readLoad(reader: Reader): Load {
  let { defaultRttMs, decayMs } = DEFAULT_LOAD;
  while (reader.next()) {
    if (reader.field === 1) defaultRttMs = reader.message(readDuration);
    else if (reader.field === 2) {
      decayMs = reader.message(readDuration) || DEFAULT_LOAD.decayMs;
    } else reader.skip();
  }
  return { defaultRttMs, decayMs };
}
