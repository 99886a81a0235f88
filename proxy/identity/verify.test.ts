import { describe, expect, test } from "bun:test";
import { createPki } from "../testing/pki.ts";
import type { Credentials } from "../tls.ts";
import type { IssuedChain } from "../wire/identity.ts";
import { splitPem } from "./pem.ts";
import { acceptChain, type Expected } from "./verify.ts";

const NAME = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const pki = createPki();

function derOf(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----/g, ""));
}

function issuedOf({ chain, expiresAtMs }: Credentials): IssuedChain {
  const [leaf = "", ...intermediates] = splitPem(chain);
  return {
    leaf: derOf(leaf),
    intermediates: intermediates.map(derOf),
    validUntilMs: expiresAtMs,
  };
}

function expectedFor(credentials: Credentials): Expected {
  const key = derOf(credentials.key);
  return { name: NAME, key, anchors: pki.anchors, nowMs: Date.now() };
}

describe("acceptChain()", () => {
  test("makes credentials of a certificate for our name and key under our anchor", () => {
    const issued = pki.issue(NAME);
    const accepted = acceptChain(issuedOf(issued), expectedFor(issued));
    expect(accepted.name).toBe(NAME);
    expect(derOf(accepted.key)).toEqual(derOf(issued.key));
    expect(splitPem(accepted.chain).map(derOf)).toEqual(
      splitPem(issued.chain).map(derOf),
    );
    expect(Math.abs(accepted.expiresAtMs - issued.expiresAtMs)).toBeLessThan(
      1_000,
    );
  });

  test("follows an anchor among several", () => {
    const issued = pki.issue(NAME);
    const anchors = `# old\n${createPki("old").anchors}\n# new\n${pki.anchors}`;
    const expected = { ...expectedFor(issued), anchors };
    expect(acceptChain(issuedOf(issued), expected).anchors).toBe(anchors);
  });

  test("refuses a certificate that peers would refuse", () => {
    const good = pki.issue(NAME);
    const expected = expectedFor(good);
    const foreign = createPki("foreign").issue(NAME);
    const attempts: [string, IssuedChain, Expected][] = [
      ['not for "db.id"', issuedOf(good), { ...expected, name: "db.id" }],
      ["another key", issuedOf(pki.issue(NAME)), expected],
      [
        "no trust anchor of ours signed it",
        issuedOf(foreign),
        { ...expected, key: derOf(foreign.key) },
      ],
      ["expired", issuedOf(good), { ...expected, nowMs: Date.now() + 1e11 }],
      ["expired", { ...issuedOf(good), validUntilMs: Number.NaN }, expected],
      [
        "Cannot use the certificate issued",
        { ...issuedOf(good), leaf: new Uint8Array(0) },
        expected,
      ],
    ];
    for (const [reason, issued, wanted] of attempts) {
      expect(() => acceptChain(issued, wanted)).toThrow(reason);
    }
  });
});
