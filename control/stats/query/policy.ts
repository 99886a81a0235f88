import type { StatRow, Tcp } from "../../../schemas/stats.ts";
import type { Labels, Matcher, Readings } from "../readings.ts";
import { keyOf, readGolden, RESPONSES } from "./golden.ts";
import type { Target } from "./target.ts";
import { readTcp } from "./tcp.ts";
import { checkWindow } from "./window.ts";

/** Which labels name a policy resource, and the word that its kind has there. */
export interface PolicyKind {
  readonly prefix: "srv" | "authz" | "route";
  readonly word: string;
}

/** Policy resources, by Kubernetes' name in lower case. */
export const POLICY_KINDS: ReadonlyMap<string, PolicyKind> = new Map([
  ["authorizationpolicy", { prefix: "authz", word: "authorizationpolicy" }],
  ["httproute", { prefix: "route", word: "HTTPRoute" }],
  ["server", { prefix: "srv", word: "server" }],
  ["serverauthorization", { prefix: "authz", word: "serverauthorization" }],
]);

/** Golden metrics of policy resources that requests came by, with what was denied; throws `request.invalid`. */
export async function readPolicyStat(
  { kind, name, namespace }: Target,
  { prefix, word }: PolicyKind,
  windowMs: number,
  readings: Readings,
): Promise<readonly StatRow[]> {
  checkWindow(windowMs);
  const label = `${prefix}_name`;
  const by = [
    "namespace",
    label,
    ...kind === "httproute" ? ["srv_name"] : [],
  ];
  const labels: Matcher[] = [
    { label: `${prefix}_kind`, is: "=", value: word },
    name === null
      ? { label, is: "!=", value: "" }
      : { label, is: "=", value: name },
  ];
  if (namespace !== null) {
    labels.push({ label: "namespace", is: "=", value: namespace });
  }
  const inbound: Matcher = { label: "direction", is: "=", value: "inbound" };
  const decided = (metric: string) =>
    readings.increase({ metric, labels }, by, windowMs);
  const matchers = [inbound, ...labels];
  const [golden, tcp, allowed, denied] = await Promise.all([
    readGolden(readings, RESPONSES, matchers, by, windowMs),
    // Routes and authorizations are of requests; connections have Servers only.
    prefix === "srv"
      ? readTcp(readings, { matchers, by, peer: "src" }, windowMs)
      : new Map<string, Tcp>(),
    decided("inbound_http_authz_allow_total"),
    decided("inbound_http_authz_deny_total"),
  ]);
  const rows = new Map<string, Row>();
  const rowOf = (labels: Labels): Row => {
    const key = keyOf(labels, by);
    let row = rows.get(key);
    if (row === undefined) {
      row = {
        kind,
        namespace: labels["namespace"] ?? "",
        name: labels[label] ?? "",
        pods: null,
        golden: null,
        tcp: tcp.get(key) ?? null,
        policy: { server: labels["srv_name"] ?? null, allowed: 0, denied: 0 },
      };
      rows.set(key, row);
    }
    return row;
  };
  for (const { labels, ...counts } of golden.values()) {
    rowOf(labels).golden = counts;
  }
  for (const { labels, value } of allowed) {
    rowOf(labels).policy.allowed += value;
  }
  for (const { labels, value } of denied) rowOf(labels).policy.denied += value;
  return [...rows.values()];
}

type Row = StatRow & {
  golden: StatRow["golden"];
  readonly policy: { server: string | null; allowed: number; denied: number };
};
