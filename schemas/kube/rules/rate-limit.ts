import type { RateLimitPolicy } from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import type { FieldPath } from "../field-problem.ts";
import { mistakesOfKind } from "./references.ts";

/** An HTTPLocalRateLimitPolicy is about a Server, and lets no client have more than all may have together. */
export function mistakesOfRateLimit({ spec }: RateLimitPolicy): Mistake[] {
  const total = spec.total?.requestsPerSecond ?? Number.POSITIVE_INFINITY;
  const tooMuch = (rate: number | undefined, path: FieldPath): Mistake[] =>
    rate === undefined || rate <= total ? [] : [mistake(
      [...path, "requestsPerSecond"],
      rate,
      `at most spec.total.requestsPerSecond (${total})`,
      "lower it, or raise the total",
    )];
  return [
    ...mistakesOfKind(spec.targetRef, ["Server"], ["spec", "targetRef"]),
    ...tooMuch(spec.identity?.requestsPerSecond, ["spec", "identity"]),
    ...(spec.overrides ?? []).flatMap((override, at) => {
      const path = ["spec", "overrides", at];
      return [
        ...tooMuch(override.requestsPerSecond, path),
        ...override.clientRefs.flatMap((reference, of) =>
          mistakesOfKind(
            reference,
            ["ServiceAccount"],
            [...path, "clientRefs", of],
          )
        ),
      ];
    }),
  ];
}
