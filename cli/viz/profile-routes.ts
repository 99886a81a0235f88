import { Problem } from "../../schemas/problem.ts";
import type { ProfileRouteRow } from "../../schemas/stats.ts";
import { harmless } from "../../schemas/harmless.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import type { Question } from "./ask.ts";
import { milliseconds, NOTHING, rate, success, successRate } from "./cells.ts";
import { printJson } from "./json.ts";
import { askLive } from "./live.ts";
import { readFormat, readTargetNamespace, readWindow } from "./options.ts";
import { parseResource, parseResources } from "./resource.ts";

/** Prints requests by the routes of ServiceProfiles; with `--to`, what retries made of them, too. */
export async function runRoutes(given: Given, world: World): Promise<Outcome> {
  if (given.words.length === 0) {
    throw new Problem(
      "config.invalid",
      "requires at least 1 arg(s), only received 0",
      { hint: "expected workloads, such as deploy/web" },
    );
  }
  const windowMs = readWindow(given);
  const format = readFormat(given, ["table", "json", "wide"]);
  const to = given.text("to");
  if (format === "wide" && to === undefined) {
    throw new Problem(
      "config.invalid",
      "wide output is only available when --to is specified",
    );
  }
  const other = to === undefined ? null : parseResource(to);
  if (other !== null && other.kind !== "service") {
    throw new Problem(
      "config.invalid",
      `--to ${to}: routes lead to Services; expected svc/NAME`,
    );
  }
  const resources = parseResources(given.words);
  const namespace = await readTargetNamespace(given, world);
  const questions = resources.map(({ kind, name }): Question => ({
    page: "routes",
    query: {
      kind,
      name,
      namespace,
      window: String(windowMs),
      ...other === null ? {} : {
        to_kind: other.kind,
        to_name: other.name,
        to_namespace: given.text("to-namespace") ?? namespace,
      },
    },
  }));
  return await askLive<ProfileRouteRow>(
    given,
    world,
    questions,
    (answers) => {
      const titles = resources.map(({ kind, name }) =>
        name === undefined ? kind : `${kind}/${name}`
      );
      if (format === "json") {
        const values = Object.fromEntries(
          answers.map((rows, at) => [
            titles[at] ?? "",
            rows.map((row) => jsonOf(row, windowMs)),
          ]),
        );
        return { code: 0, stdout: [`${printJson(values)}\n`] };
      }
      if (answers.every((rows) => rows.length === 0)) {
        return {
          code: 0,
          stderr:
            "No traffic found on routes of ServiceProfiles in the window.\n",
        };
      }
      const columns = columnsOf(windowMs, format === "wide");
      return {
        code: 0,
        stdout: answers.map((rows, at) =>
          `${
            answers.length > 1 ? `==> ${harmless(titles[at] ?? "")} <==\n` : ""
          }${formatTable(columns, rows, "tabular")}\n`
        ),
      };
    },
  );
}

function columnsOf(
  windowMs: number,
  wide: boolean,
): readonly Column<ProfileRouteRow>[] {
  type Counts = Pick<ProfileRouteRow["golden"], "success" | "failure">;
  const pair = (
    prefix: string,
    of: (row: ProfileRouteRow) => Counts | null,
  ): Column<ProfileRouteRow>[] => [
    {
      title: `${prefix}SUCCESS`,
      text: (row) => success(of(row) ?? NONE),
      align: "right",
    },
    {
      title: `${prefix}RPS`,
      text: (row) => {
        const { success, failure } = of(row) ?? NONE;
        return success + failure === 0
          ? NOTHING
          : `${rate(success + failure, windowMs).toFixed(1)}rps`;
      },
      align: "right",
    },
  ];
  return [
    { title: "ROUTE", text: ({ route }) => harmless(route) },
    {
      title: "SERVICE",
      text: ({ service }) => harmless(service.split(".")[0] ?? ""),
    },
    ...wide
      ? [
        ...pair("EFFECTIVE_", ({ golden }) => golden),
        ...pair("ACTUAL_", ({ actual }) => actual),
      ]
      : pair("", ({ golden }) => golden),
    ...(["p50", "p95", "p99"] as const).map((
      quantile,
    ): Column<ProfileRouteRow> => ({
      title: `LATENCY_${quantile.toUpperCase()}`,
      text: ({ golden }) => milliseconds(golden.latencyMs, quantile),
      align: "right",
    })),
  ];
}

const NONE = { success: 0, failure: 0 };

function jsonOf(
  { route, service, golden, actual }: ProfileRouteRow,
  windowMs: number,
): unknown {
  const counts = (of: typeof NONE, prefix: string) => ({
    [`${prefix}success`]: successRate(of),
    [`${prefix}rps`]: rate(of.success + of.failure, windowMs),
  });
  return {
    route,
    authority: service,
    ...actual === null ? counts(golden, "") : {
      ...counts(golden, "effective_"),
      ...counts(actual, "actual_"),
    },
    latency_ms_p50: Math.round(golden.latencyMs?.p50 ?? 0),
    latency_ms_p95: Math.round(golden.latencyMs?.p95 ?? 0),
    latency_ms_p99: Math.round(golden.latencyMs?.p99 ?? 0),
  };
}
