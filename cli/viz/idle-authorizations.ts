import { Problem } from "../../schemas/problem.ts";
import type { InboundRow, Named } from "../../schemas/stats.ts";
import { findAuthorizations, type Row } from "../authz/find.ts";
import { readCluster } from "../authz/from-cluster.ts";
import { ApiError } from "../cluster.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { WORKLOAD_KINDS } from "../workload/kinds.ts";
import type { Resource } from "./resource.ts";

/**
 * What authorizes clients of workloads, as policies in the cluster say, whether anybody comes by it or not. Nothing where
 * there is no cluster, or for who may not see its policies.
 */
export async function findPolicies(
  given: Given,
  world: World,
  resources: readonly Resource[],
  namespace: string,
): Promise<readonly Row[]> {
  if (given.text("api-addr")) return [];
  const { openCluster } = await import("../cluster/open.ts");
  const cluster = await openCluster(given, world);
  try {
    const found = await Promise.all(resources.map(async ({ kind, name }) => {
      const known = WORKLOAD_KINDS.find((one) =>
        one.kind.toLowerCase() === kind
      );
      if (known === undefined) return [];
      const workload = { kind: known, name };
      const { subjects, policies } = await readCluster(
        cluster,
        namespace,
        workload,
      );
      return findAuthorizations(subjects, policies).rows;
    }));
    return found.flat();
  } catch (thrown) {
    if (thrown instanceof ApiError || thrown instanceof Problem) return [];
    throw thrown;
  }
}

/** Rows without a request for the policies that none of the rows came by. */
export function idleRows(
  policies: readonly Row[],
  rows: readonly InboundRow[],
): readonly InboundRow[] {
  const idle = new Map<string, InboundRow>();
  for (const { route, server, ...names } of policies) {
    const authorization = authorizationOf(names);
    const isBusy = rows.some((row) =>
      row.server.kind === "server" && row.server.name === server &&
      row.authorization?.kind === authorization.kind &&
      row.authorization.name === authorization.name &&
      (route === ALL || row.route.name === route)
    );
    if (isBusy) continue;
    idle.set(JSON.stringify([route, server, authorization]), {
      namespace: "",
      name: "",
      server: { kind: "server", name: server },
      port: "",
      route: { kind: "", name: route },
      authorization,
      golden: { success: 0, failure: 0, secured: 0, latencyMs: null },
      denied: 0,
    });
  }
  return [...idle.values()];
}

/** All of a Server, as `linkerd authz` writes it. */
const ALL = "*";

function authorizationOf(
  { authorizationPolicy, serverAuthorization }: Pick<
    Row,
    "authorizationPolicy" | "serverAuthorization"
  >,
): Named {
  return authorizationPolicy === ""
    ? { kind: "serverauthorization", name: serverAuthorization }
    : { kind: "authorizationpolicy", name: authorizationPolicy };
}
