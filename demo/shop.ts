import type { Bed } from "./bed/bed.ts";
import type { ServicePort } from "./bed/objects.ts";
import type { Pod } from "./bed/pod.ts";

/** The demo's workloads: what runs, and how it is reached. */
interface Workload {
  readonly service: string;
  readonly replicas: readonly string[];
  readonly port: ServicePort;
  readonly meshed: boolean;
  readonly argv: readonly string[];
  /** What the program prints when it serves. */
  readonly ready: string;
}

const NAMESPACE = "shop";

/** What only answers. */
const BACKENDS: readonly Workload[] = [
  {
    service: "catalog",
    replicas: ["catalog-1", "catalog-2"],
    port: { name: "http", port: 8080 },
    meshed: true,
    argv: ["bun", "demo/workloads/catalog.ts"],
    ready: "ready",
  },
  {
    // Nobody calls it by its name: a route of the catalog's sends to it.
    service: "catalog-v2",
    replicas: ["catalog-v2"],
    port: { name: "http", port: 8080 },
    meshed: true,
    argv: ["bun", "demo/workloads/catalog.ts"],
    ready: "ready",
  },
  {
    service: "orders",
    replicas: ["orders"],
    port: { name: "http", port: 8080 },
    meshed: true,
    argv: ["bun", "demo/workloads/orders.ts"],
    ready: "ready",
  },
  {
    service: "pricing",
    replicas: ["pricing"],
    port: { name: "grpc", port: 9000 },
    meshed: true,
    argv: ["bun", "demo/workloads/pricing.ts"],
    ready: "ready",
  },
  {
    service: "cart",
    replicas: ["cart"],
    port: { name: "redis", port: 6379 },
    meshed: true,
    argv: [
      ...["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"],
      ...["--save", "", "--dir", "/tmp"],
    ],
    ready: "Ready to accept connections",
  },
];

const FRONT: Workload = {
  service: "web",
  replicas: ["web"],
  port: { name: "http", port: 80, targetPort: 8080 },
  meshed: true,
  argv: ["bun", "demo/workloads/web.ts"],
  ready: "ready",
};

const LEGACY: Workload = {
  service: "legacy",
  replicas: ["legacy"],
  port: { name: "http", port: 8080 },
  meshed: false,
  argv: ["bun", "demo/workloads/legacy.ts"],
  ready: "ready",
};

/** Each stage starts when all that it calls serves: nothing fails for want of a service. */
const STAGES: readonly (readonly Workload[])[] = [BACKENDS, [LEGACY], [FRONT]];

/** The running shop. */
export interface Shop {
  readonly pods: readonly Pod[];
  /** The pod that sends load to `http://web/`, so far idle. */
  readonly load: Pod;
}

/** Brings the shop up in a bed; `say` hears what programs complain of. */
export async function openShop(
  bed: Bed,
  say: (line: string) => void,
): Promise<Shop> {
  let last: Promise<unknown> = Promise.resolve();
  const stages = STAGES.map((stage) => {
    const after = last;
    const pods = Promise.all(
      stage.map((workload) => launch(bed, workload, { after, say })),
    );
    last = pods;
    return pods;
  });
  const [load, ...pods] = await Promise.all([
    bed.addPod({
      name: "load",
      namespace: NAMESPACE,
      serviceAccount: "load",
      deployment: "load",
    }),
    ...stages,
  ]);
  return { pods: [load, ...pods.flat(2)], load };
}

interface Launch {
  /** What must be up before the program starts. */
  readonly after: Promise<unknown>;
  readonly say: (line: string) => void;
}

async function launch(
  bed: Bed,
  workload: Workload,
  { after, say }: Launch,
): Promise<Pod[]> {
  const { service, port, meshed } = workload;
  const pods = await Promise.all(workload.replicas.map((name) =>
    bed.addPod({
      name,
      namespace: NAMESPACE,
      serviceAccount: service,
      deployment: service,
      labels: { app: service },
      ports: [{ ...port, port: port.targetPort ?? port.port }],
      meshed,
    })
  ));
  await after;
  await Promise.all(pods.map((pod) =>
    pod.run(workload.argv, {
      env: { NAME: pod.name },
      onLine: (line, stream) => {
        if (stream === "stderr") say(`${pod.name}: ${line}`);
      },
    }).line(workload.ready)
  ));
  await bed.addService({
    name: service,
    namespace: NAMESPACE,
    ports: [port],
    pods,
  });
  return pods;
}
