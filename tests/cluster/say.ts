import { Problem } from "../../schemas/problem.ts";

/** A line on stderr that tells a person how far a cluster is. */
export function say(line: string): void {
  process.stderr.write(`cluster: ${line}\n`);
}

/** Does the work of a program and ends it with the exit code; a `Problem` is told with its hint, for exit code 1. */
export async function runMain(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(error.message);
    if (error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
    process.exitCode = 1;
  }
}
