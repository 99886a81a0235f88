import { harmless } from "../../schemas/harmless.ts";
import type { TapDuration, TapEnd, TapEvent } from "../../schemas/tap.ts";
import { ownerOfPod } from "../stats/query/owner.ts";
import { formatLatency, NOTHING } from "./figures.ts";

/** A request as the page shows it. All texts are harmless; the page has no words or colours of its own. */
export interface TapRow {
  /** Which request of this stream it is: a row with a number that was there before takes its place. */
  readonly row: number;
  /** When it was first seen, in milliseconds since 1970. */
  readonly atMs: number;
  /** Beside the time, in the order of `TAP_HEADINGS`. */
  readonly cells: readonly TapCell[];
  /** Whether it went wrong, as `linkerd viz top` counts it. */
  readonly failed: boolean;
}

export interface TapCell {
  readonly text: string;
  /** What stands beside it, quietly. */
  readonly about?: string;
  /** A class of the style sheet. */
  readonly level?: "good" | "poor" | "bad";
}

/** Rows that a page keeps, and requests that are waited for: older ones go. */
export const MAX_TAP_ROWS = 200;

export const TAP_HEADINGS = [
  ["Time", false],
  ["Direction", false],
  ["From", false],
  ["To", false],
  ["Method", false],
  ["Path", false],
  ["Status", false],
  ["Latency", true],
  ["Mutual TLS", false],
] as const;

/** Makes rows of events: each gives its request's row, once more with what is known by now, unless that has gone. */
export async function* tapRows(
  events: AsyncIterable<TapEvent>,
  now: () => number,
): AsyncGenerator<TapRow> {
  const requests = new Map<string, Request>();
  let last = 0;
  for await (const event of events) {
    const key = keyOf(event);
    if (event.requestInitEvent !== undefined) {
      requests.set(key, { row: ++last, atMs: now(), begin: event });
    }
    const request = requests.get(key);
    if (request === undefined) continue;
    if (event.responseInitEvent !== undefined) request.response = event;
    if (event.responseEndEvent !== undefined) {
      request.end = event;
      requests.delete(key);
    }
    for (const oldest of requests.keys()) {
      if (requests.size <= MAX_TAP_ROWS) break;
      requests.delete(oldest);
    }
    yield rowOf(request);
  }
}

interface Request {
  readonly row: number;
  readonly atMs: number;
  readonly begin: TapEvent;
  response?: TapEvent;
  end?: TapEvent;
}

/** Proxies count for themselves, so an id means something only with both ends. */
function keyOf(event: TapEvent): string {
  const { source, destination, proxyDirection } = event;
  const { id } = event.requestInitEvent ?? event.responseInitEvent ??
    event.responseEndEvent ?? {};
  const ends = [source.ip, source.port, destination.ip, destination.port];
  return JSON.stringify([proxyDirection, ...ends, id?.base, id?.stream]);
}

function rowOf({ row, atMs, begin, response, end }: Request): TapRow {
  const { source, destination, proxyDirection, requestInitEvent } = begin;
  const { method = "", path = "", authority = "" } = requestInitEvent ?? {};
  const status = statusOf(response, end);
  const took = end?.responseEndEvent ?? response?.responseInitEvent;
  return {
    row,
    atMs,
    failed: status.level === "bad",
    cells: [
      { text: DIRECTIONS[proxyDirection] },
      endOf(source),
      endOf(destination),
      { text: harmless(method) },
      { text: harmless(path), about: harmless(authority) },
      status,
      {
        text: took === undefined
          ? NOTHING
          : formatLatency(msOf(took.sinceRequestInit)),
      },
      securedOf(proxyDirection === "INBOUND" ? source : destination),
    ],
  };
}

const DIRECTIONS = { INBOUND: "in", OUTBOUND: "out", UNKNOWN: NOTHING };

/** The workload, or the address of what is not known. */
function endOf({ ip, port, metadata }: TapEnd): TapCell {
  const { namespace = "", pod = "" } = metadata;
  const { name } = ownerOfPod({ namespace, name: pod }, metadata);
  const address = harmless(`${ip.includes(":") ? `[${ip}]` : ip}:${port}`);
  if (name === "") return { text: address };
  return { text: harmless(name), about: harmless(namespace) };
}

/** Codes of gRPC that say that a server failed: Unknown, DeadlineExceeded, Internal, Unavailable and DataLoss. */
const GRPC_FAILURES: ReadonlySet<number> = new Set([2, 4, 13, 14, 15]);

function statusOf(
  response: TapEvent | undefined,
  end: TapEvent | undefined,
): TapCell {
  const status = response?.responseInitEvent?.httpStatus;
  const { resetErrorCode, grpcStatusCode = 0, isGrpc = false } =
    end?.responseEndEvent ?? {};
  const text = status === undefined ? NOTHING : String(status);
  if (resetErrorCode !== undefined) {
    return { text, about: `reset ${resetErrorCode}`, level: "bad" };
  }
  if (isGrpc || grpcStatusCode !== 0) {
    const isFailure = GRPC_FAILURES.has(grpcStatusCode);
    return {
      text,
      about: `gRPC ${grpcStatusCode}`,
      level: isFailure ? "bad" : grpcStatusCode === 0 ? "good" : "poor",
    };
  }
  if (status === undefined) return { text };
  return {
    text,
    level: status >= 500 ? "bad" : status >= 400 ? "poor" : "good",
  };
}

/** As the proxy says it of the peer: `true`, or why not. */
function securedOf({ metadata }: TapEnd): TapCell {
  const { tls = "" } = metadata;
  if (tls === "") return { text: NOTHING };
  return tls === "true" ? { text: "yes", level: "good" } : {
    text: harmless(tls).replaceAll("_", " ").replace(/^(?!no )/, "no: "),
    level: "bad",
  };
}

function msOf({ seconds = 0, nanos = 0 }: TapDuration): number {
  return seconds * 1_000 + nanos / 1_000_000;
}
