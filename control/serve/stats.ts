import { Hono } from "hono";
import { isOwnVisitor, NOT_OURS } from "../../schemas/loopback.ts";
import { Problem } from "../../schemas/problem.ts";
import { createDashboard } from "../dashboard/serve.ts";
import type { Tapping } from "../tap.ts";
import { createQuestions, type QuestionSource } from "./questions.ts";
import { notFound, refuse } from "./status.ts";
import { createTap, createTapPaths } from "./tap.ts";
import { ANYBODY, type Visitor } from "./visitor.ts";

export interface StatsOptions extends QuestionSource {
  /** Null: live requests are not shown here. */
  readonly tapping?: Tapping | null;
  readonly now: () => number;
}

/** Golden metrics, live requests and the dashboard's pages, which begin at this path; who may see them, the visitor knows. */
export function createPages(
  { readings, pods, now, tapping = null }: StatsOptions,
  dashboard: string,
): Hono<{ Bindings: Visitor }> {
  const app = new Hono<{ Bindings: Visitor }>();
  app.route("/", createQuestions({ readings, pods }));
  const openTap = tapping === null ? null : createTap({ tapping });
  if (openTap !== null) app.route("/", createTapPaths(openTap));
  app.route(dashboard, createDashboard({ readings, pods, now }, openTap));
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
  const pages = createPages(options, "/");
  return {
    fetch: async (request) =>
      isOwnVisitor((name) => request.headers.get(name))
        ? await pages.fetch(request, ANYBODY)
        : refuse(new Problem("forbidden", NOT_OURS)),
  };
}
