import { findPath } from "../certificates/check.ts";
import { type Certificate, readBundle } from "../certificates/read.ts";
import type { Cluster, PodName } from "../cluster.ts";
import { type Container, runningContainers } from "../workload/pods.ts";

const PROXY = "linkerd-proxy";
const ADMIN = "linkerd-admin";
/** A proxy that is there answers at once; one on a node that is gone never does. */
const PATIENCE_MS = 5_000;

/** Whom a proxy trusts now, and with what it proves itself. */
export interface Trust {
  readonly anchors: readonly Certificate[];
  /** Its certificate, and what stands between it and an anchor. */
  readonly chain: readonly [Certificate, ...Certificate[]];
}

/** What of a Pod is needed to ask its proxy. */
export interface Asked {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[] | undefined;
  };
  readonly status?: { readonly phase?: string } | undefined;
}

/**
 * Asks a proxy; undefined when it does not say: Linkerd's own proxies, which trust what they were started with, and pods
 * that do not run or cannot be reached.
 */
export async function readTrust(
  cluster: Pick<Cluster, "forward">,
  pod: Asked,
): Promise<Trust | undefined> {
  const port = adminPortOf(pod);
  if (port === undefined || pod.status?.phase !== "Running") return undefined;
  const { name, namespace = "default" } = pod.metadata;
  try {
    return await ask(cluster, { name, namespace }, port);
  } catch {
    return undefined;
  }
}

/** Whether a certificate leads to one of these anchors. */
export function isVouchedFor(
  [leaf, ...between]: readonly [Certificate, ...Certificate[]],
  anchors: readonly Certificate[],
): boolean {
  return findPath([leaf], between, anchors) !== undefined;
}

/** Whether two bundles hold the same certificates, in whatever order and form. */
export function isSameBundle(
  some: readonly Certificate[],
  others: readonly Certificate[],
): boolean {
  return bundleKey(some) === bundleKey(others);
}

function bundleKey(bundle: readonly Certificate[]): string {
  return [...new Set(bundle.map(({ x509 }) => x509.fingerprint256))].sort()
    .join();
}

async function ask(
  cluster: Pick<Cluster, "forward">,
  pod: PodName,
  port: number,
): Promise<Trust | undefined> {
  const forward = await cluster.forward(pod, port);
  try {
    const response = await fetch(`${forward.url}/trust.json`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) return undefined;
    const { anchors, certificate } = await response.json() as {
      readonly anchors: string;
      readonly certificate: string;
    };
    return {
      anchors: readBundle(anchors, "trust anchors"),
      chain: readBundle(certificate, "certificate"),
    };
  } finally {
    await forward.close();
  }
}

function adminPortOf({ spec }: Asked): number | undefined {
  const { containers, initContainers = [] } = spec;
  return runningContainers({ spec: { containers, initContainers } })
    .find(({ name }) => name === PROXY)?.ports
    ?.find(({ name }) => name === ADMIN)?.containerPort;
}
