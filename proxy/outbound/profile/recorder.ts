import type { BackendMetrics, Ending, RouteMetrics } from "../../direction.ts";
import type { Judge, Verdict } from "../../record/classify.ts";
import { HttpRecorder } from "../../record/http.ts";
import {
  type ProfileFamilies,
  profileRouteLabels,
} from "../../record/profile.ts";
import type { Released } from "../route-recorder.ts";

/** What is counted of one route of a ServiceProfile; release it. */
export interface ProfileRecorder extends Released {
  readonly route: RouteMetrics;
  /** Of each time a request is sent. */
  readonly sent: BackendMetrics;
}

export function recordProfileRoute(
  families: ProfileFamilies,
  dst: string,
  labels: Readonly<Record<string, string>>,
  judge: Judge,
): ProfileRecorder {
  const text = profileRouteLabels(dst, labels);
  const route = new HttpRecorder(families.route, text);
  const actual = new HttpRecorder(families.actual, text);
  const verdict = (grpc: boolean, ending: Ending): Verdict => {
    const { status, grpcStatus, reset } = ending;
    return judge({ grpc, status, grpcStatus, error: reset });
  };
  return {
    route: {
      retried() {},
      requestFrame() {},
      finished(grpc, ending, sinceStartMs) {
        route.requests.value += 1;
        route.latency(ending.status).observe(sinceStartMs);
        route.response(ending.status, verdict(grpc, ending));
      },
    },
    sent: {
      dispatched: () => void (actual.requests.value += 1),
      responseFrame() {},
      ended: (grpc: boolean, ending: Ending) =>
        actual.response(ending.status, verdict(grpc, ending)),
    },
    release() {
      route.release();
      actual.release();
    },
  };
}
