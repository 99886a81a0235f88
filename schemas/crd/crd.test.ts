import { expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import {
  AUTHORIZATION_POLICY,
  MESH_TLS_AUTHENTICATION,
  NETWORK_AUTHENTICATION,
  SERVER_AUTHORIZATION,
} from "./authorization.ts";
import type { CrdDefinition } from "./definition.ts";
import { EXTERNAL_WORKLOAD } from "./external-workload.ts";
import { GATEWAY_ROUTES } from "./gateway.ts";
import { HTTP_ROUTE } from "./http-route.ts";
import { SERVER } from "./server.ts";
import { SERVICE_PROFILE } from "./service-profile.ts";
import { EGRESS_NETWORK, HTTP_LOCAL_RATE_LIMIT_POLICY } from "./traffic.ts";

/** Whether the schema of a kind's version takes a spec. */
function takes(
  definition: CrdDefinition | undefined,
  version: string,
  spec: unknown,
): boolean {
  const found = definition?.versions.find(({ name }) => name === version);
  if (found === undefined) throw new Error(`no version ${version}`);
  return Compile(found.spec).Check(spec);
}

const [GATEWAY_HTTP, GATEWAY_GRPC] = GATEWAY_ROUTES;
const app = { matchLabels: { app: "web" } };
const ref = { group: "policy.linkerd.io", kind: "Server", name: "web" };

test.each<[CrdDefinition | undefined, string, unknown]>([
  [SERVER, "v1alpha1", { podSelector: app, port: 80 }],
  [SERVER, "v1beta1", { podSelector: {}, port: "http" }],
  [SERVER, "v1beta3", {
    externalWorkloadSelector: app,
    port: 8080,
    accessPolicy: "deny",
  }],
  [SERVER_AUTHORIZATION, "v1beta1", {
    server: { name: "web" },
    client: {
      networks: [{ cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] }],
      meshTLS: { serviceAccounts: [{ name: "api" }], identities: ["*"] },
    },
  }],
  [AUTHORIZATION_POLICY, "v1alpha1", {
    targetRef: ref,
    requiredAuthenticationRefs: [{ kind: "MeshTLSAuthentication", name: "a" }],
  }],
  [MESH_TLS_AUTHENTICATION, "v1alpha1", { identities: ["*.web.example"] }],
  [NETWORK_AUTHENTICATION, "v1alpha1", { networks: [{ cidr: "::/0" }] }],
  [HTTP_LOCAL_RATE_LIMIT_POLICY, "v1alpha1", {
    targetRef: ref,
    total: { requestsPerSecond: 100 },
    overrides: [{
      requestsPerSecond: 10,
      clientRefs: [{ kind: "ServiceAccount", namespace: "a", name: "b" }],
    }],
  }],
  [EGRESS_NETWORK, "v1alpha1", { trafficPolicy: "Allow" }],
  [HTTP_ROUTE, "v1beta3", {
    parentRefs: [{ kind: "Service", group: "core", name: "web", port: 80 }],
    hostnames: ["*.example.org"],
    rules: [{
      matches: [{
        path: { value: "/a" },
        headers: [{ name: "x", value: "1" }],
      }],
      backendRefs: [{ name: "web", port: 80, weight: 0 }],
      timeouts: { request: "1s" },
    }],
  }],
  [SERVICE_PROFILE, "v1alpha2", {
    routes: [{
      name: "GET /",
      condition: { all: [{ method: "GET" }], not: { pathRegex: "/a" } },
      responseClasses: [{ condition: { status: { min: 500 } } }],
    }],
    retryBudget: { minRetriesPerSecond: 1, retryRatio: 0.2, ttl: "10s" },
    dstOverrides: [{ authority: "a.b", weight: "500m" }],
  }],
  [EXTERNAL_WORKLOAD, "v1beta1", {
    meshTLS: { identity: "a", serverName: "a" },
    ports: [{ port: 80 }],
    workloadIPs: [{ ip: "10.0.0.1" }, { ip: "::1" }],
  }],
  [GATEWAY_HTTP, "v1", {
    parentRefs: [{ name: "web" }],
    rules: [{ filters: [{ type: "URLRewrite", urlRewrite: {} }] }],
  }],
  [GATEWAY_GRPC, "v1", {
    rules: [{ matches: [{ method: { service: "a.B", method: "C" } }] }],
  }],
])("a sound spec passes: %#", (definition, version, spec) => {
  expect(takes(definition, version, spec)).toBe(true);
});

test.each<[string, CrdDefinition | undefined, string, unknown]>([
  ["no port", SERVER, "v1beta3", { podSelector: {} }],
  ["no selector", SERVER, "v1beta3", { port: 80 }],
  ["both selectors", SERVER, "v1beta3", {
    port: 80,
    podSelector: {},
    externalWorkloadSelector: {},
  }],
  ["an empty selector", SERVER, "v1alpha1", { port: 80, podSelector: {} }],
  ["a selector's operator", SERVER, "v1beta3", {
    port: 80,
    podSelector: { matchExpressions: [{ key: "a", operator: "Is" }] },
  }],
  ["name and selector", SERVER_AUTHORIZATION, "v1beta1", {
    server: { name: "web", selector: {} },
    client: {},
  }],
  ["a kind's letters", AUTHORIZATION_POLICY, "v1alpha1", {
    targetRef: { kind: "a b", name: "a" },
    requiredAuthenticationRefs: [],
  }],
  ["no identities", MESH_TLS_AUTHENTICATION, "v1alpha1", { identities: [] }],
  ["no rate", HTTP_LOCAL_RATE_LIMIT_POLICY, "v1alpha1", {
    targetRef: ref,
    total: {},
  }],
  ["a traffic policy", EGRESS_NETWORK, "v1alpha1", { trafficPolicy: "Maybe" }],
  ["a host with a port", HTTP_ROUTE, "v1beta3", { hostnames: ["a:80"] }],
  ["a method", HTTP_ROUTE, "v1beta3", {
    rules: [{ matches: [{ method: "BREW" }] }],
  }],
  ["a filter of Gateway API", HTTP_ROUTE, "v1beta3", {
    rules: [{ filters: [{ type: "URLRewrite" }] }],
  }],
  ["three addresses", EXTERNAL_WORKLOAD, "v1beta1", {
    meshTLS: { identity: "a", serverName: "a" },
    workloadIPs: [{ ip: "1" }, { ip: "2" }, { ip: "3" }],
  }],
  ["17 rules", GATEWAY_HTTP, "v1", { rules: Array(17).fill({}) }],
  ["a port beyond", GATEWAY_GRPC, "v1", {
    rules: [{ backendRefs: [{ name: "a", port: 65536 }] }],
  }],
])("a spec is refused for %s", (_, definition, version, spec) => {
  expect(takes(definition, version, spec)).toBe(false);
});
