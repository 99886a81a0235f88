import { expect, test } from "bun:test";
import type { TapEvent } from "../../schemas/tap.ts";
import {
  MAX_TAP_ROWS,
  TAP_HEADINGS,
  type TapRow,
  tapRows,
} from "./tap-rows.ts";
import { eventsOf, type Talk } from "./testing/taps.ts";

const TALK: Talk = {
  ...{ id: 3, source: "web", destination: "api", path: "/list" },
  ...{ status: 200, ms: 12 },
};

async function rowsOf(
  ...events: readonly TapEvent[]
): Promise<readonly TapRow[]> {
  let nowMs = 1_000;
  async function* happen() {
    yield* events;
  }
  return await Array.fromAsync(tapRows(happen(), () => nowMs++));
}

/** A row's cells as one reads them. */
function read(row: TapRow | undefined): readonly string[] {
  return row?.cells.map(({ text, about }) =>
    about === undefined ? text : `${text} ${about}`
  ) ?? [];
}

test("a request has a row that gets its status and latency when they are there", async () => {
  const rows = await rowsOf(...eventsOf(TALK));
  const known = ["in", "web shop", "api shop", "GET", "/list api"];
  expect(rows.map(read)).toEqual([
    [...known, "–", "–", "yes"],
    [...known, "200", "12 ms", "yes"],
    [...known, "200", "12 ms", "yes"],
  ]);
  expect(rows.map(({ row, atMs }) => [row, atMs])).toEqual(
    Array(3).fill([1, 1_000]),
  );
  expect(read(rows[0]).length).toBe(TAP_HEADINGS.length - 1);
});

test.each<[Partial<Talk>, string, string | undefined, boolean]>([
  [{ status: 204 }, "204", "good", false],
  [{ status: 404 }, "404", "poor", false],
  [{ status: 503 }, "503", "bad", true],
  [{ grpcStatus: 0 }, "200 gRPC 0", "good", false],
  [{ grpcStatus: 5 }, "200 gRPC 5", "poor", false],
  [{ grpcStatus: 14 }, "200 gRPC 14", "bad", true],
  [{ resetCode: 8 }, "200 reset 8", "bad", true],
])("%j ends as %s, which is %s", async (how, text, level, failed) => {
  const row = (await rowsOf(...eventsOf({ ...TALK, ...how }))).at(-1);
  expect(read(row)[5]).toBe(text);
  expect(row?.cells[5]?.level).toBe(level as "good");
  expect(row?.failed).toBe(failed);
});

test("a request that ends without a response says so", async () => {
  const [begin, , end] = eventsOf({ ...TALK, resetCode: 2 });
  expect(read((await rowsOf(begin, end)).at(-1))[5]).toBe("– reset 2");
});

test("without mutual TLS it says why; unknown ends have their address", async () => {
  const [begin] = eventsOf({ ...TALK, tls: "no_tls_from_remote" });
  const stranger = {
    ...begin,
    proxyDirection: "OUTBOUND",
    destination: { ip: "fd00::1", port: 443, metadata: {} },
  } as const;
  const rows = (await rowsOf(begin, stranger)).map(read);
  expect(rows[0]?.at(-1)).toBe("no tls from remote");
  expect([rows[1]?.[0], rows[1]?.[2], rows[1]?.[7]]).toEqual(
    ["out", "[fd00::1]:443", "–"],
  );
});

test("proxies that count alike are told apart, and what nobody saw begin has no row", async () => {
  const [begin, response] = eventsOf(TALK);
  const [other] = eventsOf(TALK);
  const elsewhere = { ...other, source: { ...other.source, ip: "10.0.0.9" } };
  const rows = await rowsOf(response, begin, elsewhere, response);
  expect(rows.map(({ row }) => row)).toEqual([1, 2, 1]);
});

test("requests that never end are forgotten when there are many", async () => {
  const begins = Array.from(
    { length: MAX_TAP_ROWS + 1 },
    (_, id) => eventsOf({ ...TALK, id })[0],
  );
  const late = [0, 1].map((id) => eventsOf({ ...TALK, id })[2]);
  const rows = await rowsOf(...begins, ...late);
  expect(rows.slice(begins.length).map(({ row }) => row)).toEqual([2]);
});
