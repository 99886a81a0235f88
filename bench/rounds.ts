import type { Case } from "./case.ts";
import { Problem } from "../schemas/problem.ts";
import { readCpuMs, readMemory } from "./measure.ts";
import { type Row, type Sample, summarize } from "./result.ts";
import type { Running } from "./subject.ts";

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Seconds of load before a subject's turn counts: the hop connects, caches fill, code is compiled. Each time, for between its
 * turns a proxy forgets where nobody sends to; in an open loop, what waits behind the first request would be the p99.
 */
export const WARM_UP_SECONDS = 1;
/** Memory is read when this share of a round is over, under load. */
const MEMORY_AT = 0.8;

/** Runs a case for all subjects, round by round in turns, so that what disturbs the machine disturbs all alike. */
export async function runRounds(
  one: Case,
  subjects: ReadonlyMap<string, Running>,
  options: RoundsOptions,
): Promise<Row[]> {
  const { rounds, seconds, folder, log } = options;
  const load = (running: Running, duration: number) =>
    one.run({
      pod: running.client,
      target: running.addressOf(one.carries),
      seconds: duration,
      folder,
    });
  const warmUp = async (name: string, running: Running): Promise<void> => {
    const { requests, bytes, failed } = await load(running, WARM_UP_SECONDS);
    if (requests !== 0 && bytes !== 0) return;
    throw new Problem(
      "system.failed",
      `Cannot measure ${name} in ${one.name}: nothing came through, ${failed} failed`,
    );
  };
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, running] of subjects) {
      await warmUp(name, running);
      const sample = await measure(
        running,
        seconds,
        () => load(running, seconds),
      );
      samples.set(name, [...samples.get(name) ?? [], sample]);
      const row = summarize(one.name, name, [sample]);
      log(`${one.name} ${round + 1}/${rounds} ${name}: ${brief(row)}`);
    }
  }
  return [...samples].map(([name, all]) => summarize(one.name, name, all));
}

async function measure(
  { pids }: Running,
  seconds: number,
  load: () => ReturnType<Case["run"]>,
): Promise<Sample> {
  if (pids.length === 0) return { load: await load(), cost: null };
  const before = await readCpuMs(pids);
  const [result, memory] = await Promise.all([
    load(),
    Bun.sleep(seconds * 1000 * MEMORY_AT).then(() => readMemory(pids)),
  ]);
  const cpuMs = await readCpuMs(pids) - before;
  return { load: result, cost: { cpuMs, ...memory } };
}

function brief(row: Row): string {
  return Object.entries(row)
    .filter(([key, value]) =>
      key !== "case" && key !== "subject" && value !== null
    )
    .map(([key, value]) => `${key} ${value}`).join(", ");
}
