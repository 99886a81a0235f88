import { Problem } from "../../../schemas/problem.ts";
import type { Labels, Matcher, Readings } from "../readings.ts";
import { type Golden, keyOf, readGolden, RESPONSES } from "./golden.ts";
import { checkWindow } from "./window.ts";
import {
  type Workload,
  WORKLOAD_LABELS,
  type WorkloadPod,
  workloadsOf,
} from "./workloads.ts";

/** A kind of things, or one of them. */
export interface Target {
  /** As Kubernetes calls it, in lower case: `deployment`, `namespace`, `service` … */
  readonly kind: string;
  /** Null: all. */
  readonly name: string | null;
  /** Null: all namespaces. */
  readonly namespace: string | null;
}

export interface StatQuery {
  readonly target: Target;
  readonly windowMs: number;
  /** At most one of them: what the target sends to it, or gets from it, as its clients' proxies see it. */
  readonly to: Target | null;
  readonly from: Target | null;
}

export interface StatRow {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Null for what has no pods: a service. */
  readonly pods: Pick<Workload, "meshed" | "running"> | null;
  /** Null without a request in the window. */
  readonly golden: Golden | null;
  readonly tcp: Tcp | null;
}

export interface Tcp {
  readonly open: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Golden metrics of workloads and services; throws `request.invalid`. */
export async function readStat(
  query: StatQuery,
  readings: Readings,
  pods: () => Iterable<WorkloadPod>,
): Promise<readonly StatRow[]> {
  checkWindow(query.windowMs);
  const view = viewOf(query);
  const [golden, tcp] = await Promise.all([
    readGolden(readings, RESPONSES, view.matchers, view.by, query.windowMs),
    readTcp(readings, view, query.windowMs),
  ]);
  const { target } = query;
  const rows = new Map<string, StatRow>();
  const label = WORKLOAD_LABELS[target.kind];
  if (label !== undefined) {
    for (const workload of workloadsOf(label, pods())) {
      const { namespace, name, meshed, running } = workload;
      if (!isAsked(target, namespace, name)) continue;
      const key = keyOf(view.labelsOf(namespace, name), view.by);
      rows.set(key, {
        kind: target.kind,
        namespace,
        name,
        pods: { meshed, running },
        golden: golden.get(key) ?? null,
        tcp: tcp.get(key) ?? null,
      });
    }
  }
  // What is gone, but was there in the window; and services, which have no pods of their own.
  for (const [key, { labels, ...counts }] of golden) {
    const { namespace, name } = view.nameOf(labels);
    if (rows.has(key) || name === "") continue;
    rows.set(key, {
      kind: target.kind,
      namespace,
      name,
      pods: null,
      golden: counts,
      tcp: tcp.get(key) ?? null,
    });
  }
  return [...rows.values()];
}

/** How a query looks at the series. */
interface View {
  readonly matchers: readonly Matcher[];
  readonly by: readonly string[];
  readonly peer: "src" | "dst";
  readonly nameOf: (labels: Labels) => {
    readonly namespace: string;
    readonly name: string;
  };
  readonly labelsOf: (namespace: string, name: string) => Labels;
}

function viewOf({ target, to, from }: StatQuery): View {
  if (target.kind === "service" && from === null && to === null) {
    return viewBy(target, { prefix: "dst_", direction: "outbound" }, []);
  }
  if (from?.kind === "service" || (to !== null && target.kind === "service")) {
    throw new Problem(
      "request.invalid",
      "service is not supported as a target on 'from' queries, or as a target with 'to' queries",
    );
  }
  if (to !== null) {
    // The target's own proxies: its outbound traffic.
    return viewBy(target, { prefix: "", direction: "outbound" }, [
      ...matchersOf(to, "dst_"),
    ]);
  }
  if (from !== null) {
    return viewBy(target, { prefix: "dst_", direction: "outbound" }, [
      ...matchersOf(from, ""),
    ]);
  }
  return viewBy(target, { prefix: "", direction: "inbound" }, []);
}

function viewBy(
  target: Target,
  { prefix, direction }: {
    readonly prefix: "" | "dst_";
    readonly direction: "inbound" | "outbound";
  },
  more: readonly Matcher[],
): View {
  const label = labelOf(target.kind, prefix);
  const namespaceLabel = `${prefix}namespace`;
  const isNamespace = label === namespaceLabel;
  return {
    matchers: [
      { label: "direction", is: "=", value: direction },
      { label, is: "!=", value: "" },
      ...matchersOf(target, prefix),
      ...more,
    ],
    by: isNamespace ? [namespaceLabel] : [namespaceLabel, label],
    peer: direction === "inbound" ? "src" : "dst",
    nameOf: (labels) => ({
      namespace: labels[namespaceLabel] ?? "",
      name: labels[label] ?? "",
    }),
    labelsOf: (namespace, name) => ({
      [namespaceLabel]: namespace,
      [label]: name,
    }),
  };
}

function labelOf(kind: string, prefix: string): string {
  const label = kind === "service" ? "service" : WORKLOAD_LABELS[kind];
  if (label !== undefined) return prefix + label;
  throw new Problem(
    "request.invalid",
    `resource type '${kind}' is not supported`,
    { hint: `use one of ${Object.keys(WORKLOAD_LABELS).join(", ")}, service` },
  );
}

function matchersOf(
  { kind, name, namespace }: Target,
  prefix: string,
): Matcher[] {
  const matchers: Matcher[] = [];
  const label = labelOf(kind, prefix);
  if (name !== null) matchers.push({ label, is: "=", value: name });
  if (namespace !== null && kind !== "namespace") {
    matchers.push({ label: `${prefix}namespace`, is: "=", value: namespace });
  }
  return matchers;
}

function isAsked(target: Target, namespace: string, name: string): boolean {
  return (target.name === null || target.name === name) &&
    (target.namespace === null || target.kind === "namespace" ||
      target.namespace === namespace);
}

async function readTcp(
  readings: Readings,
  { matchers, by, peer }: View,
  windowMs: number,
): Promise<ReadonlyMap<string, Tcp>> {
  const labels = [
    ...matchers,
    { label: "peer", is: "=", value: peer } as const,
  ];
  const growth = (metric: string) =>
    readings.increase({ metric, labels }, by, windowMs);
  const [open, read, written] = await Promise.all([
    readings.latest({ metric: "tcp_open_connections", labels }, by),
    growth("tcp_read_bytes_total"),
    growth("tcp_write_bytes_total"),
  ]);
  const rows = new Map<string, { -readonly [K in keyof Tcp]: Tcp[K] }>();
  for (
    const [column, values] of [
      ["open", open],
      ["readBytes", read],
      ["writtenBytes", written],
    ] as const
  ) {
    for (const { labels, value } of values) {
      const key = keyOf(labels, by);
      const row = rows.get(key) ?? { open: 0, readBytes: 0, writtenBytes: 0 };
      rows.set(key, row);
      row[column] += value;
    }
  }
  return rows;
}
