import { type Context, Hono } from "hono";
import { describe, Problem } from "../../schemas/problem.ts";
import { createDashboard } from "../dashboard/serve.ts";
import { readEdges } from "../stats/query/edges.ts";
import { readAuthorizations, readInbound } from "../stats/query/inbound.ts";
import { readOutbound } from "../stats/query/outbound.ts";
import { readProfileRoutes } from "../stats/query/profile-routes.ts";
import { readStat } from "../stats/query/stat.ts";
import type { Target } from "../stats/query/target.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import type { Readings } from "../stats/readings.ts";

export interface StatsOptions {
  readonly readings: Readings;
  readonly pods: () => Iterable<WorkloadPod>;
  readonly now: () => number;
}

/** The window of questions that name none, as Linkerd's. */
const WINDOW_MS = 60_000;

/**
 * Golden metrics as JSON: `/api/v1/stat?kind=deployment&namespace=shop&window=60000` and its kin, `{"rows": […]}` or
 * `{"error": …, "hint": …}`; and the dashboard's pages. Reads only, and only for who calls it by a loopback name: a page from
 * elsewhere that has its own name point here (DNS rebinding) gets nothing.
 */
export function createStats({ readings, pods, now }: StatsOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isLocal(context.req.header("host") ?? "")) return await next();
    return context.json({
      error: "this address answers to 127.0.0.1, [::1] and localhost only",
    }, 403);
  });
  app.get("/api/v1/stat", (context) =>
    answer(context, () =>
      readStat(
        {
          target: targetOf(context),
          windowMs: windowOf(context),
          to: otherOf(context, "to_"),
          from: otherOf(context, "from_"),
        },
        readings,
        pods,
      )));
  app.get(
    "/api/v1/edges",
    (context) => answer(context, () => readEdges(targetOf(context), readings)),
  );
  for (
    const [path, read] of [
      ["inbound", readInbound],
      ["outbound", readOutbound],
      ["authz", readAuthorizations],
    ] as const
  ) {
    app.get(
      `/api/v1/${path}`,
      (context) =>
        answer<unknown>(
          context,
          () => read(targetOf(context), windowOf(context), readings),
        ),
    );
  }
  app.get(
    "/api/v1/routes",
    (context) =>
      answer(context, () =>
        readProfileRoutes(
          targetOf(context),
          otherOf(context, "to_"),
          windowOf(context),
          readings,
        )),
  );
  app.route("/", createDashboard({ readings, pods, now }));
  return app;
}

async function answer<Row>(
  context: Context,
  read: () => Promise<readonly Row[]>,
): Promise<Response> {
  try {
    return context.json({ rows: await read() });
  } catch (error) {
    const isAsked = error instanceof Problem &&
      error.code === "request.invalid";
    const hint = error instanceof Problem ? error.hint : undefined;
    return context.json(
      { error: describe(error), ...hint === undefined ? {} : { hint } },
      isAsked ? 400 : 502,
    );
  }
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(host);
}

function targetOf(context: Context): Target {
  const kind = context.req.query("kind");
  if (kind !== undefined) return read(context, "", kind);
  throw new Problem("request.invalid", "expected a kind, such as deployment");
}

function otherOf(context: Context, prefix: string): Target | null {
  const kind = context.req.query(`${prefix}kind`);
  return kind === undefined ? null : read(context, prefix, kind);
}

function read(context: Context, prefix: string, kind: string): Target {
  return {
    kind,
    name: context.req.query(`${prefix}name`) ?? null,
    namespace: context.req.query(`${prefix}namespace`) ?? null,
  };
}

function windowOf(context: Context): number {
  const text = context.req.query("window");
  if (text === undefined) return WINDOW_MS;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Problem(
    "request.invalid",
    "expected a window in milliseconds, such as 60000",
  );
}
