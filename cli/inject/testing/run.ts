import type { World } from "../../command.ts";
import { run } from "../../program.ts";

/** What a command line printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line inside this process, in an empty environment, without standard input. */
export function runLinkerd(...args: string[]): Promise<Ran> {
  return runWith("", ...args);
}

/** The same, with text on standard input. */
export async function runWith(
  input: string | Uint8Array,
  ...args: string[]
): Promise<Ran> {
  const bytes = typeof input === "string"
    ? new TextEncoder().encode(input)
    : input;
  const world: World = {
    env: {},
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(bytes),
  };
  const result = await run(args, world);
  if (!("code" in result)) {
    throw new Error("expected an outcome, found help or a plugin");
  }
  return {
    code: result.code,
    stdout: (result.stdout ?? []).join(""),
    stderr: result.stderr ?? "",
  };
}
