/** `bun footprint.ts busy|passing`: what a history takes, in a process that holds nothing else; prints it as JSON. */
import { fullGC, heapStats } from "bun:jsc";
import { createScraper } from "../scraper.ts";
import { busyPage, labelsOf } from "./busy-page.ts";
import { simulateTime } from "./simulated-time.ts";

const PODS = 30;
/** Times that pods are replaced by others in `passing`, six in an hour. */
const GENERATIONS = 30;
const HOUR_MS = 3_600_000;

/** Bytes of the heap for each pod, after each of the hours. */
export type Busy = readonly number[];

/** What is left of pods that were replaced again and again. */
export interface Passing {
  readonly histories: number;
  /** Of the heap. */
  readonly bytes: number;
}

async function busy(): Promise<Busy> {
  const scraper = open(busyPage);
  const before = heapBytes();
  follow(scraper, 0);
  const hours: number[] = [];
  for (let hour = 0; hour < 3; hour++) {
    await time.pass(HOUR_MS);
    hours.push((heapBytes() - before) / PODS);
  }
  return hours;
}

async function passing(): Promise<Passing> {
  const scraper = open((pod, seconds) =>
    `response_total{pod="${pod}"} ${Math.floor(seconds)}\n`
  );
  const before = heapBytes();
  for (let generation = 0; generation < GENERATIONS; generation++) {
    follow(scraper, generation * PODS);
    await time.pass(HOUR_MS / 6);
  }
  const histories = [...scraper.histories()].length;
  return { histories, bytes: heapBytes() - before };
}

function open(page: (pod: number, seconds: number) => string) {
  return createScraper({
    intervalMs: 10_000,
    fetch: (url) => Promise.resolve(page(Number(url), time.now() / 1_000)),
    now: time.now,
    random: () => 0.5,
    scraped() {},
    failed: (_, why) => {
      throw new Error(why);
    },
  });
}

function follow(scraper: ReturnType<typeof open>, first: number): void {
  scraper.update(Array.from({ length: PODS }, (_, at) => ({
    id: String(first + at),
    url: String(first + at),
    labels: labelsOf(first + at),
  })));
}

function heapBytes(): number {
  fullGC();
  return heapStats().heapSize;
}

const time = simulateTime();
const found = process.argv[2] === "busy" ? await busy() : await passing();
process.stdout.write(JSON.stringify(found));
process.exit();
