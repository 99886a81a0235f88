import type { StatRow } from "../../../schemas/stats.ts";
import { Problem } from "../../../schemas/problem.ts";
import type { Labels, Matcher, Readings } from "../readings.ts";
import { keyOf, readGolden, RESPONSES } from "./golden.ts";
import { POLICY_KINDS, readPolicyStat } from "./policy.ts";
import { matchersOf, type Target } from "./target.ts";
import { readTcp } from "./tcp.ts";
import { checkWindow } from "./window.ts";
import { labelOfKind, type WorkloadPod, workloadsOf } from "./workloads.ts";

export interface StatQuery {
  readonly target: Target;
  readonly windowMs: number;
  /** At most one of them: what the target sends to it, or gets from it, as its clients' proxies see it. */
  readonly to: Target | null;
  readonly from: Target | null;
}

/** Golden metrics of workloads and services; throws `request.invalid`. */
export async function readStat(
  query: StatQuery,
  readings: Readings,
  pods: () => Iterable<WorkloadPod>,
): Promise<readonly StatRow[]> {
  checkWindow(query.windowMs);
  const policyKind = POLICY_KINDS.get(query.target.kind);
  if (policyKind !== undefined) {
    if (query.to !== null || query.from !== null) {
      throw new Problem(
        "request.invalid",
        `'${
          query.to === null ? "from" : "to"
        }' queries are not supported with policy resources, as they have inbound metrics only`,
      );
    }
    return await readPolicyStat(
      query.target,
      policyKind,
      query.windowMs,
      readings,
    );
  }
  const view = viewOf(query);
  const [golden, tcp] = await Promise.all([
    readGolden(readings, RESPONSES, view.matchers, view.by, query.windowMs),
    readTcp(readings, view, query.windowMs),
  ]);
  const { target } = query;
  const rows = new Map<string, StatRow>();
  const label = labelOfKind(target.kind);
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
  if (from?.kind === "service" || (to !== null && target.kind === "service")) {
    throw new Problem(
      "request.invalid",
      "service is not supported as a target on 'from' queries, or as a target with 'to' queries",
    );
  }
  // Its own proxies tell what it sends, those of its clients what it is sent by whom; Services have no proxies.
  if (to !== null) {
    return viewBy(target, "outbound", "", matchersOf(to, "dst_").matchers);
  }
  if (from !== null) {
    return viewBy(target, "outbound", "dst_", matchersOf(from, "").matchers);
  }
  return target.kind === "service"
    ? viewBy(target, "outbound", "dst_", [])
    : viewBy(target, "inbound", "", []);
}

function viewBy(
  target: Target,
  direction: "inbound" | "outbound",
  prefix: "" | "dst_",
  more: readonly Matcher[],
): View {
  const { label, namespaceLabel, matchers } = matchersOf(target, prefix);
  return {
    matchers: [
      { label: "direction", is: "=", value: direction },
      ...matchers,
      ...more,
    ],
    by: [...new Set([namespaceLabel, label])],
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

function isAsked(target: Target, namespace: string, name: string): boolean {
  return (target.name === null || target.name === name) &&
    (target.namespace === null || target.kind === "namespace" ||
      target.namespace === namespace);
}
