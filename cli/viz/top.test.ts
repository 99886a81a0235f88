import { afterEach, describe, expect, test } from "bun:test";
import type { World } from "../command.ts";
import { run } from "../program.ts";
import { formatNanos } from "./tap/duration.ts";
import {
  type Answer,
  startTapServer,
  type Story,
  tell,
} from "./testing/tap-server.ts";
import { createTop, type KeyField } from "./top/rows.ts";
import { picture } from "./top/view.ts";

const ALL: readonly KeyField[] = ["source", "destination", "method", "path"];

function topOf(stories: readonly Story[], key = ALL, maxRows?: number) {
  const top = createTop({ key, ...maxRows === undefined ? {} : { maxRows } });
  for (const event of stories.flatMap(tell)) top.add(event);
  return top;
}

/** The lines of a screen, with single blanks. */
function lines(top: ReturnType<typeof topOf>, key = ALL): readonly string[] {
  return picture(top, key).map(({ text }) =>
    text.trim().replaceAll(/ +/g, " ")
  );
}

describe("rows", () => {
  test("count requests between the same two, most of them first", () => {
    const top = topOf([
      { stream: 1, path: "/a", nanos: 900_000 },
      { stream: 2, path: "/b", nanos: 5_000_000 },
      { stream: 3, path: "/b", nanos: 2_400_000, status: 404 },
      { stream: 4, path: "/b", nanos: 1_600_000_000, status: 503 },
      {
        stream: 5,
        path: "/c",
        source: { ip: "fd00::1", port: 1, metadata: {} },
      },
    ]);
    expect(lines(top)).toEqual([
      "(press q to quit)",
      "(press a/LeftArrowKey to scroll left, d/RightArrowKey to scroll right)",
      "",
      "Source Destination Method Path Count Best Worst Last Success Rate",
      "web-1 api-1 GET /b 3 2ms 2s 2s 66.67%",
      "web-1 api-1 GET /a 1 900µs 900µs 900µs 100.00%",
      "fd00::1 api-1 GET /c 1 3ms 3ms 3ms 100.00%",
    ]);
    expect(picture(top, ALL)[3]?.style).toBe("bold");
  });

  test.each([
    [{}, "100.00%"],
    [{ status: 499 }, "100.00%"],
    [{ status: 500 }, "0.00%"],
    [{ end: { resetErrorCode: 8 } }, "0.00%"],
    ...[2, 4, 13, 14, 15].map((grpcStatusCode) =>
      [{ end: { grpcStatusCode } }, "0.00%"] as const
    ),
    ...[0, 1, 5, 16].map((grpcStatusCode) =>
      [{ end: { grpcStatusCode } }, "100.00%"] as const
    ),
  ])("%j is %s success", (story, rate) => {
    expect(lines(topOf([{ stream: 1, ...story }])).at(-1)).toEndWith(rate);
  });

  test("without sources, and by route", () => {
    const key: readonly KeyField[] = ["destination", "route"];
    const stories = [1, 2].map((stream): Story => ({
      stream,
      source: { ip: `10.0.0.${stream}`, port: 1, metadata: {} },
      path: `/${stream}`,
      routeMeta: { route: "GET /{id}" },
    }));
    const top = topOf([...stories, { stream: 3 }], key);
    expect(lines(top, key).slice(3)).toEqual([
      "Destination Route Count Best Worst Last Success Rate",
      "api-1 GET /{id} 2 3ms 3ms 3ms 100.00%",
      "api-1 [DEFAULT] 1 3ms 3ms 3ms 100.00%",
    ]);
  });

  test("the same stream of two proxies is two requests; an end without a begin is none", () => {
    const top = createTop({ key: ALL });
    const [first, , end] = tell({ stream: 1, path: "/a" });
    const [other, , otherEnd] = tell({
      stream: 1,
      path: "/b",
      proxyDirection: "OUTBOUND",
    });
    for (const event of [first, other, otherEnd, end, end]) top.add(event);
    expect(top.rows().map(({ path, count }) => [path, count])).toEqual([
      ["/a", 1],
      ["/b", 1],
    ].sort(([a], [b]) => (a ?? "") < (b ?? "") ? 1 : -1));
  });

  test("are bounded: the one that was not seen for longest goes, and that is said", () => {
    const paths = ["/a", "/b", "/a", "/c", "/d"];
    const top = topOf(
      paths.map((path, stream) => ({ stream, path })),
      ALL,
      2,
    );
    expect(top.rows().map(({ path }) => path).sort()).toEqual(["/c", "/d"]);
    expect(lines(top)[2]).toBe(
      "2 rows that were not seen for long are not shown",
    );
    const flood = createTop({ key: ALL });
    for (let stream = 0; stream < 12_000; stream++) {
      for (const event of tell({ stream, path: `/${stream}` })) {
        flood.add(event);
      }
    }
    expect(flood.rows().length).toBe(1_000);
    expect(flood.dropped()).toBe(11_000);
  });

  test("requests that never end are forgotten, oldest first", () => {
    const top = createTop({ key: ALL });
    const stories = Array.from(
      { length: 10_001 },
      (_, stream) => tell({ stream }),
    );
    for (const [begin] of stories) top.add(begin);
    for (const [, , end] of stories) top.add(end);
    expect(top.rows()[0]?.count).toBe(10_000);
  });

  test("hostile texts are shown harmlessly", () => {
    const hostile = "\u001b[2J\u202e\r\n<script>";
    const long = `/${"x".repeat(10_000)}`;
    const top = topOf([{
      stream: 1,
      method: hostile,
      path: long,
      source: { ip: "1", port: 1, metadata: { pod: hostile } },
    }]);
    const shown = lines(top).at(-1) ?? "";
    expect(shown).toStartWith("\\u001b[2J\\u202e\\u000d\\u000a<script> api-1 ");
    expect(shown).toContain(`/${"x".repeat(299)}… 1 `);
  });
});

test.each([
  [0, "0µs"],
  [499, "0µs"],
  [870_400, "870µs"],
  [999_600, "1ms"],
  [12_499_999, "12ms"],
  [999_900_000, "1s"],
  [59_400_000_000, "59s"],
  [65_000_000_000, "1m5s"],
  [3_600_000_000_000, "1h0m0s"],
])("%i ns are %s", (nanos, text) => {
  expect(formatNanos(nanos)).toBe(text);
});

describe("without a terminal", () => {
  let server: ReturnType<typeof startTapServer>;
  afterEach(() => server.close());

  async function top(answer: Answer, ...args: string[]) {
    server = startTapServer(answer);
    const printed: string[] = [];
    const world: World = {
      env: {},
      colour: false,
      terminal: false,
      print: (text) => void printed.push(text),
      readInput: () => Promise.resolve(new Uint8Array()),
    };
    const result = await run(
      ["viz", "top", ...args, "--api-addr", server.address],
      world,
    );
    return { result, printed };
  }

  test("tables are printed one after the other, until there is nothing more", async () => {
    const shown = Promise.withResolvers<void>();
    async function* answer() {
      yield* tell({ stream: 1, path: "/a" });
      await shown.promise;
      yield* tell({ stream: 2, path: "/a" });
    }
    setTimeout(shown.resolve, 1_500); // longer than the second between two tables
    const { result, printed } = await top(answer, "deploy/web", "-n", "shop");
    expect(result).toEqual({ code: 0, stderr: "Tap stream terminated\n" });
    expect(printed.map((table) => table.split("\n")[1]?.trim())).toEqual([
      "web-1   api-1        GET     /a        1   3ms    3ms   3ms       100.00%",
      "web-1   api-1        GET     /a        2   3ms    3ms   3ms       100.00%",
    ]);
    expect(server.asked[0]?.path).toEndWith("/shop/deployments/web/tap");
  });

  test("a refusal is said", async () => {
    const { result } = await top(
      () => Response.json({ message: "no such pods" }, { status: 400 }),
      "deploy/web",
    );
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("status Code [400] (no such pods)"),
    });
  });
});
