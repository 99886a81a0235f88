import { expect, test } from "bun:test";
import { parseWorkload, WORKLOAD_KINDS } from "./kinds.ts";
import { type Owned, type Pod, podsOf } from "./pods.ts";

function pod(name: string, kind?: string, owner?: string): Pod {
  return {
    metadata: {
      name,
      ...(kind === undefined || owner === undefined
        ? {}
        : { ownerReferences: [{ kind, name: owner }] }),
    },
    spec: { containers: [] },
  };
}

const PODS = [
  pod("web-1", "ReplicaSet", "web-abc"),
  pod("web-2", "ReplicaSet", "web-def"),
  pod("api-1", "ReplicaSet", "api-abc"),
  pod("db-0", "StatefulSet", "db"),
  pod("tick-1-x", "Job", "tick-1"),
  pod("alone"),
];
const BETWEEN: Owned[] = [
  ["web-abc", "Deployment", "web"],
  ["web-def", "Deployment", "web"],
  ["api-abc", "Deployment", "api"],
  ["tick-1", "CronJob", "tick"],
].map(([name, kind, owner]) => pod(name ?? "", kind, owner));

test.each(
  [
    ["deploy/web", ["web-1", "web-2"]],
    ["deployments", ["web-1", "web-2", "api-1"]],
    ["sts/db", ["db-0"]],
    ["cj/tick", ["tick-1-x"]],
    ["Job/tick-1", ["tick-1-x"]],
    ["rs/web-def", ["web-2"]],
    ["po/alone", ["alone"]],
    ["deploy/none", []],
  ] as const,
)("pods of %s", (text, names) => {
  const found = podsOf(parseWorkload([text]), PODS, BETWEEN);
  expect(found.map(({ metadata }) => metadata.name)).toEqual([...names]);
});

test("a workload is written with a slash or as two words, by any of its names", () => {
  for (const { kind, plural, short } of WORKLOAD_KINDS) {
    for (const word of [kind, plural, short ?? plural]) {
      expect(parseWorkload([`${word}/a`]).kind.kind).toBe(kind);
      expect(parseWorkload([word, "a"])).toEqual(parseWorkload([`${word}/a`]));
    }
  }
});

test.each([
  [["svc/web"], "unsupported resource type: svc"],
  [["deploy/"], "invalid resource string: deploy/"],
  [["deploy/a", "b"], "invalid resource string: deploy/a b"],
])("%p is refused", (words, message) => {
  expect(() => parseWorkload(words)).toThrow(message);
});
