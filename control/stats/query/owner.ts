import type { Labels, Matcher } from "../readings.ts";
import { WORKLOAD_LABELS } from "./workloads.ts";

/** What pods belong to, or a pod that belongs to nothing. */
export interface Owner {
  /** As Kubernetes calls it, in lower case. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const OWNERS = Object.entries(WORKLOAD_LABELS)
  .filter(([kind]) => kind !== "namespace" && kind !== "pod");

/** Either the series of pods that belong to something, or those of bare pods; a sum over both is a sum over all. */
export interface Ownership {
  readonly by: readonly string[];
  readonly matchers: readonly Matcher[];
  /** Null for series of the other sort. */
  readonly ownerOf: (labels: Labels) => Owner | null;
}

/** Both sorts, of the pods themselves or of those that they send to (`dst_`). */
export function ownerships(prefix: "" | "dst_"): readonly Ownership[] {
  const namespaceLabel = `${prefix}namespace`;
  const ownerLabels = OWNERS.map(([, label]) => prefix + label);
  const of = (kind: string, label: string, labels: Labels) => ({
    kind,
    namespace: labels[namespaceLabel] ?? "",
    name: labels[label] ?? "",
  });
  return [
    {
      by: [namespaceLabel, ...ownerLabels],
      matchers: [],
      ownerOf(labels) {
        const found = OWNERS.find(([, label]) => labels[prefix + label]);
        if (found === undefined) return null;
        return of(found[0], prefix + found[1], labels);
      },
    },
    {
      by: [namespaceLabel, `${prefix}pod`],
      matchers: [
        ...ownerLabels.map((label) => ({ label, is: "=" as const, value: "" })),
        { label: `${prefix}pod`, is: "!=", value: "" },
      ],
      ownerOf: (labels) => of("pod", `${prefix}pod`, labels),
    },
  ];
}

/** What pods with these labels belong to; a pod without is its own. */
export function ownerOfPod(
  pod: { readonly namespace: string; readonly name: string },
  owners: Labels,
): Owner {
  const found = OWNERS.find(([, label]) => owners[label]);
  return found === undefined
    ? { kind: "pod", namespace: pod.namespace, name: pod.name }
    : {
      kind: found[0],
      namespace: pod.namespace,
      name: owners[found[1]] ?? "",
    };
}

/** One text for each owner; no two have the same. */
export function ownerKey({ kind, namespace, name }: Owner): string {
  return JSON.stringify([kind, namespace, name]);
}
