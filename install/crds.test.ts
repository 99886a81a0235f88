import { expect, test } from "bun:test";
import { DEFAULT_VALUES } from "../schemas/values/defaults.ts";
import { crds } from "./crds.ts";

type Node = Readonly<Record<string, unknown>>;

const VALUES = {
  ...DEFAULT_VALUES,
  cliVersion: "linkerd/cli test",
  installGatewayAPI: true,
};
const ALL = crds(VALUES, "linkerd");

/** Every schema node with the path to it. */
function* nodes(schema: Node, path: string): Generator<[string, Node]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema["properties"] ?? {})) {
    yield* nodes(field, `${path}.${name}`);
  }
  if (schema["items"]) yield* nodes(schema["items"] as Node, `${path}[]`);
  if (schema["additionalProperties"]) {
    yield* nodes(schema["additionalProperties"] as Node, `${path}.*`);
  }
}

/** Keywords that `apiextensions.k8s.io/v1` takes and that we use; it refuses `$ref`, `const`, `patternProperties`. */
const KEYWORDS = new Set([
  "type",
  "description",
  "default",
  "enum",
  "pattern",
  "format",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "required",
  "properties",
  "items",
  "additionalProperties",
  "oneOf",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
]);

function* schemas(): Generator<[string, Node]> {
  for (const { metadata, spec } of ALL) {
    for (const version of (spec as { versions: Node[] }).versions) {
      const { openAPIV3Schema } = version["schema"] as Record<string, Node>;
      yield* nodes(
        openAPIV3Schema ?? {},
        `${metadata.name}/${version["name"]} `,
      );
    }
  }
}

test("crds() gives every kind, in order, and Gateway API only when asked", () => {
  expect(ALL.map(({ metadata }) => metadata.name)).toEqual([
    "authorizationpolicies.policy.linkerd.io",
    "egressnetworks.policy.linkerd.io",
    "httplocalratelimitpolicies.policy.linkerd.io",
    "httproutes.policy.linkerd.io",
    "meshtlsauthentications.policy.linkerd.io",
    "networkauthentications.policy.linkerd.io",
    "serverauthorizations.policy.linkerd.io",
    "servers.policy.linkerd.io",
    "serviceprofiles.linkerd.io",
    "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "referencegrants.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
    "tcproutes.gateway.networking.k8s.io",
    "externalworkloads.workload.linkerd.io",
  ]);
  expect(crds(DEFAULT_VALUES, "linkerd")).toHaveLength(10);
  const off = { ...VALUES, enableHttpRoutes: false };
  expect(crds(off, "linkerd")).toHaveLength(10);
});

test("every schema is structural", () => {
  const wrong: string[] = [];
  for (const [path, node] of schemas()) {
    const isTyped = typeof node["type"] === "string" ||
      node["x-kubernetes-int-or-string"] === true;
    if (!isTyped) wrong.push(`${path} has no type`);
    for (const key of Object.keys(node)) {
      if (!KEYWORDS.has(key)) wrong.push(`${path} has ${key}`);
    }
    if (node["properties"] && node["additionalProperties"]) {
      wrong.push(`${path} has both properties and additionalProperties`);
    }
    for (const choice of (node["oneOf"] ?? []) as Node[]) {
      // Inside a choice Kubernetes takes no types, defaults or descriptions.
      expect(Object.keys(choice)).toEqual(["required"]);
    }
    const known = Object.keys(node["properties"] ?? {});
    for (const name of (node["required"] ?? []) as string[]) {
      if (!known.includes(name)) wrong.push(`${path} wants unknown ${name}`);
    }
    for (const key of (node["x-kubernetes-list-map-keys"] ?? []) as string[]) {
      const item = node["items"] as { required: string[] };
      if (!item.required.includes(key)) wrong.push(`${path} keys by ${key}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("each kind is served in Linkerd's versions, and one of them is stored", () => {
  const versions = Object.fromEntries(
    ALL.map(({ metadata, spec }) => {
      const all = (spec as { versions: Node[] }).versions;
      return [
        metadata.name,
        all.map((one) => `${one["name"]}${one["storage"] ? "*" : ""}`).join(
          " ",
        ),
      ];
    }),
  );
  expect(versions).toEqual({
    "authorizationpolicies.policy.linkerd.io": "v1alpha1*",
    "egressnetworks.policy.linkerd.io": "v1alpha1*",
    "httplocalratelimitpolicies.policy.linkerd.io": "v1alpha1*",
    "httproutes.policy.linkerd.io": "v1alpha1 v1beta1 v1beta2 v1beta3*",
    "meshtlsauthentications.policy.linkerd.io": "v1alpha1*",
    "networkauthentications.policy.linkerd.io": "v1alpha1*",
    "serverauthorizations.policy.linkerd.io": "v1alpha1 v1beta1*",
    "servers.policy.linkerd.io": "v1alpha1 v1beta1 v1beta2 v1beta3*",
    "serviceprofiles.linkerd.io": "v1alpha1 v1alpha2*",
    "httproutes.gateway.networking.k8s.io": "v1beta1 v1*",
    "grpcroutes.gateway.networking.k8s.io": "v1*",
    "referencegrants.gateway.networking.k8s.io": "v1beta1*",
    "tlsroutes.gateway.networking.k8s.io": "v1alpha2*",
    "tcproutes.gateway.networking.k8s.io": "v1alpha2*",
    "externalworkloads.workload.linkerd.io": "v1alpha1 v1beta1*",
  });
});
