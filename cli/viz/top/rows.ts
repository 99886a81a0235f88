import { harmless } from "../../../schemas/harmless.ts";
import type { TapEnd, TapEvent } from "../../../schemas/tap.ts";
import { nanosOf } from "../tap/duration.ts";
import { isGrpcFailure } from "../../grpc-status.ts";

/** Requests of one kind, between the same two. Texts are as they are shown. */
export interface TopRow {
  readonly source: string;
  readonly destination: string;
  readonly method: string;
  readonly path: string;
  readonly route: string;
  readonly count: number;
  /** From the begin of the request to the end of its response, in nanoseconds. */
  readonly best: number;
  readonly worst: number;
  readonly last: number;
  readonly successes: number;
}

/** What tells rows apart: the texts that are shown. */
export type KeyField = "source" | "destination" | "method" | "path" | "route";

/** Folds events of a tap into rows, a bounded number of them. */
export interface Top {
  readonly add: (event: TapEvent) => void;
  /** Most requests first; of as many, the one that came first. */
  readonly rows: () => readonly TopRow[];
  /** How many rows were given up for others that were seen later. */
  readonly dropped: () => number;
}

/** More than anybody reads, and 2 MB at most. */
const MAX_ROWS = 1_000;
/** Requests that have not ended; a hundred seconds of the default rate. */
const MAX_OPEN = 10_000;

export interface TopOptions {
  readonly key: readonly KeyField[];
  readonly maxRows?: number;
}

interface Open {
  readonly method: string;
  readonly path: string;
  status: number;
}

export function createTop({ key, maxRows = MAX_ROWS }: TopOptions): Top {
  // Both in the order of their last event: what is at the front goes first.
  const open = new Map<string, Open>();
  const rows = new Map<string, TopRow & { readonly at: number }>();
  let dropped = 0;
  let made = 0;

  const end = (
    event: TapEvent,
    { method, path, status }: Open,
    ending: NonNullable<TapEvent["responseEndEvent"]>,
  ) => {
    const texts = {
      source: nameOf(event.source),
      destination: nameOf(event.destination),
      method,
      path,
      route: harmless(event.routeMeta?.["route"] || "[DEFAULT]"),
    };
    const id = JSON.stringify(key.map((field) => texts[field]));
    const before = rows.get(id);
    rows.delete(id);
    const nanos = nanosOf(ending.sinceRequestInit);
    rows.set(id, {
      ...texts,
      at: before?.at ?? made++,
      count: (before?.count ?? 0) + 1,
      best: Math.min(before?.best ?? nanos, nanos),
      worst: Math.max(before?.worst ?? nanos, nanos),
      last: nanos,
      successes: (before?.successes ?? 0) + (isSuccess(status, ending) ? 1 : 0),
    });
    dropped += trim(rows, maxRows);
  };

  return {
    add(event) {
      const { requestInitEvent, responseInitEvent, responseEndEvent } = event;
      const id = idOf(event);
      if (requestInitEvent) {
        const { method, path } = requestInitEvent;
        open.set(id, {
          method: harmless(method),
          path: harmless(path),
          status: 0,
        });
        trim(open, MAX_OPEN);
      }
      const request = open.get(id);
      if (request === undefined) return; // begun before we looked
      if (responseInitEvent) request.status = responseInitEvent.httpStatus;
      if (responseEndEvent) {
        open.delete(id);
        end(event, request, responseEndEvent);
      }
    },
    rows: () =>
      [...rows.values()].sort((a, b) => b.count - a.count || a.at - b.at),
    dropped: () => dropped,
  };
}

/** Which request an event is of: proxies number theirs each for itself. */
function idOf(event: TapEvent): string {
  const { source, destination, proxyDirection } = event;
  const { base, stream } = (event.requestInitEvent ?? event.responseInitEvent ??
    event.responseEndEvent)?.id ?? { base: 0, stream: 0 };
  const ends = [source, destination].map(({ ip, port }) => `${ip} ${port}`);
  return `${proxyDirection} ${base} ${stream} ${ends.join(" ")}`;
}

/** The Pod, when it is known. */
function nameOf({ ip, metadata }: TapEnd): string {
  return harmless(metadata["pod"] || ip);
}

function isSuccess(
  status: number,
  { grpcStatusCode, resetErrorCode }: NonNullable<TapEvent["responseEndEvent"]>,
): boolean {
  return status < 500 && resetErrorCode === undefined &&
    !isGrpcFailure(grpcStatusCode);
}

/** Removes the oldest of too many; gives how many. */
function trim(map: Map<string, unknown>, max: number): number {
  let removed = 0;
  for (const oldest of map.keys()) {
    if (map.size <= max) break;
    map.delete(oldest);
    removed++;
  }
  return removed;
}
