import type { InboundRow } from "../../schemas/stats.ts";
import { harmless } from "../../schemas/harmless.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import type { Question } from "./ask.ts";
import {
  latencies,
  NOTHING,
  perSecond,
  rate,
  right,
  success,
  successRate,
} from "./cells.ts";
import { printJson } from "./json.ts";
import { findPolicies, idleRows } from "./idle-authorizations.ts";
import { askLive } from "./live.ts";
import {
  needWords,
  readFormat,
  readTargetNamespace,
  readWindow,
} from "./options.ts";
import { parseResources } from "./resource.ts";

/** Prints what workloads let in, by route, Server and authorization, and what they did not. */
export async function runVizAuthz(
  given: Given,
  world: World,
): Promise<Outcome> {
  const words = needWords(
    given,
    "accepts between 1 and 2 arg(s), received 0",
    "a workload, such as deploy/web",
  );
  const windowMs = readWindow(given);
  const format = readFormat(given, ["table", "json", "wide"]);
  const resources = parseResources(words);
  const namespace = await readTargetNamespace(given, world);
  const policies = await findPolicies(given, world, resources, namespace);
  const questions = resources.map(({ kind, name }): Question => ({
    page: "authz",
    query: { kind, name, namespace, window: String(windowMs) },
  }));
  const [first, ...more] = resources;
  // Rows of several workloads would look alike.
  const columns = [
    ...first?.name === undefined || more.length > 0 ? [NAME] : [],
    ...columnsOf(windowMs),
  ];
  return await askLive<InboundRow>(given, world, questions, (answers) => {
    const seen = answers.flat().filter(isSeen);
    const all = [...seen, ...idleRows(policies, seen)];
    const rows = all.map((row) => ({
      row,
      key: JSON.stringify([
        serverOf(row),
        routeOf(row),
        authorizationOf(row),
        row.name,
      ]),
    })).sort((a, b) => a.key < b.key ? -1 : 1).map(({ row }) => row);
    if (format === "json") {
      const values = rows.map((row) => jsonOf(row, windowMs));
      return { code: 0, stdout: [`${printJson(values)}\n`] };
    }
    return rows.length === 0
      ? { code: 0, stderr: "No traffic found.\n" }
      : { code: 0, stdout: [formatTable(columns, rows)] };
  });
}

function isSeen({ golden, denied }: InboundRow): boolean {
  return golden.success + golden.failure + denied > 0;
}

function serverOf({ server }: InboundRow): string {
  return server.kind === "default" ? `default:${server.name}` : server.name;
}

function routeOf({ route }: InboundRow): string {
  return route.name;
}

/** Empty for what nothing permitted. */
function authorizationOf({ authorization }: InboundRow): string {
  return authorization === null
    ? ""
    : `${authorization.kind}/${authorization.name}`;
}

const NAME: Column<InboundRow> = {
  title: "NAME",
  text: ({ name }) => harmless(name),
};

function columnsOf(windowMs: number): readonly Column<InboundRow>[] {
  const permitted = (text: (row: InboundRow) => string) => (row: InboundRow) =>
    row.golden.success + row.golden.failure === 0 ? NOTHING : text(row);
  return [
    { title: "ROUTE", text: (row) => harmless(routeOf(row)) },
    { title: "SERVER", text: (row) => harmless(serverOf(row)) },
    { title: "AUTHORIZATION", text: (row) => harmless(authorizationOf(row)) },
    right(
      "UNAUTHORIZED",
      (row) => isSeen(row) ? perSecond(row.denied, windowMs) : NOTHING,
    ),
    right("SUCCESS", ({ golden }) => success(golden)),
    right(
      "RPS",
      permitted(({ golden }) =>
        perSecond(golden.success + golden.failure, windowMs)
      ),
    ),
    ...latencies<InboundRow>(({ golden }) => golden.latencyMs),
  ];
}

function jsonOf(row: InboundRow, windowMs: number): unknown {
  const { golden, denied } = row;
  const requests = golden.success + golden.failure;
  return {
    ...row.name === "" ? {} : { name: row.name },
    route: routeOf(row),
    server: serverOf(row),
    authorization: authorizationOf(row),
    ...isSeen(row) ? { unauthorized: rate(denied, windowMs) } : {},
    ...requests === 0 ? {} : {
      success: successRate(golden),
      rps: rate(requests, windowMs),
      latency_ms_p50: golden.latencyMs?.p50,
      latency_ms_p95: golden.latencyMs?.p95,
      latency_ms_p99: golden.latencyMs?.p99,
    },
  };
}
