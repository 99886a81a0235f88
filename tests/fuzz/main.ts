// Feeds random octets to everything that reads those of strangers:
//   bun tests/fuzz/main.ts [--seconds 60] [--seed 42] [--target hpack-decode] [--iteration 17]
// `--seconds` are divided among the targets. The same seed gives the same rounds; a finding says how to see it again. It
// becomes a test beside the code that was wrong.
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { type Outcome, PROGRESS_BYTES, type Work } from "./target.ts";
import { TARGETS } from "./targets.ts";

/** A round takes a millisecond or so: one that takes this long will not end. */
const HANG_MS = 10_000;
const WATCH_MS = 250;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "42" },
    target: { type: "string" },
    iteration: { type: "string" },
  },
});
const seed = Number(values.seed);
const targets = values.target === undefined
  ? Object.keys(TARGETS)
  : [values.target];
const iteration = values.iteration === undefined
  ? null
  : Number(values.iteration);

let failed = false;
for (const target of targets) {
  const progress = new SharedArrayBuffer(PROGRESS_BYTES);
  const outcome = await run({
    target,
    seed,
    iteration,
    ms: Number(values.seconds) * 1_000 / targets.length,
    progress,
  });
  if (outcome.kind === "done") {
    process.stdout.write(`${target}: ${outcome.rounds} rounds\n`);
    continue;
  }
  failed = true;
  const [at = 0] = new Int32Array(progress);
  process.stdout.write(`${target} failed: ${outcome.text}
  again: bun tests/fuzz/main.ts --target ${target} --seed ${seed} --iteration ${at}\n`);
}
process.exit(failed ? 1 : 0);

/** Works in a thread of its own, which alone can be stopped when it hangs. */
function run(work: Work): Promise<Outcome> {
  const worker = new Worker(`${import.meta.dir}/worker.ts`, {
    workerData: work,
  });
  const progress = new Int32Array(work.progress);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let last = -1;
  let since = performance.now();
  const watching = setInterval(() => {
    const [now = 0] = progress;
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since < HANG_MS) return;
    resolve({ kind: "failed", text: `no end after ${HANG_MS} ms` });
  }, WATCH_MS);
  worker.on("message", resolve);
  worker.on("error", (error) => {
    resolve({ kind: "failed", text: textOf(error) });
  });
  return promise.finally(() => {
    clearInterval(watching);
    void worker.terminate();
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
