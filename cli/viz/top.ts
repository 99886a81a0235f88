import { setTimeout as pause } from "node:timers/promises";
import type { TapEvent } from "../../schemas/tap.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { hasScreen, showScreen } from "./screen.ts";
import { openTap, TERMINATED } from "./tap/stream.ts";
import { needWords } from "./options.ts";
import { readTap } from "./tap/target.ts";
import { createTop, type KeyField, type Top } from "./top/rows.ts";
import { picture, table } from "./top/view.ts";

/** Between two tables when nobody sees a screen. */
const TABLE_EVERY_MS = 1_000;

/** Shows which requests there are most of, on the whole terminal; elsewhere as a table each second in which any ended. */
export async function runTop(given: Given, world: World): Promise<Outcome> {
  const words = needWords(
    given,
    "accepts between 1 and 2 arg(s), received 0",
    "what to look at, such as deploy/web",
  );
  const tap = await readTap(words, given, world, "without headers");
  const key = keyOf(given);
  const top = createTop({ key });
  const stop = new AbortController();
  try {
    const events = await openTap(tap, given, world, stop.signal);
    const ended = fold(events, top);
    if (!hasScreen(world)) return await printTables(top, key, ended, world);
    const how = await showScreen({ picture: () => picture(top, key), ended });
    return { code: how.code, stderr: how.ended ? TERMINATED : "" };
  } finally {
    stop.abort();
  }
}

function keyOf(given: Given): readonly KeyField[] {
  return [
    ...given.on("hide-sources") ? [] : ["source"] as const,
    "destination",
    ...given.on("routes") ? ["route"] as const : ["method", "path"] as const,
  ];
}

async function fold(events: AsyncIterable<TapEvent>, top: Top): Promise<void> {
  for await (const event of events) top.add(event);
}

async function printTables(
  top: Top,
  key: readonly KeyField[],
  ended: Promise<void>,
  world: World,
): Promise<Outcome> {
  const isOver = ended.then(() => true);
  for (let last = "";;) {
    const over = await Promise.race([
      isOver,
      pause(TABLE_EVERY_MS, false, { ref: false }),
    ]);
    const text = table(top, key);
    if (text !== last && top.rows().length > 0) await world.print(`${text}\n`);
    last = text;
    if (over) return { code: 0, stderr: TERMINATED };
  }
}
