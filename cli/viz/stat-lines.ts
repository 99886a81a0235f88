import { harmless } from "../../schemas/harmless.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Golden, Named } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import type { Question } from "./ask.ts";
import { latencies, right, success } from "./cells.ts";
import { printJson } from "./json.ts";
import { needWords, readTargetNamespace, readWindow } from "./options.ts";
import { parseResources } from "./resource.ts";

type Counted = Pick<Golden, "success" | "failure" | "latencyMs">;

/** A line of `stat-inbound` or `stat-outbound`; what a table does not have is not there. */
export interface Line {
  readonly name?: string;
  readonly server?: string;
  readonly service?: string;
  readonly route?: string;
  readonly type?: string;
  readonly backend?: string;
  readonly golden: Counted;
  readonly perSecond: number;
  readonly timeouts?: string;
  readonly retries?: string;
  /** Whether it hangs below the line before, and a drawn line leads to its backend. */
  readonly leads?: true;
  /** With Linkerd's names. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A column of texts. */
export function column(
  title: string,
  field: "name" | "server" | "service" | "route" | "type" | "backend",
): Column<Line> {
  return { title, text: (line) => harmless(line[field] ?? "") };
}

/** The columns of numbers that both tables have. */
export const NUMBERS: readonly Column<Line>[] = [
  right("SUCCESS", ({ golden }) => success(golden)),
  right("RPS", ({ perSecond }) => perSecond.toFixed(2)),
  ...latencies<Line>(({ golden }) => golden.latencyMs),
];

/** What a command line asks, and how its answer is printed. */
export interface Asked {
  readonly questions: readonly Question[];
  readonly windowMs: number;
  readonly print: (
    lines: readonly Line[],
    columns: readonly Column<Line>[],
  ) => Outcome;
}

/** Reads words and flags; throws `config.invalid`. */
export async function readAsked(
  given: Given,
  world: World,
  page: "inbound" | "outbound",
): Promise<Asked> {
  const words = needWords(
    given,
    "requires at least 1 arg(s), only received 0",
    "workloads, such as deploy or deploy/web",
  );
  if (given.has("prometheusURL")) {
    throw new Problem(
      "config.invalid",
      "--prometheusURL is not possible: metrics are asked of the metrics component, so that Kubernetes decides who may read them",
      {
        hint:
          "to have it answer from a Prometheus: linkerd upgrade --set prometheusUrl=<url> | kubectl apply -f -",
      },
    );
  }
  const windowMs = readWindow(given);
  const output = given.text("output") || "table";
  if (output !== "table" && output !== "json") {
    throw new Problem("config.invalid", `Invalid output format: ${output}`, {
      hint: "expected table or json",
    });
  }
  const resources = parseResources(words);
  const namespace = await readTargetNamespace(given, world);
  return {
    windowMs,
    questions: resources.map(({ kind, name }) => ({
      page,
      query: { kind, name, namespace, window: String(windowMs) },
    })),
    print: (lines, columns) => {
      if (output === "json") {
        const values = lines.map(({ json }) => json);
        return { code: 0, stdout: [`${printJson(values, 0)}\n`] };
      }
      return lines.length === 0
        ? { code: 0, stderr: "No traffic found.\n" }
        : { code: 0, stdout: [formatTable(columns, lines)] };
    },
  };
}

/** Where nobody made a route there is one all the same, called by the protocol or `default`; another is for probes. */
export function routeOf(
  { kind, name }: Named,
): { readonly route: string; readonly type: string } {
  const isMade = kind !== "default" && kind !== "";
  return {
    route: isMade || name === "probe" ? name : "[default]",
    type: isMade ? kind : "",
  };
}

/** Milliseconds, as both tables have them in JSON. */
export function latenciesOf({ latencyMs }: Counted): Line["json"] {
  return {
    latencyMsP50: latencyMs?.p50 ?? null,
    latencyMsP95: latencyMs?.p95 ?? null,
    latencyMsP99: latencyMs?.p99 ?? null,
  };
}
