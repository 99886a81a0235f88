import { expect, test } from "bun:test";
import type { Condition, Standing, Verdict } from "../conditions.ts";
import { CONTROLLER, patchOf } from "./patch.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const BEFORE = "2025-01-01T00:00:00Z";

const parentRef = { kind: "Service", name: "web", port: 80 };
const accepted = (isTrue: boolean, message = ""): Condition => ({
  type: "Accepted",
  isTrue,
  reason: isTrue ? "Accepted" : "NoMatchingParent",
  message,
});
const written = (isTrue: boolean, since = BEFORE, more: object = {}) => ({
  type: "Accepted",
  status: isTrue ? "True" : "False",
  reason: isTrue ? "Accepted" : "NoMatchingParent",
  message: "",
  observedGeneration: 3,
  lastTransitionTime: since,
  ...more,
});
const route = (isTrue: boolean): Verdict => ({
  kind: "parents",
  parents: [{ parentRef, conditions: [accepted(isTrue)] }],
});
const entry = (condition: object, controllerName = CONTROLLER) => ({
  parentRef,
  controllerName,
  conditions: [condition],
});
const theirs = entry(written(true), "example.org/gateway");

function standing(status: unknown): Standing {
  return {
    path: "/apis/x",
    apiVersion: "policy.linkerd.io/v1beta3",
    resourceVersion: "7",
    generation: 3,
    status,
    content: { kind: "foreign" },
  };
}

const patch = (status: unknown, verdict: Verdict) =>
  patchOf(standing(status), verdict, NOW);

const metadata = { resourceVersion: "7" };

test("a first status is written for the version that was seen", () => {
  expect(patch(undefined, route(true))).toEqual({
    metadata,
    status: { parents: [entry(written(true, "2026-01-02T03:04:05Z"))] },
  });
});

test("a status that says it already is left alone, whenever it was written", () => {
  expect(patch({ parents: [theirs, entry(written(true))] }, route(true)))
    .toBeNull();
  expect(patch(undefined, { kind: "parents", parents: [] })).toBeNull();
});

test("others' entries are kept, and the time moves only with the status", () => {
  const wordy = entry(written(false, BEFORE, { message: "old words" }));
  expect(patch({ parents: [wordy, theirs] }, route(false))).toEqual({
    metadata,
    status: { parents: [theirs, entry(written(false))] },
  });
  expect(patch({ parents: [entry(written(true))] }, route(false)))
    .toMatchObject({
      status: {
        parents: [entry(written(false, "2026-01-02T03:04:05Z"))],
      },
    });
  const older = entry(written(true, BEFORE, { observedGeneration: 2 }));
  expect(patch({ parents: [older] }, route(true))).toMatchObject({
    status: { parents: [entry(written(true))] },
  });
});

test("a route without parents of ours loses our entries only", () => {
  const nothing: Verdict = { kind: "parents", parents: [] };
  expect(patch({ parents: [theirs, entry(written(true))] }, nothing))
    .toMatchObject({ status: { parents: [theirs] } });
});

test("other kinds have conditions of their own, and others' are kept", () => {
  const targetRef = { kind: "Server", name: "web" };
  const verdict: Verdict = {
    kind: "conditions",
    conditions: [accepted(true)],
    targetRef,
  };
  const strange = { type: "Strange", status: "True" };
  expect(patch({ conditions: [strange] }, verdict)).toEqual({
    metadata,
    status: {
      conditions: [strange, written(true, "2026-01-02T03:04:05Z")],
      targetRef,
    },
  });
  const done = { conditions: [written(true), strange], targetRef };
  expect(patch(done, verdict)).toBeNull();
});
