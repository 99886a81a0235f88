import type { Selector, Server } from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

/** A Server selects Pods or ExternalWorkloads, not both. */
export function mistakesOfServer({ spec }: Server): Mistake[] {
  const { podSelector, externalWorkloadSelector } = spec;
  const external: FieldPath = ["spec", "externalWorkloadSelector"];
  if (podSelector === undefined && externalWorkloadSelector === undefined) {
    return [mistake(
      ["spec", "podSelector"],
      undefined,
      "a selector",
      "select Pods with spec.podSelector ({} for all), or ExternalWorkloads with spec.externalWorkloadSelector",
    )];
  }
  if (podSelector !== undefined && externalWorkloadSelector !== undefined) {
    return [mistake(
      external,
      externalWorkloadSelector,
      "nothing beside spec.podSelector",
      "write one Server for Pods and one for ExternalWorkloads",
    )];
  }
  return [
    ...mistakesOfSelector(podSelector, ["spec", "podSelector"]),
    ...mistakesOfSelector(externalWorkloadSelector, external),
  ];
}

/** Operators that compare need values; those that ask whether there is a label take none. */
export function mistakesOfSelector(
  selector: Selector | undefined,
  path: FieldPath,
): Mistake[] {
  return (selector?.matchExpressions ?? []).flatMap(
    ({ operator, values = [] }, at) => {
      const compares = operator === "In" || operator === "NotIn";
      if (compares === values.length > 0) return [];
      return [mistake(
        [...path, "matchExpressions", at, "values"],
        values.length > 0 ? values : undefined,
        compares ? `values for ${operator}` : `none with ${operator}`,
        compares ? "list what to compare with" : "remove the values",
      )];
    },
  );
}
