import { matches } from "../../schemas/kube/selector.ts";
import { parseSelector } from "../../schemas/kube/selector-text.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import type { TapTarget } from "../../schemas/tap.ts";
import { labelOfKind, WORKLOAD_LABELS } from "../stats/query/workloads.ts";
import type { TapPod, TapState } from "./pods.ts";

/** Which pods are tapped. */
export type TapScope = (pod: TapPod) => boolean;

/** Pods of a target that a label selector takes; throws `request.invalid` for what has no pods of its own. */
export function scopeOf(target: TapTarget, selector: string): TapScope {
  const { kind, name, namespace } = target;
  if (labelOfKind(kind) === undefined) throw unsupported(kind);
  if (kind === "namespace" && name !== null && name !== namespace) {
    throw new Problem(
      "request.invalid",
      `cannot tap namespace ${name} as part of namespace ${namespace}`,
    );
  }
  const labels = parseSelector(selector);
  return (pod) => {
    if (pod.namespace !== namespace || !matches(labels, pod.labels)) {
      return false;
    }
    if (kind === "namespace") return true;
    const found = kind === "pod" ? pod.name : pod.owners[kind];
    return found !== undefined && (name === null || found === name);
  };
}

/** The labels of what goes to a target; throws `request.invalid` when proxies know nothing of its kind. */
export function destinationLabels(
  { kind, name, namespace }: TapTarget,
): readonly (readonly [string, string])[] {
  const label = kind === "service" ? "service" : labelOfKind(kind);
  if (label === undefined) throw unsupported(kind);
  if (kind === "namespace") return [["namespace", name ?? namespace]];
  const own = name === null ? [] : [[label, name] as const];
  return [...own, ["namespace", namespace]];
}

function unsupported(kind: string): Problem {
  const kinds = Object.keys(WORKLOAD_LABELS).join(", ");
  return new Problem("request.invalid", `unsupported resource type [${kind}]`, {
    hint: `tap one of ${kinds}`,
  });
}

const REASONS: Readonly<Record<TapState, string>> = {
  unmeshed: "not in the mesh",
  disabled: `with tap disabled (${ANNOTATIONS.disableTap})`,
  enabled: "without an address of its own",
  missing: `not set up for tap (no ${ANNOTATIONS.tapEnabled})`,
};

/** Why none of a target's pods can be tapped. */
export function noPods(
  { kind, name, namespace }: TapTarget,
  pods: readonly TapPod[],
): Problem {
  const what = kind === "namespace"
    ? `namespace ${namespace}`
    : `${kind}${name === null ? "s" : `/${name}`} in namespace ${namespace}`;
  if (pods.length === 0) {
    return new Problem("request.invalid", `no pods to tap for ${what}`, {
      hint: "only pods that run are tapped; kubectl get pods lists them",
    });
  }
  const counts = Object.entries(REASONS).flatMap(([state, reason]) => {
    const count = pods.filter((pod) => pod.state === state).length;
    return count === 0 ? [] : [`${count} ${reason}`];
  });
  return new Problem(
    "request.invalid",
    `no pods to tap for ${what}: of ${pods.length} ${
      pods.length === 1 ? "pod" : "pods"
    }, ${counts.join(", ")}`,
    pods.some(({ state }) => state === "missing")
      ? { hint: "restart the pods that are not set up for tap" }
      : {},
  );
}
