import { expect, test } from "bun:test";
import { createMemoryReadings } from "../memory.ts";
import { addPage, createPodHistory } from "../pod-history.ts";
import { readEdges } from "./edges.ts";

const NOW = 1_000_000;

function connections(target: string, more: string): string {
  return `tcp_open_connections{direction="outbound",peer="dst",dst_namespace="shop",dst_deployment="${target}",${more}} 2\n`;
}

test("readEdges() names both ends of mutual TLS, and neither without", async () => {
  const history = createPodHistory({
    namespace: "shop",
    pod: "web-1",
    deployment: "web",
  });
  addPage(
    history,
    connections("api", 'server_id="api.shop.x"') +
      connections("old", 'no_tls_reason="not_provided_by_service_discovery"'),
    NOW,
  );
  const readings = createMemoryReadings(() => [history], () => NOW);
  const edges = await readEdges(
    { kind: "deployment", name: null, namespace: "shop" },
    readings,
    () => [{
      namespace: "shop",
      name: "web-1",
      owners: { deployment: "web" },
      isMeshed: true,
      account: "front",
    }],
  );
  expect(edges).toMatchObject([
    { target: "api", clientId: "front.shop", serverId: "api.shop.x" },
    { target: "old", clientId: "", serverId: "" },
  ]);
});
