// Pods that let in nobody by default, and the policies of `linkerd viz allow-scrapes`: through real proxies in network
// namespaces.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { allowScrapes } from "../cli/viz/allow-scrapes.ts";
import type { KubeObject } from "../demo/bed/objects.ts";
import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { PORTS } from "../schemas/names.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";

setDefaultTimeout(60_000);

let mesh: Mesh;
let shut: Pod;
let metrics: Pod;
let prometheus: Pod;
let plain: Pod;

beforeAll(async () => {
  mesh = await openMesh("scrapes");
  [shut, metrics, prometheus, plain] = await Promise.all([
    mesh.bed.addPod({
      name: "web",
      namespace: "shut",
      annotations: { "config.linkerd.io/default-inbound-policy": "deny" },
    }),
    mesh.bed.addPod({
      name: "metrics",
      namespace: "linkerd",
      serviceAccount: "linkerd-metrics",
    }),
    mesh.bed.addPod({
      name: "prometheus",
      namespace: "monitoring",
      serviceAccount: "prometheus",
    }),
    mesh.bed.addPod({ name: "plain", namespace: "shop", meshed: false }),
  ]);
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** The status of a request to the admin port of the pod that is shut. */
async function ask(from: Pod, path: string): Promise<string> {
  const { stdout } = await from.exec([
    ...["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}"],
    `http://${shut.ip}:${PORTS.admin}${path}`,
  ]);
  return stdout;
}

test("the metrics component is refused, and after allow-scrapes it alone is let in", async () => {
  // Once it answers probes, its policy is there.
  await waitFor(async () => await ask(plain, "/ready") === "200" || null, {
    what: () => "a proxy that is ready",
  });
  expect(await ask(metrics, "/metrics")).toBe("403");

  for (const manifest of allowScrapes("shut", "linkerd")) {
    await mesh.bed.apply(manifest as unknown as KubeObject);
  }
  await waitFor(async () => await ask(metrics, "/metrics") === "200" || null, {
    what: () => "the metrics component to be let in",
  });
  const found = await Promise.all([
    ask(prometheus, "/metrics"),
    ask(plain, "/metrics"),
    ask(metrics, "/env.json"),
    // Kubelets have no identity.
    ask(plain, "/ready"),
    ask(plain, "/live"),
  ]);
  expect(found.join()).toBe("403,403,404,200,200");
});
