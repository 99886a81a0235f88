import { test } from "bun:test";
import {
  ACCOUNT,
  expectMistakes,
  POLICY,
  TARGET,
} from "../testing/mistakes.ts";

const server = { podSelector: {}, port: 80 };
const mesh = { group: POLICY, kind: "MeshTLSAuthentication", name: "m" };
const net = { group: POLICY, kind: "NetworkAuthentication", name: "n" };

test("Server: one selector, a port, a protocol and an access policy that there are", () => {
  expectMistakes([
    [
      "Server",
      { ...server, accessPolicy: "audit", proxyProtocol: "gRPC" },
      null,
    ],
    ["Server", { externalWorkloadSelector: {}, port: "http" }, null],
    [
      "Server",
      { port: 80 },
      "spec.podSelector is missing, expected a selector",
    ],
    [
      "Server",
      { ...server, externalWorkloadSelector: {} },
      "spec.externalWorkloadSelector is a map of fields, expected nothing beside spec.podSelector",
    ],
    [
      "Server",
      { ...server, accessPolicy: "all" },
      'spec.accessPolicy is "all", expected one of all-unauthenticated, ',
    ],
    [
      "Server",
      { ...server, proxyProtocol: "http" },
      "expected one of unknown, HTTP/1, ",
    ],
    [
      "Server",
      { ...server, port: 65_536 },
      "spec.port is 65536, expected a port number or the name",
    ],
    [
      "Server",
      { ...server, podSelector: { matchLabel: {} } },
      "spec.podSelector.matchLabel is a map of fields, expected no such field; known are matchLabels",
    ],
    [
      "Server",
      {
        ...server,
        podSelector: { matchExpressions: [{ key: "a", operator: "In" }] },
      },
      "spec.podSelector.matchExpressions[0].values is missing, expected values for In",
    ],
  ]);
});

test("AuthorizationPolicy: a target of its own namespace, and each proof once", () => {
  const policy = (spec: object) => ({
    targetRef: TARGET,
    requiredAuthenticationRefs: [],
    ...spec,
  });
  const refs = (...requiredAuthenticationRefs: object[]) =>
    policy({ requiredAuthenticationRefs });
  const kind = "AuthorizationPolicy";
  expectMistakes([
    [kind, refs(), null],
    [kind, refs(mesh, net), null],
    [kind, refs(ACCOUNT), null],
    [kind, policy({ targetRef: { kind: "Namespace", name: "shop" } }), null],
    [
      kind,
      policy({
        targetRef: {
          group: "gateway.networking.k8s.io",
          kind: "GRPCRoute",
          name: "r",
        },
      }),
      null,
    ],
    [
      kind,
      { targetRef: TARGET },
      "spec.requiredAuthenticationRefs is missing, expected a list of authentications",
    ],
    [
      kind,
      policy({ targetRef: { kind: "Namespace", name: "other" } }),
      'spec.targetRef.name is "other", expected shop, the policy\'s own namespace',
    ],
    [
      kind,
      policy({ targetRef: { group: "apps", kind: "Deployment", name: "a" } }),
      'spec.targetRef.kind is "Deployment", expected one of Server (policy.linkerd.io), HTTPRoute',
    ],
    [
      kind,
      policy({ targetRef: { kind: "Server", name: "a" } }),
      'spec.targetRef.group is "", expected one of Server (policy.linkerd.io)',
    ],
    [
      kind,
      refs(mesh, mesh),
      'spec.requiredAuthenticationRefs[1].kind is "MeshTLSAuthentication", expected nothing beside the MeshTLSAuthentication before it',
    ],
    [
      kind,
      refs(ACCOUNT, ACCOUNT),
      "nothing beside the ServiceAccount before it",
    ],
    [
      kind,
      refs(mesh, ACCOUNT),
      "nothing beside the MeshTLSAuthentication before it",
    ],
    [
      kind,
      refs(net, net),
      "nothing beside the NetworkAuthentication before it",
    ],
    [
      kind,
      refs({ kind: "Secret", name: "s" }),
      'spec.requiredAuthenticationRefs[0].kind is "Secret", expected one of MeshTLSAuthentication',
    ],
  ]);
});

test("HTTPLocalRateLimitPolicy: a Server, rates above nothing, and no client above the total", () => {
  const kind = "HTTPLocalRateLimitPolicy";
  const rate = (requestsPerSecond: number) => ({ requestsPerSecond });
  const of = (spec: object) => ({
    targetRef: TARGET,
    total: rate(100),
    ...spec,
  });
  const override = (perSecond: number, ref: object) =>
    of({ overrides: [{ ...rate(perSecond), clientRefs: [ref] }] });
  expectMistakes([
    [kind, of({ identity: rate(100) }), null],
    [kind, override(100, { ...ACCOUNT, namespace: "b" }), null],
    [kind, { targetRef: TARGET, identity: rate(5) }, null],
    [
      kind,
      of({ targetRef: { group: "apps", kind: "Deployment", name: "a" } }),
      'spec.targetRef.kind is "Deployment", expected one of Server',
    ],
    [
      kind,
      of({ total: rate(0) }),
      "spec.total.requestsPerSecond is 0, expected a whole number from 1 to 4294967295",
    ],
    [kind, of({ identity: rate(0) }), "spec.identity.requestsPerSecond is 0"],
    [
      kind,
      of({ identity: rate(101) }),
      "spec.identity.requestsPerSecond is 101, expected at most spec.total.requestsPerSecond (100)",
    ],
    [
      kind,
      override(101, ACCOUNT),
      "spec.overrides[0].requestsPerSecond is 101, expected at most",
    ],
    [
      kind,
      override(1, { kind: "Namespace", name: "a" }),
      'spec.overrides[0].clientRefs[0].kind is "Namespace", expected one of ServiceAccount',
    ],
  ]);
});
