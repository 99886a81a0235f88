import { Problem } from "../schemas/problem.ts";
import type { Outcome } from "./command.ts";

/** A reason not to go on that is printed as it is, without the command's usage: the command line was right. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What a command does, or what it says instead. */
export async function orRefusal(
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return refused(thrown);
  }
}

/** What a command comes to that does not go on. */
export function refused(thrown: unknown): Outcome {
  return { code: 1, stderr: `${saying(thrown).replace(/\n$/, "")}\n` };
}

/** What anything thrown says to a person: the message, and the next step on a line of its own. */
export function saying(thrown: unknown): string {
  if (thrown instanceof Problem && thrown.hint !== undefined) {
    return `${thrown.message}\n${thrown.hint}`;
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}
