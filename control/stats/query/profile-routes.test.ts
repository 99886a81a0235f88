import { expect, test } from "bun:test";
import { createMemoryReadings } from "../memory.ts";
import { addPage, createPodHistory } from "../pod-history.ts";
import { readProfileRoutes } from "./profile-routes.ts";

const NOW = 1_000_000;
const WINDOW_MS = 60_000;

function page(requests: number): string {
  return ["api", "other"].map((service) =>
    `route_response_total{direction="inbound",classification="success",rt_route="GET /",dst="${service}.shop.svc.cluster.local:80"} ${requests}\n`
  ).join("");
}

test("a Service is asked by its name; it asks nobody itself", async () => {
  const history = createPodHistory({ namespace: "shop", pod: "api-1" });
  addPage(history, page(0), NOW - WINDOW_MS);
  addPage(history, page(60), NOW);
  const readings = createMemoryReadings(() => [history], () => NOW);
  const api = { kind: "service", name: "api", namespace: "shop" };
  const pod = { kind: "pod", name: "api-1", namespace: "shop" };
  const services = async (target: typeof api) =>
    (await readProfileRoutes(target, null, WINDOW_MS, readings))
      .map(({ service, route }) => `${service} ${route}`);
  const [own, other] = await services(pod);
  expect(own).toBe("api.shop.svc.cluster.local:80 GET /");
  expect(other).toStartWith("other.shop");
  expect(await services(api)).toEqual([own ?? ""]);
  expect(readProfileRoutes(api, pod, WINDOW_MS, readings)).rejects.toThrow(
    "The service resource type is not supported with 'to' queries",
  );
});
