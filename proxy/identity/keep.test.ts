import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPki } from "../testing/pki.ts";
import { readBundle } from "./bundle.ts";
import { createKeeper, restoreAnchors, restoreCertificate } from "./keep.ts";

const NAME = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const old = createPki("old");
const fresh = createPki("fresh");
const given = readBundle(old.anchors) ?? "";
const told = readBundle(old.anchors + fresh.anchors) ?? "";

let dir = "";
let logs: string[] = [];
const log = (
  level: string,
  message: string,
  fields: Readonly<Record<string, string | number>>,
): void => void logs.push(`${level} ${message}: ${fields["error"]}`);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "keep-"));
  logs = [];
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("anchors kept", () => {
  test("are those of the next start, until the environment says otherwise", () => {
    expect(restoreAnchors(dir, given, log)).toBe(given);
    createKeeper(dir, given, log).anchors(told);
    expect(restoreAnchors(dir, given, log)).toBe(told);
    const other = readBundle(fresh.anchors) ?? "";
    expect(restoreAnchors(dir, other, log)).toBe(other);
    expect(logs).toEqual([]);
  });

  test("are ignored in one line when they cannot be read", () => {
    createKeeper(dir, given, log).anchors("cut");
    expect(restoreAnchors(dir, given, log)).toBe(given);
    expect(restoreAnchors(dir, given, log)).toBe(given);
    expect(logs).toEqual([
      "warn Ignoring the trust anchors of an earlier start: no certificate in it can be read",
    ]);
  });
});

describe("a certificate kept", () => {
  const issued = old.issue(NAME);
  const key = Uint8Array.fromBase64(
    issued.key.replace(/-----[^-]+-----/g, ""),
  );
  const expected = { name: NAME, key, anchors: given, nowMs: Date.now() };

  test("is that of the next start, and of nobody else's", () => {
    createKeeper(dir, given, log).certificate(issued.chain);
    const { mode } = statSync(join(dir, "certificate.pem"));
    expect(mode & 0o777).toBe(0o600);
    const restored = restoreCertificate(dir, expected, log);
    expect(restored).toMatchObject({ name: NAME, anchors: given });
    expect(restored?.expiresAtMs).toBeWithin(
      issued.expiresAtMs - 1_000,
      issued.expiresAtMs + 1,
    );
    expect(logs).toEqual([]);
  });

  test("is ignored in one line when peers would not take it", () => {
    expect(restoreCertificate(dir, expected, log)).toBeNull();
    expect(logs).toEqual([]);
    createKeeper(dir, given, log).certificate(issued.chain);
    const refused = [
      { ...expected, anchors: fresh.anchors },
      { ...expected, name: "db.id" },
      { ...expected, nowMs: issued.expiresAtMs + 1 },
    ];
    for (const other of refused) {
      expect(restoreCertificate(dir, other, log)).toBeNull();
    }
    writeFileSync(join(dir, "certificate.pem"), issued.chain.slice(0, 300));
    expect(restoreCertificate(dir, expected, log)).toBeNull();
    expect(logs.length).toBe(refused.length + 1);
    expect(logs.join("\n")).not.toContain("PRIVATE");
  });

  test("that cannot be written costs a line of the log and no more", () => {
    rmSync(dir, { recursive: true });
    createKeeper(dir, given, log).certificate(issued.chain);
    expect(logs).toEqual([
      expect.stringMatching(/^warn Cannot keep .*: ENOENT/),
    ]);
  });

  test("replaces what was there, whole", () => {
    writeFileSync(join(dir, "certificate.pem"), "leftover", { mode: 0o644 });
    createKeeper(dir, given, log).certificate(issued.chain);
    expect(readFileSync(join(dir, "certificate.pem"), "utf8")).toBe(
      issued.chain,
    );
    expect(statSync(join(dir, "certificate.pem")).mode & 0o777).toBe(0o600);
  });
});
