import { harmless } from "../../schemas/harmless.ts";
import { Problem } from "../../schemas/problem.ts";
import type {
  Golden,
  InboundRow,
  Named,
  NamedPort,
  OutboundRow,
} from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import type { Question } from "./ask.ts";
import { milliseconds, NOTHING, rate, success, successRate } from "./cells.ts";
import { printJson } from "./json.ts";
import { askLive } from "./live.ts";
import { readTargetNamespace, readWindow } from "./options.ts";
import { parseResources } from "./resource.ts";

/** Prints what workloads are asked, by Server and route. */
export async function runInbound(given: Given, world: World): Promise<Outcome> {
  const asked = await readAsked(given, world, "inbound");
  return await askLive<InboundRow>(
    given,
    world,
    asked.questions,
    (answers) => {
      const rows = answers.flat()
        .filter(({ golden }) => golden.success + golden.failure > 0)
        .map((row): Line => {
          const server = row.server.kind === "default"
            ? "[default]"
            : row.server.name;
          const line = lineOf(row.golden, asked.windowMs);
          const route = routeOf(row.route);
          return {
            ...line,
            name: row.name,
            server: `${server}:${row.port}`,
            ...route,
            json: {
              name: row.name,
              server,
              port: row.port,
              route: route.route,
              routeType: route.type,
              successesRate: successRate(row.golden),
              ...numbersOf(line),
            },
          };
        })
        .sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
      return asked.print(rows, [NAME, SERVER, ROUTE, TYPE, ...NUMBERS]);
    },
  );
}

/** Prints what workloads ask of Services, by route, and below each where of that it went. */
export async function runOutbound(
  given: Given,
  world: World,
): Promise<Outcome> {
  const asked = await readAsked(given, world, "outbound");
  return await askLive<OutboundRow>(
    given,
    world,
    asked.questions,
    (answers) => {
      const rows = answers.flat()
        .filter(({ success, failure }) => success + failure > 0);
      const lines = rows.map((row, at): Line => {
        const { backend, retries, timeouts } = row;
        const total = row.success + row.failure;
        const line = lineOf({ ...row, secured: 0 }, asked.windowMs);
        const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
        const timeoutRate = timeouts / total;
        const retryRate = retries / (total + retries);
        const route = routeOf(row.route);
        const json = {
          name: row.name,
          service: row.service.name,
          port: row.service.port,
          route: route.route,
          routeType: route.type,
          ...backend === null
            ? {}
            : { backend: backend.name, backendPort: backend.port },
          successRate: successRate(row),
          ...numbersOf(line),
          timeoutRate,
          ...backend === null ? { retryRate } : {},
        };
        if (backend === null) {
          return {
            ...line,
            name: row.name,
            service: portOf(row.service),
            ...route,
            timeouts: percent(timeoutRate),
            retries: percent(retryRate),
            json,
          };
        }
        const isLast = rows[at + 1]?.backend === null ||
          rows[at + 1] === undefined;
        return {
          ...line,
          route: isLast ? "└─" : "├─",
          type: "─►",
          leads: true,
          backend: portOf(backend),
          timeouts: percent(timeoutRate),
          json,
        };
      });
      return asked.print(lines, [
        ...[NAME, SERVICE, ROUTE, TYPE, BACKEND, ...NUMBERS],
        ...[TIMEOUTS, RETRIES],
      ]);
    },
  );
}

/** What every line has. */
interface Numbers {
  readonly golden: Golden;
  readonly perSecond: number;
}

/** A line of either table; what a table does not have is not there. */
interface Line extends Numbers {
  readonly name?: string;
  readonly server?: string;
  readonly service?: string;
  readonly route?: string;
  readonly type?: string;
  readonly backend?: string;
  readonly timeouts?: string;
  readonly retries?: string;
  /** Whether it hangs below the line before, and a drawn line leads to its backend. */
  readonly leads?: true;
  /** With Linkerd's names. */
  readonly json: Readonly<Record<string, unknown>>;
}

const text = (
  title: string,
  field: "name" | "server" | "service" | "route" | "type" | "backend",
): Column<Line> => ({ title, text: (line) => harmless(line[field] ?? "") });
const NAME = text("NAME", "name");
const SERVER = text("SERVER", "server");
const SERVICE = text("SERVICE", "service");
/** A line leads from the route's cell to the backend that is a part of it. */
const lead = (end: "from" | "to") => (line: Line) =>
  line.leads === true ? end : null;
const ROUTE: Column<Line> = { ...text("ROUTE", "route"), line: lead("from") };
const TYPE: Column<Line> = { ...text("TYPE", "type"), line: lead("to") };
const BACKEND = text("BACKEND", "backend");
const NUMBERS: readonly Column<Line>[] = [
  {
    title: "SUCCESS",
    text: ({ golden }) => success(golden),
    align: "right",
  },
  {
    title: "RPS",
    text: ({ perSecond }) => perSecond.toFixed(2),
    align: "right",
  },
  ...(["p50", "p95", "p99"] as const).map((quantile): Column<Line> => ({
    title: `LATENCY_${quantile.toUpperCase()}`,
    text: ({ golden }) => milliseconds(golden.latencyMs, quantile),
    align: "right",
  })),
];
const TIMEOUTS: Column<Line> = {
  title: "TIMEOUTS",
  text: ({ timeouts }) => timeouts ?? NOTHING,
  align: "right",
};
const RETRIES: Column<Line> = {
  title: "RETRIES",
  text: ({ retries }) => retries ?? "",
  align: "right",
};

interface Asked {
  readonly questions: readonly Question[];
  readonly windowMs: number;
  readonly print: (
    lines: readonly Line[],
    columns: readonly Column<Line>[],
  ) => Outcome;
}

async function readAsked(
  given: Given,
  world: World,
  page: "inbound" | "outbound",
): Promise<Asked> {
  if (given.words.length === 0) {
    throw new Problem(
      "config.invalid",
      "requires at least 1 arg(s), only received 0",
      { hint: "expected workloads, such as deploy or deploy/web" },
    );
  }
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
  const resources = parseResources(given.words);
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

function lineOf(golden: Golden, windowMs: number): Numbers {
  return {
    golden,
    perSecond: rate(golden.success + golden.failure, windowMs),
  };
}

/** Where nobody made a route there is one all the same, called by the protocol or `default`; another is for probes. */
function routeOf({ kind, name }: Named): { route: string; type: string } {
  const isMade = kind !== "default" && kind !== "";
  return {
    route: isMade || name === "probe" ? name : "[default]",
    type: isMade ? kind : "",
  };
}

function portOf({ name, port }: NamedPort): string {
  return `${name}:${port}`;
}

function keyOf({ name, server, type }: Line): string {
  return JSON.stringify([name, server, type]);
}

/** Rates and latencies, as both tables have them in JSON. */
function numbersOf({ golden, perSecond }: Numbers): Line["json"] {
  const { latencyMs } = golden;
  return {
    rps: perSecond,
    latencyMsP50: latencyMs?.p50 ?? null,
    latencyMsP95: latencyMs?.p95 ?? null,
    latencyMsP99: latencyMs?.p99 ?? null,
  };
}
