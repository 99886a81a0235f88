import { GATEWAY_API_VERSION } from "../../../schemas/crd/gateway.ts";
import { ANNOTATIONS } from "../../../schemas/names.ts";
import { type Category, type Check, failed, type Verdict } from "../check.ts";
import type { CustomResource } from "../objects.ts";
import { CUSTOM_RESOURCES } from "../resources.ts";
import type { Scene } from "../scene.ts";

/** Those of the Gateway API's kinds by which Linkerd knows whether a cluster has it. */
const PROBED = [
  "httproutes.gateway.networking.k8s.io",
  "grpcroutes.gateway.networking.k8s.io",
] as const;
const BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version";

const CHECK: Omit<Check, "run"> = {
  description: "Gateway API CRDs are installed",
  anchor: "gateway-api-crd",
  severity: "error",
};

/** The mesh reads routes: their kinds must be there. */
export const GATEWAY_API: Category = {
  name: "gateway-api-crd",
  checks: [{
    ...CHECK,
    run: async (scene) => {
      const found = await probe(scene);
      if (found.length > 0) return verdictOf(found);
      return failed(
        "the cluster has none\n" +
          "before an install: linkerd install --crds | kubectl apply -f -\n" +
          "after it: linkerd upgrade --crds | kubectl apply -f -",
      );
    },
  }],
};

/** Before an install any case will do but one; which it is decides what `linkerd install` prints (docs/decisions/0087). */
export const GATEWAY_API_BEFORE: Category = {
  name: "gateway-api-crd",
  checks: [{
    ...CHECK,
    description: "Gateway API CRDs are installed or can be",
    run: async (scene) => {
      const found = await probe(scene);
      if (found.length > 0) return verdictOf(found);
      return passed(
        `there are none: linkerd install brings those of ${GATEWAY_API_VERSION}`,
      );
    },
  }],
};

async function probe({ get }: Scene): Promise<readonly CustomResource[]> {
  const found = await Promise.all(
    PROBED.map((name) => get(CUSTOM_RESOURCES, name)),
  );
  return found.filter((one) => one !== undefined);
}

function verdictOf(found: readonly CustomResource[]): Verdict {
  const foreign = found.filter(({ metadata }) =>
    metadata.annotations?.[ANNOTATIONS.createdBy] === undefined
  );
  const release = (foreign[0] ?? found[0])?.metadata.annotations
    ?.[BUNDLE_VERSION] ?? "an unknown release";
  if (foreign.length === 0) return passed(`${release}, installed by Linkerd`);
  const old = foreign.find(({ spec }) =>
    !spec.versions.some(({ name, served }) => name === "v1" && served !== false)
  );
  return old === undefined
    ? passed(
      `${release}, installed by others: linkerd install leaves them alone`,
    )
    : failed(
      `the ${old.metadata.name} CRD is missing the v1 version, please upgrade to Gateway API v1.1.1 or later`,
    );
}

function passed(note: string): Verdict {
  return { kind: "passed", note };
}
