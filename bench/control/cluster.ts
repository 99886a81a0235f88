import type { ApiServer } from "../../control/kube/in-cluster.ts";
import { Problem } from "../../schemas/problem.ts";
import { type Access, kubectl } from "../../tests/cluster/kubectl.ts";
import { down } from "../../tests/cluster/down.ts";
import { createLayout } from "../../tests/cluster/layout.ts";
import { say } from "../../tests/cluster/say.ts";
import { openApiServer } from "../../tests/cluster/open.ts";
import { asServiceAccount } from "../../tests/cluster/testing/account.ts";
import {
  type Manifest,
  renderInstall,
  toList,
} from "../../tests/cluster/testing/manifests.ts";

const ROOT = new URL("../../.cache", import.meta.url).pathname;

/** Calls in flight while many objects are made; more only makes each slower on a machine of 2 cores. */
const AT_ONCE = 32;

/** What an install brings that its programs need when they run outside of pods. */
const NEEDED: readonly string[] = [
  "Namespace",
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "Role",
  "RoleBinding",
];

/** The part of an object that tells it from others. */
export interface Answer {
  readonly metadata: { readonly uid: string };
}

/** A real API server with the mesh's kinds, accounts and rights. */
export interface MeshCluster {
  readonly install: readonly Manifest[];
  /** A call of the administrator's, with the object it answers; throws `system.failed` unless it succeeds. */
  readonly call: (
    method: "POST" | "PATCH",
    path: string,
    body: unknown,
  ) => Promise<Answer>;
  /** The API server as a program of the control plane reaches it, with its own rights. */
  readonly account: (name: string) => Promise<ApiServer>;
  readonly close: () => Promise<void>;
}

/** Starts a case's own API server and prepares it; throws a `Problem` when that cannot be done. */
export async function openMeshCluster(name: string): Promise<MeshCluster> {
  const home = `${ROOT}/cluster-bench-${name}`;
  // What a run that was interrupted left there is not what this one expects.
  await down(createLayout(home), say);
  const api = await openApiServer(home);
  try {
    const [crds, install] = await Promise.all([
      renderInstall("linkerd", "--crds"),
      renderInstall("linkerd"),
    ]);
    await kubectl(api, ["apply", "--server-side", "-f", "-"], toList(crds));
    await kubectl(
      api,
      ["apply", "-f", "-"],
      toList(install.filter(({ kind }) => NEEDED.includes(kind))),
    );
    return {
      install,
      call: await openAdministrator(api),
      account: (name) => asServiceAccount(api, "linkerd", name),
      close: () => api.stop(),
    };
  } catch (error) {
    await api.stop();
    throw error;
  }
}

async function openAdministrator(
  access: Access,
): Promise<MeshCluster["call"]> {
  const { clusters, users } = JSON.parse(
    await kubectl(access, ["config", "view", "--raw", "-o", "json"]),
  );
  const pem = (base64: string): string =>
    Buffer.from(base64, "base64").toString();
  const tls = {
    ca: pem(clusters[0].cluster["certificate-authority-data"]),
    cert: pem(users[0].user["client-certificate-data"]),
    key: pem(users[0].user["client-key-data"]),
  };
  return async (method, path, body) => {
    const response = await fetch(access.server + path, {
      method,
      tls,
      headers: {
        "content-type": method === "PATCH"
          ? "application/merge-patch+json"
          : "application/json",
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw new Problem(
      "system.failed",
      `Cannot ${method} ${path}: it answers ${response.status} ${text}`,
    );
  };
}

/** Does something with each item, some at once. */
export async function forEach<T>(
  items: Iterable<T>,
  action: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      await action(next.value);
    }
  }));
}
