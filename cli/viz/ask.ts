import { Problem } from "../../schemas/problem.ts";
import { metricsPath } from "../../schemas/tap.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { MetricsApi } from "./reach.ts";

/** A question: a page of the metrics component, and what it is asked with. */
export interface Question {
  readonly page: "stat" | "edges" | "inbound" | "outbound" | "routes" | "authz";
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** The rows that a question is answered with, unless `signal` aborts. */
export async function askRows<Row>(
  api: MetricsApi,
  { page, query }: Question,
  signal?: AbortSignal,
): Promise<readonly Row[]> {
  const { namespace, ...rest } = query;
  // A namespace is asked about in itself, so that its viewers may.
  const within = rest["kind"] === "namespace" ? rest["name"] : namespace;
  const answer = await api.ask({
    path: metricsPath(page, within ?? null),
    ...signal === undefined ? {} : { signal },
    query: Object.fromEntries(
      Object.entries(rest).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]]
      ),
    ),
  });
  const rows = isMap(answer) ? answer["rows"] : undefined;
  if (Array.isArray(rows)) return rows;
  throw new Problem(
    "request.invalid",
    `the answer of ${api.at} is not one of the metrics component`,
  );
}
