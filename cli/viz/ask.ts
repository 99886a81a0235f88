import { describe, Problem } from "../../schemas/problem.ts";
import type { Forward } from "../cluster.ts";
import type { Outcome, World } from "../command.ts";
import { findController } from "../diagnostics/controller.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";

/** Where the metrics component answers, on its Pod's loopback. */
const PORT = 8085;
const DEPLOYMENT = "linkerd-metrics";

/** How long an answer may take; a Prometheus behind it has 15 s. */
const TIMEOUT_MS = 20_000;

/** A question: a page of the metrics component, and what it is asked with. */
export interface Question {
  readonly page: "stat" | "edges" | "inbound" | "outbound" | "routes" | "authz";
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Asks the metrics component, at `--api-addr` or through the API server, all questions at once; an array of rows for each. */
export async function askMetrics<Row>(
  given: Given,
  world: World,
  questions: readonly Question[],
  show: (rows: readonly (readonly Row[])[]) => Outcome,
): Promise<Outcome> {
  const reached = await reachMetrics(given, world);
  try {
    return show(
      await Promise.all(
        questions.map((question) => ask<Row>(reached.url, question)),
      ),
    );
  } finally {
    await reached.close();
  }
}

/** The metrics component, at `--api-addr` or through the API server; there on this port of our own, if one is named. */
export async function reachMetrics(
  given: Given,
  world: World,
  localPort?: number,
): Promise<Forward> {
  const address = given.text("api-addr");
  if (address) {
    return { url: `http://${address}`, close: () => Promise.resolve() };
  }
  const { openCluster } = await import("../cluster/open.ts");
  const cluster = await openCluster(given, world);
  const pod = await findController(
    cluster,
    readNamespace(given, world),
    DEPLOYMENT,
  );
  return await cluster.forward(pod, PORT, localPort);
}

async function ask<Row>(
  url: string,
  { page, query }: Question,
): Promise<readonly Row[]> {
  const asked = new URL(`/api/v1/${page}`, url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) asked.searchParams.set(name, value);
  }
  let answer: { rows?: readonly Row[]; error?: string; hint?: string };
  try {
    const response = await fetch(asked, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json();
  } catch (error) {
    throw new Problem(
      "connect.failed",
      `Cannot ask for metrics at ${asked.origin}: ${describe(error)}`,
      { hint: "is the metrics component running? linkerd check tells" },
    );
  }
  if (Array.isArray(answer.rows)) return answer.rows;
  throw new Problem(
    "request.invalid",
    answer.error ?? "the answer is not one of the metrics component",
    answer.hint === undefined ? {} : { hint: answer.hint },
  );
}
