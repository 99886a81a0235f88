import { expect, test } from "bun:test";
import type { Content, Verdict } from "../conditions.ts";
import {
  applies,
  objectOf,
  serverManifest,
  serviceManifest,
} from "../testing/objects.ts";
import { createIndex } from "./fold.ts";
import { createSettings } from "./settings.ts";
import { verdictOf } from "./verdict.ts";

type Manifest = Readonly<Record<string, unknown>>;

const POLICY = "policy.linkerd.io";

/** What is said of the first object, beside the others. */
function judge(first: Manifest, ...others: readonly Manifest[]): Verdict {
  const index = createIndex(createSettings());
  index.apply(applies(first, ...others));
  return say({ kind: "object", object: objectOf(first) }, index);
}

function say(content: Content, index = createIndex(createSettings())) {
  return verdictOf({ apiVersion: `${POLICY}/v1beta3`, content }, index);
}

/** `parent: Type status reason`, in one line each. */
function summary(verdict: Verdict): string[] {
  const words = (
    { type, isTrue, reason }: { type: string; isTrue: boolean; reason: string },
  ) => `${type} ${isTrue} ${reason}`;
  return verdict.kind === "conditions"
    ? verdict.conditions.map(words)
    : verdict.parents.flatMap(({ parentRef, conditions }) =>
      conditions.map((one) => `${parentRef.name}: ${words(one)}`)
    );
}

const manifest = (
  kind: string,
  name: string,
  spec: object,
  version = "v1alpha1",
): Manifest => ({
  apiVersion: `${POLICY}/${version}`,
  kind,
  metadata: { name, namespace: "shop", creationTimestamp: DATES[name] },
  spec,
});
const DATES: Readonly<Record<string, string>> = {
  older: "2025-01-01T00:00:00Z",
  younger: "2026-01-01T00:00:00Z",
};

const route = (spec: object) => manifest("HTTPRoute", "r", spec, "v1beta3");
const parent = (kind: string, name: string, more: object = {}) => ({
  group: kind === "Service" ? "core" : POLICY,
  kind,
  name,
  ...more,
});

test("each parent of ours is judged by itself, others' are left out", () => {
  const verdict = judge(
    route({
      parentRefs: [
        parent("Server", "web"),
        parent("Server", "gone"),
        { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" },
        parent("Service", "web", { port: 80 }),
        parent("Service", "web", { port: 81 }),
      ],
    }),
    serverManifest("web"),
    serviceManifest("web", "10.43.0.1"),
  );
  expect(summary(verdict)).toEqual([
    "web: Accepted true Accepted",
    "gone: Accepted false NoMatchingParent",
    "web: Accepted true Accepted",
    "web: ResolvedRefs true ResolvedRefs",
    "web: Accepted false NoMatchingParent",
    "web: ResolvedRefs true ResolvedRefs",
  ]);
});

test("a Server's route with a filter that no proxy can do to what it receives is named by its field", () => {
  const filters = [{
    type: "ResponseHeaderModifier",
    responseHeaderModifier: { set: [{ name: "a", value: "b" }] },
  }];
  const verdict = judge(
    route({
      parentRefs: [parent("Server", "web")],
      rules: [{}, { filters }],
    }),
    serverManifest("web"),
  );
  expect(summary(verdict)).toEqual(["web: Accepted false UnsupportedValue"]);
  expect(JSON.stringify(verdict)).toContain("spec.rules[1].filters[0].type");
});

test("a route that cannot be read says why on each parent of ours", () => {
  const verdict = say({
    kind: "broken",
    mistake: "spec.rules is 1, expected a list",
    parentRefs: [
      parent("Server", "web"),
      { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" },
    ],
  });
  expect(summary(verdict)).toEqual(["web: Accepted false UnsupportedValue"]);
  expect(JSON.stringify(verdict)).toContain("spec.rules is 1");
});

test("a route of other controllers has nothing of ours", () => {
  expect(say({ kind: "foreign" })).toEqual({ kind: "parents", parents: [] });
});

test("of rate limits of one Server the oldest is in force", () => {
  const limit = (name: string, server: string) =>
    manifest("HTTPLocalRateLimitPolicy", name, {
      targetRef: { group: POLICY, kind: "Server", name: server },
      total: { requestsPerSecond: 1 },
    });
  const all = [
    limit("younger", "web"),
    limit("older", "web"),
    serverManifest("web"),
  ] as const;
  expect(summary(judge(...all)))
    .toEqual(["Accepted false RateLimitReasonAlreadyExists"]);
  expect(summary(judge(all[1], all[0], all[2])))
    .toEqual(["Accepted true Accepted"]);
  const lost = judge(limit("lost", "gone"));
  expect(summary(lost)).toEqual(["Accepted false NoMatchingTarget"]);
  expect(lost).toMatchObject({ targetRef: { kind: "Server", name: "gone" } });
});

test("an EgressNetwork over the cluster's own networks is not accepted", () => {
  const network = (cidr: string) =>
    judge(manifest("EgressNetwork", "out", {
      trafficPolicy: "Allow",
      networks: [{ cidr }],
    }));
  expect(summary(network("192.0.2.0/24"))).toEqual(["Accepted true Accepted"]);
  expect(summary(network("10.0.0.0/9")))
    .toEqual(["Accepted false EgressReasonNetworkOverlap"]);
});
