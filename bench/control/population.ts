import { formatIp } from "../../schemas/address.ts";
import { forEach, type MeshCluster } from "./cluster.ts";
import type { PodTemplate } from "./template.ts";

/** Endpoints of each Service. */
export const PODS_PER_SERVICE = 5;

/** Services of each namespace. */
const SERVICES_PER_NAMESPACE = 50;

/** The Service of a number; its Pods, its EndpointSlice and its Server are named after it. */
export interface Place {
  readonly name: string;
  readonly namespace: string;
}

export function placeOf(service: number): Place {
  const namespace = Math.floor(service / SERVICES_PER_NAMESPACE);
  return { name: `web-${service}`, namespace: `bench-${namespace}` };
}

export function podName({ name }: Place, pod: number): string {
  return `${name}-6d4cf56db6-${pod}`;
}

/** Makes the Services from one number up to another, each with its Pods, its EndpointSlice and a Server. */
export async function populate(
  { call }: MeshCluster,
  template: PodTemplate,
  from: number,
  to: number,
): Promise<void> {
  const services = Array.from({ length: to - from }, (_, i) => from + i);
  const namespaces = new Set(
    services.filter((service) => service % SERVICES_PER_NAMESPACE === 0)
      .map((service) => placeOf(service).namespace),
  );
  await forEach(namespaces, async (name) => {
    await call("POST", "/api/v1/namespaces", { metadata: { name } });
    // Else no Pod may be made before a controller has made the account.
    await call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, {
      metadata: { name: "default" },
    }).catch(() => "the controller was faster");
  });
  await forEach(services, async (service) => {
    const place = placeOf(service);
    const { name, namespace } = place;
    const core = `/api/v1/namespaces/${namespace}`;
    await call("POST", `${core}/services`, {
      metadata: { name, labels: { app: name } },
      spec: {
        selector: { app: name },
        ports: [{ name: "http", port: 80, targetPort: "http" }],
      },
    });
    for (let pod = 0; pod < PODS_PER_SERVICE; pod++) {
      const own = podName(place, pod);
      await call("POST", `${core}/pods`, template.pod(place, own));
      await call("PATCH", `${core}/pods/${own}/status`, {
        status: template.status(ipOf(service, pod)),
      });
    }
    await call(
      "POST",
      `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      sliceOf(service, PODS_PER_SERVICE),
    );
    await call(
      "POST",
      `/apis/policy.linkerd.io/v1beta3/namespaces/${namespace}/servers`,
      {
        apiVersion: "policy.linkerd.io/v1beta3",
        kind: "Server",
        metadata: { name },
        spec: serverSpec(name, "HTTP/1"),
      },
    );
  });
}

/** Changes how many of a Service's endpoints are ready. */
export function setReady(
  { call }: MeshCluster,
  service: number,
  ready: number,
): Promise<unknown> {
  const { name, namespace } = placeOf(service);
  return call(
    "PATCH",
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`,
    { endpoints: sliceOf(service, ready).endpoints },
  );
}

/** Changes what a Server says of the port of a Service's Pods. */
export function setProtocol(
  { call }: MeshCluster,
  service: number,
  protocol: "HTTP/1" | "opaque",
): Promise<unknown> {
  const { name, namespace } = placeOf(service);
  return call(
    "PATCH",
    `/apis/policy.linkerd.io/v1beta3/namespaces/${namespace}/servers/${name}`,
    { spec: serverSpec(name, protocol) },
  );
}

function serverSpec(app: string, proxyProtocol: string) {
  return {
    podSelector: { matchLabels: { app } },
    port: "http",
    proxyProtocol,
    accessPolicy: "all-authenticated",
  };
}

function sliceOf(service: number, ready: number) {
  const place = placeOf(service);
  return {
    metadata: {
      name: place.name,
      labels: { "kubernetes.io/service-name": place.name },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: Array.from({ length: PODS_PER_SERVICE }, (_, pod) => ({
      addresses: [ipOf(service, pod)],
      conditions: { ready: pod < ready, serving: true, terminating: false },
      nodeName: "node-1",
      targetRef: {
        kind: "Pod",
        name: podName(place, pod),
        namespace: place.namespace,
      },
    })),
  };
}

/** Addresses from 10.1.0.0 on. */
function ipOf(service: number, pod: number): string {
  const bytes = new Uint8Array(4);
  const number = service * PODS_PER_SERVICE + pod;
  new DataView(bytes.buffer).setUint32(0, 0x0a010000 + number);
  return formatIp(bytes);
}
