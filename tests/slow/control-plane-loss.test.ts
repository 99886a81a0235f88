import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Load, startLoad } from "../../demo/bed/load.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import type { Service } from "../../demo/bed/service.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import {
  addBackend,
  type Backend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "../testing/mesh.ts";

/** How long there is no control plane. */
const LOSS_MS = 60_000;
/** How soon after its return a change made meanwhile is in use. */
const CATCH_UP_MS = 5_000;

let mesh: Mesh;
let client: Pod;
let old: Backend;
let fresh: Backend;
let service: Service;

beforeAll(async () => {
  mesh = await openMesh("loss");
  const { bed } = mesh;
  [client, old, fresh] = await Promise.all([
    bed.addPod({ name: "client", namespace: "app" }),
    addBackend(bed, { name: "old" }),
    addBackend(bed, { name: "fresh" }),
  ]);
  service = await bed.addService({
    name: "server",
    namespace: "app",
    ports: [{ port: 80, targetPort: BACKEND_PORTS.http }],
    pods: [old.pod],
  });
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** Requests on connections that stay, and requests on a new connection each. */
function startLoads(): Load[] {
  const url = "http://server/";
  return [
    startLoad(client, { url, rate: 50, connections: 4 }),
    startLoad(client, { url, rate: 20, headers: ["connection: close"] }),
  ];
}

test(
  "without a control plane traffic goes on, and a change made meanwhile is in use soon after its return",
  async () => {
    const { identity, destination } = mesh.controlPlane;
    const loads = startLoads();
    await Promise.all(loads.map((load) => load.started()));

    await Promise.all([identity.kill(), destination.kill()]);
    await Bun.sleep(LOSS_MS - 1_000);
    await service.setEndpoints([fresh.pod]);
    await Bun.sleep(1_000);
    expect(await fresh.served()).toBe(0);

    await Promise.all([identity.start(), destination.start()]);
    const readyMs = performance.now();
    await waitFor(async () => await fresh.served() > 0 || null, {
      what: () => "a request at the new endpoint",
    });
    const tookMs = performance.now() - readyMs;

    for (const load of loads) {
      const { failed, errors, statuses, requests } = await load.stop();
      expect({ failed, errors, statuses }).toEqual({
        failed: 0,
        errors: {},
        statuses: { 200: requests },
      });
    }
    expect(tookMs).toBeLessThan(CATCH_UP_MS);
  },
  LOSS_MS + 60_000,
);

test(
  "proxies that are killed while there is no control plane serve again, with what they were told last",
  async () => {
    const { identity, destination } = mesh.controlPlane;
    const { bed } = mesh;
    await bed.apply({
      apiVersion: "policy.linkerd.io/v1beta3",
      kind: "Server",
      metadata: { name: "http", namespace: "app" },
      spec: {
        podSelector: { matchLabels: { app: "fresh" } },
        port: BACKEND_PORTS.http,
        accessPolicy: "all-authenticated",
      },
    });
    const ask = async (pod: Pod) => {
      const { stdout } = await pod.exec([
        ...["curl", "-s", "-m", "10", "-w", "%{http_code}", "-o", "/dev/null"],
        ...(pod === client ? ["http://server/"] : [freshUrl]),
      ]);
      return stdout;
    };
    const freshUrl = `http://${fresh.pod.ip}:${BACKEND_PORTS.http}/`;
    const outsider = await bed.addPod({ name: "outsider", meshed: false });
    await waitFor(async () => await ask(outsider) === "403" || null, {
      what: () => "the new Server in force",
    });
    expect(await ask(client)).toBe("200");
    const told = Bun.file(
      `${bed.layout.pods}/client/identity/control-plane.told`,
    );
    await waitFor(
      async () => (await told.text()).includes("server.app.svc") || null,
      { what: () => "endpoints of the server on disk" },
    );

    await Promise.all([identity.kill(), destination.kill()]);
    for (const pod of [client, fresh.pod]) {
      const proxy = proxyOf(pod);
      const before = await certificateOf(fresh.pod);
      await proxy.kill();
      proxy.start();
      await proxy.ready();
      expect(await certificateOf(fresh.pod)).toBe(before);
      expect(await ask(client)).toBe("200");
      expect(await ask(outsider)).toBe("403");
    }
    await Promise.all([identity.start(), destination.start()]);
    await service.setEndpoints([old.pod]);
    const served = await old.served();
    await waitFor(async () => {
      await ask(client);
      return await old.served() > served || null;
    }, {
      what: () => "a request at the endpoint of the control plane that is back",
    });

    async function certificateOf(pod: Pod): Promise<string> {
      const { stdout } = await outsider.exec([
        ...["openssl", "s_client", "-connect"],
        ...[`${pod.ip}:${BACKEND_PORTS.http}`, "-servername"],
        "default.app.serviceaccount.identity.linkerd.cluster.local",
      ]);
      const [certificate] =
        stdout.match(/-----BEGIN[^]+END CERTIFICATE-----/) ??
          [];
      return certificate ?? "";
    }
  },
  120_000,
);
