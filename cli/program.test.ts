import { expect, spyOn, test } from "bun:test";
import { nearest } from "../schemas/nearest.ts";
import type { Command, World } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { run } from "./program.ts";

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

/** Every command by what one types for it: groups opened. */
const VERBS = new Map<string, Command>(
  COMMANDS.flatMap((entry) =>
    "commands" in entry
      ? entry.commands.map((
        command,
      ) => [`${entry.name} ${command.name}`, command] as const)
      : [[entry.name, entry] as const]
  ),
);

test("no command uses a flag's name or letter twice, or one that all commands have", () => {
  for (const { flags } of VERBS.values()) {
    const all = [...flags, ...GLOBAL_FLAGS];
    const names = all.flatMap(({ name, short }) =>
      short === undefined ? [name] : [name, `-${short}`]
    );
    expect(names.length).toBe(new Set(names).size);
  }
});

test("examples name commands and flags that exist", () => {
  for (
    const { examples } of [...COMMANDS, ...VERBS.values()]
  ) {
    for (const example of examples) {
      for (const [, line = ""] of example.matchAll(/\blinkerd ([^|>#)&]*)/g)) {
        const words = line.trim().split(/\s+/);
        const command = VERBS.get(words[0] ?? "") ??
          VERBS.get(words.slice(0, 2).join(" "));
        expect(`${line} ${command === undefined ? "names none" : "names one"}`)
          .toBe(`${line} names one`);
        for (const flag of words.filter((arg) => arg.startsWith("--"))) {
          const name = flag.slice(2).split("=")[0];
          expect(
            [...command?.flags ?? [], ...GLOBAL_FLAGS].map((one) => one.name),
          ).toContain(name ?? "");
        }
      }
    }
  }
});

test("a switch of the program may stand before the command, a surplus word may not stand anywhere", async () => {
  expect(await run(["--verbose", "version", "--client", "--short"], world))
    .toMatchObject({ code: 0 });
  expect(await run(["version", "extra"], world)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'unexpected argument "extra" for "linkerd version"',
    ),
  });
});

/** Help as it is printed. */
async function help(...args: readonly string[]): Promise<string> {
  const result = await run(args, world);
  if (!("help" in result)) return JSON.stringify(result);
  const printed: string[] = [];
  const log = spyOn(console, "info").mockImplementation((text) =>
    void printed.push(text)
  );
  result.help();
  log.mockRestore();
  return printed.join("\n");
}

test("a word that holds commands shows them, however help is asked for", async () => {
  const text = await help("diagnostics");
  expect(text).toContain("$ linkerd diagnostics COMMAND [flags]");
  expect(text).toContain("  endpoints  ");
  for (const args of [["dg"], ["dg", "--help"], ["help", "dg"]]) {
    expect(await help(...args)).toBe(text);
  }
});

test("a command inside is found by alias, with flags anywhere, and has help of its own", async () => {
  const text = await help("help", "diagnostics", "endpoints");
  expect(text).toContain(
    "$ linkerd diagnostics endpoints [flags] AUTHORITY...",
  );
  expect(text).toContain("--destination-pod <value>");
  for (
    const args of [["dg", "ep", "-h"], [
      "--verbose",
      "dg",
      "-L",
      "a",
      "ep",
      "--help",
    ]]
  ) {
    expect(await help(...args)).toBe(text);
  }
});

test("all help fits a terminal of 80 columns", async () => {
  const paths = ["help", "viz", "diagnostics", ...VERBS.keys()];
  const helps = paths.map((path) => help(...path.split(" "), "--help"));
  const lines = (await Promise.all(helps)).flatMap((text) => text.split("\n"));
  expect(lines.filter((line) => line.length > 80 || line.endsWith(" ")))
    .toEqual([]);
  // Nothing is left out for it.
  const install = await help("install", "--help");
  expect(install).toMatch(
    /--identity-clock-skew-allowance <value>\n +How far clocks of the cluster may be apart\n +\(default 20s\)\n/,
  );
});

test("an unknown word inside is refused with the nearest one", async () => {
  expect(await run(["diagnostics", "endpoint", "x"], world)).toEqual({
    code: 1,
    stderr:
      'Error: unknown command "endpoint" for "linkerd diagnostics"\n\nDid you mean this?\n\tendpoints\n\n' +
      "Run 'linkerd diagnostics --help' for usage.\n",
  });
  expect(await run(["diagnostics", "--wide"], world)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Error: unknown flag: --wide\n"),
  });
});

test("nearest() suggests what is two letters away, and nothing beyond", () => {
  expect(nearest("injct", ["inject", "uninject"])).toBe("inject");
  expect(nearest("frobnicate", ["inject", "uninject"])).toBeUndefined();
});

test("commands that viz has taken over still run at the top, with a word about it", async () => {
  const result = await run(["stat", "--viz-namespace", "x"], world);
  expect(result).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      /^Command "stat" is deprecated, use instead 'linkerd viz stat \[flags\] \(RESOURCES\)'\n\nError: requires at least 1 arg/,
    ),
  });
  const warned: string[] = [];
  const warning: World = { ...world, warn: (text) => void warned.push(text) };
  const said = await run(["edges"], warning);
  expect(warned).toEqual([
    "Command \"edges\" is deprecated, use instead 'linkerd viz edges [flags] (TYPE)'\n\n",
  ]);
  expect(said).toMatchObject({ code: 1 });
});
