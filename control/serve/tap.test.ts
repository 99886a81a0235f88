import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { type TapFilter, tapPath, type TapTarget } from "../../schemas/tap.ts";
import { tapEvent } from "../testing/tap-event.ts";
import { createTap, createTapPaths } from "./tap.ts";
import { ANYBODY, type Attributes, type Visitor } from "../visitor.ts";

const WEB: TapTarget = { kind: "deployment", name: "web", namespace: "shop" };
const IDLE_MS = 20;
const JUDGE_EVERY_MS = 50;

let asked: (readonly [TapTarget, TapFilter])[] = [];
let permitted: Attributes[] = [];
/** Taps that have ended. */
let ended = 0;
/** What comes of a tap. */
let show: (signal: AbortSignal) => AsyncIterable<string>;
let server: Bun.Server<undefined>;
let visitor: Visitor;

beforeEach(() => {
  asked = [];
  permitted = [];
  ended = 0;
  show = forever;
  visitor = ANYBODY;
  const app = createTapPaths(createTap({
    idleMs: IDLE_MS,
    judgeEveryMs: JUDGE_EVERY_MS,
    maxTaps: 3,
    maxInNamespace: 2,
    tapping: (target, filter, signal) => {
      asked.push([target, filter]);
      const shown = show(signal);
      return (async function* () {
        try {
          for await (const path of shown) yield tapEvent(path);
        } finally {
          ended++;
        }
      })();
    },
  }));
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => app.fetch(request, visitor),
  });
});
afterEach(() => server.stop(true));

async function* forever(signal: AbortSignal): AsyncIterable<string> {
  yield "/first";
  yield "/second";
  await until(signal);
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

function tap(
  target: TapTarget = WEB,
  { body = "", signal = null }: { body?: string; signal?: AbortSignal | null } =
    {},
): Promise<Response> {
  const url = new URL(tapPath(target), server.url);
  return fetch(url, { method: "POST", body, signal });
}

/** The paths of events up to the last one; "" stands for an empty line. */
async function* pathsIn(response: Response): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const said = line === "" ? null : JSON.parse(line);
      yield said === null ? "" : said.error ?? said.requestInitEvent.path;
    }
  }
}

test("events are lines as they happen, and empty ones while nothing does", async () => {
  const response = await tap();
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const seen: string[] = [];
  for await (const path of pathsIn(response)) {
    seen.push(path);
    if (seen.length === 4) break;
  }
  expect(seen).toEqual(["", "/first", "/second", ""]);
});

test("a tap ends when the client goes", async () => {
  const going = new AbortController();
  const response = await tap(WEB, { signal: going.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  expect(ended).toBe(0);
  going.abort();
  while (ended === 0) await Bun.sleep(5);
});

test("a tap ends when its visitor may watch no more", async () => {
  let mayWatch = true;
  let judged = 0;
  visitor = {
    permit: () => {
      judged++;
      return mayWatch
        ? Promise.resolve()
        : Promise.reject(new Problem("forbidden", "not you any more"));
    },
  };
  const seen: string[] = [];
  for await (const path of pathsIn(await tap())) {
    if (path !== "") seen.push(path);
    // It has been asked again, and went on.
    if (judged === 3) mayWatch = false;
  }
  expect(seen).toEqual(["/first", "/second", "not you any more"]);
  expect(ended).toBe(1);
  const last = judged;
  await Bun.sleep(3 * JUDGE_EVERY_MS);
  expect(judged).toBe(last);
});

test("what is asked for comes by path and body", async () => {
  show = async function* () {};
  const filter = {
    selector: "app=web",
    to: { kind: "service", name: null, namespace: "other" },
    maxRps: 1.5,
    scheme: "https",
    method: "GET",
    authority: "web.shop",
    path: "/a",
    headers: true,
  };
  expect(await (await tap(WEB, { body: JSON.stringify(filter) })).text())
    .toBe("\n");
  await tap({ kind: "pod", name: null, namespace: "shop" });
  await tap({ kind: "namespace", name: "shop", namespace: "shop" });
  expect(asked).toEqual([
    [WEB, filter],
    [{ kind: "pod", name: null, namespace: "shop" }, {
      selector: "",
      to: null,
      maxRps: 100,
      scheme: null,
      method: null,
      authority: null,
      path: null,
      headers: false,
    }],
    [{ kind: "namespace", name: "shop", namespace: "shop" }, expect.anything()],
  ]);
});

describe("what is refused", () => {
  test.each([
    ["no JSON", "{", "expected a filter as JSON"],
    ["no object", "[]", "expected a filter as a JSON object"],
    ["a rate of 0", `{"maxRps":0}`, "maxRps: expected a number above 0"],
    ["a path that is no text", `{"path":1}`, "path: expected a text"],
    ["a text without end", JSON.stringify({ path: "x".repeat(3_000) }), "2048"],
    ["an endless body", "x".repeat(70_000), "the filter is too long"],
    ["a target without a kind", `{"to":{"namespace":"x"}}`, "to: expected"],
  ])("%s", async (_, body, why) => {
    const response = await tap(WEB, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      kind: "Status",
      reason: "BadRequest",
      message: expect.stringContaining(why),
    });
    expect(asked).toEqual([]);
  });

  test("who may not watch", async () => {
    visitor = {
      permit: (attributes) => {
        permitted.push(attributes);
        return Promise.reject(new Problem("forbidden", "not you"));
      },
    };
    for (const target of [WEB, { ...WEB, name: null }]) {
      const response = await tap(target);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        kind: "Status",
        code: 403,
        reason: "Forbidden",
        message: "not you",
      });
    }
    const attributes = {
      verb: "watch",
      group: "tap.linkerd.io",
      resource: "deployments",
      subresource: "tap",
      namespace: "shop",
    } as const;
    expect(permitted).toEqual([
      { ...attributes, name: "web" },
      { ...attributes, name: null },
    ]);
    expect(asked).toEqual([]);
  });

  test("what cannot be tapped", async () => {
    show = () => {
      throw new Problem("request.invalid", "unsupported", { hint: "try pods" });
    };
    const response = await tap();
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      message: "unsupported",
      details: { causes: [{ reason: "Hint", message: "try pods" }] },
    });
  });

  test("more taps than there may be, until one of them ends", async () => {
    const going = new AbortController();
    await tap(WEB, { signal: going.signal });
    await tap({ ...WEB, namespace: "bank" });
    await tap({ ...WEB, namespace: "farm" });
    expect((await tap()).status).toBe(429);
    going.abort();
    while (ended === 0) await Bun.sleep(5);
    expect((await tap()).status).toBe(200);
  });

  test("more taps of a namespace than there may be, of no other", async () => {
    await tap();
    await tap({ ...WEB, name: null });
    const refused = await tap();
    expect(refused.status).toBe(429);
    expect((await refused.json()).message)
      .toBe("2 taps of namespace shop are open already");
    expect((await tap({ ...WEB, namespace: "bank" })).status).toBe(200);
  });
});

test("what goes wrong later is the last line", async () => {
  show = async function* () {
    yield "/first";
    throw new Problem("connect.failed", "gone");
  };
  expect(await Array.fromAsync(pathsIn(await tap())))
    .toEqual(["", "/first", "gone"]);
  expect(ended).toBe(1);
});
