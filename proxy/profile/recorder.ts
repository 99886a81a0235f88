import type { Ending } from "../direction.ts";
import type { Judge, Verdict } from "../record/classify.ts";
import { HttpRecorder } from "../record/http.ts";
import type { HttpFamilies } from "../record/traffic.ts";

/** Counts requests of a route of a ServiceProfile (`route_*`); release it. */
export interface RouteRecorder {
  /** Counts a request that is over; how its response is judged. */
  finished(grpc: boolean, ending: Ending, sinceStartMs: number): Verdict;
  release(): void;
}

/** Labels by `profileRouteLabels`. */
export function recordRequests(
  families: HttpFamilies,
  labels: string,
  judge: Judge,
): RouteRecorder {
  const recorder = new HttpRecorder(families, labels);
  return {
    finished(grpc, ending, sinceStartMs) {
      const { status, answeredAfterMs } = ending;
      recorder.requests.value += 1;
      recorder.latency(status).observe(answeredAfterMs || sinceStartMs);
      const verdict = judgeEnding(judge, grpc, ending);
      recorder.response(status, verdict);
      return verdict;
    },
    release: () => recorder.release(),
  };
}

export function judgeEnding(
  judge: Judge,
  grpc: boolean,
  { status, grpcStatus, reset }: Ending,
): Verdict {
  return judge({ grpc, status, grpcStatus, error: reset });
}
