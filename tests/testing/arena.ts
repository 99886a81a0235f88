import { startLoad } from "../../demo/bed/load.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { parseMetrics } from "../../demo/metrics.ts";
import type { LoadResult } from "../../demo/workloads/load.ts";
import type { Violation } from "../../proxy/http2/violation.ts";
import { type Http2Side, violationLabels } from "../../proxy/record/http2.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { openMesh } from "./mesh.ts";
import { startNginx } from "./nginx.ts";
import { type MemoryGrowth, watchMemory } from "./watch-memory.ts";

/**
 * In the meshed pod `server`: nginx with HTTP/2, nginx with HTTP/1, and a free port. In the unmeshed pod `outsider`: a
 * free port.
 */
export const ARENA_PORTS = {
  http2: 8080,
  http1: 8081,
  free: 8082,
  outside: 9090,
} as const;

/** Requests per second that go on through both proxies under attack, and connections they come on. */
const RATE = 1_000;
const CONNECTIONS = 16;

/** A mesh under attack: a client and a server pod, whose proxies carry other people's requests meanwhile. */
export interface Arena {
  readonly client: Pod;
  readonly server: Pod;
  readonly outsider: Pod;
  /** Address of the server's Service, and of the outsider's. */
  readonly serverIp: string;
  readonly outsiderIp: string;
  /** How often a peer of one of the two proxies did something wrong. */
  violations(side: Http2Side, violation: Violation): Promise<number>;
  /** Ends the load, a while after the last attack, and says what became of it and of the memory of both proxies. */
  settle(): Promise<
    LoadResult & { readonly memory: readonly MemoryGrowth[] }
  >;
  close(): Promise<void>;
}

/** Opens a mesh and starts the load. */
export async function openArena(name: string): Promise<Arena> {
  const mesh = await openMesh(name);
  try {
    return await furnish(mesh);
  } catch (error) {
    await mesh.close();
    throw error;
  }
}

async function furnish(
  { bed, close }: Awaited<ReturnType<typeof openMesh>>,
): Promise<Arena> {
  const { http2, http1, free, outside } = ARENA_PORTS;
  const [client, server, outsider] = await Promise.all([
    bed.addPod({ name: "client" }),
    bed.addPod({ name: "server", ports: [http2, http1, free] }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  const [shop, evil] = await Promise.all([
    bed.addService({
      name: "shop",
      ports: [http2, http1, free].map((port) => ({ name: `p${port}`, port })),
      pods: [server],
    }),
    bed.addService({ name: "evil", ports: [outside], pods: [outsider] }),
    startNginx(
      bed,
      server,
      `server { listen ${http1}; location / { return 200 "ok"; } }
server { listen ${http2} http2; location / { return 200 "${
        "hello ".repeat(400)
      }"; } }`,
    ),
  ]);
  const load = startLoad(client, {
    url: `http://shop:${http1}/`,
    rate: RATE,
    connections: CONNECTIONS,
  });
  await load.started();
  const warm = async () => await served(server) >= WARM_REQUESTS || null;
  await waitFor(warm, { what: () => "a proxy that has warmed up" });

  const watches = [await watchMemory(client), await watchMemory(server)];
  return {
    client,
    server,
    outsider,
    serverIp: shop.clusterIp,
    outsiderIp: evil.clusterIp,
    async violations(side, violation) {
      const pod = side.startsWith("inbound") ? server : client;
      const labels = violationLabels(side, violation);
      const page = await proxyOf(pod).metrics();
      const line = `proxy_http2_violations_total{${labels}}`;
      return parseMetrics(
        page.split("\n").filter((text) => text.startsWith(line)).join("\n"),
      )[0]?.value ?? 0;
    },
    async settle() {
      const calm = await served(server) + CALM_REQUESTS;
      const what = () => `${calm} requests served`;
      await waitFor(async () => await served(server) >= calm || null, { what });
      const memory = await Promise.all(watches.map((stop) => stop()));
      return { ...await load.stop(), memory };
    },
    close,
  };
}

/** Of the `RATE` that is tried; the rest is what a machine of two busy cores may miss. */
export const ENOUGH_RPS = 300;
/** Garbage of an attack on a runtime that collects it now and then; attackers send many times as much. */
export const PEAK_MB = 128;
/** A heap that has seen more is larger; what leaked with each of the hundreds of attacks would be larger still. */
export const KEPT_MB = 48;

/** Requests of the load before memory is measured first, and after the last attack. */
const WARM_REQUESTS = 3_000;
const CALM_REQUESTS = 3_000;

/** Requests that a pod's proxy has carried inwards. */
async function served(pod: Pod): Promise<number> {
  return parseMetrics(await proxyOf(pod).metrics())
    .filter(({ name, labels }) =>
      name === "request_total" && labels["direction"] === "inbound"
    ).reduce((sum, { value }) => sum + value, 0);
}
