import type { Exit, RunOptions } from "../../demo/bed/program.ts";
import type { Pod } from "../../demo/bed/pod.ts";
import { Problem } from "../../schemas/problem.ts";

/** Time that a load generator may take beyond the load itself: connecting, timeouts of its own, its report. */
const GRACE_MS = 20_000;

/** Runs a load generator in a pod and gives its stdout; throws when it fails or does not end. */
export async function runLoad(
  pod: Pod,
  argv: readonly string[],
  seconds: number,
  options?: RunOptions,
): Promise<string> {
  const program = pod.run(argv, options);
  const overdue = setTimeout(
    () => void program.stop("SIGKILL"),
    seconds * 1000 + GRACE_MS,
  );
  let exit: Exit;
  try {
    exit = await program.exited;
  } finally {
    clearTimeout(overdue);
  }
  if (exit.code === 0) return exit.stdout;
  throw new Problem(
    "system.failed",
    `"${argv.join(" ")}" ended with code ${exit.code}: ${program.tail()}`,
  );
}
