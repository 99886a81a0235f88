import { createStats } from "../control/serve/stats.ts";
import { createMemoryReadings } from "../control/stats/memory.ts";
import type { WorkloadPod } from "../control/stats/query/workloads.ts";
import { createScraper, type ScrapeTarget } from "../control/stats/scraper.ts";
import { describe } from "../schemas/problem.ts";
import type { Pod } from "./bed/pod.ts";

/** Where `linkerd viz` is answered, unless something else is there. */
const PORT = 8085;
/** Often enough for a window of 15 s, the shortest, soon after the start. */
const SCRAPE_EVERY_MS = 2_000;

/** Golden metrics of the demo's pods, as the metrics component gives them in a cluster. */
export interface Viz {
  /** Such as `127.0.0.1:8085`: what `--api-addr` takes. */
  readonly address: string;
  /** Pages read so far. */
  scraped(): number;
  close(): Promise<void>;
}

/** Scrapes the pods and answers on this machine's loopback. */
export function startViz(
  pods: readonly Pod[],
  say: (line: string) => void,
): Viz {
  const byName = new Map(pods.map((pod) => [pod.name, pod]));
  let pages = 0;
  const scraper = createScraper({
    intervalMs: SCRAPE_EVERY_MS,
    fetch: async (name) => await byName.get(name)?.proxy?.metrics() ?? "",
    now: Date.now,
    random: Math.random,
    scraped: () => void pages++,
    failed: ({ id }, why) => say(`cannot scrape ${id}: ${why}`),
  });
  scraper.update(pods.flatMap(targetOf));
  const { fetch } = createStats({
    readings: createMemoryReadings(scraper.histories, Date.now),
    pods: () => pods.map(workloadOf),
    now: Date.now,
  });
  const server = serve(fetch, say);
  return {
    address: `127.0.0.1:${server.port}`,
    scraped: () => pages,
    async close() {
      scraper.close();
      await server.stop();
    },
  };
}

type Handler = (request: Request) => Response | Promise<Response>;

function serve(
  fetch: Handler,
  say: (line: string) => void,
): Bun.Server<undefined> {
  const on = (port: number) =>
    Bun.serve({
      port,
      hostname: "127.0.0.1",
      development: false,
      reusePort: false,
      fetch,
    });
  try {
    return on(PORT);
  } catch (error) {
    say(`port ${PORT} is not free (${describe(error)}): taking another`);
    return on(0);
  }
}

function targetOf({ name, namespace, serviceAccount, proxy }: Pod) {
  const target: ScrapeTarget = {
    id: name,
    url: name,
    labels: { namespace, pod: name, serviceaccount: serviceAccount },
  };
  return proxy === null ? [] : [target];
}

function workloadOf(
  { name, namespace, serviceAccount: account, proxy }: Pod,
): WorkloadPod {
  return { name, namespace, owners: {}, isMeshed: proxy !== null, account };
}
