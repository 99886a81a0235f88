import { harmless } from "../../schemas/harmless.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Edge } from "../../schemas/stats.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Column, formatTable } from "../table.ts";
import { printJson } from "./json.ts";
import { askLive } from "./live.ts";
import { needWords, readFormat, readScope } from "./options.ts";
import { parseResource, POLICY_KINDS } from "./resource.ts";

/** Prints who talks to whom now, and whether over mutual TLS. */
export async function runEdges(given: Given, world: World): Promise<Outcome> {
  const [word = ""] = needWords(
    given,
    "accepts 1 arg(s), received 0",
    "a kind of workloads, such as deploy",
  );
  const format = readFormat(given, ["table", "json", "wide"]);
  const { kind, name } = parseResource(word);
  if (name !== undefined) {
    throw new Problem(
      "config.invalid",
      `Error creating edges request: Edges cannot be returned for a specific resource name; remove ${name} from query`,
    );
  }
  if (kind === "all" || kind === "service" || POLICY_KINDS.has(kind)) {
    throw new Problem(
      "config.invalid",
      `Error creating edges request: Resource type is not supported: ${kind}`,
      { hint: "expected a kind of workloads, such as deploy" },
    );
  }
  const namespace = await readScope(given, world);
  const questions = [{ page: "edges" as const, query: { kind, namespace } }];
  return await askLive<Edge>(given, world, questions, ([edges = []]) => {
    if (format === "json") {
      return {
        code: 0,
        stdout: [`${printJson(edges.map(jsonOf))}\n`],
      };
    }
    if (edges.length === 0) return { code: 0, stderr: "No edges found.\n" };
    const shown = columns(format === "wide");
    return {
      code: 0,
      stdout: [formatTable(shown, distinct(edges, shown), "tabular")],
    };
  });
}

/** Edges that look alike once: those between two namespaces are many, of workloads with identities of their own. */
function distinct(
  edges: readonly Edge[],
  columns: readonly Column<Edge>[],
): readonly Edge[] {
  const byLook = new Map(
    edges.map((edge) => [
      JSON.stringify(columns.map(({ text }) => text(edge))),
      edge,
    ]),
  );
  return [...byLook.values()];
}

function columns(wide: boolean): readonly Column<Edge>[] {
  const plain: Column<Edge>[] = [
    { title: "SRC", text: ({ source }) => harmless(source) },
    { title: "DST", text: ({ target }) => harmless(target) },
    {
      title: "SRC_NS",
      text: ({ sourceNamespace }) => harmless(sourceNamespace),
    },
    {
      title: "DST_NS",
      text: ({ targetNamespace }) => harmless(targetNamespace),
    },
  ];
  return [
    ...plain,
    ...wide
      ? [
        {
          title: "CLIENT_ID",
          text: ({ clientId }: Edge) => shortId(clientId),
        },
        {
          title: "SERVER_ID",
          text: ({ serverId }: Edge) => shortId(serverId),
        },
      ]
      : [],
    {
      title: "SECURED",
      text: ({ noTlsReason }) => noTlsReason === "" ? "√" : reason(noTlsReason),
    },
  ];
}

/** The workload and namespace of an identity: `web.emojivoto`. */
function shortId(id: string): string {
  return harmless(firstTwo(id));
}

function firstTwo(id: string): string {
  return id.split(".").slice(0, 2).join(".");
}

const REASONS: Readonly<Record<string, string>> = {
  disabled: "Disabled",
  loopback: "Loopback",
  no_authority_in_http_request: "No Authority In HTTP Request",
  not_http: "Not HTTP",
  not_provided_by_remote: "Not Provided By Remote",
  not_provided_by_service_discovery: "Not Provided By Service Discovery",
};

/** Other reasons are shown as they are: an edge without mutual TLS never looks like one with it. */
function reason(word: string): string {
  return REASONS[word] ?? harmless(word);
}

function jsonOf(edge: Edge): unknown {
  return {
    src: edge.source,
    src_namespace: edge.sourceNamespace,
    dst: edge.target,
    dst_namespace: edge.targetNamespace,
    client_id: firstTwo(edge.clientId),
    server_id: firstTwo(edge.serverId),
    no_tls_reason: reason(edge.noTlsReason),
  };
}
