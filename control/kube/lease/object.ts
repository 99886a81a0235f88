import { ApiRefusal, callApi } from "../api.ts";
import type { ApiServer } from "../in-cluster.ts";

/** Where a Lease (coordination.k8s.io/v1) is, and what it is made with. */
export interface LeasePlace {
  readonly server: ApiServer;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Path of the object with which the lease is to go; none when there is no such object. */
  readonly ownerPath: string;
  readonly fieldManager: string;
}

/** What is read of it. */
export interface StoredLease {
  readonly version: string;
  /** Empty: nobody. */
  readonly holder: string;
  readonly transitions: number;
}

/** One Lease at the API server; calls throw as `callApi`, and false means that somebody else was faster. */
export interface LeaseObject {
  readonly read: (signal: AbortSignal) => Promise<StoredLease | null>;
  readonly create: (claim: Claim, signal: AbortSignal) => Promise<boolean>;
  /** Takes or renews it. */
  readonly claim: (
    stored: StoredLease,
    claim: Claim,
    signal: AbortSignal,
  ) => Promise<boolean>;
  readonly free: (stored: StoredLease, signal: AbortSignal) => Promise<boolean>;
}

export interface Claim {
  readonly holder: string;
  readonly durationMs: number;
  readonly now: Date;
}

export function leaseObject(place: LeasePlace): LeaseObject {
  const { server, namespace, name, labels, fieldManager } = place;
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${folder}/${name}`;

  async function read(signal: AbortSignal): Promise<StoredLease | null> {
    const found = await get<Served>(path, signal);
    return found && {
      version: found.metadata.resourceVersion,
      holder: found.spec?.holderIdentity ?? "",
      transitions: found.spec?.leaseTransitions ?? 0,
    };
  }

  async function get<T>(path: string, signal: AbortSignal): Promise<T | null> {
    try {
      const response = await callApi(server, { path, signal });
      return await response.json() as T;
    } catch (thrown) {
      if (thrown instanceof ApiRefusal && thrown.status === 404) return null;
      throw thrown;
    }
  }

  async function write(
    call: { readonly method: "PATCH" | "POST"; readonly path: string },
    body: unknown,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      const response = await callApi(server, {
        method: call.method,
        path: `${call.path}?fieldManager=${fieldManager}`,
        body,
        contentType: call.method === "PATCH"
          ? "application/merge-patch+json"
          : "application/json",
        signal,
      });
      await response.body?.cancel();
      return true;
    } catch (thrown) {
      if (thrown instanceof ApiRefusal && thrown.status === 409) return false;
      throw thrown;
    }
  }

  function patch(
    { version }: StoredLease,
    spec: object,
    signal: AbortSignal,
  ): Promise<boolean> {
    // Another who wrote it meanwhile makes this a conflict.
    const metadata = { resourceVersion: version };
    return write({ method: "PATCH", path }, { metadata, spec }, signal);
  }

  async function owners(signal: AbortSignal): Promise<object> {
    const owner = await get<Owner>(place.ownerPath, signal);
    if (owner === null) return {};
    const { apiVersion, kind, metadata: { name, uid } } = owner;
    return { ownerReferences: [{ apiVersion, kind, name, uid }] };
  }

  return {
    read,
    create: async (claim, signal) => {
      const metadata = { name, namespace, labels, ...await owners(signal) };
      const spec = { ...taken(claim), leaseTransitions: 0 };
      const apiVersion = "coordination.k8s.io/v1";
      const body = { apiVersion, kind: "Lease", metadata, spec };
      return await write({ method: "POST", path: folder }, body, signal);
    },
    claim: (stored, claim, signal) => {
      const leaseTransitions = stored.transitions + 1;
      const spec = stored.holder === claim.holder
        ? renewed(claim)
        : { ...taken(claim), leaseTransitions };
      return patch(stored, spec, signal);
    },
    free: (stored, signal) => patch(stored, { holderIdentity: "" }, signal),
  };
}

function taken(claim: Claim): object {
  return { ...renewed(claim), acquireTime: microTime(claim.now) };
}

function renewed({ holder, durationMs, now }: Claim): object {
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    renewTime: microTime(now),
  };
}

/** Kubernetes' MicroTime. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}

interface Served {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseTransitions?: number;
  };
}

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
}
