import type { StatRow } from "../../schemas/stats.ts";
import { ownerOfPod } from "../stats/query/owner.ts";
import { readStat } from "../stats/query/stat.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import type { Readings } from "../stats/readings.ts";

/** Where everything on a page comes from. */
export interface Source {
  readonly readings: Readings;
  readonly pods: () => Iterable<WorkloadPod>;
  readonly now: () => number;
}

/** Golden metrics of everything that has pods, by namespace and name; pods that belong to nothing are for themselves. */
export async function readWorkloads(
  { readings, pods }: Source,
  windowMs: number,
): Promise<readonly StatRow[]> {
  const own = [...pods()].map((pod) => ownerOfPod(pod, pod.owners));
  const kinds = new Set(own.map(({ kind }) => kind));
  const bare = new Set(
    own.filter(({ kind }) => kind === "pod").map(idOf),
  );
  const tables = await Promise.all([...kinds].map((kind) =>
    readStat(
      {
        target: { kind, name: null, namespace: null },
        windowMs,
        to: null,
        from: null,
      },
      readings,
      pods,
    )
  ));
  return tables.flat()
    .filter((row) => row.kind !== "pod" || bare.has(idOf(row)))
    .sort((a, b) =>
      compare(a.namespace, b.namespace) || compare(a.name, b.name) ||
      compare(a.kind, b.kind)
    );
}

function idOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return `${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
