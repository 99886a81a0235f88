import type { NamedPort, OutboundRow } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import type { Column } from "../table.ts";
import { NOTHING, rate, right, successRate } from "./cells.ts";
import { askLive } from "./live.ts";
import {
  column,
  latenciesOf,
  type Line,
  NUMBERS,
  readAsked,
  routeOf,
} from "./stat-lines.ts";

/** A line leads from the route's cell to the backend that is a part of it. */
const lead = (end: "from" | "to") => (line: Line) =>
  line.leads === true ? end : null;

const COLUMNS: readonly Column<Line>[] = [
  column("NAME", "name"),
  column("SERVICE", "service"),
  { ...column("ROUTE", "route"), line: lead("from") },
  { ...column("TYPE", "type"), line: lead("to") },
  column("BACKEND", "backend"),
  ...NUMBERS,
  right("TIMEOUTS", ({ timeouts }) => timeouts ?? NOTHING),
  right("RETRIES", ({ retries }) => retries ?? ""),
];

/** Prints what workloads ask of Services, by route, and below each where of that it went. */
export async function runOutbound(
  given: Given,
  world: World,
): Promise<Outcome> {
  const { questions, windowMs, print } = await readAsked(
    given,
    world,
    "outbound",
  );
  return await askLive<OutboundRow>(given, world, questions, (answers) => {
    const rows = answers.flat()
      .filter(({ success, failure }) => success + failure > 0);
    const lines = rows.map((row, at) => {
      const next = rows[at + 1];
      const isLast = next === undefined || next.backend === null;
      return lineOf(row, isLast, windowMs);
    });
    return print(lines, COLUMNS);
  });
}

function lineOf(row: OutboundRow, isLast: boolean, windowMs: number): Line {
  const { name, service, backend, success, failure, retries, timeouts } = row;
  const all = success + failure;
  const perSecond = rate(all, windowMs);
  const timeoutRate = timeouts / all;
  const retryRate = retries / (all + retries);
  const route = routeOf(row.route);
  const json = {
    name,
    service: service.name,
    port: service.port,
    route: route.route,
    routeType: route.type,
    ...backend === null
      ? {}
      : { backend: backend.name, backendPort: backend.port },
    successRate: successRate(row),
    rps: perSecond,
    ...latenciesOf(row),
    timeoutRate,
    ...backend === null ? { retryRate } : {},
  };
  const numbers = { golden: row, perSecond, timeouts: percent(timeoutRate) };
  return backend === null
    ? {
      ...numbers,
      name,
      service: portOf(service),
      ...route,
      retries: percent(retryRate),
      json,
    }
    : {
      ...numbers,
      route: isLast ? "└─" : "├─",
      type: "─►",
      leads: true,
      backend: portOf(backend),
      json,
    };
}

function portOf({ name, port }: NamedPort): string {
  return `${name}:${port}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
