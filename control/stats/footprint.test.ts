// What the metrics of pods take in memory (bench/micro/stats.ts measures it for 1,000): so much for a pod, and no more later.
import { expect, test } from "bun:test";
import type { Busy, Passing } from "./testing/footprint.ts";

/** As in testing/footprint.ts, which is a program. */
const PODS = 30;
/** Of 300 MB for 1,000 pods, what is left beside the runtime and the program. */
const PER_POD_BYTES = 180_000;

/** In a process of its own: what other tests leave behind is garbage that is collected while this one counts. */
async function measure<T>(what: "busy" | "passing"): Promise<T> {
  const program = Bun.spawn([
    ...[process.execPath, `${import.meta.dir}/testing/footprint.ts`, what],
  ]);
  const text = await new Response(program.stdout).text();
  return JSON.parse(text) as T;
}

test("an hour of a pod takes so much, and the next hours no more", async () => {
  const hours = await measure<Busy>("busy");
  const [, second = NaN, third = NaN] = hours;
  expect(Math.min(...hours)).toBeGreaterThan(0);
  expect(Math.max(...hours)).toBeLessThan(PER_POD_BYTES);
  expect(third).toBeLessThan(second * 1.05);
}, 120_000);

test("pods that are gone take nothing an hour later", async () => {
  const { histories, bytes } = await measure<Passing>("passing");
  // Those of the last hour, and those that were there when it began.
  expect(histories).toBeLessThanOrEqual(8 * PODS);
  expect(bytes).toBeLessThan(8 * PODS * PER_POD_BYTES / 10);
}, 120_000);
