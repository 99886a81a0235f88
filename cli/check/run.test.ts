import { expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import type { World } from "../command.ts";
import { parseFlags } from "../flags.ts";
import { GLOBAL_FLAGS } from "../global-flags.ts";
import { CHECK_FLAGS } from "./flags.ts";
import { runCheck } from "./run.ts";

async function check(
  ...args: string[]
): Promise<{ readonly code: number; readonly said: string }> {
  const said: string[] = [];
  const world: World = {
    env: { HOME: "/nowhere", KUBECONFIG: "/nowhere/kubeconfig", PATH: "" },
    colour: false,
    terminal: false,
    print: (text) => void said.push(text),
    readInput: () => Promise.resolve(new Uint8Array()),
  };
  const given = parseFlags(args, [...CHECK_FLAGS, ...GLOBAL_FLAGS]);
  const { code } = await runCheck(given, world);
  return { code, said: said.join("") };
}

test("flags that contradict each other are refused before anything is looked at", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["--pre --proxy", "--pre and --proxy flags are mutually exclusive"],
    ["--pre --crds", "--pre and --crds flags are mutually exclusive"],
    ["--crds --proxy", "--crds and --proxy flags are mutually exclusive"],
    [
      "--linkerd-cni-enabled",
      "--linkerd-cni-enabled can only be used with --pre",
    ],
    [
      "-o yaml",
      "Invalid output type 'yaml'. Supported output types are: json, table, short",
    ],
    ["--wait soon", "Invalid --wait 'soon', expected a duration"],
    ["-L a/b", "a/b is not a valid namespace"],
  ];
  for (const [args, wanted] of cases) {
    const thrown = await check(...args.split(" ")).catch((error) => error);
    expect(thrown, args).toBeInstanceOf(Problem);
    expect(thrown.message, args).toContain(wanted);
  }
});

test("without a cluster the run ends at once, with the next step and a status", async () => {
  for (const mode of [[], ["--pre"], ["--crds"], ["--proxy"]]) {
    const { code, said } = await check(...mode);
    expect(code).toBe(1);
    expect(said).toStartWith(
      "kubernetes-api\n--------------\n× can initialize the client\n    ",
    );
    expect(said).toContain("--kubeconfig FILE");
    expect(said).toContain("checks.md#k8s-api for hints\n");
    expect(said).toEndWith("\n\nStatus check results are ×\n");
  }
});

test("json without a cluster is one document all the same", async () => {
  const { code, said } = await check("--output=json");
  expect(code).toBe(1);
  const { success, categories } = JSON.parse(said);
  expect(success).toBe(false);
  expect(categories).toHaveLength(1);
  expect(categories[0].checks).toHaveLength(1);
});
