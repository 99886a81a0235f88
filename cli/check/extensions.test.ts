// Extensions are other programs: found by namespace or by asking, bounded, and read in the form of our own output.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { World } from "../command.ts";
import { parseFlags } from "../flags.ts";
import { GLOBAL_FLAGS } from "../global-flags.ts";
import { runBounded } from "./executable.ts";
import { runExtensions } from "./extensions.ts";
import { CHECK_FLAGS } from "./flags.ts";
import { readOptions } from "./options.ts";
import type { CheckEvent } from "./outcome.ts";
import type { Run } from "./runner.ts";
import { createScene } from "./scene.ts";
import { fakeCluster, type FakeObject } from "./testing/cluster.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "extensions-"));
  const report = `{"success": true, "categories": [{"categoryName": "linkerd-a",
    "checks": [{"description": "'"$*"'", "result": "success"}]}]}`;
  await script("linkerd-always", [
    'if [ "$1" = _extension-metadata ]; then',
    `  echo '{"name": "Linkerd-Always", "checks": "always"}'; exit; fi`,
    `echo '{"success": false, "categories": [{"categoryName": "linkerd-always",`,
    `  "checks": [{"description": "it holds", "result": "error", "error": "no", "hint": "https://x"}]}]}'`,
    "exit 1",
  ]);
  await script("linkerd-a", [`echo '${report}'`]);
  await script("linkerd-broken", ["echo oops", "echo 'no cluster' >&2"]);
  await script("linkerd-chatty", ["echo hello"]);
  await script("linkerd-unasked", ["exit 1"]);
  await writeFile(join(folder, "linkerd-text"), "not executable");
});
afterAll(() => rm(folder, { recursive: true }));

async function script(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  await chmod(path, 0o755);
  return path;
}

function namespace(extension: string): FakeObject {
  return {
    kind: "Namespace",
    metadata: {
      name: `${extension}-ns`,
      labels: { "linkerd.io/extension": extension },
    },
  };
}

async function results(
  extensions: readonly string[],
  ...args: string[]
): Promise<readonly (CheckEvent & { kind: "result" })[]> {
  const given = parseFlags(args, [...CHECK_FLAGS, ...GLOBAL_FLAGS]);
  const world: World = {
    env: { PATH: `/nowhere:${folder}:/usr/bin` },
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new Uint8Array()),
  };
  const options = readOptions(given, world);
  const run: Run = {
    now: () => 0,
    waitMs: 0,
    after: () => () => {},
    look: (signal) =>
      createScene({
        settings: options.settings,
        nowMs: 0,
        open: () => Promise.resolve(fakeCluster(extensions.map(namespace))),
        memory: new Map(),
        signal,
      }),
  };
  const found: (CheckEvent & { kind: "result" })[] = [];
  for await (const event of runExtensions(options, run, given, world)) {
    if (event.kind === "result") found.push(event);
  }
  return found;
}

test("those of labelled namespaces run, with flags that lead to the same cluster", async () => {
  const found = await results(
    ["a"],
    "--proxy",
    "-n",
    "shop",
    "--context=dev",
    "--as-group=x",
    "--as-group=y",
  );
  expect(found.map(({ category }) => category)).toEqual([
    "linkerd-a",
    "linkerd-always",
  ]);
  expect(found[0]?.result.description).toBe(
    "check --context=dev --as-group=x --as-group=y --linkerd-namespace=linkerd --namespace=shop --proxy=true --wait=5m0s --output=json",
  );
});

test("those that ask for it always run; their exit code means nothing, their results count", async () => {
  expect(await results([])).toEqual([{
    kind: "result",
    category: "linkerd-always",
    result: {
      description: "it holds",
      result: "error",
      error: "no",
      hint: "https://x",
    },
  }]);
});

test("output that is no report fails, with what the program said", async () => {
  const found = await results(["broken", "chatty"], "--wait", "1s");
  const line = (name: string) =>
    `${
      join(folder, name)
    } check --linkerd-namespace=linkerd --wait=1s --output=json`;
  const told = found.map(({ category, result }) => [
    category,
    result.description,
    result.error,
    result.result,
  ]);
  expect(told.filter(([category]) => category !== "linkerd-always")).toEqual([
    [
      "linkerd-broken",
      `Running: ${line("linkerd-broken")}`,
      "no cluster",
      "error",
    ],
    [
      "linkerd-chatty",
      `Running: ${line("linkerd-chatty")}`,
      expect.stringContaining("(JSON object expected):\nhello\n"),
      "error",
    ],
  ]);
});

test("an extension whose command is missing is a warning", async () => {
  const found = await results(["text"]);
  expect(found.at(-1)).toEqual({
    kind: "result",
    category: "linkerd-text",
    result: {
      description: "Linkerd extension command linkerd-text exists",
      error: 'exec: "linkerd-text": executable file not found in $PATH',
      hint: expect.stringContaining("checks.md#extensions"),
      result: "warning",
    },
  });
});

test("viz is built in: its namespace asks for no command", async () => {
  expect(await results(["viz"])).toEqual(await results([]));
});

test("programs that never end or never stop talking are ended", async () => {
  const limits = { timeoutMs: 300, maxBytes: 1_000 };
  const hanging = await script("hang", [
    "echo begun",
    "sleep 30 &",
    "sleep 30",
  ]);
  const hung = await runBounded(hanging, [], limits);
  expect(hung.stdout).toBe("begun\n");
  expect(hung.ended).toContain("ended after 0.3 s");
  const loud = await runBounded(await script("loud", ["yes"]), [], limits);
  expect(loud.stdout.length).toBeLessThanOrEqual(1_000);
  expect(loud.ended).toBeDefined();
});
