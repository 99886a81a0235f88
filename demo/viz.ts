import { createStats } from "../control/serve/stats.ts";
import { createMemoryReadings } from "../control/stats/memory.ts";
import { createPods } from "../control/stats/pods.ts";
import { createScraper } from "../control/stats/scraper.ts";
import { connectGrpc } from "../control/tap/client.ts";
import { createKnownPods } from "../control/tap/known.ts";
import { createTapping } from "../control/tap/tapping.ts";
import type { KubeObject } from "../schemas/kube.ts";
import { describe } from "../schemas/problem.ts";
import { connectInside } from "./bed/inside.ts";
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

/** Scrapes and taps the pods and answers on this machine's loopback. */
export function startViz(
  pods: readonly Pod[],
  say: (line: string) => void,
): Viz {
  const byIp = new Map(pods.map((pod) => [pod.ip, pod]));
  const known = createPods(() => {});
  const tapped = createKnownPods();
  const events = pods.map(({ object }) => ({
    kind: "apply" as const,
    // It is what a source would have read of the manifest.
    object: object as unknown as KubeObject,
  }));
  known.apply(events);
  tapped.apply(events);

  let pages = 0;
  const scraper = createScraper({
    intervalMs: SCRAPE_EVERY_MS,
    fetch: async (url) =>
      await byIp.get(new URL(url).hostname)?.proxy?.metrics() ?? "",
    now: Date.now,
    random: Math.random,
    scraped: () => void pages++,
    failed: ({ id }, why) => say(`cannot scrape ${id}: ${why}`),
  });
  scraper.update(known.targets());
  const { fetch } = createStats({
    readings: createMemoryReadings(scraper.histories, Date.now),
    pods: known.all,
    tapping: createTapping({
      pods: tapped.all,
      whoIs: tapped.whoIs,
      connect: connectGrpc(({ ips: [ip = ""], port }) => ({
        // Proxies show requests to one identity, and to whoever is in their own pod.
        createConnection: () => connectInside(byIp.get(ip)?.netns ?? "", port),
      })),
      now: Date.now,
      failed: ({ id }, why) => say(`cannot tap ${id}: ${why}`),
      counted: () => {},
    }),
    now: Date.now,
  });
  const server = serve(fetch, say);
  return {
    address: `127.0.0.1:${server.port}`,
    scraped: () => pages,
    async close() {
      scraper.close();
      // Whoever watches requests would never be done.
      await server.stop(true);
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
