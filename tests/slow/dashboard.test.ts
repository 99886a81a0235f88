// The dashboard in a browser: every view, in both themes, on a desk and on a telephone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Pages, passPagesOn } from "../../cli/viz/pages.ts";
import type { MetricsApi } from "../../cli/viz/reach.ts";
import {
  createTaps,
  eventsOf,
  type OpenTap,
  type Talk,
} from "../../control/dashboard/testing/taps.ts";
import { createAggregated } from "../../control/serve/aggregated/app.ts";
import { createStats } from "../../control/serve/stats.ts";
import { createMemoryReadings } from "../../control/stats/memory.ts";
import { addPage, createPodHistory } from "../../control/stats/pod-history.ts";
import { Problem } from "../../schemas/problem.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { type Browser, openBrowser, type Tab } from "../testing/browser.ts";
import { createTown, type Town } from "../testing/town.ts";

const ROOT = join(import.meta.dir, "../..");
const AXE = await Bun.file(
  Bun.resolveSync("axe-core/axe.min.js", import.meta.dir),
).text();
/** What a view and all that it brings may weigh. */
const MAX_BYTES = 200_000;
/** Of a screenshot in docs/. */
const MAX_PICTURE_BYTES = 150_000;
/** Chromium starts, on a machine that is busy with other tests. */
const START_TIMEOUT_MS = 60_000;

const VIEWS = [
  ["overview", "/overview"],
  ["topology", "/topology"],
  ["workload", "/workload?kind=deployment&namespace=shop&name=orders"],
  ["tap", "/tap?target=deployment/shop/orders"],
] as const;
const THEMES = ["light", "dark"] as const;
const SCREENS = [["desk", 1_200, 760], ["telephone", 390, 800]] as const;

let town: Town;
let taps: ReturnType<typeof createTaps>;
let nowMs = Date.UTC(2026, 0, 1, 12);
let server: Bun.Server<undefined>;
let browser: Browser;
let tab: Tab;

beforeAll(async () => {
  town = createTown(nowMs);
  taps = createTaps();
  const now = () => nowMs;
  const { fetch } = createStats({
    readings: createMemoryReadings(() => town.histories, now),
    pods: () => town.pods,
    tapping: taps.tapping,
    now,
  });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  browser = await openBrowser();
  tab = await browser.open();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await browser.close();
  await server.stop(true);
}, START_TIMEOUT_MS);

/** Opens a view; complaints are of it alone. */
async function show(
  path: string,
  theme: string,
  width: number,
  height: number,
  address: URL = server.url,
) {
  tab.complaints.length = 0;
  await tab.call("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: theme }],
  });
  await tab.call("Emulation.setDeviceMetricsOverride", {
    ...{ width, height, deviceScaleFactor: 1, mobile: width < 600 },
  });
  await tab.go(new URL(path, address).href);
}

const ROWS = `document.getElementById("requests").rows`;

/** Waits for something to be so in the page. */
async function until(condition: string): Promise<void> {
  await waitFor(
    async () => await tab.evaluate<boolean>(condition) || null,
    { what: () => condition, timeoutMs: 20_000 },
  );
}

/** What was asked for by the page that is open now. */
async function openTap(): Promise<OpenTap> {
  await until(`document.getElementById("state").innerText === "Live"`);
  const tap = taps.open.at(-1);
  if (tap === undefined) throw new Error("nothing is tapped");
  return tap;
}

/** Requests of all sorts, as they come in a busy town. */
const TALKS: readonly Omit<Talk, "id">[] = [
  { source: "web", destination: "orders", path: "/orders/42" },
  { source: "orders", destination: "payments", method: "POST", path: "/pay" },
  { source: "orders", destination: "stock", path: "/stock/17" },
  { source: "web", destination: "orders", method: "POST", path: "/orders" },
  {
    ...{ source: "orders", destination: "payments", method: "POST" },
    ...{ path: "/shop.Payments/Charge", grpcStatus: 0 },
  },
].map((talk, at) => ({ ...asSeen(talk), status: 200, ms: 2 + at * 7 }));
const TROUBLES: readonly Omit<Talk, "id">[] = [
  {
    ...{ source: "orders", destination: "payments", method: "POST" },
    ...{ path: "/pay", status: 503, ms: 61 },
  },
  {
    ...{ source: "web", destination: "orders", path: "/orders/none" },
    ...{ status: 404, ms: 1 },
  },
  {
    ...{ source: "legacy", destination: "orders", path: "/orders/7" },
    ...{ status: 200, ms: 14, tls: "no_tls_from_remote" },
  },
  {
    ...{ source: "orders", destination: "payments", method: "POST" },
    ...{ path: "/shop.Payments/Charge", status: 200, ms: 9, grpcStatus: 14 },
  },
].map(asSeen);

/** By the proxy of `orders`, which is watched. */
function asSeen<T extends { readonly source: string }>(talk: T) {
  const direction: Talk["direction"] = talk.source === "orders"
    ? "OUTBOUND"
    : "INBOUND";
  return { ...talk, direction };
}

let talked = 0;

/** Lets requests happen, and waits until the page shows the last of them. */
async function talk(
  tap: OpenTap,
  talks: readonly Omit<Talk, "id">[],
): Promise<void> {
  for (const one of talks) {
    nowMs += 37;
    for (const event of eventsOf({ id: ++talked, ...one })) tap.see(event);
  }
  const last = talks.at(-1);
  await until(
    `${ROWS}[0]?.innerText.includes(${
      JSON.stringify(last?.path)
    }) && ${ROWS}[0].cells[6].innerText !== "–"`,
  );
}

/** Presses the tab key some times; what `name` says of each element that `it` is then. */
async function tabThrough(
  times: number,
  name: string,
): Promise<readonly string[]> {
  const stops: string[] = [];
  for (let at = 0; at < times; at++) {
    await press("Tab", 9);
    stops.push(
      await tab.evaluate<string>(`((it) => ${name})(document.activeElement)`),
    );
  }
  return stops;
}

async function press(key: string, code: number): Promise<void> {
  for (const type of ["keyDown", "keyUp"]) {
    await tab.call("Input.dispatchKeyEvent", {
      ...{ type, key, code: key, windowsVirtualKeyCode: code },
      ...key === "Enter" && type === "keyDown" ? { text: "\r" } : {},
    });
  }
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe-core finds: its rules for WCAG, and best practices. */
async function audit(): Promise<readonly string[]> {
  await tab.evaluate(`${AXE};0`);
  const { passed, violations } = await tab.evaluate<
    { readonly passed: number; readonly violations: readonly Violation[] }
  >(
    `axe.run().then(({passes, violations}) => ({passed: passes.length, violations: violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.map(({html}) => ({html}))}))}))`,
  );
  expect(passed).toBeGreaterThan(20);
  return violations.map(({ id, impact, nodes }) =>
    `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ")}`
  );
}

const CASES = VIEWS.flatMap(([name, path]) =>
  THEMES.flatMap((theme) =>
    SCREENS.map((screen) => [name, theme, ...screen, path] as const)
  )
);

test.each(CASES)(
  "%s, %s, on a %s: whole, light, for everybody",
  async (name, theme, screen, width, height, path) => {
    await show(path, theme, width, height);
    if (name === "tap") {
      const tap = await openTap();
      for (const one of [...TALKS, ...TROUBLES, ...TALKS.slice(0, 2)]) {
        await talk(tap, [one]);
      }
      await until(`summary.innerText === "11 seen, 2 failed"`);
    }
    expect(await tab.evaluate<string>("document.body.innerText"))
      .toContain("payments");
    expect(await audit()).toEqual([]);
    // Neither the page's policy nor the script has anything to complain about, and nobody else was asked.
    expect(tab.complaints).toEqual([]);
    expect(
      tab.traffic.urls.filter((url) => !url.startsWith(server.url.href)),
    ).toEqual([]);
    expect(tab.traffic.bytes).toBeGreaterThan(1_000);
    expect(tab.traffic.bytes).toBeLessThan(MAX_BYTES);
    // Tables scroll in themselves; the page does not, sideways.
    expect(await tab.evaluate<number>("document.documentElement.scrollWidth"))
      .toBeLessThanOrEqual(width);
    const ground = await tab.evaluate<string>(
      "getComputedStyle(document.body).backgroundColor",
    );
    expect(ground).toBe(
      theme === "light" ? "rgb(255, 255, 255)" : "rgb(18, 22, 27)",
    );
    if (process.env["SCREENSHOTS"] !== undefined && screen === "desk") {
      const { data } = await tab.call("Page.captureScreenshot");
      await Bun.write(
        join(ROOT, "docs", pictureOf(name, theme)),
        Buffer.from(String(data), "base64"),
      );
    }
  },
  START_TIMEOUT_MS,
);

function pictureOf(name: string, theme: string): string {
  return `dashboard/${name}-${theme}.png`;
}

test("docs/ has a small picture of every view in both themes", async () => {
  for (const [name] of VIEWS) {
    for (const theme of THEMES) {
      const { size } = await stat(join(ROOT, "docs", pictureOf(name, theme)));
      expect(size).toBeLessThan(MAX_PICTURE_BYTES);
    }
  }
});

describe("a page that stays open", () => {
  /** The requests per second of a workload. */
  const rateOf = (name: string) =>
    tab.evaluate<string>(
      `document.querySelector('[data-key="deployment/shop/${name}"]').cells[3].innerText`,
    );

  test("comes up to date and keeps focus and scrolling", async () => {
    await show("/", "light", 390, 500);
    const before = await rateOf("orders");
    await tab.evaluate(
      `window.link = document.querySelector('[data-key="deployment/shop/orders"] a'); link.focus(); scrollTo(0, 120); document.querySelector(".scroll").scrollLeft = 90`,
    );
    for (let at = 0; at < 12; at++) town.scrape(nowMs += 10_000 + at);
    await waitFor(
      async () => await rateOf("orders") !== before || null,
      { what: () => "other figures", timeoutMs: 20_000 },
    );
    expect(
      await tab.evaluate<unknown>(
        `({focus: document.activeElement === link && link.isConnected, y: Math.round(scrollY), x: document.querySelector(".scroll").scrollLeft})`,
      ),
    ).toEqual({ focus: true, y: 120, x: 90 });
    expect(tab.complaints).toEqual([]);
  }, START_TIMEOUT_MS);

  test("can be paused, and says when there is no answer", async () => {
    await show("/", "light", 1_200, 760);
    await tab.evaluate(`document.getElementById("pause").click()`);
    expect(await tab.evaluate<string>(`pause.innerText`)).toBe("Continue");
    await tab.call("Network.emulateNetworkConditions", {
      ...{ offline: true, latency: 0 },
      ...{ downloadThroughput: -1, uploadThroughput: -1 },
    });
    await tab.evaluate(`document.getElementById("pause").click()`);
    await waitFor(
      async () =>
        /^No answer since/.test(
          await tab.evaluate<string>(
            `document.getElementById("state").innerText`,
          ),
        ) || null,
      { what: () => "a word about it", timeoutMs: 20_000 },
    );
    await tab.call("Network.emulateNetworkConditions", {
      ...{ offline: false, latency: 0 },
      ...{ downloadThroughput: -1, uploadThroughput: -1 },
    });
  }, START_TIMEOUT_MS);

  test(
    "is reached by keyboard: skip link, views, choices, tables, workloads",
    async () => {
      await show("/", "light", 1_200, 760);
      const stops = await tabThrough(
        12,
        `(it.innerText || it.name || it.ariaLabel || "").split("\\n")[0]`,
      );
      expect(stops.slice(0, 7)).toEqual([
        ...["Skip to content", "Mesh dashboard", "Overview", "Topology"],
        ...["Live requests", "Pause", "All"],
      ]);
      expect(stops).toContain("catalog");
    },
    START_TIMEOUT_MS,
  );
});

describe("live requests", () => {
  const TAP = "/tap?target=deployment/shop/orders&method=GET";
  /** What a reader of the page sees of a row, the newest first. */
  const rowAt = (at: number) =>
    tab.evaluate<string[]>(
      `[...${ROWS}[${at}].cells].map(({innerText}) => innerText)`,
    );

  test("come in on top, with what is known by and by", async () => {
    await show(TAP, "light", 1_200, 760);
    const tap = await openTap();
    expect(tap.filter.method).toBe("GET");
    const [begin, response, end] = eventsOf({
      ...{ id: 1, source: "web", destination: "orders", path: "/orders/1" },
      ...{ status: 503, ms: 12 },
    });
    tap.see(begin);
    await until(`${ROWS}.length === 1`);
    expect((await rowAt(0)).slice(1)).toEqual([
      ...["in", "web shop", "orders shop", "GET", "/orders/1 orders"],
      ...["–", "–", "yes"],
    ]);
    expect((await rowAt(0))[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
    tap.see(response);
    tap.see(end);
    await until(`${ROWS}[0].cells[6].innerText === "503"`);
    expect((await rowAt(0))[7]).toBe("12 ms");
    await talk(tap, TALKS.slice(0, 1));
    expect((await rowAt(1))[5]).toBe("/orders/1 orders");
    // In words, for those who do not see it; and not row by row.
    await until(`summary.innerText === "2 seen, 1 failed"`);
    expect(
      await tab.evaluate<number>(
        `document.querySelectorAll("table [aria-live], table [role=status]").length`,
      ),
    ).toBe(0);
    expect(tab.complaints).toEqual([]);
  }, START_TIMEOUT_MS);

  test("stop while they are paused, and when nobody looks", async () => {
    await show(TAP, "light", 1_200, 760);
    const tap = await openTap();
    await talk(tap, TALKS);
    await tab.evaluate(`pause.focus(); pause.click()`);
    await waitFor(() => tap.signal.aborted || null, { what: () => "a pause" });
    await until(`document.getElementById("state").innerText === "Paused"`);
    expect(await tab.evaluate<string>(`pause.innerText`)).toBe("Continue");
    expect(await tab.evaluate<number>(`${ROWS}.length`)).toBe(TALKS.length);
    await tab.evaluate(`pause.click()`);
    const again = await openTap();
    await talk(again, TROUBLES);
    // What came before stays.
    expect(await tab.evaluate<number>(`${ROWS}.length`)).toBe(
      TALKS.length + TROUBLES.length,
    );
    await show("/", "light", 1_200, 760);
    await waitFor(() => taps.open.length === 0 || null, {
      what: () => "the end of the tap",
    });
    expect(again.signal.aborted).toBeTrue();
  }, START_TIMEOUT_MS);

  test("are chosen and paused by keyboard", async () => {
    await show("/tap?target=deployment/shop/orders", "light", 390, 800);
    const name = `it.name || it.id || it.ariaLabel || it.innerText`;
    const stops = await tabThrough(14, name);
    expect(stops).toEqual([
      ...["Skip to content", "Mesh dashboard", "Overview", "Topology"],
      ...["Live requests", "pause", "target", "to", "method", "authority"],
      ...["path", "rps", "Show", "Live requests"],
    ]);
    await tab.evaluate(`document.querySelector("[name=path]").focus()`);
    await tab.call("Input.insertText", { text: "/pay" });
    await press("Enter", 13);
    await until(`location.search.includes("path=%2Fpay")`);
    const tap = await openTap();
    expect([tap.target.name, tap.filter.path]).toEqual(["orders", "/pay"]);
    expect((await tabThrough(6, name)).at(-1)).toBe("pause");
    await press("Enter", 13);
    await waitFor(() => tap.signal.aborted || null, { what: () => "a pause" });
  }, START_TIMEOUT_MS);

  test(
    "come again when their stream ends, and say why they do not",
    async () => {
      await show(TAP, "light", 1_200, 760);
      (await openTap()).end();
      const second = await waitFor(() => taps.open.at(-1) ?? null, {
        what: () => "another tap",
      });
      second.fail(new Error("no proxy\u202e lets itself be tapped"));
      await until(
        `trouble.innerText === "no proxy\ufffd lets itself be tapped"`,
      );
      await talk(await openTap(), TALKS);
      expect(await tab.evaluate<string>(`trouble.innerText`)).toBe("");
    },
    START_TIMEOUT_MS,
  );

  test("say who may not see them, until somebody tries again", async () => {
    const reasons = [
      new Response("User ann cannot watch deployments/tap\nask for view\n", {
        status: 403,
      }),
      Response.json({
        message: "User ann cannot watch it yet",
        details: { causes: [{ message: "wait" }] },
      }, { status: 403 }),
    ];
    const pages = createStats({
      readings: createMemoryReadings(() => [], () => nowMs),
      ...{ pods: () => [], tapping: taps.tapping, now: () => nowMs },
    });
    using refusing = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        new URL(request.url).pathname === "/tap-events"
          ? reasons.shift() ?? pages.fetch(request)
          : pages.fetch(request),
    });
    await show(TAP, "light", 1_200, 760, refusing.url);
    for (
      const words of [
        "User ann cannot watch deployments/tap: ask for view",
        "User ann cannot watch it yet: wait",
      ]
    ) {
      await until(`trouble.innerText === ${JSON.stringify(words)}`);
      expect(await tab.evaluate<string>(`pause.innerText`)).toBe("Try again");
      await tab.evaluate(`pause.click()`);
    }
    await talk(await openTap(), TALKS);
    expect(await tab.evaluate<string>(`trouble.innerText + pause.innerText`))
      .toBe("Pause");
    await tab.go("about:blank");
  }, START_TIMEOUT_MS);

  test("are the latest 200", async () => {
    await show(TAP, "light", 1_200, 760);
    const tap = await openTap();
    const many = Array.from({ length: 450 }, (_, at) => ({
      ...{ source: "web", destination: "orders", status: 200, ms: 1 },
      path: `/orders/${at}`,
    }));
    await talk(tap, many);
    expect(await tab.evaluate<number>(`${ROWS}.length`)).toBe(200);
    expect((await rowAt(199))[5]).toBe("/orders/250 orders");
  }, START_TIMEOUT_MS);
});

describe("through `linkerd viz dashboard`", () => {
  let pages: Pages;
  let mayTap = true;
  let address: URL;

  /** The API server: it hands on what a user asks, and judges what the metrics component wants to know. */
  beforeAll(async () => {
    const answer = createAggregated(
      {
        readings: createMemoryReadings(() => town.histories, () => nowMs),
        pods: () => town.pods,
        tapping: taps.tapping,
        now: () => nowMs,
      },
      (user, { subresource }) => {
        if (subresource !== "tap" || mayTap) return Promise.resolve();
        throw new Problem("forbidden", `${user.name} may not watch`);
      },
    );
    const user = { name: "ann", uid: "1", groups: [], extra: {} };
    const send: MetricsApi["send"] = ({ path, query, signal }) => {
      const url = new URL(path, "https://metrics");
      url.search = String(new URLSearchParams(query));
      return answer(new Request(url, signal ? { signal } : {}), user);
    };
    const ask = () => Promise.reject(new Error("only pages are sent for"));
    pages = await passPagesOn({ at: "", send, open: send, ask }, 0);
    address = new URL(`http://localhost:${pages.port}`);
  });
  afterAll(() => pages.close());

  test("every view is whole", async () => {
    for (const [, path] of [...VIEWS, ["root", "/"]] as const) {
      await show(path, "dark", 1_200, 760, address);
      expect(await tab.evaluate<string>("document.body.innerText"))
        .toContain("orders");
      const links = await tab.evaluate<string[]>(
        `[...document.links].map(({href}) => href)`,
      );
      expect(links.filter((link) => !link.startsWith(address.href)))
        .toEqual([]);
      expect(tab.complaints).toEqual([]);
    }
  }, START_TIMEOUT_MS);

  test("live requests are those of who may see them", async () => {
    const path = "/tap?target=deployment/shop/orders";
    mayTap = false;
    await show(path, "dark", 1_200, 760, address);
    await until(`trouble.innerText.includes("ann may not watch")`);
    mayTap = true;
    await tab.evaluate("pause.click()");
    const tap = await openTap();
    await talk(tap, TALKS);
    await tab.go("about:blank");
    await waitFor(() => tap.signal.aborted || null, {
      what: () => "the end of the tap",
    });
  }, START_TIMEOUT_MS);
});

describe("hostile names", () => {
  const ATTACK = "window.isTaken = true";
  const NAMES = [
    `<script>${ATTACK}</script>`,
    `<img src=x onerror="${ATTACK}">`,
    `"><svg onload="${ATTACK}">`,
    `' autofocus onfocus='${ATTACK}' x='`,
    `</title></option></select></textarea><script>${ATTACK}</script>`,
    `javascript:${ATTACK}`,
    "\u202egnp.yrtne\u2066\u200f",
    "\u001b]0;taken\u0007\u0000\u009b31m",
    "x".repeat(10_000),
    "\u05d0\u0644\u0639\u0631\u0628\u064a\u0629".repeat(1_500),
    "a\u0300\u0301\u0302\u0303\u0304".repeat(2_000),
  ];
  let theirs: Bun.Server<undefined>;

  beforeAll(() => {
    const endMs = nowMs;
    const histories = NAMES.map((name) => {
      const said = JSON.stringify(name);
      const history = createPodHistory({ namespace: name, pod: name });
      for (let at = 0; at < 12; at++) {
        const page = [
          `response_total{direction="inbound",classification="success",srv_name=${said},route_name=${said},authz_name=${said},target_port=${said}} ${at}`,
          `response_total{direction="outbound",classification="success",dst_namespace=${said},dst_pod=${said}} ${at}`,
          `tcp_open_connections{direction="outbound",peer="dst",dst_namespace=${said},dst_pod=${said},no_tls_reason=${said}} 1`,
          `outbound_http_route_request_statuses_total{parent_name=${said},route_name=${said},http_status="200",error=""} ${at}`,
          "",
        ].join("\n");
        addPage(history, page, endMs - (11 - at) * 10_000);
      }
      return history;
    });
    const { fetch } = createStats({
      readings: createMemoryReadings(() => histories, () => endMs),
      pods: () =>
        NAMES.map((name) => ({
          ...{ namespace: name, name, owners: {}, isMeshed: true },
        })),
      tapping: taps.tapping,
      now: () => endMs,
    });
    theirs = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  });
  afterAll(() => theirs.stop(true));

  /** Neither did a script run, nor was the page's policy needed; nothing is wider than the page, or very high. */
  async function expectHarmless(width: number) {
    expect(await tab.evaluate<boolean>("window.isTaken ?? false")).toBeFalse();
    expect(tab.complaints).toEqual([]);
    expect(await tab.evaluate<number>("document.documentElement.scrollWidth"))
      .toBeLessThanOrEqual(width);
    expect(
      await tab.evaluate<number>(
        `Math.max(0, ...[...document.querySelectorAll("tr, .node rect")].map((it) => it.getBoundingClientRect().height))`,
      ),
    ).toBeLessThan(120);
    expect(
      await tab.evaluate<number>(
        `document.querySelectorAll("main script, main img, main [onload], main [onfocus], main [onerror]").length`,
      ),
    ).toBe(0);
    expect(tab.traffic.bytes).toBeLessThan(MAX_BYTES);
  }

  const ADDRESSES = [
    ...["/overview", "/topology", "/tap"],
    ...NAMES.filter((name) => name.length < 1_000).flatMap((name) => [
      `/workload?${new URLSearchParams({
        kind: "pod",
        namespace: name,
        name,
      })}`,
      `/overview?${new URLSearchParams({ namespace: name })}`,
      `/tap?${new URLSearchParams({
        ...{ target: "pod/shop/web", path: name, authority: name },
      })}`,
    ]),
  ];

  test.each(SCREENS)("are harmless on a %s", async (_, width, height) => {
    for (const path of ADDRESSES) {
      await show(path, "light", width, height, theirs.url);
      await expectHarmless(width);
      // Shown, as what they are.
      if (path !== "/overview" && path !== "/topology") continue;
      expect(await tab.evaluate<string>("document.body.innerText"))
        .toContain(NAMES[0] ?? "no name");
    }
  }, START_TIMEOUT_MS);

  test.each(SCREENS)(
    "in live requests are harmless on a %s",
    async (_, width, height) => {
      const path = "/tap?target=pod/shop/web";
      await show(path, "dark", width, height, theirs.url);
      const tap = await openTap();
      const talks = NAMES.map((name) => ({
        ...{ source: name, destination: name, namespace: name, method: name },
        ...{ path: `/${name}`, authority: name, tls: name },
        ...{ status: 200, ms: 1 },
      }));
      for (const [id, one] of talks.entries()) {
        for (const event of eventsOf({ id, ...one })) tap.see(event);
      }
      await until(`${ROWS}.length === ${NAMES.length}`);
      await expectHarmless(width);
      expect(await tab.evaluate<string>(`${ROWS}[10].innerText`))
        .toContain(NAMES[0] ?? "no name");
      expect(await audit()).toEqual([]);
    },
    START_TIMEOUT_MS,
  );
});
