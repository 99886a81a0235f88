import { afterEach, expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { TapEvent, TapFilter, TapTarget } from "../../schemas/tap.ts";
import { connectGrpc } from "./client.ts";
import type { TapPod } from "./pods.ts";
import { createTapping, MAX_WAITING } from "./tapping.ts";
import {
  ALL,
  type EventInit,
  fakePod,
  type FakeProxy,
  gone,
  requestInit,
  responseEnd,
  startFakeProxy,
  startStranger,
} from "./testing/proxies.ts";

const WEB: TapTarget = { kind: "deployment", name: "web", namespace: "shop" };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function keep<Server extends { close(): void }>(server: Server): Server {
  closing.push(() => server.close());
  return server;
}

const proxy = async (...args: Parameters<typeof startFakeProxy>) =>
  keep(await startFakeProxy(...args));

/** Begins a request now and then until the caller goes. */
function ticking(path: string, everyMs = 20): Promise<FakeProxy> {
  let stream = 0n;
  return proxy(async function* ({ limit }, context) {
    for (let shown = 0; shown < limit && !context.signal.aborted; shown++) {
      yield requestInit(stream++, path);
      await Bun.sleep(everyMs);
    }
  });
}

async function* refuse(): AsyncGenerator<EventInit> {
  const refusal = new ConnectError("Unauthorized client", Code.Unauthenticated);
  yield await Promise.reject(refusal);
}

/** As much as goes without keeping this process, which is both ends, from all else. */
async function* flood(event: EventInit, signal: AbortSignal) {
  for (let sent = 0; !signal.aborted; sent++) {
    yield event;
    if (sent % 100 === 0) await Bun.sleep(0);
  }
}

interface Tried {
  readonly failures: string[];
  readonly fates: Record<string, number>;
  readonly stop: AbortController;
  tap(filter?: Partial<TapFilter>, target?: TapTarget): AsyncIterable<TapEvent>;
}

function tapOf(pods: () => Iterable<TapPod>): Tried {
  const stop = new AbortController();
  closing.push(() => stop.abort());
  const failures: string[] = [];
  const fates: Record<string, number> = {};
  const tapping = createTapping({
    pods,
    whoIs: () => undefined,
    connect: connectGrpc(),
    now: Date.now,
    failed: ({ name }, why) => void failures.push(`${name}: ${why}`),
    counted: (fate) => void (fates[fate] = (fates[fate] ?? 0) + 1),
  });
  return {
    failures,
    fates,
    stop,
    tap: (filter = {}, target = WEB) =>
      tapping(target, { ...ALL, ...filter }, stop.signal),
  };
}

const pathOf = (event: TapEvent) => event.requestInitEvent?.path ?? "";

/** Reads until there is enough. */
async function readUntil(
  events: AsyncIterable<TapEvent>,
  isEnough: (seen: readonly TapEvent[]) => boolean,
): Promise<readonly TapEvent[]> {
  const seen: TapEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (isEnough(seen)) break;
  }
  return seen;
}

test(
  "merges pods, which share the rate, and asks each anew when its window is over",
  async () => {
    const [one, two] = [await ticking("/one", 1), await ticking("/two", 1)];
    const { tap } = tapOf(
      () => [fakePod("a", one.port), fakePod("b", two.port)],
    );
    const begun = performance.now();
    const seen = await readUntil(
      tap({ maxRps: 7 }),
      (seen) => seen.length === 9,
    );
    expect(new Set(seen.map(pathOf))).toEqual(new Set(["/one", "/two"]));
    // Both number their requests alike; whoever pairs begins and ends must not be told the same of two.
    const ids = seen.map(({ requestInitEvent }) =>
      JSON.stringify(requestInitEvent?.id)
    );
    expect(new Set(ids).size).toBe(seen.length);
    expect([one, two].map(({ asked }) => asked[0]?.limit)).toEqual([3, 3]);
    // More than two windows' worth of three from each takes a second one.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(950);
  },
  20_000,
);

test(
  "a request that lasts hides no later one, and its end is heard",
  async () => {
    const done = Promise.withResolvers<void>();
    let calls = 0n;
    const lasting = await proxy(async function* (_, context) {
      const call = calls++;
      yield requestInit(call, `/${call}`);
      await (call === 0n ? done.promise : gone(context));
      if (call === 0n) yield responseEnd(call);
    });
    const { tap } = tapOf(() => [fakePod("a", lasting.port)]);
    const seen = await readUntil(tap({ maxRps: 1 }), (seen) => {
      if (seen.some((event) => pathOf(event) === "/1")) done.resolve();
      return seen.some(({ responseEndEvent }) =>
        responseEndEvent !== undefined
      );
    });
    expect(seen.map(pathOf).slice(0, 2)).toEqual(["/0", "/1"]);
    expect(seen.at(-1)?.responseEndEvent?.id.stream).toBe(0);
  },
  20_000,
);

const isBegin = ({ requestInitEvent }: TapEvent) =>
  requestInitEvent !== undefined;

test(
  "requests that come less often than they may are all shown",
  async () => {
    const EVERY_MS = 25;
    let next = 0;
    const hearing = new Set<(path: string) => void>();
    const timer = setInterval(() => {
      const path = `/${next++}`;
      for (const hear of hearing) hear(path);
    }, EVERY_MS);
    closing.push(() => clearInterval(timer));
    const steady = await proxy(async function* ({ limit }, { signal }) {
      const heard: string[] = [];
      let wake = () => {};
      const hear = (path: string) => {
        heard.push(path);
        wake();
      };
      hearing.add(hear);
      signal.addEventListener("abort", () => wake());
      // A proxy answers at once; this library does not before there is something to say.
      yield {};
      try {
        for (let shown = 0n; shown < limit; shown++) {
          while (heard.length === 0 && !signal.aborted) {
            await new Promise<void>((resolve) => wake = resolve);
          }
          if (signal.aborted) return;
          yield requestInit(shown, heard.shift() ?? "");
          yield responseEnd(shown);
        }
      } finally {
        hearing.delete(hear);
      }
    });
    const { tap } = tapOf(() => [fakePod("a", steady.port)]);
    const seen = await readUntil(
      tap({ maxRps: 60 }),
      (seen) => seen.filter(isBegin).length === 150,
    );
    const paths = [...new Set(seen.filter(isBegin).map(pathOf))];
    const first = Number(paths[0]?.slice(1));
    expect(paths).toEqual(paths.map((_, index) => `/${first + index}`));
    // One that begins just as a window is opened may be shown by both.
    expect(steady.asked.length).toBeGreaterThan(2);
    expect(150 - paths.length).toBeLessThan(steady.asked.length);
  },
  20_000,
);

test(
  "pods that answer slowly, endlessly, with garbage or not at all delay no other",
  async () => {
    const good = await ticking("/good");
    const servers = {
      silent: keep(await startStranger(null)),
      noise: keep(
        await startStranger(crypto.getRandomValues(Buffer.alloc(9999))),
      ),
      refusing: await proxy(refuse),
      endless: await proxy((_, { signal }) =>
        flood(requestInit(9n, "/endless"), signal)
      ),
      empty: await proxy((_, { signal }) => flood({}, signal)),
      huge: await proxy(async function* () {
        yield requestInit(8n, "/".repeat(1 << 20));
      }),
      slow: await proxy(async function* (_, context) {
        await gone(context);
        yield {};
      }),
    };
    const others = Object.entries(servers)
      .map(([name, { port }]) => fakePod(name, port));
    const { tap, failures } = tapOf(() => [
      ...others,
      fakePod("good", good.port),
      fakePod("nobody", 1),
    ]);
    const isFrom = (path: string) => (event: TapEvent) =>
      pathOf(event) === path;
    const seen = await readUntil(
      tap({ maxRps: 90 }),
      (seen) =>
        seen.filter(isFrom("/good")).length >= 30 && failures.length >= 6,
    );
    // Nobody shows more than it is asked for: ten a second, of a few attempts.
    const endless = seen.filter(isFrom("/endless")).length;
    expect(endless).toBeLessThanOrEqual(seen.length - 30);
    const why = (name: string) =>
      failures.find((failure) => failure.startsWith(`${name}: `)) ?? "";
    expect(why("refusing")).toContain("Unauthorized client");
    expect(why("endless")).toContain("more events than 10 requests have");
    expect(why("empty")).toContain("more events than 10 requests have");
    expect(why("huge")).toContain("larger than");
    expect(why("noise")).not.toBe("");
    expect(why("nobody")).not.toBe("");
    expect(why("good")).toBe("");
    // And each is said once, however often it is tried again.
    expect(failures.filter((failure) => failure.startsWith("empty: ")))
      .toHaveLength(1);
  },
  30_000,
);

test("when no proxy lets itself be tapped, says why", async () => {
  const refusing = await proxy(refuse);
  const { tap } = tapOf(() => [
    fakePod("a", refusing.port),
    fakePod("b", refusing.port),
  ]);
  await expect(readUntil(tap(), () => false)).rejects.toThrow(
    "all 2 pods' proxies cannot be tapped: [unauthenticated] Unauthorized client",
  );
});

test("follows pods that come and go", async () => {
  const [one, two] = [await ticking("/one"), await ticking("/two")];
  const pods = new Map([["a", fakePod("a", one.port)]]);
  const { tap } = tapOf(() => pods.values());
  await readUntil(tap(), (seen) => {
    if (seen.length === 5) pods.set("b", fakePod("b", two.port));
    if (seen.some((event) => pathOf(event) === "/two")) pods.delete("a");
    return pods.size === 1 && pods.has("b") && one.open() === 0;
  });
}, 20_000);

test("an abort ends everything at once", async () => {
  const idle = await proxy(async function* (_, context) {
    yield requestInit(1n, "/");
    await gone(context);
  });
  const { tap, stop } = tapOf(() => [fakePod("a", idle.port)]);
  const seen: TapEvent[] = [];
  for await (const event of tap({ maxRps: 1 })) {
    seen.push(event);
    setTimeout(() => stop.abort());
  }
  expect(seen).toHaveLength(1);
  const begun = performance.now();
  while (idle.open() > 0 && performance.now() - begun < 10_000) {
    await Bun.sleep(5);
  }
  expect(idle.open()).toBe(0);
}, 20_000);

test("what a reader does not fetch is dropped, not kept", async () => {
  const chars = 50_000;
  const loud = await proxy(async function* ({ limit }) {
    for (let stream = 0; stream < limit; stream++) {
      yield requestInit(BigInt(stream), "x".repeat(chars));
    }
  });
  const { tap, fates } = tapOf(() => [fakePod("a", loud.port)]);
  const requests = 200;
  const events = tap({ maxRps: requests })[Symbol.asyncIterator]();
  await events.next();
  const begun = performance.now();
  while ((fates["dropped"] ?? 0) < requests / 2) {
    if (performance.now() - begun > 15_000) throw new Error("nothing dropped");
    await Bun.sleep(5);
  }
  expect(fates["shown"]).toBeLessThanOrEqual(MAX_WAITING / chars + 2);
  await events.return?.();
}, 20_000);

test.each<[Partial<TapFilter>, Partial<TapTarget>, string]>([
  [{}, { kind: "service" }, "unsupported resource type [service]"],
  [{}, { kind: "constructor" }, "unsupported resource type [constructor]"],
  [{ to: { kind: "secret", name: null, namespace: "x" } }, {}, "[secret]"],
  [{ selector: "a=b=c" }, {}, "cannot read"],
  [{ maxRps: 0 }, {}, "expected more than 0"],
  [{ maxRps: NaN }, {}, "expected more than 0"],
  [{}, { name: "db" }, "no pods to tap for deployment/db in namespace shop"],
  [{}, { namespace: "x" }, "no pods to tap for deployment/web in namespace x"],
  [{}, { kind: "namespace", name: "x" }, "cannot tap namespace x as part of"],
  [
    { selector: "app=off" },
    {},
    "of 1 pod, 1 with tap disabled (viz.linkerd.io/disable-tap)",
  ],
  [
    { selector: "app in (off, old, bare)" },
    {},
    "of 3 pods, 1 not in the mesh, 1 with tap disabled (viz.linkerd.io/disable-tap), 1 not set up",
  ],
])("%j of %j is refused at once", (filter, target, message) => {
  const { tap } = tapOf(() => [
    fakePod("a", 1),
    { ...fakePod("off", 1), state: "disabled" },
    { ...fakePod("old", 1), state: "missing" },
    { ...fakePod("bare", 1), state: "unmeshed" },
  ]);
  expect(() => tap(filter, { ...WEB, ...target })).toThrow(message);
});

test("takes the pods of each kind of target", async () => {
  const seen: EventInit[] = [];
  const answering = await proxy(async function* () {
    const event = requestInit(1n, "/");
    seen.push(event);
    yield event;
  });
  const owned = {
    ...fakePod("web-0", answering.port),
    owners: { statefulset: "web", cronjob: "tidy", job: "tidy-29034720" },
  };
  const { tap } = tapOf(() => [owned]);
  for (
    const [kind, name] of [
      ["pod", "web-0"],
      ["pod", null],
      ["namespace", "shop"],
      ["namespace", null],
      ["statefulset", "web"],
      ["job", "tidy-29034720"],
      ["cronjob", "tidy"],
      ["cronjob", null],
    ] as const
  ) {
    const events = tap({}, { kind, name, namespace: "shop" });
    expect(await readUntil(events, () => true)).toHaveLength(1);
  }
  expect(() => tap({}, { kind: "pod", name: "web", namespace: "shop" }))
    .toThrow("no pods to tap for pod/web");
});
