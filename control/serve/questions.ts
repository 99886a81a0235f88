import { type Context, Hono } from "hono";
import { Problem } from "../../schemas/problem.ts";
import { metricsPath, VIZ_GROUP } from "../../schemas/tap.ts";
import { readEdges } from "../stats/query/edges.ts";
import { readAuthorizations, readInbound } from "../stats/query/inbound.ts";
import { readOutbound } from "../stats/query/outbound.ts";
import { readProfileRoutes } from "../stats/query/profile-routes.ts";
import { readProxies } from "../stats/query/proxies.ts";
import { readStat, type StatQuery } from "../stats/query/stat.ts";
import type { Target } from "../stats/query/target.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import type { Readings } from "../stats/readings.ts";
import { refuse } from "./status.ts";
import type { Visitor } from "../visitor.ts";

export interface QuestionSource {
  readonly readings: Readings;
  readonly pods: () => Iterable<WorkloadPod>;
}

type Read = (
  question: StatQuery,
  source: QuestionSource,
) => Promise<readonly unknown[]>;

/** The window of questions that name none, as Linkerd's. */
const WINDOW_MS = 60_000;

const PAGES: Readonly<Record<string, Read>> = {
  stat: (question, { readings, pods }) => readStat(question, readings, pods),
  edges: ({ target }, { readings, pods }) => readEdges(target, readings, pods),
  inbound: ({ target, windowMs }, { readings }) =>
    readInbound(target, windowMs, readings),
  outbound: ({ target, windowMs }, { readings }) =>
    readOutbound(target, windowMs, readings),
  authz: ({ target, windowMs }, { readings }) =>
    readAuthorizations(target, windowMs, readings),
  routes: ({ target, to, windowMs }, { readings }) =>
    readProfileRoutes(target, to, windowMs, readings),
  proxies: ({ target }, { readings, pods }) =>
    readProxies(target, readings, pods),
};

/**
 * Golden metrics as JSON, at `metricsPath`, such as `…/namespaces/shop/metrics/stat?kind=deployment&window=60000`:
 * `{"rows": […]}`, or a `Status`. A question is about the namespace of its path, or about all; whoever asks must be
 * permitted to `get` that page of `metrics` there, and in each namespace that `to_` and `from_` name.
 */
export function createQuestions(
  source: QuestionSource,
): Hono<{ Bindings: Visitor }> {
  const app = new Hono<{ Bindings: Visitor }>();
  for (const [page, read] of Object.entries(PAGES)) {
    const answer = async (
      context: Context<{ Bindings: Visitor }>,
      namespace: string | null,
    ): Promise<Response> => {
      try {
        const question = parse(context, namespace);
        for (const asked of namespacesOf(question, namespace)) {
          await context.env.permit({
            verb: "get",
            group: VIZ_GROUP,
            resource: "metrics",
            subresource: "",
            namespace: asked,
            name: page,
          });
        }
        return context.json({ rows: await read(question, source) });
      } catch (error) {
        return refuse(error);
      }
    };
    app.get(metricsPath(page, null), (context) => answer(context, null));
    app.get(
      metricsPath(page, "_").replace("/_/", "/:namespace/"),
      (context) => answer(context, context.req.param("namespace") ?? null),
    );
  }
  return app;
}

/** Whose metrics a question is about: null, of all. */
function namespacesOf(
  { to, from }: StatQuery,
  namespace: string | null,
): ReadonlySet<string | null> {
  const others = [to, from].filter((other) => other !== null)
    .map(({ kind, name, namespace }) =>
      kind === "namespace" ? name : namespace
    );
  return new Set([namespace, ...others]);
}

function parse(context: Context, namespace: string | null): StatQuery {
  const kind = context.req.query("kind");
  if (kind === undefined) {
    throw new Problem("request.invalid", "expected a kind, such as deployment");
  }
  const name = context.req.query("name") ?? null;
  return {
    target: within({ kind, name, namespace }),
    to: otherOf(context, "to_"),
    from: otherOf(context, "from_"),
    windowMs: windowOf(context),
  };
}

/** Of all namespaces, the one that is asked about. */
function within(target: Target): Target {
  const { kind, name, namespace } = target;
  if (kind !== "namespace" || namespace === null) return target;
  if (name === null || name === namespace) {
    return { kind, name: namespace, namespace };
  }
  throw new Problem(
    "request.invalid",
    "cannot ask about a namespace within another",
  );
}

function otherOf(context: Context, prefix: string): Target | null {
  const kind = context.req.query(`${prefix}kind`);
  if (kind === undefined) return null;
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
