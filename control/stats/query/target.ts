import { Problem } from "../../../schemas/problem.ts";
import type { Matcher } from "../readings.ts";
import { labelOfKind, WORKLOAD_LABELS } from "./workloads.ts";

/** A kind of things, or one of them. */
export interface Target {
  /** As Kubernetes calls it, in lower case: `deployment`, `namespace`, `service` … */
  readonly kind: string;
  /** Null: all. */
  readonly name: string | null;
  /** Null: all namespaces. */
  readonly namespace: string | null;
}

/** How series name a target: with their own labels, or as whom they were sent to (`dst_`). */
export interface TargetLabels {
  readonly namespaceLabel: string;
  readonly label: string;
  /** Series of the target, and of nothing without a name. */
  readonly matchers: readonly Matcher[];
}

/** Finds a target's series; throws `request.invalid` when proxies know nothing of its kind. */
export function matchersOf(
  { kind, name, namespace }: Target,
  prefix: "" | "dst_",
): TargetLabels {
  const known = kind === "service" ? "service" : labelOfKind(kind);
  if (known === undefined) {
    const kinds = [...Object.keys(WORKLOAD_LABELS), "service"].join(", ");
    throw new Problem(
      "request.invalid",
      `resource type '${kind}' is not supported`,
      { hint: `use one of ${kinds}` },
    );
  }
  const label = prefix + known;
  const namespaceLabel = `${prefix}namespace`;
  const matchers: Matcher[] = [
    name === null
      ? { label, is: "!=", value: "" }
      : { label, is: "=", value: name },
  ];
  if (namespace !== null && kind !== "namespace") {
    matchers.push({ label: namespaceLabel, is: "=", value: namespace });
  }
  return { namespaceLabel, label, matchers };
}
