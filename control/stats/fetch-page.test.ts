// What pods answer that mean harm, or are broken: each such page fails, soon, and no other with it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPageFetcher } from "./fetch-page.ts";
import { createScraper } from "./scraper.ts";

const GOOD = "response_total 1\n";
const GZIP = { "content-encoding": "gzip" };
const MEGABYTE = new Uint8Array(1_000_000).fill(120);

/** Bytes without end, as fast as they are taken. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (stream) => stream.enqueue(MEGABYTE) });
}

/** A line every now and then, for ever. */
function dripping(): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(stream) {
      timer = setInterval(
        () => stream.enqueue(new TextEncoder().encode(GOOD)),
        5,
      );
    },
    cancel: () => clearInterval(timer),
  });
}

const PAGES: Readonly<Record<string, () => Response | Promise<Response>>> = {
  good: () => new Response(GOOD),
  zipped: () => new Response(Bun.gzipSync(GOOD), { headers: GZIP }),
  endless: () => new Response(endless()),
  dripping: () => new Response(dripping()),
  silent: () => new Promise(() => {}),
  bomb: () =>
    new Response(Bun.gzipSync(new Uint8Array(100_000_000)), { headers: GZIP }),
  lying: () => new Response(GOOD, { headers: GZIP }),
  moved: () => Response.redirect("http://169.254.169.254/", 302),
  failing: () => new Response(GOOD, { status: 500 }),
};

let server: Bun.Server<undefined>;
beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: (request) =>
      PAGES[new URL(request.url).pathname.slice(1)]?.() ??
        new Response(null, { status: 404 }),
  });
});
afterAll(() => server.stop(true));

const urlOf = (name: string) => new URL(name, server.url).href;
const NEVER = new AbortController().signal;

describe("a page", () => {
  test.each(["good", "zipped"])("is read: %s", async (name) => {
    expect(await createPageFetcher()(urlOf(name), NEVER)).toBe(GOOD);
  });

  test.each([
    ["endless", /more than \d+ bytes/],
    ["bomb", /more than \d+ bytes/],
    ["lying", /Zlib/],
    ["moved", /redirect/i],
    ["failing", /status 500/],
    ["missing", /status 404/],
  ])("is given up: %s", async (name, why) => {
    await expect(createPageFetcher()(urlOf(name), NEVER)).rejects.toThrow(why);
  });

  test.each(["silent", "dripping"])(
    "ends when it is late: %s",
    async (name) => {
      const late = AbortSignal.timeout(50);
      await expect(createPageFetcher()(urlOf(name), late)).rejects.toThrow();
    },
  );
});

test("when pages have too much together, the longest is given up and others are not", async () => {
  const fetchPage = createPageFetcher({ maxTotal: 4_000_000 });
  const late = new AbortController();
  const slow = fetchPage(urlOf("dripping"), late.signal).catch(String);
  const long = fetchPage(urlOf("endless"), NEVER);
  await expect(long).rejects.toThrow("together with other pages");
  expect(await fetchPage(urlOf("good"), NEVER)).toBe(GOOD);
  late.abort(new Error("late"));
  expect(await slow).toBe("Error: late");
});

test("of pods that harm, none delays one that is well", async () => {
  // A page may take half of it, and the pods that harm are in this very process.
  const INTERVAL_MS = 1_000;
  const ROUNDS = 4;
  let rounds = 0;
  const enough = Promise.withResolvers<void>();
  const failed = new Set<string>();
  const scraper = createScraper({
    intervalMs: INTERVAL_MS,
    fetch: createPageFetcher(),
    now: Date.now,
    random: Math.random,
    scraped: ({ id }) => {
      if (id === "good" && ++rounds === ROUNDS) enough.resolve();
    },
    failed: ({ id }) => void failed.add(id.replace(/-\d+$/, "")),
  });
  const harmful = ["endless", "dripping", "silent", "lying", "moved"];
  const startMs = performance.now();
  scraper.update([
    ...harmful.flatMap((name) =>
      Array.from({ length: 8 }, (_, at) => ({
        id: `${name}-${at}`,
        url: urlOf(name),
        labels: {},
      }))
    ),
    { id: "good", url: urlOf("good"), labels: {} },
  ]);
  await enough.promise;
  scraper.close();
  expect([...failed].toSorted()).toEqual(harmful.toSorted());
  // Four rounds take as many seconds when nobody is in the way; a busy machine has room.
  expect(performance.now() - startMs).toBeLessThan(3 * ROUNDS * INTERVAL_MS);
}, 60_000);
