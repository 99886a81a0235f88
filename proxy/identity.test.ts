import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Identity, loadIdentityFiles, startIdentity } from "./identity.ts";
import { splitPem } from "./identity/pem.ts";
import { createPki } from "./testing/pki.ts";
import type { Credentials } from "./tls.ts";
import type { IssuedChain } from "./wire/identity.ts";

const NAME = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const LIFETIME_MS = 20_000;

/** One key, as a proxy has, with a certificate that outlives the test; answers say when it is to be taken as expired. */
const issued = createPki().issue(NAME);

function derOf(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----/g, ""));
}

let dir = "";
let running: Identity | null = null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "identity-"));
  writeFileSync(join(dir, "key.p8"), derOf(issued.key));
  writeFileSync(join(dir, "csr.der"), "request");
  writeFileSync(join(dir, "token"), "first token");
  jest.useFakeTimers();
});

afterEach(() => {
  running?.close();
  jest.useRealTimers();
  rmSync(dir, { recursive: true });
});

/** Things that happen, to be awaited one by one. */
function createEvents<T>(): { add(event: T): void; next(): Promise<T> } {
  const ready: T[] = [];
  const waiting: ((event: T) => void)[] = [];
  return {
    add(event) {
      const wake = waiting.shift();
      if (wake === undefined) ready.push(event);
      else wake(event);
    },
    next() {
      const event = ready.shift();
      return event !== undefined
        ? Promise.resolve(event)
        : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** A proxy's identity with an issuer that can be broken, and everything it says. */
async function start(
  kept: Credentials | null = null,
): Promise<{
  tokens: string[];
  logs: ReturnType<typeof createEvents<Record<string, string | number>>>;
  certified: ReturnType<typeof createEvents<Credentials>>;
  counts: { ok: number; error: number };
  issuer: { answer(): IssuedChain };
}> {
  const tokens: string[] = [];
  const logs = createEvents<Record<string, string | number>>();
  const certified = createEvents<Credentials>();
  const counts = { ok: 0, error: 0 };
  const issuer = {
    answer: (): IssuedChain => ({
      leaf: derOf(splitPem(issued.chain)[0] ?? ""),
      intermediates: [],
      validUntilMs: Date.now() + LIFETIME_MS,
    }),
  };
  running = startIdentity({
    files: await loadIdentityFiles(dir),
    name: NAME,
    anchors: issued.anchors,
    kept,
    tokenFile: join(dir, "token"),
    bounds: { minMs: 1_000, maxMs: 86_400_000 },
    // deno-lint-ignore require-await
    async certify({ identity, token, csr }) {
      expect(identity).toBe(NAME);
      expect(new TextDecoder().decode(csr)).toBe("request");
      tokens.push(new TextDecoder().decode(token));
      return issuer.answer();
    },
    certified: certified.add,
    refreshed: (result) => counts[result]++,
    random: () => 0,
    log: (level, message, fields) =>
      level === "warn" && logs.add({ message, ...fields }),
  });
  return { tokens, logs, certified, counts, issuer };
}

describe("startIdentity()", () => {
  test("renews certificates of 20 s after 14, with the token of the moment", async () => {
    const { tokens, certified, counts } = await start();
    const first = await certified.next();
    expect(running?.credentials).toBe(first);
    writeFileSync(join(dir, "token"), "second token");
    jest.advanceTimersByTime(13_999);
    expect(tokens).toEqual(["first token"]);
    jest.advanceTimersByTime(1);
    const second = await certified.next();
    expect(tokens).toEqual(["first token", "second token"]);
    expect(second.expiresAtMs - first.expiresAtMs).toBe(14_000);
    expect(running?.credentials).toBe(second);
    expect(counts).toEqual({ ok: 2, error: 0 });
  });

  test("keeps a valid certificate when renewal fails, and tries again in time", async () => {
    const { logs, certified, counts, issuer } = await start();
    const first = await certified.next();
    const works = issuer.answer;
    issuer.answer = () => {
      throw new Error("issuer away");
    };
    jest.advanceTimersByTime(14_000);
    expect(await logs.next()).toMatchObject({
      message: "Failed to obtain identity: issuer away",
      retryInMs: 4_200,
      validForMs: 6_000,
    });
    expect(running?.credentials).toBe(first);
    issuer.answer = works;
    jest.advanceTimersByTime(4_200);
    expect((await certified.next()).expiresAtMs).toBeGreaterThan(
      first.expiresAtMs,
    );
    expect(counts).toEqual({ ok: 2, error: 1 });
  });

  test("without a certificate tries again soon, less and less often", async () => {
    rmSync(join(dir, "token"));
    const { logs, certified } = await start();
    for (const retryInMs of [100, 200, 400, 800, 1_000, 1_000]) {
      expect(await logs.next()).toMatchObject({ retryInMs, validForMs: 0 });
      jest.advanceTimersByTime(retryInMs);
    }
    await logs.next();
    expect(running?.credentials).toBeNull();
    writeFileSync(join(dir, "token"), "late token");
    jest.advanceTimersByTime(1_000);
    expect((await certified.next()).name).toBe(NAME);
  });

  test("never publishes a certificate that does not verify", async () => {
    const { logs, certified, issuer } = await start();
    const first = await certified.next();
    const foreign = createPki("foreign").issue(NAME);
    const works = issuer.answer;
    issuer.answer = () => ({
      ...works(),
      leaf: derOf(splitPem(foreign.chain)[0] ?? ""),
    });
    jest.advanceTimersByTime(14_000);
    expect((await logs.next())["message"]).toContain(
      "Cannot use the certificate issued",
    );
    expect(running?.credentials).toBe(first);
  });

  test("begins with the certificate of an earlier start, and renews it in time", async () => {
    const kept = { ...issued, expiresAtMs: Date.now() + LIFETIME_MS };
    const { tokens, certified } = await start(kept);
    expect(await certified.next()).toEqual(kept);
    expect(running?.credentials).toEqual(kept);
    jest.advanceTimersByTime(13_999);
    expect(tokens).toEqual([]);
    jest.advanceTimersByTime(1);
    expect((await certified.next()).expiresAtMs).toBe(
      kept.expiresAtMs + 14_000,
    );
  });

  test("takes other anchors into use at once, and asks at once for what they vouch for", async () => {
    const { tokens, certified, issuer } = await start();
    await certified.next();
    const fresh = createPki("fresh");
    const both = `${issued.anchors}${fresh.anchors}`;
    running?.trust(both);
    expect(running?.credentials?.anchors).toBe(both);
    expect(running?.anchors).toBe(both);
    expect(tokens.length).toBe(1);

    const works = issuer.answer;
    const renewed = fresh.issue(NAME, { key: issued.key });
    issuer.answer = () => ({
      ...works(),
      leaf: derOf(splitPem(renewed.chain)[0] ?? ""),
    });
    running?.trust(fresh.anchors);
    const next = await certified.next();
    expect(tokens.length).toBe(2);
    expect(next.anchors).toBe(fresh.anchors);
    expect(running?.credentials).toBe(next);
  });

  test("asks on and on while the anchors do not vouch for the certificate at hand", async () => {
    const { logs, certified } = await start();
    const first = await certified.next();
    running?.trust(createPki("fresh").anchors);
    // What it had stays, for peers that have not heard of the change.
    for (const retryInMs of [100, 200]) {
      expect(await logs.next()).toMatchObject({ retryInMs, validForMs: 0 });
      expect(running?.credentials?.chain).toBe(first.chain);
      jest.advanceTimersByTime(retryInMs);
    }
  });

  test("stops when closed", async () => {
    const { tokens, certified } = await start();
    await certified.next();
    running?.close();
    jest.advanceTimersByTime(86_400_000);
    await Promise.resolve();
    expect(tokens.length).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("loadIdentityFiles()", () => {
  test("says what to do when the launcher has not run", async () => {
    rmSync(join(dir, "key.p8"));
    const failure = await loadIdentityFiles(dir).catch((error) => error);
    expect(failure).toMatchObject({
      code: "config.invalid",
      hint: "start the proxy through launch/entrypoint.sh",
    });
  });
});
