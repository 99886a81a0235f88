import { expect, test } from "bun:test";
import { createMetrics } from "./metrics.ts";
import { addProcessMetrics } from "./metrics/process.ts";

test("render() gives Prometheus text, with labels escaped", () => {
  const metrics = createMetrics();
  const calls = metrics.counter("calls_total", "Calls.", ["code", "by"]);
  calls.add(["OK", 'a"\\\n']);
  calls.add(["OK", 'a"\\\n'], 2);
  metrics.read("gauge", "limit", "A limit.", [], () => [
    { labels: [], value: Infinity },
  ]);
  expect(metrics.render()).toBe(
    [
      "# HELP calls_total Calls.",
      "# TYPE calls_total counter",
      'calls_total{code="OK",by="a\\"\\\\\\n"} 3',
      "# HELP limit A limit.",
      "# TYPE limit gauge",
      "limit +Inf",
      "",
    ].join("\n"),
  );
});

test("a histogram counts amounts up to each bound", () => {
  const metrics = createMetrics();
  const taken = metrics.histogram("taken_seconds", "Time.", [0.5, 1]);
  for (const amount of [0.25, 0.5, 0.75, 2]) taken.add(amount);
  expect(metrics.render()).toBe(
    [
      "# HELP taken_seconds Time.",
      "# TYPE taken_seconds histogram",
      'taken_seconds_bucket{le="0.5"} 2',
      'taken_seconds_bucket{le="1"} 3',
      'taken_seconds_bucket{le="+Inf"} 4',
      "taken_seconds_sum 3.5",
      "taken_seconds_count 4",
      "",
    ].join("\n"),
  );
});

test("process metrics are those of this process", () => {
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  const values = new Map(
    metrics.render().split("\n").filter((line) => line.startsWith("process_"))
      .map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]),
  );
  const { user, system } = process.cpuUsage();
  const cpu = values.get("process_cpu_seconds_total") ?? NaN;
  expect(Math.abs(cpu - (user + system) / 1e6)).toBeLessThan(0.5);
  const started = values.get("process_start_time_seconds") ?? NaN;
  expect(Math.abs(Date.now() / 1_000 - process.uptime() - started))
    .toBeLessThan(1);
  for (
    const name of ["resident_memory_bytes", "virtual_memory_bytes", "open_fds"]
  ) {
    expect(values.get(`process_${name}`)).toBeGreaterThan(0);
  }
});
