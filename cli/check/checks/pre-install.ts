import { ApiError } from "../../cluster.ts";
import {
  bullets,
  type Category,
  type Check,
  failed,
  PASSED,
  type Verdict,
} from "../check.ts";
import { CONFIG_MAPS, NAMESPACES, NODES } from "../resources.ts";
import type { Scene } from "../scene.ts";
import { together } from "../together.ts";

/** How old a node's last sign of life may be: kubelets give one every five minutes (Linkerd's allowance on top). */
const SKEW_MS = 5 * 60_000 + 10_000;

/** What an install will do, tried without doing it. */
export const PRE_INSTALL: Category = {
  name: "pre-kubernetes-setup",
  checks: [
    {
      description: "control plane namespace does not already exist",
      anchor: "pre-ns",
      severity: "error",
      run: async ({ get, settings: { namespace } }) =>
        await get(NAMESPACES, namespace) === undefined
          ? PASSED
          : failed(`The "${namespace}" namespace already exists`),
    },
    {
      description: "can create non-namespaced resources",
      anchor: "pre-k8s-cluster-k8s",
      severity: "error",
      run: tryCreating,
    },
    may("create", "ServiceAccounts", "serviceaccounts", ""),
    may("create", "Services", "services", ""),
    may("create", "Deployments", "deployments", "apps"),
    may("create", "ConfigMaps", "configmaps", ""),
    may("create", "Secrets", "secrets", ""),
    may("get", "Secrets", "secrets", ""),
    {
      description: "can read extension-apiserver-authentication configmap",
      anchor: "pre-k8s",
      severity: "error",
      run: async ({ get }) => {
        const map = await get(
          CONFIG_MAPS,
          "extension-apiserver-authentication",
          "kube-system",
        );
        if (map?.data?.["requestheader-client-ca-file"]) return PASSED;
        return failed("--requestheader-client-ca-file is not configured");
      },
    },
    {
      description: "no clock skew detected",
      anchor: "pre-k8s-clock-skew",
      severity: "warning",
      run: async (scene) => {
        const skewed = await skewedNodes(scene);
        return skewed.length === 0
          ? PASSED
          : failed(`clock skew detected for node(s): ${skewed.join(", ")}`);
      },
    },
  ],
};

/** Every object of the default install that belongs to no namespace, created as a dry run of the API server's. */
async function tryCreating(scene: Scene): Promise<Verdict> {
  const { clusterObjects } = await import("../cluster-objects.ts");
  const objects = clusterObjects(scene.settings.namespace, scene.nowMs);
  const refusals = await together(
    objects,
    async ({ path, object, mayExist }) => {
      try {
        const query = { dryRun: "All" };
        await scene.call({ method: "POST", path, query, body: object });
        return [];
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const name = `${object.kind}/${object.metadata.name}`;
        const isThere = error.reason === "AlreadyExists";
        return isThere && mayExist
          ? []
          : [{ name, isThere, message: error.message }];
      }
    },
  );
  /** By what the API server says: it says the same of all objects of a kind that one may not create. */
  const refused = new Map<string, string[]>();
  const left: string[] = [];
  for (const { name, isThere, message } of refusals.flat()) {
    if (isThere) left.push(name);
    else refused.set(message, [...refused.get(message) ?? [], name]);
  }
  const errors = [...refused].map(([message, [first, ...others]]) =>
    `cannot create ${first}${
      others.length > 0 ? ` and ${others.length} more` : ""
    }: ${message}`
  );
  if (left.length > 0) {
    errors.push(
      `these are there already:\n${bullets(left)}\n` +
        "if Linkerd is installed, use linkerd upgrade; else remove them with: linkerd uninstall | kubectl delete -f -",
    );
  }
  return errors.length === 0 ? PASSED : failed(errors.join("\n"));
}

/** Whether the caller may do something in the control plane's namespace. */
function may(
  verb: "create" | "get",
  title: string,
  resource: string,
  group: string,
): Check {
  return {
    description: `can ${verb === "get" ? "read" : verb} ${title}`,
    anchor: "pre-k8s",
    severity: "error",
    run: async ({ call, settings: { namespace } }) => {
      const review = await call({
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body: {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: { resourceAttributes: { namespace, verb, group, resource } },
        },
      }) as { status?: { allowed?: boolean; reason?: string } };
      const { allowed, reason } = review.status ?? {};
      if (allowed === true) return PASSED;
      const what = group === "" ? resource : `${resource}.${group}`;
      const why = reason ? `: ${reason}` : "";
      return failed(`not authorized to access ${what}${why}`);
    },
  };
}

/** Nodes that are ready by the API server's clock, but whose sign of life is old or to come by ours. */
async function skewedNodes({ list, nowMs }: Scene): Promise<string[]> {
  const nodes = await list(NODES);
  return nodes.filter(({ status }) =>
    (status?.conditions ?? []).some((condition) => {
      if (condition.type !== "Ready" || condition.status !== "True") {
        return false;
      }
      const beat = Date.parse(condition.lastHeartbeatTime ?? "");
      return Math.abs(nowMs - beat) > SKEW_MS;
    })
  ).map(({ metadata }) => metadata.name);
}
