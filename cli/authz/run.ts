import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import { parseWorkload, type Workload } from "../workload/kinds.ts";
import { type Answer, findAuthorizations, type Row } from "./find.ts";
import type { Findings } from "./objects.ts";

const COLUMNS: readonly Column<Row>[] = [
  { title: "ROUTE", text: ({ route }) => route },
  { title: "SERVER", text: ({ server }) => server },
  {
    title: "AUTHORIZATION_POLICY",
    text: ({ authorizationPolicy }) => authorizationPolicy,
  },
  {
    title: "SERVER_AUTHORIZATION",
    text: ({ serverAuthorization }) => serverAuthorization,
  },
];

/** Prints what authorizes clients of a workload: a table for scripts, and on standard error what it cannot show. */
export async function runAuthz(given: Given, world: World): Promise<Outcome> {
  if (given.words.length === 0) {
    throw new Problem(
      "config.invalid",
      "accepts between 1 and 2 arg(s), received 0",
      { hint: "expected a workload, such as deploy/web" },
    );
  }
  const workload = parseWorkload(given.words);
  const findings = await read(given, world, workload);
  const answer = findAuthorizations(findings.subjects, findings.policies);
  return {
    code: 0,
    stdout: [formatTable(COLUMNS, answer.rows)],
    stderr: notes(given.words.join("/"), findings, answer),
  };
}

async function read(
  given: Given,
  world: World,
  workload: Workload,
): Promise<Findings> {
  const source = given.text("from-manifests");
  if (source !== undefined) {
    const { readManifests } = await import("./from-manifests.ts");
    const namespace = given.text("namespace") ?? "default";
    return await readManifests(source, namespace, workload, world);
  }
  const { openCluster } = await import("../cluster/open.ts");
  const { readCluster } = await import("./from-cluster.ts");
  const cluster = await openCluster(given, world);
  const namespace = given.text("namespace") ?? cluster.namespace;
  return await readCluster(cluster, namespace, workload);
}

/** What a table of authorizations is silent about. */
function notes(
  asked: string,
  { subjects, byTemplate }: Findings,
  { unauthorized, hasServer }: Answer,
): string {
  if (subjects.length === 0) return `No pods found for ${asked}.\n`;
  const lines = unauthorized.map(({ metadata, spec }) =>
    `Server ${metadata.name} has no authorization: its access policy "${
      spec.accessPolicy ?? "deny"
    }" decides.\n`
  );
  if (!hasServer) {
    lines.unshift(
      `No Server is about ${asked}: the default inbound policy decides.\n`,
    );
  }
  if (byTemplate) {
    lines.unshift(
      `${asked} has no pods yet: its template was asked, without what injection adds.\n`,
    );
  }
  return lines.join("");
}
