import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readTapFormat } from "./tap/format.ts";
import { openTap, TERMINATED } from "./tap/stream.ts";
import { needWords } from "./options.ts";
import { readTap } from "./tap/target.ts";

/** Prints live requests, a line for each event of one, until the command is stopped. */
export async function runTap(given: Given, world: World): Promise<Outcome> {
  const words = needWords(
    given,
    "accepts between 1 and 2 arg(s), received 0",
    "what to look at, such as deploy/web",
  );
  const { print, headers } = readTapFormat(given.text("output") ?? "");
  const tap = await readTap(words, given, world, headers);
  // Nobody aborts it: who has seen enough stops the command.
  const { signal } = new AbortController();
  for await (const event of await openTap(tap, given, world, signal)) {
    await world.print(`${print(event)}\n`);
  }
  return { code: 0, stderr: TERMINATED };
}
