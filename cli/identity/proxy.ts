import { describe, Problem } from "../../schemas/problem.ts";
import type { Cluster } from "../cluster.ts";
import {
  type Container,
  type Pod,
  runningContainers,
} from "../workload/pods.ts";
import { type CertificateText, formatCertificate } from "./certificate-text.ts";
import { readPeerCertificate } from "./handshake.ts";

const PROXY = "linkerd-proxy";
const NAME = "LINKERD2_PROXY_IDENTITY_LOCAL_NAME";
/**
 * Ports of a proxy that show its certificate. Linkerd's proxy takes TLS at its admin port, as its own command expects;
 * ours of before, whose admin port was plain, at the port that other proxies call (docs/decisions/0089).
 */
const PORTS = ["linkerd-admin", "linkerd-proxy"] as const;

/** The certificate that a Pod's proxy shows now. Throws `connect.failed` with the reason when there is none. */
export async function readCertificate(
  cluster: Pick<Cluster, "forward">,
  pod: Pod,
): Promise<CertificateText> {
  const { metadata: { name, namespace = "default" }, status } = pod;
  if (status?.phase !== "Running") throw problem(`pod not running: ${name}`);
  const proxy = runningContainers(pod).find(({ name }) => name === PROXY);
  const ports = PORTS.flatMap((name) => portOf(proxy, name) ?? []);
  if (proxy === undefined || ports.length === 0) {
    throw problem(
      `failed to find linkerd-admin port in linkerd-proxy container of pod ${name}`,
      "Is the pod meshed? linkerd inject adds the proxy.",
    );
  }
  const identity = identityOf(proxy, pod);
  let failure: unknown;
  for (const port of ports) {
    const forward = await cluster.forward({ namespace, name }, port);
    try {
      return formatCertificate(
        await readPeerCertificate(forward.url, identity),
      );
    } catch (error) {
      failure = error;
    } finally {
      await forward.close();
    }
  }
  throw problem(`pod ${name}: ${describe(failure)}`);
}

function portOf(
  proxy: Container | undefined,
  name: string,
): number | undefined {
  return proxy?.ports?.find((port) => port.name === name)?.containerPort;
}

/** The name that a proxy's certificate is for, as its environment says. */
function identityOf({ env = [] }: Container, { metadata, spec }: Pod): string {
  const name = env.find(({ name }) => name === NAME)?.value ?? "";
  return name
    .replaceAll("$(_pod_sa)", spec.serviceAccountName ?? "default")
    .replaceAll("$(_pod_ns)", metadata.namespace ?? "default");
}

function problem(message: string, hint?: string): Problem {
  return new Problem(
    "connect.failed",
    message,
    hint === undefined ? {} : { hint },
  );
}
