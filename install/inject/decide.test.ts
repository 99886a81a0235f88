import { expect, test } from "bun:test";
import { decide, type Decision } from "./decide.ts";
import { pod } from "./testing/pods.ts";
import type { Texts } from "./workload.ts";

const INJECT = "linkerd.io/inject";
const none: Texts = {};
const asks = (word: string): Texts => word === "" ? none : { [INJECT]: word };

function atWebhook(namespace: string, own: string): Decision {
  return decide({
    origin: "webhook",
    pod: pod({ annotations: asks(own) }),
    namespaceAnnotations: asks(namespace),
    tokenProjection: true,
  });
}

/** Namespace, pod, and where the asking was found or why not (Linkerd 2.x). */
const TRUTH: readonly (readonly [string, string, string])[] = [
  ["maybe", "enabled", "invalid_inject_annotation_at_ns"],
  ["enabled", "maybe", "invalid_inject_annotation_at_workload"],
  ["", "maybe", "invalid_inject_annotation_at_workload"],
  ["enabled", "", "namespace"],
  ["enabled", "enabled", "namespace"],
  ["ingress", "ingress", "namespace"],
  ["enabled", "disabled", "injection_disable_annotation_present"],
  ["ingress", "disabled", "injection_disable_annotation_present"],
  ["disabled", "enabled", "workload"],
  ["", "enabled", "workload"],
  ["", "ingress", "workload"],
  ["disabled", "", "injection_enable_annotation_absent"],
  ["", "", "injection_enable_annotation_absent"],
  ["", "disabled", "injection_enable_annotation_absent"],
  ["disabled", "disabled", "injection_enable_annotation_absent"],
];

for (const [namespace, own, wanted] of TRUTH) {
  test(`decide() with "${namespace}" on the namespace and "${own}" on the pod: ${wanted}`, () => {
    const decision = atWebhook(namespace, own);
    expect(decision.inject ? decision.askedAt : decision.reasons.join())
      .toBe(wanted as never);
  });
}

test("decide() for the command line injects unless the pod says disabled", () => {
  const at = (word: string) =>
    decide({
      origin: "cli",
      pod: pod({ annotations: asks(word) }),
      namespaceAnnotations: none,
      tokenProjection: true,
    }).inject;
  expect(["", "enabled", "ingress", "maybe", "disabled"].map(at)).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("decide() names every reason against a pod, in order", () => {
  const decision = decide({
    origin: "webhook",
    pod: pod({}, {
      hostNetwork: true,
      automountServiceAccountToken: false,
      containers: [{ name: "istio-proxy" }],
    }),
    namespaceAnnotations: none,
    tokenProjection: false,
  });
  expect(decision).toEqual({
    inject: false,
    reasons: [
      "host_network_enabled",
      "sidecar_already_exists",
      "injection_enable_annotation_absent",
      "disabled_automount_service_account_token_account",
    ],
  });
});

test("decide() knows proxies by name and by image, as containers and as init containers", () => {
  const sidecars = [
    { containers: [{ name: "linkerd-proxy" }] },
    { initContainers: [{ name: "linkerd-proxy" }] },
    { initContainers: [{ name: "linkerd-init" }] },
    {
      initContainers: [{
        name: "x",
        image: "gcr.io/istio-release/proxy_init:1",
      }],
    },
    { containers: [{ name: "x", image: "cr.l5d.io/linkerd/proxy:edge" }] },
  ];
  for (const spec of sidecars) {
    const decision = decide({
      origin: "webhook",
      pod: pod({}, spec),
      namespaceAnnotations: asks("enabled"),
      tokenProjection: true,
    });
    expect(decision).toEqual({
      inject: false,
      reasons: ["sidecar_already_exists"],
    });
  }
});

test("decide() without token projection needs the pod's own token mount", () => {
  const mount = {
    name: "t",
    mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
  };
  const decisions = [[], [mount]].map((volumeMounts) =>
    decide({
      origin: "webhook",
      pod: pod({}, { containers: [{ name: "web", volumeMounts }] }),
      namespaceAnnotations: asks("enabled"),
      tokenProjection: false,
    }).inject
  );
  expect(decisions).toEqual([false, true]);
});
