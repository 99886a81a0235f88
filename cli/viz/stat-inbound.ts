import type { InboundRow } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { rate, successRate } from "./cells.ts";
import { askLive } from "./live.ts";
import {
  column,
  latenciesOf,
  type Line,
  NUMBERS,
  readAsked,
  routeOf,
} from "./stat-lines.ts";

const COLUMNS = [
  column("NAME", "name"),
  column("SERVER", "server"),
  column("ROUTE", "route"),
  column("TYPE", "type"),
  ...NUMBERS,
];

/** Prints what workloads are asked, by Server and route. */
export async function runInbound(given: Given, world: World): Promise<Outcome> {
  const { questions, windowMs, print } = await readAsked(
    given,
    world,
    "inbound",
  );
  return await askLive<InboundRow>(given, world, questions, (answers) => {
    const lines = answers.flat()
      .filter(({ golden }) => golden.success + golden.failure > 0)
      .map((row) => lineOf(row, windowMs))
      .sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
    return print(lines, COLUMNS);
  });
}

function lineOf(
  { name, server, port, route, golden }: InboundRow,
  windowMs: number,
): Line {
  const serverName = server.kind === "default" ? "[default]" : server.name;
  const perSecond = rate(golden.success + golden.failure, windowMs);
  const shown = routeOf(route);
  return {
    name,
    server: `${serverName}:${port}`,
    ...shown,
    golden,
    perSecond,
    json: {
      name,
      server: serverName,
      port,
      route: shown.route,
      routeType: shown.type,
      successesRate: successRate(golden), // as Linkerd spells it
      rps: perSecond,
      ...latenciesOf(golden),
    },
  };
}

function keyOf({ name, server, type }: Line): string {
  return JSON.stringify([name, server, type]);
}
