import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Problem } from "../../schemas/problem.ts";
import { ANYBODY, type Visitor } from "../visitor.ts";
import { createPages, createStats } from "../serve/stats.ts";
import { createMemoryReadings } from "../stats/memory.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import type { TapRow } from "./tap-rows.ts";
import { createTaps, eventsOf } from "./testing/taps.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const WEB = "target=deployment/shop/web";
const TALK = {
  ...{ id: 1, source: "load", destination: "web", path: "/basket" },
  ...{ status: 200, ms: 5 },
};

let pods: WorkloadPod[];
let taps: ReturnType<typeof createTaps>;
let server: Bun.Server<undefined>;
const leaving = new Set<AbortController>();

beforeEach(() => {
  pods = ["web", "api"].map((name) => podOf("shop", name));
  taps = createTaps();
  const { fetch } = createStats({ ...SOURCE, tapping: taps.tapping });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
});
afterEach(async () => {
  for (const left of leaving) left.abort();
  leaving.clear();
  await server.stop(true);
});

const SOURCE = {
  readings: createMemoryReadings(() => [], () => NOW_MS),
  pods: () => pods,
  now: () => NOW_MS,
};

function podOf(namespace: string, name: string): WorkloadPod {
  return {
    ...{ namespace, name: `${name}-1`, owners: { deployment: name } },
    isMeshed: true,
  };
}

async function text(path: string): Promise<string> {
  const response = await fetch(new URL(path, server.url));
  expect(response.status).toBe(200);
  return await response.text();
}

/** Asks for live requests, until the test ends or `leave`. */
async function watch(query: string, headers: Record<string, string> = {}) {
  const left = new AbortController();
  leaving.add(left);
  const response = await fetch(new URL(`/tap-events?${query}`, server.url), {
    headers,
    signal: left.signal,
  });
  return { response, leave: () => left.abort() };
}

/** What comes next, without lines that only say that it lives. */
async function* linesOf(response: Response): AsyncGenerator<unknown> {
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The values of a choice. */
function valuesOf(page: string, name: string): string[] {
  const [, options = ""] =
    new RegExp(`<select name="${name}"[^>]*>(.*?)</select>`, "s").exec(page) ??
      [];
  return [...options.matchAll(/value="([^"]*)"/g)]
    .map(([, value = ""]) => value);
}

describe("the page", () => {
  test("lets one choose among all that is meshed, and keeps what was chosen", async () => {
    pods.push({ ...podOf("zoo", "plain"), isMeshed: false });
    const page = await text("/tap");
    expect(valuesOf(page, "target")).toEqual([
      "",
      "namespace/shop/shop",
      "deployment/shop/api",
      "deployment/shop/web",
    ]);
    expect(page).toContain("Choose a workload");
    expect(page).not.toContain(`id="requests"`);

    const chosen = await text(
      `/tap?${WEB}&to=deployment/shop/gone&method=POST&path=%2Fa%22b&authority=api&rps=50`,
    );
    expect(
      [...chosen.matchAll(/value="([^"]+)"\s+selected/g)].map(([, at]) => at),
    ).toEqual(["deployment/shop/web", "deployment/shop/gone", "POST"]);
    expect(chosen).toContain(`value="/a&quot;b"`);
    expect(chosen).toContain(`max="100" value="50"`);
    expect(chosen).toContain(`<tbody id="requests" data-most="200">`);
    expect(chosen).toContain(`src="tap.js"`);
  });

  test("is reached from a workload's page", async () => {
    const page = await text(
      "/workload?kind=deployment&namespace=shop&name=web",
    );
    expect(page).toContain(`href="tap?target=deployment%2Fshop%2Fweb"`);
    const service = await text(
      "/workload?kind=service&namespace=shop&name=web",
    );
    expect(service).not.toContain(`href="tap?` + `target`);
  });

  test("stays light with many workloads", async () => {
    pods = Array.from(
      { length: 2_000 },
      (_, at) =>
        podOf(
          `namespace-${at % 7}${"x".repeat(50)}`,
          `${"y".repeat(200)}-${at}`,
        ),
    );
    const page = await text("/tap");
    expect(Buffer.byteLength(page)).toBeLessThan(200_000);
    expect(page).toContain("150 of 2007 workloads can be chosen");
  });

  test("says when nobody can be tapped", async () => {
    const { fetch: ask } = createStats(SOURCE);
    const of = (path: string) =>
      ask(
        new Request(`http://localhost${path}`, {
          headers: { host: "localhost" },
        }),
      );
    expect(await (await of("/tap")).text()).toContain("not available");
    expect((await of(`/tap-events?${WEB}`)).status).toBe(404);
  });

  test.each([
    ["target=deployment/shop", "expected a workload such as"],
    ["target=secret/shop/web", "expected a workload such as"],
    ["target=service/shop/web", "expected a workload such as"],
    [`${WEB}&to=a/b`, "expected a workload such as"],
    [`${WEB}&method=FETCH`, "expected a method of GET"],
    [`${WEB}&rps=0`, "expected 1 to 100 requests a second"],
    [`${WEB}&rps=1000`, "expected 1 to 100 requests a second"],
    [`${WEB}&path=${"x".repeat(301)}`, "at most 300 characters for path"],
  ])("of %s says what is wrong, and so do its events", async (query, words) => {
    for (const path of ["tap", "tap-events"]) {
      const response = await fetch(new URL(`${path}?${query}`, server.url));
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(words);
    }
    expect(taps.open).toEqual([]);
  });
});

describe("its events", () => {
  test("are what was asked for, row by row, until the page goes", async () => {
    const { response, leave } = await watch(
      `${WEB}&to=service/shop/api&method=GET&path=/b&authority=web&rps=20`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toStartWith(
      "application/x-ndjson",
    );
    expect(response.headers.get("content-security-policy")).not.toBeNull();
    expect(response.headers.get("cache-control")).toBe("no-store");
    const [tap] = taps.open;
    expect(tap?.target).toEqual({
      kind: "deployment",
      namespace: "shop",
      name: "web",
    });
    expect(tap?.filter).toEqual({
      selector: "",
      to: { kind: "service", namespace: "shop", name: "api" },
      maxRps: 20,
      scheme: null,
      ...{ method: "GET", authority: "web", path: "/b", headers: false },
    });
    for (const event of eventsOf(TALK)) tap?.see(event);
    const lines = linesOf(response);
    for (const status of ["–", "200", "200"]) {
      const { value } = await lines.next();
      const { row, atMs, cells } = value as TapRow;
      expect([row, atMs, cells[4]?.text, cells[5]?.text]).toEqual(
        [1, NOW_MS, "/basket", status],
      );
    }
    leave();
    await until(() => taps.open.length === 0);
    expect(tap?.signal.aborted).toBeTrue();
  });

  test("have a last line when proxies cannot be tapped any more", async () => {
    const { response } = await watch(WEB);
    taps.open[0]?.fail(new Problem("connect.failed", "no proxy answers"));
    const lines = await Array.fromAsync(linesOf(response));
    expect(lines).toEqual([{ error: "no proxy answers" }]);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "none" }, 403],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, 403],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ host: "evil.example" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
  ])("are for its own page: %j gives %d", async (headers, status) => {
    const { response } = await watch(WEB, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(taps.open.length).toBe(status === 200 ? 1 : 0);
  });

  test("are read with GET alone", async () => {
    for (const method of ["HEAD", "POST", "PUT", "DELETE", "PATCH"]) {
      const url = new URL(`/tap-events?${WEB}`, server.url);
      const { status, headers } = await fetch(url, { method });
      expect([status, headers.get("allow")]).toEqual([405, "GET"]);
    }
    expect(taps.open).toEqual([]);
  });

  test("are bounded in number, and their places are free again", async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => watch(WEB)),
    );
    const watching = all.filter(({ response }) => response.status === 200);
    const refused = all.find(({ response }) => response.status === 429);
    expect(await refused?.response.text()).toContain(
      "16 taps of namespace shop are open already",
    );
    expect(taps.open.length).toBe(watching.length);
    watching[0]?.leave();
    await until(() => taps.open.length < watching.length);
    expect((await watch(WEB)).response.status).toBe(200);
  });

  test("are for whoever may watch the target, and for nobody else", async () => {
    const asked: unknown[] = [];
    const visitor: Visitor = {
      permit(attributes) {
        asked.push(attributes);
        return Promise.reject(new Problem("forbidden", "User ann may not"));
      },
    };
    const pages = createPages({ ...SOURCE, tapping: taps.tapping }, [
      "/",
    ]);
    const request = () => new Request(`http://localhost/tap-events?${WEB}`);
    const response = await pages.fetch(request(), visitor);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("User ann may not");
    expect(asked).toEqual([{
      ...{ verb: "watch", group: "tap.linkerd.io" },
      ...{ resource: "deployments", subresource: "tap" },
      ...{ namespace: "shop", name: "web" },
    }]);
    expect(taps.open).toEqual([]);
    const permitted = await pages.fetch(request(), ANYBODY);
    expect(permitted.status).toBe(200);
    await permitted.body?.cancel();
    expect(taps.open).toEqual([]);
  });
});
