import type { OutboundRow } from "../../../schemas/stats.ts";
import type { Labels, Matcher, Readings } from "../readings.ts";
import { keyOf, latencyOf } from "./golden.ts";
import { matchersOf, type Target } from "./target.ts";
import { checkWindow } from "./window.ts";

const ROUTE = [
  ...["parent_kind", "parent_name", "parent_port"],
  ...["route_kind", "route_name"],
];
const BACKEND = ["backend_kind", "backend_name", "backend_port"];

/** Errors that say that somebody waited for too long. */
const TIMEOUTS: ReadonlySet<string> = new Set([
  "REQUEST_TIMEOUT",
  "RESPONSE_HEADERS_TIMEOUT",
]);

/** Requests by service and route, each route followed by its backends; throws `request.invalid`. */
export async function readOutbound(
  target: Target,
  windowMs: number,
  readings: Readings,
): Promise<readonly OutboundRow[]> {
  checkWindow(windowMs);
  const kinds = ["http", "grpc"] as const;
  const rows = (await Promise.all(
    kinds.flatMap((kind) =>
      [false, true].map((isBackend) =>
        readKind(target, windowMs, readings, kind, isBackend)
      )
    ),
  )).flat();
  const text = ({ namespace, name, service, route, backend }: OutboundRow) =>
    JSON.stringify([
      ...[namespace, name, service.name, service.port, route.kind, route.name],
      ...[backend?.name ?? "", backend?.port ?? ""],
    ]);
  return rows.map((row) => ({ row, key: text(row) }))
    .sort((a, b) => a.key < b.key ? -1 : 1).map(({ row }) => row);
}

async function readKind(
  target: Target,
  windowMs: number,
  readings: Readings,
  kind: "http" | "grpc",
  isBackend: boolean,
): Promise<readonly OutboundRow[]> {
  const { matchers, namespaceLabel, label } = matchersOf(target, "");
  const by = [
    ...new Set([namespaceLabel, label]),
    ...ROUTE,
    ...isBackend ? BACKEND : [],
  ];
  const metric = (name: string) => `outbound_${kind}_route_${name}`;
  const status = `${kind}_status`;
  const growth = (name: string, labels: readonly Matcher[], more: string[]) =>
    readings.increase(
      { metric: metric(name), labels },
      [...by, ...more],
      windowMs,
    );
  const [statuses, latencies, retries] = await Promise.all([
    growth(
      isBackend ? "backend_response_statuses_total" : "request_statuses_total",
      matchers,
      [status, "error"],
    ),
    readings.distribution(
      {
        metric: metric(
          isBackend
            ? "backend_response_duration_seconds"
            : "request_duration_seconds",
        ),
        labels: matchers,
      },
      by,
      windowMs,
    ),
    isBackend ? [] : growth("retry_requests_total", matchers, []),
  ]);
  const rows = new Map<string, Writable<OutboundRow>>();
  const of = (labels: Labels): Writable<OutboundRow> => {
    const key = keyOf(labels, by);
    let row = rows.get(key);
    if (row === undefined) rows.set(key, row = rowOf(labels, isBackend));
    return row;
  };
  const rowOf = (labels: Labels, withBackend: boolean): OutboundRow => {
    const named = (prefix: string) => ({
      kind: labels[`${prefix}_kind`] ?? "",
      name: labels[`${prefix}_name`] ?? "",
      port: labels[`${prefix}_port`] ?? "",
    });
    const { kind, name } = named("route");
    return {
      namespace: labels[namespaceLabel] ?? "",
      name: labels[label] ?? "",
      service: named("parent"),
      route: { kind, name },
      backend: withBackend ? named("backend") : null,
      ...{ success: 0, failure: 0, timeouts: 0, retries: 0, latencyMs: null },
    };
  };
  for (const { labels, value } of statuses) {
    const row = of(labels);
    const error = labels["error"] ?? "";
    if (error === "" && isSuccess(kind, labels[status] ?? "")) {
      row.success += value;
    } else row.failure += value;
    if (TIMEOUTS.has(error)) row.timeouts += value;
  }
  for (const { labels, value } of retries) of(labels).retries += value;
  for (const { labels, buckets } of latencies) {
    of(labels).latencyMs = latencyOf(buckets, MS);
  }
  return [...rows.values()];
}

/** Seconds in a millisecond. */
const MS = 0.001;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function isSuccess(kind: "http" | "grpc", status: string): boolean {
  return kind === "grpc" ? status === "OK" : !status.startsWith("5");
}
