import kleur from "kleur";
import type { Bed } from "./bed/bed.ts";
import { CANARY_FILE } from "./canary.ts";
import { POLICY_FILE } from "./policy.ts";

/** What to tell a person once the mesh is up: where things are and what to try, in lines of at most 80 columns. */
export function formatGuide(bed: Bed, metricsAddress: string): string[] {
  const inside = (pod: string): string =>
    `ip netns exec ${bed.layout.id}.${pod}`;
  const item = (title: string, ...lines: string[]): string[] => [
    kleur.bold(title),
    ...lines.map((line) => `  ${line}`),
  ];
  return [
    ...item(
      "Manifests (save one and it takes effect at once)",
      bed.layout.manifests,
    ),
    ...item("Dashboard", `http://${metricsAddress}/`),
    ...item(
      "Golden metrics (add --help for more)",
      `npx bun cli/main.ts viz stat deploy -n shop --api-addr ${metricsAddress}`,
      `npx bun cli/main.ts viz tap deploy/web -n shop --api-addr ${metricsAddress}`,
      `npx bun cli/main.ts viz edges deploy -n shop --api-addr ${metricsAddress}`,
    ),
    ...item(
      "Metrics of a proxy",
      `${inside("web")} curl -s localhost:4191/metrics`,
    ),
    ...item(
      "Packets between pods: TLS on 4143; in clear only what legacy says",
      `${inside("node")} tcpdump -ni br0 -A tcp port 4143`,
      `${inside("node")} tcpdump -ni br0 -A tcp port 8080`,
    ),
    ...item(
      "To try",
      `let nobody call orders in ${POLICY_FILE}: web is denied, then let it again`,
      `change the weights in ${CANARY_FILE}: the rps of catalog-v2 follow`,
      "take catalog-2 out of shop.endpointslice.catalog.yaml: its rps go to 0",
      "ask a meshed service from outside the mesh, and from inside:",
      `  ${inside("legacy")} curl -s http://web/`,
      `  ${inside("load")} curl -s http://web/`,
    ),
  ];
}
