import type { LoadResult } from "./workloads/load.ts";
import type { Edge } from "./edges.ts";
import type { Sighting } from "./plaintext.ts";

/** What there is to judge a run by. */
export interface Evidence {
  readonly edges: readonly Edge[];
  readonly meshed: ReadonlySet<string>;
  readonly load: LoadResult;
  readonly sighting: Sighting;
}

/** Everything that was not as it should be, in words; empty when all was well. */
export function findFaults(evidence: Evidence): string[] {
  const { edges, meshed, load, sighting } = evidence;
  const inside = edges.filter(({ src, dst }) =>
    meshed.has(src) && meshed.has(dst)
  );
  const nameOf = ({ src, dst }: Edge): string => `${src} to ${dst}`;
  return [
    ...inside.filter(({ secured }) => !secured)
      .map((edge) => `${nameOf(edge)} was not secured`),
    ...inside.filter(({ secured, clientId }) => secured && clientId === null)
      .map((edge) => `${nameOf(edge)}: nobody verified the client's identity`),
    ...edges.filter(({ denied }) => denied > 0)
      .map((edge) => `${nameOf(edge)}: policy denied ${edge.denied}`),
    ...edges.filter(({ successRate }) => successRate < 1)
      .map((edge) =>
        `${nameOf(edge)}: success rate ${edge.successRate.toFixed(4)}`
      ),
    ...(inside.length === 0 ? ["no edge between meshed pods was seen"] : []),
    ...(load.failed > 0
      ? [
        `${load.failed} of ${load.requests} pages failed: ` +
        JSON.stringify({ ...load.statuses, ...load.errors }),
      ]
      : []),
    ...(load.requests === 0 ? ["no page was asked for"] : []),
    ...(sighting.secretSeen
      ? ["a word between meshed pods could be read on the bridge"]
      : []),
    ...(sighting.openSeen
      ? []
      : ["the capture did not see what legacy was told in the clear"]),
  ];
}
