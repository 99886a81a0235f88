import { Hono } from "hono";
import { isOwnVisitor, NOT_OURS } from "../../schemas/loopback.ts";
import { Problem } from "../../schemas/problem.ts";
import { createDashboard } from "../dashboard/serve.ts";
import type { Tapping } from "../tap.ts";
import { createQuestions, type QuestionSource } from "./questions.ts";
import { notFound, refuse } from "./status.ts";
import { createTap, createTapPaths } from "./tap.ts";
import { ANYBODY, type Visitor } from "../visitor.ts";

export interface StatsOptions extends QuestionSource {
  /** Null: live requests are not shown here. */
  readonly tapping?: Tapping | null;
  /** Between two looks at whether who watches still may. */
  readonly judgeEveryMs?: number;
  readonly now: () => number;
}

/** Golden metrics, live requests, and the dashboard below each of these paths; who may see them, the visitor knows. */
export function createPages(
  { readings, pods, now, tapping = null, judgeEveryMs }: StatsOptions,
  dashboards: readonly string[],
): Hono<{ Bindings: Visitor }> {
  const app = new Hono<{ Bindings: Visitor }>({ strict: false });
  app.route("/", createQuestions({ readings, pods }));
  const openTap = tapping === null ? null : createTap({
    tapping,
    ...judgeEveryMs === undefined ? {} : { judgeEveryMs },
  });
  if (openTap !== null) app.route("/", createTapPaths(openTap));
  const dashboard = createDashboard({ readings, pods, now }, openTap);
  for (const path of dashboards) app.route(path, dashboard);
  app.notFound(notFound);
  app.onError(refuse);
  return app;
}

/**
 * The same for whoever is on this machine: nobody asks who they are, so pages from elsewhere, whatever name they have point
 * here (DNS rebinding), get nothing.
 */
export function createStats(
  options: StatsOptions,
): { readonly fetch: (request: Request) => Promise<Response> } {
  const pages = createPages(options, ["/"]);
  return {
    fetch: async (request) =>
      isOwnVisitor((name) => request.headers.get(name))
        ? await pages.fetch(request, ANYBODY)
        : refuse(new Problem("forbidden", NOT_OURS)),
  };
}
