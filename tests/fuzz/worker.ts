import { parentPort, workerData } from "node:worker_threads";
import { seeded } from "../../proxy/http2/testing/random.ts";
import { turn } from "../../proxy/testing/recorder.ts";
import type { Outcome, Work } from "./target.ts";
import { TARGETS } from "./targets.ts";

/** Far apart, so that seeds next to each other share no iteration. */
const SEED_STEP = 1_000_003;

parentPort?.postMessage(await run(workerData as Work));

async function run(work: Work): Promise<Outcome> {
  const round = TARGETS[work.target];
  if (round === undefined) return { kind: "failed", text: "no such target" };
  const progress = new Int32Array(work.progress);
  const until = performance.now() + work.ms;
  let rounds = 0;
  for (let at = work.iteration ?? 0; performance.now() < until; at++) {
    Atomics.store(progress, 0, at);
    try {
      await round(seeded(work.seed * SEED_STEP + at));
    } catch (error) {
      const text = error instanceof Error ? error.stack : String(error);
      return { kind: "failed", text: text ?? "" };
    }
    rounds++;
    if (work.iteration !== null) break;
    // Errors that were thrown from callbacks surface before the next round.
    if (rounds % 64 === 0) await turn();
  }
  await turn();
  return { kind: "done", rounds };
}
