import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_AGE_MS, MAX_BYTES } from "./answers.ts";
import { createSnapshot, MAX_ANSWER_BYTES, type Snapshot } from "./snapshot.ts";

const GET = "/Destination/Get";
const WATCH_PORT = "/InboundServerPolicies/WatchPort";

let dir = "";
let path = "";
let logs: string[] = [];
let nowMs = Date.now();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "snapshot-"));
  path = join(dir, "told");
  logs = [];
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function start(): Snapshot {
  return createSnapshot({
    path,
    now: () => nowMs,
    log: (_level, message, fields) =>
      void logs.push(`${message}: ${fields["error"] ?? fields["answers"]}`),
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);
const openPort = (snapshot: Snapshot) =>
  snapshot.open(WATCH_PORT, bytes("80"), "whole", true);
const openHost = (snapshot: Snapshot, host: string) =>
  snapshot.open(GET, bytes(host), "changes", false);
const told = (memory: { recall(): readonly Uint8Array[] }) =>
  memory.recall().map((one) => new TextDecoder().decode(one));

describe("a snapshot", () => {
  test("gives the next start what was told last, each question by itself", () => {
    const first = start();
    const port = openPort(first);
    port.add(bytes("deny"));
    port.add(bytes("allow some"));
    const web = openHost(first, "web");
    web.add(bytes("add 1"));
    web.add(bytes("remove 1"));
    web.add(bytes("add 2"));
    openHost(first, "db").add(bytes("add 9"));
    first.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(["told"]);

    const second = start();
    expect(told(openPort(second))).toEqual(["allow some"]);
    expect(told(openHost(second, "web"))).toEqual([
      "add 1",
      "remove 1",
      "add 2",
    ]);
    expect(told(openHost(second, "db"))).toEqual(["add 9"]);
    expect(told(openHost(second, "cache"))).toEqual([]);
    expect(logs).toEqual([]);
  });

  test("has a policy on disk before it is in force, and the end of one, too", () => {
    const running = start();
    const port = openPort(running);
    port.add(bytes("allow all"));
    expect(told(openPort(start()))).toEqual(["allow all"]);
    port.add(bytes("deny"));
    expect(told(openPort(start()))).toEqual(["deny"]);
    port.forget();
    expect(told(openPort(start()))).toEqual([]);
  });

  test("writes what is not urgent soon after", async () => {
    const web = openHost(start(), "web");
    web.add(bytes("add 1"));
    expect(existsSync(path)).toBe(false);
    while (!existsSync(path)) await Bun.sleep(20);
    expect(told(openHost(start(), "web"))).toEqual(["add 1"]);
  });

  test("replaces what a stream told by the first message of the next", () => {
    const web = openHost(start(), "web");
    web.add(bytes("add 1"));
    web.add(bytes("add 2"));
    web.begin();
    expect(told(web)).toEqual(["add 1", "add 2"]);
    web.add(bytes("add 3"));
    expect(told(web)).toEqual(["add 3"]);
  });

  test("ignores what is too old, or from a clock that was ahead, in one line", () => {
    const first = start();
    openPort(first).add(bytes("deny"));
    openHost(first, "web").add(bytes("add 1"));
    first.close();
    const then = nowMs;
    for (const other of [then + MAX_AGE_MS, then - 120_000]) {
      logs = [];
      nowMs = other;
      expect(told(openPort(start()))).toEqual([]);
      expect(logs).toEqual([
        "Ignoring what the control plane told too long ago: 2",
      ]);
    }
    nowMs = then + MAX_AGE_MS - 1;
    const late = start();
    expect(told(openPort(late))).toEqual(["deny"]);
    nowMs += 1;
    expect(told(openPort(late))).toEqual([]);
    nowMs = then;
  });

  test("ignores a file that is broken anywhere, in one line", () => {
    openPort(start()).add(bytes("allow all"));
    const good = readFileSync(path);
    const bad = [
      ...Array.from({ length: good.length }, (_, at) => good.subarray(0, at)),
      ...Array.from({ length: good.length }, (_, at) => {
        const bent = Buffer.from(good);
        bent[at] = (bent[at] ?? 0) ^ 0x10;
        return bent;
      }),
      Buffer.concat([good, Buffer.of(0)]),
    ];
    for (const file of bad) {
      logs = [];
      writeFileSync(path, file);
      expect(told(openPort(start()))).toEqual([]);
      expect(logs).toEqual([
        expect.stringMatching(
          /^Ignoring what .* told an earlier start: Cannot/,
        ),
      ]);
    }
  });

  test("asks for a new stream when changes are longer than the whole, and keeps none of them", () => {
    const running = start();
    const web = openHost(running, "web");
    const piece = new Uint8Array(MAX_ANSWER_BYTES / 8);
    let goesOn = true;
    let count = 0;
    for (; goesOn; count++) goesOn = web.add(piece);
    expect(count).toBe(8);
    expect(told(web)).toEqual([]);
    expect(web.add(piece)).toBe(true);
    expect(told(web)).toEqual([]);
    web.begin();
    web.add(bytes("add 1"));
    expect(told(web)).toEqual(["add 1"]);
    // What is too long in one message would be so again.
    expect(openHost(running, "all").add(new Uint8Array(MAX_ANSWER_BYTES + 1)))
      .toBe(true);
  });

  test("stays within its bounds: the oldest answers go, policies of our ports stay", () => {
    const running = start();
    openPort(running).add(bytes("deny"));
    const answer = new Uint8Array(MAX_ANSWER_BYTES / 2);
    for (let host = 0; host < 20; host++) {
      openHost(running, `host-${host}`).add(answer);
    }
    // Neither do empty answers pile up.
    for (let host = 0; host < 20_000; host++) {
      running.open(GET, bytes(`empty-${host}`), "whole", false)
        .add(new Uint8Array(0));
    }
    openHost(running, "host-19").add(answer);
    running.close();
    expect(statSync(path).size).toBeLessThan(MAX_BYTES + 1_024);
    const next = start();
    expect(told(openPort(next))).toEqual(["deny"]);
    expect(openHost(next, "host-0").recall()).toEqual([]);
    expect(openHost(next, "host-19").recall().length).toBe(1);
  });

  test("that cannot be written leaves nothing that is out of date", () => {
    const port = openPort(start());
    port.add(bytes("allow all"));
    // A folder where the draft would be: also root cannot write there.
    rmSync(`${path}.new`, { force: true });
    Bun.spawnSync(["mkdir", "-p", `${path}.new/full`]);
    port.add(bytes("deny"));
    expect(existsSync(path)).toBe(false);
    expect(told(port)).toEqual(["deny"]);
    expect(logs).toEqual([
      expect.stringMatching(/^Cannot keep what the control plane told: ./),
    ]);
  });
});
