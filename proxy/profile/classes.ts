import type { ResponseClass } from "../../schemas/profile.ts";
import { classify, type Judge, type Verdict } from "../record/classify.ts";
import { meansStatus } from "./condition.ts";

/** Statuses that a response can have. */
const STATUS_MAX = 599;

/**
 * The first class that a complete response is of says how it counts; of none it is judged as everywhere, by its gRPC
 * status if it has one (facts 6.9). Classes are looked at once for each status.
 */
export function createJudge(classes: readonly ResponseClass[]): Judge {
  if (classes.length === 0) return classify;
  const known = new Map<number, boolean | null>();
  const isFailure = (status: number): boolean | null => {
    let found = known.get(status);
    if (found === undefined) {
      found = classes.find(({ condition }) => meansStatus(condition, status))
        ?.isFailure ?? null;
      if (status <= STATUS_MAX) known.set(status, found);
    }
    return found;
  };
  return (ending) => {
    const usual = classify(ending);
    if (ending.error !== null || ending.status === 0) return usual;
    const failed = isFailure(ending.status);
    if (failed === null) return usual;
    return turned(usual, failed ? "failure" : "success");
  };
}

/** The opposites of the usual verdicts, of which there are few: series are kept by verdict. */
const opposites = new Map<Verdict, Verdict>();

function turned(
  verdict: Verdict,
  classification: Verdict["classification"],
): Verdict {
  if (verdict.classification === classification) return verdict;
  let opposite = opposites.get(verdict);
  if (opposite === undefined) {
    opposite = { ...verdict, classification };
    opposites.set(verdict, opposite);
  }
  return opposite;
}
