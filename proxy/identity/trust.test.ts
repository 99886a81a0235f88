import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { ControlClient, ControlReader } from "../control/client.ts";
import type { Watch } from "../control/watch.ts";
import { StatusCode } from "../grpc/status.ts";
import { pass, UNLIMITED } from "../testing/control-bed.ts";
import { createPki } from "../testing/pki.ts";
import { Writer } from "../wire/writer.ts";
import { readBundle } from "./bundle.ts";
import { watchTrust } from "./trust.ts";

const old = createPki("old").anchors;
const fresh = createPki("fresh").anchors;

let calls: { readonly path: string; readonly reader: ControlReader }[] = [];
let logs: string[] = [];
let told: string[] = [];
let watch: Watch;

/** Identity as the test says; every call is answered by hand. */
const client: ControlClient = {
  limits: UNLIMITED,
  start(path, _request, reader) {
    calls.push({ path, reader });
    return { cancel() {} };
  },
  pause: (delayMs, signal) =>
    new Promise((resolve) => {
      const end = () => resolve(!signal.aborted);
      const timer = setTimeout(end, delayMs);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        end();
      });
    }),
  close() {},
};

beforeEach(() => {
  jest.useFakeTimers();
  [calls, logs, told] = [[], [], []];
  watch = watchTrust({
    client,
    told: (anchors) => void told.push(anchors),
    random: () => 0,
    log: (_level, message) => void logs.push(message),
  });
});

afterEach(async () => {
  watch.close();
  await pass(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function say(text: string): void {
  calls.at(-1)?.reader.message(new Writer().string(1, text).finish());
}

async function end(code: number): Promise<void> {
  calls.at(-1)?.reader.end({ code, message: "" });
  await pass(0);
}

describe("watchTrust()", () => {
  test("hands over each bundle, of it what can be read", () => {
    say(old);
    say(`# both\n${old}${fresh}`);
    say(`${fresh}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`);
    expect(told).toEqual(
      [old, old + fresh, fresh].map((text) => readBundle(text) ?? ""),
    );
    expect(calls.map(({ path }) => path)).toEqual([
      "/linkerd_ts.trust.TrustAnchors/Watch",
    ]);
    expect(logs).toEqual([]);
  });

  test("ignores a bundle without a certificate, or beyond all bounds, in one line each", () => {
    say("");
    say("none");
    say(old.repeat(1_000));
    expect(told).toEqual([]);
    expect(logs).toEqual(
      Array(3).fill("Ignoring trust anchors that cannot be read"),
    );
  });

  test("leaves a control plane in peace that does not know the question", async () => {
    await end(StatusCode.unimplemented);
    await pass(3_599_000);
    expect(calls.length).toBe(1);
    await pass(1_000);
    expect(calls.length).toBe(2);
    await end(StatusCode.permissionDenied);
    await pass(3_599_000);
    expect(calls.length).toBe(2);
    expect(logs).toEqual([]);
  });

  test("asks again soon when identity was restarted", async () => {
    say(old);
    await end(StatusCode.unavailable);
    await pass(100);
    expect(calls.length).toBe(2);
    say(fresh);
    await end(StatusCode.ok);
    await pass(100);
    expect(calls.length).toBe(3);
    expect(told.length).toBe(2);
  });
});
