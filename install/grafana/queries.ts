import type { Graph, Line, Variable } from "./dashboard.ts";

/** Over how long rates are taken; Grafana fits it to the graph and to the interval of scrapes. */
const RATE = "$__rate_interval";

/** Per second, added up by some labels. */
export function rate(
  metric: string,
  selector: string,
  by: readonly string[] = [],
): string {
  return `sum(rate(${metric}{${selector}}[${RATE}]))${grouping(by)}`;
}

/** A gauge, added up by some labels. */
export function total(
  metric: string,
  selector = "",
  by: readonly string[] = [],
): string {
  const labels = selector === "" ? "" : `{${selector}}`;
  return `sum(${metric}${labels})${grouping(by)}`;
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? "" : ` by (${by.join(", ")})`;
}

/** Where requests are counted. */
interface Requests {
  readonly responses: string;
  /** What makes one of them a success, as a matcher. */
  readonly success: string;
  readonly latency: string;
  readonly unit: "ms" | "s";
}

/** As `linkerd viz stat` counts them. */
export const RESPONSES: Requests = {
  responses: "response_total",
  success: `classification="success"`,
  latency: "response_latency_ms",
  unit: "ms",
};

/** Success rate, requests per second and latency: what one looks at first. `by`: labels that tell lines apart. */
export function golden(
  selector: string,
  by: readonly string[] = [],
  from: Requests = RESPONSES,
): readonly Graph[] {
  const { responses, success, latency, unit } = from;
  const legend = by.length === 0
    ? null
    : by.map((label) => `{{${label}}}`).join(" / ");
  const quantile = (q: number): string =>
    `histogram_quantile(${q}, ${
      rate(`${latency}_bucket`, selector, [...by, "le"])
    })`;
  const quantiles = legend === null ? [0.5, 0.95, 0.99] : [0.95];
  return [
    {
      title: "Success rate",
      unit: "percentunit",
      lines: [{
        expr: `${rate(responses, `${selector}, ${success}`, by)} / ${
          rate(responses, selector, by)
        }`,
        legend: legend ?? "success rate",
      }],
    },
    {
      title: "Requests per second",
      unit: "reqps",
      lines: [{
        expr: rate(responses, selector, by),
        legend: legend ?? "requests",
      }],
    },
    {
      title: legend === null ? "Latency" : "Latency, 95th percentile",
      unit,
      lines: quantiles.map((q): Line => ({
        expr: quantile(q),
        legend: legend ?? `p${q * 100}`,
      })),
    },
  ];
}

/** Connections open and bytes per second. */
export function tcp(
  selector: string,
  by: readonly string[] = [],
): readonly Graph[] {
  const legend = (what: string) =>
    [what, ...by.map((label) => `{{${label}}}`)].join(" ");
  return [
    {
      title: "TCP connections open",
      unit: "short",
      lines: [{
        expr: total("tcp_open_connections", selector, by),
        legend: legend("open"),
      }],
    },
    {
      title: "TCP bytes per second",
      unit: "Bps",
      lines: [
        {
          expr: rate("tcp_read_bytes_total", selector, by),
          legend: legend("read"),
        },
        {
          expr: rate("tcp_write_bytes_total", selector, by),
          legend: legend("written"),
        },
      ],
    },
  ];
}

/** A choice among the values of a label. */
export function choice(
  name: string,
  label: string,
  values: string,
): Variable {
  return {
    name,
    label,
    type: "query",
    datasource: { type: "prometheus", uid: "${datasource}" },
    query: `label_values(${values})`,
    refresh: 2,
    sort: 1,
  };
}

/** A choice among words; the first is taken. */
export function words(
  name: string,
  label: string,
  values: readonly string[],
): Variable {
  const [first = ""] = values;
  return {
    name,
    label,
    type: "custom",
    query: values.join(","),
    current: { text: first, value: first },
  };
}
