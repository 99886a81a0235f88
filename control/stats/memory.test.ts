import { beforeEach, describe, expect, test } from "bun:test";
import { createMemoryReadings } from "./memory.ts";
import {
  addPage,
  createPodHistory,
  HISTORY_MS,
  type PodHistory,
  trimHistory,
} from "./pod-history.ts";
import type { Matcher, Readings } from "./readings.ts";

const INTERVAL_MS = 10_000;
const INBOUND: readonly Matcher[] = [
  { label: "direction", is: "=", value: "inbound" },
];

let nowMs = 0;
let pods: PodHistory[] = [];
let readings: Readings;

beforeEach(() => {
  nowMs = 1_000_000;
  pods = [pod("web-1"), pod("web-2")];
  readings = createMemoryReadings(() => pods, () => nowMs);
});

function pod(name: string): PodHistory {
  return createPodHistory({ namespace: "shop", pod: name, deployment: "web" });
}

function counter(value: number, labels = 'direction="inbound"'): string {
  return `response_total{${labels}} ${value}\n`;
}

function buckets(upTo1: number, upTo2: number, all: number): string {
  return [["1", upTo1], ["2", upTo2], ["+Inf", all]].map(([bound, count]) =>
    `response_latency_ms_bucket{direction="inbound",le="${bound}"} ${count}\n`
  ).join("");
}

/** Scrapes that say `page(at)`, and moves the clock to the last one. */
function scrape(
  history: PodHistory,
  times: number,
  page: (at: number) => string,
): void {
  const startMs = nowMs;
  for (let at = 0; at < times; at++) {
    nowMs = startMs + at * INTERVAL_MS;
    addPage(history, page(at), nowMs);
  }
}

async function increase(windowMs: number, by: readonly string[] = []) {
  return await readings.increase(
    { metric: "response_total", labels: INBOUND },
    by,
    windowMs,
  );
}

describe("increases", () => {
  test("what was there at the first scrape is no increase", async () => {
    scrape(pods[0] as PodHistory, 1, () => counter(500));
    expect(await increase(60_000)).toEqual([]);
  });

  test("steady traffic, of all pods, over the window asked for", async () => {
    const startMs = nowMs;
    for (const history of pods) {
      nowMs = startMs;
      scrape(history, 30, (at) => counter(500 + at * 70));
    }
    expect(await increase(60_000)).toEqual([{ labels: {}, value: 840 }]);
    nowMs += 4_000; // between two scrapes
    expect(await increase(60_000)).toEqual([{ labels: {}, value: 840 }]);
  });

  test("a series that was not there before has grown from nothing", async () => {
    scrape(pods[0] as PodHistory, 10, (at) => at < 9 ? "" : counter(40));
    expect(await increase(60_000)).toEqual([{ labels: {}, value: 40 }]);
  });

  test("a proxy that has begun again goes on counting", async () => {
    scrape(
      pods[0] as PodHistory,
      4,
      (at) => counter([100, 110, 5, 15][at] ?? 0),
    );
    expect(await increase(60_000)).toEqual([{ labels: {}, value: 25 }]);
  });

  test("labels of the series and of the pod choose and group", async () => {
    const startMs = nowMs;
    for (const [at, history] of pods.entries()) {
      nowMs = startMs;
      scrape(history, 3, (slot) =>
        counter(slot * (at + 1)) +
        counter(slot * 100, 'direction="outbound"'));
    }
    expect(await increase(60_000, ["pod", "deployment", "none"])).toEqual([
      { labels: { pod: "web-1", deployment: "web", none: "" }, value: 2 },
      { labels: { pod: "web-2", deployment: "web", none: "" }, value: 4 },
    ]);
  });
});

test("distributions add up by bound, each bucket without the one below", async () => {
  const startMs = nowMs;
  for (const history of pods) {
    nowMs = startMs;
    scrape(history, 3, (at) => buckets(at, at * 5, at * 6));
  }
  expect(
    await readings.distribution(
      { metric: "response_latency_ms", labels: INBOUND },
      [],
      60_000,
    ),
  ).toEqual([{
    labels: {},
    buckets: [
      { bound: 1, count: 4 },
      { bound: 2, count: 16 },
      { bound: Infinity, count: 4 },
    ],
  }]);
});

test("gauges are those of the last page, unless it is old", async () => {
  const page = (at: number) => at < 2 ? "tcp_open_connections 3\n" : "";
  const latest = () =>
    readings.latest({ metric: "tcp_open_connections", labels: [] }, []);
  scrape(pods[0] as PodHistory, 2, page);
  expect(await latest()).toEqual([{ labels: {}, value: 3 }]);
  nowMs += 60_000;
  expect(await latest()).toEqual([]);
  scrape(pods[0] as PodHistory, 3, page);
  expect(await latest()).toEqual([]);
});

test("a page that claims to be another pod's speaks for its own alone", async () => {
  const claims = 'direction="inbound",namespace="bank",deployment="vault"';
  const page = (at: number) =>
    counter(at, claims) +
    `tcp_open_connections{${claims}} 7\n` +
    `response_latency_ms_bucket{${claims},le="+Inf"} ${at}\n`;
  scrape(pods[0] as PodHistory, 2, (at) => page(at * 10));
  const by = ["namespace", "deployment"];
  const own = { namespace: "shop", deployment: "web" };
  const ask = async (namespace: string) => {
    const labels = [{ label: "namespace", is: "=" as const, value: namespace }];
    return [
      ...await readings.increase({ metric: "response_total", labels }, by, 9e3),
      ...await readings.latest({ metric: "tcp_open_connections", labels }, by),
      ...await readings.distribution(
        { metric: "response_latency_ms", labels },
        by,
        9e3,
      ),
    ].map(({ labels }) => labels);
  };
  expect(await ask("bank")).toEqual([]);
  expect(await ask("shop")).toEqual([own, own, own]);
});

describe("limits", () => {
  test("a page with a million label sets takes no more than its share", () => {
    const history = pod("hostile");
    let page = "";
    for (let at = 0; at < 20_000; at++) page += counter(1, `path="/${at}"`);
    expect(addPage(history, page, nowMs)).toEqual({
      garbage: 0,
      overflow: 10_000,
    });
    // When they are gone, and forgotten, there is room again.
    nowMs += HISTORY_MS;
    expect(addPage(history, counter(1), nowMs).overflow).toBe(1);
    trimHistory(history, nowMs);
    trimHistory(history, nowMs += HISTORY_MS);
    expect(addPage(history, page, nowMs).overflow).toBe(10_000);
  });

  test("labels as long as they may be take no more than their share", () => {
    const history = pod("hostile");
    let page = "";
    for (let at = 0; at < 1_000; at++) {
      page += counter(1, `path="${at}${"x".repeat(16_000)}"`);
    }
    const { overflow } = addPage(history, page, nowMs);
    expect(overflow).toBeWithin(870, 880);
  });

  test("histograms count by their buckets", () => {
    const history = pod("hostile");
    let page = "";
    for (let at = 0; at < 1_000; at++) {
      for (let le = 1; le <= 49; le++) {
        page += `response_latency_ms_bucket{path="/${at}",le="${le}"} ${at}\n`;
      }
    }
    const { overflow } = addPage(history, page, nowMs);
    expect(overflow).toBe(1_000 * 49 - 200 * 49);
  });

  test.each([
    "response_total{x} 1\n",
    "response_total -1\n",
    "response_total NaN\n",
    'response_latency_ms_bucket{x="1"} 1\n',
    'response_latency_ms_bucket{le="1"} 5\nresponse_latency_ms_bucket{le="2"} 3\n',
  ])("%p is counted as garbage", (page) => {
    expect(addPage(pod("odd"), page, nowMs)).toEqual({
      garbage: 1,
      overflow: 0,
    });
  });

  // Each of these once took minutes, or would have if a line were looked for beyond its end.
  test.each([
    ["lines without an end of their labels", "response_total{a 1\n"],
    ["lines without a blank", "response_total\n"],
    ["names of nothing", "x\n"],
    ["label texts that are none", `response_total{${'a="'.repeat(4_000)}} 1\n`],
    ["bounds", `response_latency_ms_bucket{${',le="1"'.repeat(2_000)}} 1\n`],
    ["one line", "x".repeat(10_000_000)],
  ])("ten million characters of garbage are read in no time: %s", (_, line) => {
    const page = line.repeat(Math.ceil(10_000_000 / line.length));
    const { garbage } = addPage(pod("web"), `${page}\n${counter(5)}`, nowMs);
    expect(garbage).toBeGreaterThanOrEqual(line.startsWith("x\n") ? 0 : 1);
  }, 10_000);

  test("what is older than an hour is forgotten, and so are series that are gone", async () => {
    const history = pods[0] as PodHistory;
    scrape(history, 10, (at) => counter(at));
    nowMs += HISTORY_MS;
    scrape(history, 2, () => counter(0, 'direction="inbound",x="1"'));
    trimHistory(history, nowMs);
    expect(history.times).toHaveLength(2);
    expect(await increase(HISTORY_MS)).toEqual([]);
    expect([...history.counters.get("response_total")?.keys() ?? []]).toEqual([
      'direction="inbound",x="1"',
    ]);
  });
});

describe("series", () => {
  const series = (stepMs: number, steps: number) =>
    readings.series(
      { metric: "response_total", labels: INBOUND },
      ["deployment"],
      steps * stepMs,
      stepMs,
    );

  test("steady traffic of all pods is the same in every whole step", async () => {
    const startMs = nowMs;
    for (const history of pods) {
      nowMs = startMs;
      scrape(history, 40, (at) => counter(500 + at * 70));
    }
    nowMs += 3_000; // between two scrapes
    expect(await series(60_000, 4)).toEqual([
      { labels: { deployment: "web" }, steps: [840, 840, 840, 840] },
    ]);
  });

  test("what came between two scrapes is spread over the steps between them", async () => {
    nowMs = 1_020_000 - 5_000; // steps of 30 s begin at 1,020 s
    scrape(pods[0] as PodHistory, 2, (at) => counter(at * 10));
    nowMs = 1_100_000;
    expect(await series(30_000, 3)).toEqual([
      { labels: { deployment: "web" }, steps: [5, 5, 0] },
    ]);
    expect(await series(30_000, 1)).toEqual([]);
  });
});
