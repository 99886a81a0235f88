import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createExporter, type Exporter, type Verdict } from "./exporter.ts";
import { json } from "./json.ts";
import { SPAN } from "./testing/spans.ts";

const TAKEN: Verdict = { kind: "taken" };
const LATER: Verdict = { kind: "later", why: "it is busy", afterMs: null };
const REFUSED: Verdict = { kind: "refused", why: "status 400" };

/** A request that has come to the collector, which the test answers. */
interface Asked {
  readonly spans: number;
  readonly signal: AbortSignal;
  answer(verdict: Verdict): Promise<void>;
}

let asked: Asked[];
let counted: Record<string, number>;
let said: string[];
let exporter: Exporter;
beforeEach(() => {
  jest.useFakeTimers();
  asked = [];
  counted = { requested: 0, exported: 0 };
  said = [];
  const add = (name: string, n: number) =>
    void (counted[name] = (counted[name] ?? 0) + n);
  exporter = createExporter({
    encoding: json,
    resource: [["service.name", "test"]],
    collector: "traces:4318",
    random: () => 0,
    recorder: {
      requested: () => add("requested", 1),
      exported: (spans) => add("exported", spans),
      dropped: (spans, reason) => add(reason, spans),
    },
    log: {
      warn: (message, fields) => said.push(`${message}: ${fields?.["error"]}`),
      info: (message) => said.push(message),
    },
    send(request, signal) {
      const { promise, resolve } = Promise.withResolvers<Verdict>();
      const { resourceSpans } = JSON.parse(new TextDecoder().decode(request));
      asked.push({
        spans: resourceSpans[0].scopeSpans[0].spans.length,
        signal,
        async answer(verdict) {
          resolve(verdict);
          await settle();
        },
      });
      signal.addEventListener("abort", () => resolve(LATER));
      return promise;
    },
  });
});
afterEach(async () => {
  const closing = exporter.close(0);
  jest.runAllTimers();
  await closing;
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Lets promises that can settle do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settle();
}

function end(spans: number): void {
  for (let n = 0; n < spans; n++) exporter.ended(SPAN);
}

const sizes = () => asked.map(({ spans }) => spans);

describe("spans are sent", () => {
  test("ten seconds after the first of them, together", async () => {
    end(1);
    await pass(9_000);
    end(2);
    expect(asked).toEqual([]);
    await pass(1_000);
    expect(sizes()).toEqual([3]);
    await asked[0]?.answer(TAKEN);
    expect(counted).toEqual({ requested: 1, exported: 3 });
    await pass(60_000);
    expect(sizes()).toEqual([3]);
  });

  test("at once when there are a thousand", async () => {
    end(1_000);
    expect(sizes()).toEqual([1_000]);
    await asked[0]?.answer(TAKEN);
  });

  test("at once when they are a mebibyte", () => {
    const path = "x".repeat(100_000);
    for (let n = 0; n < 11; n++) {
      exporter.ended({ ...SPAN, attributes: [["url.path", path]] });
    }
    expect(sizes()).toEqual([11]);
  });

  test("one batch after the other", async () => {
    end(1_000);
    end(10);
    await pass(20_000);
    expect(sizes()).toEqual([1_000]);
    await asked[0]?.answer(TAKEN);
    await pass(10_000);
    expect(sizes()).toEqual([1_000, 10]);
    await asked[1]?.answer(TAKEN);
    expect(counted["exported"]).toBe(1_010);
  });
});

describe("a collector that", () => {
  test("does not answer costs no more than the next batch; the rest is counted", async () => {
    end(5_000);
    await pass(5_000);
    expect(sizes()).toEqual([1_000]);
    expect(counted["queue_full"]).toBe(3_000);
    await asked[0]?.answer(TAKEN);
    expect(sizes()).toEqual([1_000, 1_000]);
  });

  test("is busy gets the same spans later, and it is said once", async () => {
    end(1_000);
    await asked[0]?.answer(LATER);
    expect(sizes()).toEqual([1_000]);
    await pass(100);
    await asked[1]?.answer(LATER);
    await pass(100);
    expect(sizes()).toEqual([1_000, 1_000]);
    await pass(100);
    await asked[2]?.answer(TAKEN);
    expect(counted).toEqual({ requested: 3, exported: 1_000 });
    expect(said).toEqual([
      "The trace collector does not take spans: it is busy",
      "The trace collector takes spans again",
    ]);
  });

  test("says when it is ready again is asked then", async () => {
    end(1_000);
    await asked[0]?.answer({ ...LATER, afterMs: 5_000 });
    await pass(4_900);
    expect(asked).toHaveLength(1);
    await pass(100);
    expect(asked).toHaveLength(2);
    await asked[1]?.answer({ ...LATER, afterMs: 86_400_000 });
    await pass(30_000);
    expect(asked).toHaveLength(3);
    await asked[2]?.answer(TAKEN);
  });

  test("is away for a minute loses a batch", async () => {
    end(1_000);
    while (counted["unreachable"] === undefined) {
      await asked.at(-1)?.answer(LATER);
      await pass(100);
    }
    expect(counted["unreachable"]).toBe(1_000);
    expect(asked.length).toBeLessThan(40);
    expect(said).toHaveLength(1);
    end(1_000);
    expect(asked.at(-1)?.spans).toBe(1_000);
    await asked.at(-1)?.answer(TAKEN);
    expect(said).toHaveLength(2);
  });

  test("does not want them is not asked again", async () => {
    end(1_000);
    await asked[0]?.answer(REFUSED);
    await pass(60_000);
    expect(asked).toHaveLength(1);
    expect(counted).toEqual({ requested: 1, exported: 0, refused: 1_000 });
    expect(said).toEqual([
      "The trace collector does not take spans: status 400",
    ]);
  });
});

describe("at the end", () => {
  test("what there is is sent", async () => {
    end(3);
    const closing = exporter.close(2_000);
    await settle();
    expect(sizes()).toEqual([3]);
    await asked[0]?.answer(TAKEN);
    await closing;
    expect(counted["exported"]).toBe(3);
  });

  test("a collector that does not answer is not waited for", async () => {
    end(1_003);
    const closing = exporter.close(2_000);
    await pass(2_000);
    await closing;
    expect(asked[0]?.signal.aborted).toBeTrue();
    expect(counted["exported"]).toBe(0);
    expect(counted["unreachable"]).toBe(1_003);
  });

  test("without spans nothing is sent", async () => {
    await exporter.close(2_000);
    expect(asked).toEqual([]);
  });

  test("later spans are dropped", async () => {
    await exporter.close(2_000);
    end(2);
    await pass(60_000);
    expect(asked).toEqual([]);
    expect(counted["queue_full"]).toBe(2);
  });
});
