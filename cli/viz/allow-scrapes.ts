import type { Manifest } from "../../install/manifest.ts";
import { ANNOTATIONS, LABELS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { VERSION } from "../../schemas/version.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { renderYaml } from "../render.ts";

const POLICY = "policy.linkerd.io";
const SERVER = "proxy-admin";

/** The identity that scrapes proxies. */
export const SCRAPER = "linkerd-metrics";

/** Prints policies that let the metrics component scrape a namespace whose pods let in nobody by default. */
export function runAllowScrapes(given: Given, world: World): Outcome {
  const namespace = given.text("namespace");
  if (namespace === undefined || namespace === "") {
    throw new Problem("config.invalid", 'required flag(s) "namespace" not set');
  }
  return {
    code: 0,
    stdout: allowScrapes(namespace, readNamespace(given, world)).map((
      manifest,
    ) => `---\n${renderYaml(manifest)}`),
  };
}

/**
 * A Server of the admin port of all meshed pods of a namespace, with a route of metrics for the component alone and one
 * of probes for everybody: a Server with routes of its own has no others (docs/decisions/0107).
 */
export function allowScrapes(
  namespace: string,
  controlPlane: string,
): readonly Manifest[] {
  const object = (
    kind: string,
    version: string,
    name: string,
    spec: unknown,
  ): Manifest => ({
    apiVersion: `${POLICY}/${version}`,
    kind,
    metadata: {
      name,
      namespace,
      annotations: { [ANNOTATIONS.createdBy]: `linkerd/cli ${VERSION}` },
    },
    spec,
  });
  const route = (name: string, paths: readonly string[]) =>
    object("HTTPRoute", "v1beta3", name, {
      parentRefs: [{ group: POLICY, kind: "Server", name: SERVER }],
      rules: [{
        matches: paths.map((value) => ({ path: { type: "Exact", value } })),
      }],
    });
  const authorize = (name: string, target: string, who: unknown) =>
    object("AuthorizationPolicy", "v1alpha1", name, {
      targetRef: { group: POLICY, kind: "HTTPRoute", name: target },
      requiredAuthenticationRefs: [who],
    });
  return [
    object("Server", "v1beta3", SERVER, {
      podSelector: {
        matchExpressions: [
          { key: LABELS.controlPlaneNamespace, operator: "Exists" },
        ],
      },
      port: "linkerd-admin",
      proxyProtocol: "HTTP/1",
    }),
    route("proxy-metrics", ["/metrics"]),
    route("proxy-probes", ["/live", "/ready"]),
    authorize("prometheus-scrape", "proxy-metrics", {
      kind: "ServiceAccount",
      name: SCRAPER,
      namespace: controlPlane,
    }),
    // Kubelets have no identity, and their addresses are the nodes'.
    object("NetworkAuthentication", "v1alpha1", "kubelet", {
      networks: [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }],
    }),
    authorize("proxy-probes", "proxy-probes", {
      group: POLICY,
      kind: "NetworkAuthentication",
      name: "kubelet",
    }),
  ];
}
