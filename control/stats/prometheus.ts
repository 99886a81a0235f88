import { harmless } from "../../schemas/harmless.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { atMost } from "./at-most.ts";
import {
  type Bucket,
  type Distribution,
  type Labels,
  type Reading,
  type Readings,
  type Selector,
  type Series,
  seriesEnd,
} from "./readings.ts";

/** How long a query may take, and how much it may answer. */
const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** At once: a page of the dashboard has two dozen, and answers may be as long as hostile pods make them. */
const MAX_QUERIES = 16;

/** Asks a Prometheus that scrapes proxies with the labels of Linkerd's own configuration (facts: control plane 5.2). */
export function createPrometheusReadings(
  url: string,
  now: () => number,
): Readings {
  const inTurn = atMost(MAX_QUERIES);
  const ask = (...query: Query) => inTurn(() => fetchSamples(url, ...query));
  const growth = (
    { metric, labels }: Selector,
    suffix: string,
    by: readonly string[],
    windowMs: number,
  ) =>
    ask("query", {
      query: growthOf({ metric: metric + suffix, labels }, by, windowMs),
    });
  return {
    increase: async (selector, by, windowMs) =>
      readingsOf(await growth(selector, "", by, windowMs), by)
        .filter(({ value }) => value > 0),
    distribution: async (selector, by, windowMs) =>
      distributionsOf(
        await growth(selector, "_bucket", [...by, "le"], windowMs),
        by,
      ),
    series: async (selector, by, windowMs, stepMs) => {
      const endMs = seriesEnd(now(), stepMs);
      const count = Math.floor(windowMs / stepMs);
      const startMs = endMs - (count - 1) * stepMs;
      const samples = await ask("query_range", {
        query: growthOf(selector, by, stepMs),
        start: String(startMs / 1_000),
        end: String(endMs / 1_000),
        step: String(stepMs / 1_000),
      });
      return samples.map((sample) =>
        seriesOf(sample, by, startMs, stepMs, count)
      )
        .filter(({ steps }) => steps.some((value) => value > 0));
    },
    latest: async (selector, by) =>
      readingsOf(
        await ask("query", {
          query: `sum(${selectorOf(selector)}) by (${by.join(", ")})`,
        }),
        by,
      ),
  };
}

/** A selector in PromQL; a JSON string is a string of PromQL, too. */
export function selectorOf({ metric, labels }: Selector): string {
  const matchers = labels.map(({ label, is, value }) =>
    `${label}${is}${JSON.stringify(value)}`
  );
  return `${metric}{${matchers.join(", ")}}`;
}

function growthOf(
  selector: Selector,
  by: readonly string[],
  windowMs: number,
): string {
  return `sum(increase(${selectorOf(selector)}[${windowMs}ms])) by (${
    by.join(", ")
  })`;
}

interface Sample {
  readonly metric: Labels;
  /** Of a query now; NaN when it was about a range. */
  readonly value: number;
  /** Of a query about a range, by time in seconds. */
  readonly values: readonly (readonly [time: number, value: string])[];
}

type Query = readonly [
  page: "query" | "query_range",
  parameters: Readonly<Record<string, string>>,
];

async function fetchSamples(
  url: string,
  ...[page, parameters]: Query
): Promise<readonly Sample[]> {
  let answer: unknown;
  try {
    const response = await fetch(new URL(`api/v1/${page}`, withSlash(url)), {
      method: "POST",
      body: new URLSearchParams(parameters),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    answer = JSON.parse(await readBounded(response));
  } catch (error) {
    throw unusable(url, describe(error));
  }
  return samplesOf(url, answer);
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** `{"status": "success", "data": {"result": [{"metric": {…}, "value": [<time>, "<number>"]}]}}`, or `values` of a range. */
function samplesOf(url: string, answer: unknown): readonly Sample[] {
  const { status, error, data } = answer as {
    status?: unknown;
    error?: unknown;
    data?: { result?: unknown };
  } ?? {};
  if (status !== "success" || !Array.isArray(data?.result)) {
    throw unusable(
      url,
      typeof error === "string" ? error : "it does not answer as a Prometheus",
    );
  }
  return data.result.map(({ metric, value, values }: {
    metric?: Labels;
    value?: readonly [unknown, unknown];
    values?: Sample["values"];
  }) => ({
    metric: metric ?? {},
    value: Number(value?.[1]),
    values: values ?? [],
  }));
}

function unusable(url: string, why: string): Problem {
  // Who asks about metrics is shown no password.
  const { origin, pathname } = new URL(url);
  return new Problem(
    "system.failed",
    `Cannot ask Prometheus at ${origin}${pathname}: ${harmless(why)}`,
    {
      hint:
        "check prometheusUrl: it must lead to a Prometheus that scrapes the proxies",
    },
  );
}

function readingsOf(
  samples: readonly Sample[],
  by: readonly string[],
): Reading[] {
  return samples.filter(({ value }) => Number.isFinite(value))
    .map(({ metric, value }) => ({ labels: pick(metric, by), value }));
}

/** Steps without a value have had no growth. */
function seriesOf(
  { metric, values }: Sample,
  by: readonly string[],
  startMs: number,
  stepMs: number,
  count: number,
): Series {
  const steps = Array<number>(count).fill(0);
  for (const [time, text] of values) {
    const at = Math.round((time * 1_000 - startMs) / stepMs);
    const value = Number(text);
    if (at in steps && Number.isFinite(value)) steps[at] = value;
  }
  return { labels: pick(metric, by), steps };
}

/** Buckets of Prometheus count what is below them as well. */
function distributionsOf(
  samples: readonly Sample[],
  by: readonly string[],
): Distribution[] {
  const groups = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const { metric, value } of samples) {
    const labels = pick(metric, by);
    const key = JSON.stringify(Object.values(labels));
    const group = groups.get(key) ?? { labels, buckets: [] };
    groups.set(key, group);
    const bound = metric["le"] === "+Inf" ? Infinity : Number(metric["le"]);
    if (Number.isFinite(value)) group.buckets.push({ bound, count: value });
  }
  return [...groups.values()].map(({ labels, buckets }) => {
    buckets.sort((a, b) => a.bound - b.bound);
    let below = 0;
    return {
      labels,
      buckets: buckets.map(({ bound, count }) => {
        const own = Math.max(0, count - below);
        below = Math.max(below, count);
        return { bound, count: own };
      }),
    };
  }).filter(({ buckets }) => buckets.some(({ count }) => count > 0));
}

function pick(labels: Labels, by: readonly string[]): Labels {
  return Object.fromEntries(by.map((label) => [label, labels[label] ?? ""]));
}
