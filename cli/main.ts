import process from "node:process";
import { describe, Problem } from "../schemas/problem.ts";
import type { World } from "./command.ts";
import { runPlugin } from "./plugin.ts";
import { run } from "./program.ts";

// A reader that has seen enough, such as `head`, is not an error worth a trace.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.stderr.write(
    error.code === "EPIPE" ? "" : `Error printing: ${error.message}\n`,
  );
  process.exit(1);
});

const { env, stdout } = process;
let draining: Promise<void> | undefined;
const world: World = {
  env,
  colour: stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb",
  terminal: stdout.isTTY === true,
  get columns() {
    return stdout.columns; // changes with the window
  },
  print,
  warn: (text) => void process.stderr.write(text),
  readInput,
};

try {
  const result = await run(process.argv.slice(2), world);
  if ("help" in result) result.help();
  else if ("plugin" in result) {
    process.exitCode = await runPlugin(result.plugin, result.args);
  } else {
    for (const text of result.stdout ?? []) stdout.write(text);
    process.stderr.write(result.stderr ?? "");
    process.exitCode = result.code;
  }
} catch (error) {
  process.stderr.write(`Error: ${describe(error)}\n`);
  process.exitCode = 1;
}

/** Writes; gives a promise when whoever reads is behind. */
function print(text: string): void | Promise<void> {
  if (stdout.write(text)) return;
  draining ??= new Promise((resolve) => {
    stdout.once("drain", () => {
      draining = undefined;
      resolve();
    });
  });
  return draining;
}

async function readInput(maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new Problem(
        "config.invalid",
        `Cannot read standard input: more than ${maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
