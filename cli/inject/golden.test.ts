// Manifests as the world writes them, injected: `UPDATE_GOLDENS=1 bun test cli/inject` writes the goldens anew.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { type Ran, runLinkerd } from "./testing/run.ts";

const FOLDER = `${import.meta.dir}/../../install/testdata`;
const NAMES = [
  "cronjob",
  "daemonset",
  "deployment",
  "job",
  "list",
  "namespace",
  "pod",
  "replicaset",
  "service",
  "statefulset",
];
const MODES = [
  { suffix: "", flags: ["--ignore-cluster"] },
  { suffix: ".manual", flags: ["--ignore-cluster", "--manual"] },
  {
    suffix: ".flags",
    flags: [
      "--ignore-cluster",
      "--verbose",
      "--opaque-ports=5432",
      "--proxy-cpu-limit=1500m",
      "--ingress",
    ],
  },
];
const UPDATE = process.env["UPDATE_GOLDENS"] === "1";

for (const name of NAMES) {
  for (const { suffix, flags } of MODES) {
    const input = `${FOLDER}/${name}.input.yml`;

    test(`inject ${flags.join(" ")} makes of ${name} what its golden says`, async () => {
      const ran = await runLinkerd("inject", ...flags, input);
      expect(ran.code).toBe(0);
      expectGolden(`${name}${suffix}.golden.yml`, ran.stdout);
      expectGolden(`${name}${suffix}.report`, ran.stderr);
    });

    test(`inject ${flags.join(" ")} of an injected ${name} changes nothing`, async () => {
      const golden = `${FOLDER}/${name}${suffix}.golden.yml`;
      const again = await runLinkerd("inject", ...flags, golden);
      expect(again.stdout).toBe(readFileSync(golden, "utf8"));
    });

    test(`uninject takes ${flags.join(" ")} out of ${name} again`, async () => {
      const golden = `${FOLDER}/${name}${suffix}.golden.yml`;
      const back = await runLinkerd("uninject", golden);
      const plain = await runLinkerd("uninject", input);
      expect(withoutConfig(back)).toEqual(withoutConfig(plain));
    });
  }
}

/** The objects of an output, without the configuration that uninject leaves (it may be the owner's own). */
function withoutConfig({ stdout }: Ran): unknown[] {
  const documents = parseAllDocuments(stdout);
  if ("empty" in documents) return [];
  return documents.map((document) => strip(document.toJS()));
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([key]) => !key.startsWith("config.linkerd.io/"))
    .map(([key, inner]) => [key, strip(inner)] as const)
    .filter(([key, inner]) =>
      !["annotations", "metadata"].includes(key) ||
      Object.keys(inner as object).length > 0
    );
  return Object.fromEntries(kept);
}

function expectGolden(name: string, text: string): void {
  const path = `${FOLDER}/${name}`;
  if (UPDATE) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}
