import { expect, test } from "bun:test";
import { createMemoryReadings } from "../memory.ts";
import { addPage, createPodHistory } from "../pod-history.ts";
import { readProxies } from "./proxies.ts";

const NOW = 1_000_000;
/** As the component scrapes: pods without news for longer are silent. */
const LONG_AGO = NOW - 60_000;

function scraped(namespace: string, pod: string, atMs: number) {
  const history = createPodHistory({ namespace, pod });
  addPage(history, "process_start_time_seconds 1700000000\n", atMs);
  return history;
}

function pod(namespace: string, name: string, isMeshed = true) {
  return { namespace, name, owners: {}, isMeshed };
}

test("readProxies() tells of which meshed pods metrics come in", async () => {
  const histories = [
    scraped("shop", "web", NOW),
    scraped("shop", "silent", LONG_AGO),
    scraped("other", "never", NOW),
  ];
  const readings = createMemoryReadings(() => histories, () => NOW);
  const pods = () => [
    pod("shop", "web"),
    pod("shop", "silent"),
    pod("shop", "never"),
    pod("shop", "plain", false),
    pod("other", "web"),
  ];
  const rows = async (namespace: string | null) =>
    (await readProxies({ namespace }, readings, pods)).map((row) =>
      `${row.namespace}/${row.name} ${row.hasMetrics}`
    );
  expect(await rows("shop")).toEqual([
    "shop/web true",
    "shop/silent false",
    "shop/never false",
  ]);
  expect(await rows(null)).toContain("other/web false");
});
