import { type Pod } from "../../demo/bed/pod.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { TRAFFIC_ANNOTATIONS } from "../../schemas/names.ts";
import { serveGrpc, serveHttp } from "./application.ts";
import { ask } from "./ask.ts";
import { connectFrom } from "./http2-client.ts";
import { type Mesh, openMesh } from "./mesh.ts";
import { dialRaw, listenRaw } from "./raw-socket.ts";
import { routeObject } from "./routes.ts";

/** Of the applications, and of Services. */
export const PORTS = {
  http: 8080,
  grpc: 9000,
  /** Nobody may call it. */
  closed: 8081,
  /** In Linkerd's default list of opaque ports. */
  opaque: 9300,
  /** Nobody listens. */
  dead: 8082,
} as const;
const SERVICE_PORTS = [
  { name: "http", port: PORTS.http },
  { name: "grpc", port: PORTS.grpc, appProtocol: "kubernetes.io/h2c" },
  { name: "opaque", port: PORTS.opaque },
  { name: "closed", port: PORTS.closed },
  { name: "dead", port: PORTS.dead },
];

interface ServiceName {
  readonly name: string;
  readonly clusterIp: string;
}

/** Two pods with proxies and one without, between which there is traffic of every kind. */
export interface AllTraffic {
  readonly mesh: Mesh;
  readonly caller: Pod;
  readonly server: Pod;
  readonly outsider: Pod;
  /** With a route that retries, with a profile, and without an endpoint. */
  readonly services: Record<"routed" | "profiled" | "empty", ServiceName>;
  /** Sends something of every kind, `quick`ly without what takes seconds. */
  drive(quick?: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Opens a mesh with traffic of every kind. */
export async function openAllTraffic(name: string): Promise<AllTraffic> {
  const mesh = await openMesh(name);
  try {
    return await fill(mesh);
  } catch (error) {
    await mesh.close();
    throw error;
  }
}

async function fill(mesh: Mesh): Promise<AllTraffic> {
  const closing: (() => void)[] = [];
  const { bed } = mesh;
  // Before any pod: a proxy asks again later for an address that the control plane has not heard of.
  const [routed, profiled, empty] = [
    await bed.addService({ name: "routed", ports: SERVICE_PORTS }),
    await bed.addService({ name: "profiled", ports: SERVICE_PORTS }),
    await bed.addService({ name: "empty", ports: SERVICE_PORTS }),
  ];
  const retried = {
    [TRAFFIC_ANNOTATIONS.retryHttp]: "503",
    [TRAFFIC_ANNOTATIONS.retryLimit]: "2",
  };
  await bed.apply(routeObject(
    "HTTPRoute",
    { name: "routed", port: PORTS.http },
    [{ backendRefs: [{ name: "routed", port: PORTS.http }] }],
    { annotations: retried },
  ));
  await bed.apply({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: {
      name: "profiled.default.svc.cluster.local",
      namespace: "default",
    },
    spec: {
      routes: [{
        name: "all",
        condition: { pathRegex: "/.*" },
        isRetryable: true,
      }],
    },
  });
  await bed.apply({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata: { name: "closed", namespace: "default" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      port: PORTS.closed,
      proxyProtocol: "HTTP/1",
      accessPolicy: "deny",
    },
  });
  const [caller, server, outsider] = await Promise.all([
    bed.addPod({
      name: "caller",
      proxyEnv: { LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS: "true" },
    }),
    bed.addPod({
      name: "server",
      ports: Object.values(PORTS),
      proxyEnv: {
        LINKERD2_PROXY_INBOUND_METRICS_AUTHORITY_LABELS: "unsafe",
      },
    }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  const answer = (path: string) => Number(path.slice(1)) || 200;
  closing.push(
    serveHttp(server, PORTS.http, ({ path }) => answer(path)).close,
    serveHttp(server, PORTS.closed).close,
    serveGrpc(server, PORTS.grpc, ({ path }) => path === "/a.B/Bad" ? 14 : 0)
      .close,
    listenRaw(server, PORTS.opaque, (socket) => {
      void socket.ended.then(() => {
        socket.write("bye");
        socket.finish();
      });
    }).close,
  );
  const services = { routed, profiled, empty };
  for (const service of [routed, profiled]) {
    await service.setEndpoints([server]);
    await waitFor(
      async () =>
        (await ask(caller, service, PORTS.http)).status === 200 || null,
      { what: () => `${service.name} in use`, timeoutMs: 45_000 },
    );
  }
  async function drive(quick = false): Promise<void> {
    const paths = ["/200", "/404", "/500", "/503"];
    for (const service of [routed, profiled]) {
      for (const path of paths) {
        await ask(caller, service, PORTS.http, { path, body: "hello" });
      }
    }
    const grpc = await connectFrom(caller, routed.clusterIp, PORTS.grpc);
    await grpc.call("/a.B/Good");
    await grpc.call("/a.B/Bad");
    await grpc.get("/plain");
    grpc.close();
    await ask(caller, routed, PORTS.closed);
    await ask(caller, routed, PORTS.dead);
    if (!quick) await ask(caller, empty, PORTS.http);
    const raw = await dialRaw(caller, routed.clusterIp, PORTS.opaque);
    raw.write("hello");
    raw.finish();
    await raw.ended;
    // An address that is nobody's Service, and one that nobody has.
    await ask(caller, { name: "pod", clusterIp: server.ip }, PORTS.http);
    await outsider.exec([
      ...["curl", "-sk", "--max-time", "5"],
      `https://named.example:${PORTS.http}/`,
      ...["--resolve", `named.example:${PORTS.http}:${server.ip}`],
    ]);
    await ask(outsider, { name: "pod", clusterIp: server.ip }, PORTS.closed);
  }

  return {
    mesh,
    caller,
    server,
    outsider,
    services,
    drive,
    async close() {
      for (const close of closing) close();
      await mesh.close();
    },
  };
}
