import type { BackendMetrics, Ending, RouteMetrics } from "../../direction.ts";
import type { Judge } from "../../record/classify.ts";
import { judgeEnding, recordRequests } from "../../profile/recorder.ts";
import { HttpRecorder } from "../../record/http.ts";
import { Holding } from "../../record/holding.ts";
import { joinLabels } from "../../record/labels.ts";
import { type ProfileFamilies, skippedLabel } from "../../record/profile.ts";
import type { Released } from "../route-recorder.ts";
import type { Budget } from "./budget.ts";

/** What is counted of one route of a ServiceProfile; release it. */
export interface ProfileRecorder extends Released {
  readonly route: RouteMetrics;
  /** Of each time a request is sent. */
  readonly sent: BackendMetrics;
}

/** Requests that go well put their share into the budget, when they are of a route that may take from it. */
export function recordProfileRoute(
  families: ProfileFamilies,
  labels: string,
  judge: Judge,
  budget: Budget | null,
): ProfileRecorder {
  const route = recordRequests(families.route, labels, judge);
  const actual = new HttpRecorder(families.actual, labels);
  const holding = new Holding();
  const retryable = holding.by(
    families.retryable,
    (reason: "" | "no_budget") => joinLabels(labels, skippedLabel(reason)),
  );
  return {
    route: {
      retried(_grpc, event) {
        if (event === "request") retryable("").value += 1;
        if (event === "budget") retryable("no_budget").value += 1;
      },
      requestFrame() {},
      finished(grpc, ending, sinceStartMs) {
        const { classification } = route.finished(grpc, ending, sinceStartMs);
        if (classification === "success") budget?.deposit(performance.now());
      },
    },
    sent: {
      dispatched: () => void (actual.requests.value += 1),
      responseFrame() {},
      ended: (grpc: boolean, ending: Ending) =>
        actual.response(ending.status, judgeEnding(judge, grpc, ending)),
    },
    release() {
      route.release();
      actual.release();
      holding.release();
    },
  };
}
