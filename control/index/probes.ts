import type {
  Authorization,
  InboundGrpcRoute,
  InboundHttpRoute,
} from "../../schemas/policy.ts";
import type { HttpMatch, NamedMatch } from "../../schemas/route.ts";
import type { Settings } from "./settings.ts";
import { containersOf, type Workload } from "./workloads.ts";

type Container = ReturnType<typeof containersOf>[number];

const META = { kind: "default", name: "probe" } as const;

/** What the kubelet calls for a probe of kind `grpc` (grpc.health.v1). */
const HEALTH = { service: "grpc.health.v1.Health", method: "Check" } as const;

/**
 * A route for the kubelet's probes of a Pod's port, open to the networks that probes come from; null when there are
 * none. Exact, with the query if the probe has one: Linkerd leaves the query out, and lets any through.
 */
export function httpProbeRoute(
  workload: Workload,
  port: number,
  settings: Settings,
): InboundHttpRoute | null {
  const matches = [
    ...httpProbes(workload, port).map(toMatch),
    ...hasGrpcProbe(workload, port) ? [HEALTH_CALL] : [],
  ];
  if (matches.length === 0) return null;
  const different = new Map(
    matches.map((match) => [JSON.stringify(match), match]),
  );
  const rules = [{ matches: [...different.values()], filters: [] }];
  return { ...open(settings), rules };
}

/** The same for a port on which only gRPC is spoken. */
export function grpcProbeRoute(
  workload: Workload,
  port: number,
  settings: Settings,
): InboundGrpcRoute | null {
  if (!hasGrpcProbe(workload, port)) return null;
  const rules = [{ matches: [{ ...HEALTH, headers: [] }], filters: [] }];
  return { ...open(settings), rules };
}

function open({ probeNetworks }: Settings) {
  const authorization: Authorization = {
    networks: probeNetworks.map((network) => ({ network, except: [] })),
    authentication: { kind: "unauthenticated" },
    meta: { group: "", kind: "default", name: "probe" },
  };
  return { meta: META, hosts: [], authorizations: [authorization] };
}

const HEALTH_CALL: HttpMatch = {
  path: { kind: "exact", path: `/${HEALTH.service}/${HEALTH.method}` },
  headers: [],
  queryParams: [],
  method: "POST",
};

function probesOf(container: Container) {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  return [livenessProbe, readinessProbe, startupProbe];
}

/** Paths, as the Pod has them, of HTTP probes of the port. */
function httpProbes(workload: Workload, port: number): string[] {
  return containersOf(workload).flatMap((container) =>
    probesOf(container).flatMap((probe) =>
      probe?.httpGet !== undefined &&
        portOf(container, probe.httpGet.port) === port
        ? [probe.httpGet.path ?? "/"]
        : []
    )
  );
}

function hasGrpcProbe(workload: Workload, port: number): boolean {
  return containersOf(workload).some((container) =>
    probesOf(container).some((probe) => probe?.grpc?.port === port)
  );
}

/** A probe names ports of its own container; a number in quotes is one too, as it is to the kubelet. */
function portOf(
  { ports = [] }: Container,
  port: number | string,
): number | undefined {
  if (typeof port === "number") return port;
  const named = ports.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^\d{1,5}$/.test(port) ? Number(port) : undefined);
}

/** What the kubelet sends: the path as an absolute one in visible ASCII, without a fragment. */
function toMatch(text: string): HttpMatch {
  const [whole = ""] = text.split("#", 1);
  const query = whole.indexOf("?");
  const path = query < 0 ? whole : whole.slice(0, query);
  const absolute = (path.startsWith("/") ? path : `/${path}`).toWellFormed();
  return {
    path: {
      kind: "exact",
      path: absolute.replaceAll(UNSAFE, encodeURIComponent),
    },
    headers: [],
    queryParams: query < 0 ? [] : parametersOf(whole.slice(query + 1)),
    method: "GET",
  };
}

/** What Go's `net/url`, which the kubelet uses, does not send in a path as it is. */
const UNSAFE = /[^\x21-\x7e]+|["<>\\^`{|}]/g;

function parametersOf(query: string): NamedMatch[] {
  return [...new URLSearchParams(query)].map(([name, value]) => ({
    name,
    value: { kind: "exact", value },
  }));
}
