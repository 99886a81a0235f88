import { setTimeout as pause } from "node:timers/promises";
import { harmless } from "../../schemas/harmless.ts";
import { describe } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { askRows, type Question } from "./ask.ts";
import { reachMetrics, TIMEOUT_MS } from "./reach.ts";
import { hasScreen, type Line, showScreen } from "./screen.ts";

/** From an answer to the next question: a slow answer is not asked for again before it came. */
const PAUSE_MS = 2_000;

/**
 * Asks the metrics component all questions at once and shows the answers, an array of rows for each question; with `--watch`
 * again and again, on the whole terminal where there is one.
 */
export async function askLive<Row>(
  given: Given,
  world: World,
  questions: readonly Question[],
  show: (rows: readonly (readonly Row[])[]) => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  const api = await reachMetrics(given, world);
  const ask = async (signal?: AbortSignal) =>
    await show(
      await Promise.all(
        questions.map((one) => askRows<Row>(api, one, signal)),
      ),
    );
  if (!given.on("watch")) return await ask();
  return hasScreen(world) && given.text("output") !== "json"
    ? await redraw(ask)
    : await repeat(ask, world);
}

type Ask = (signal?: AbortSignal) => Promise<Outcome>;

/** Why there is no newer answer. */
interface Trouble {
  readonly since: Date;
  readonly why: string;
}

/** Keeps the newest answer on the screen, and leaves the last one behind. What fails after the first is said there. */
async function redraw(ask: Ask): Promise<Outcome> {
  let answer = await ask();
  let trouble: Trouble | null = null;
  const stop = new AbortController();
  const { signal } = stop;
  const asking = async () => {
    for (;;) {
      await pause(PAUSE_MS, undefined, { signal });
      try {
        const timeout = AbortSignal.timeout(TIMEOUT_MS);
        answer = await ask(AbortSignal.any([signal, timeout]));
        trouble = null;
      } catch (error) {
        trouble = { since: trouble?.since ?? new Date(), why: describe(error) };
      }
    }
  };
  const title = `every ${PAUSE_MS / 1_000}s (press q to quit)`;
  try {
    const { code } = await showScreen({
      picture: () => picture(title, trouble, answer),
      ended: asking(),
    });
    return { ...answer, code };
  } finally {
    stop.abort();
  }
}

function picture(
  title: string,
  trouble: Trouble | null,
  { stdout = [], stderr = "" }: Outcome,
): readonly Line[] {
  const lines = (stdout.join("") + stderr).trimEnd().split("\n");
  return [
    { text: title, style: "fixed" },
    {
      text: trouble === null
        ? ""
        : `no answer since ${clock(trouble.since)}: ${harmless(trouble.why)}`,
      style: "bold",
    },
    ...lines.map((text): Line => ({ text, style: "plain" })),
  ];
}

/** The time of day, in UTC. */
function clock(time: Date): string {
  return `${time.toISOString().slice(11, 19)} UTC`;
}

/** Prints one answer after the other, until the command is stopped or nobody reads. */
async function repeat(
  ask: Ask,
  world: World,
): Promise<never> {
  const tell = async ({ stdout = [], stderr = "" }: Outcome) => {
    if (stdout.length > 0) await world.print(`${stdout.join("")}\n`);
    if (stderr !== "") world.warn?.(stderr);
  };
  await tell(await ask());
  for (;;) {
    await pause(PAUSE_MS);
    try {
      await tell(await ask());
    } catch (error) {
      world.warn?.(`${harmless(describe(error))}; asking again\n`);
    }
  }
}
