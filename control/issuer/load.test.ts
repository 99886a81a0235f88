import "reflect-metadata"; // @peculiar/x509 does not load without it
import { describe, expect, test } from "bun:test";
import { KeyUsageFlags } from "@peculiar/x509";
import { createCa, RSA_2048 } from "../testing/pki.ts";
import { issuerPaths, parseIssuer } from "./load.ts";

const NOW = Date.UTC(2026, 0, 15);
const DAY_MS = 86_400_000;
const window = { notBeforeMs: NOW - DAY_MS, notAfterMs: NOW + 10 * DAY_MS };

const root = await createCa({ name: "root", ...window });

async function load(
  options: Partial<Parameters<typeof createCa>[0]>,
  anchors = root.certificatePem,
) {
  const issuer = await createCa({
    name: "issuer",
    parent: root,
    ...window,
    ...options,
  });
  return parseIssuer({
    certificate: issuer.certificatePem,
    key: issuer.keyPem,
    anchors,
  }, NOW);
}

describe("parseIssuer()", () => {
  test("takes an issuer under the anchor", async () => {
    const issuer = await load({ notAfterMs: NOW + DAY_MS });
    expect(issuer.chain).toHaveLength(1);
    expect(issuer.notAfterMs).toBe(NOW + DAY_MS);
  });

  test("takes an issuer that is the anchor itself, as `linkerd install` makes it", async () => {
    const issuer = await parseIssuer({
      certificate: root.certificatePem,
      key: root.keyPem,
      anchors: root.certificatePem,
    }, NOW);
    expect(issuer.certificate.subject).toBe("CN=root");
  });

  test("takes an EC PRIVATE KEY", async () => {
    const made = Bun.spawnSync(
      ["openssl", "ec"],
      { stdin: Buffer.from(root.keyPem) },
    );
    const key = made.stdout.toString();
    expect(key).toContain("EC PRIVATE KEY");
    const files = {
      certificate: root.certificatePem,
      key,
      anchors: root.certificatePem,
    };
    expect((await parseIssuer(files, NOW)).key.type).toBe("private");
  });

  test("follows a bundle to an RSA anchor, and keeps its order", async () => {
    const old = await createCa({ name: "old", ...window });
    const anchor = await createCa({
      name: "rsa",
      algorithm: RSA_2048,
      ...window,
    });
    const middle = await createCa({
      name: "middle",
      parent: anchor,
      ...window,
      notAfterMs: NOW + 2 * DAY_MS,
    });
    const issuer = await createCa({
      name: "issuer",
      parent: middle,
      ...window,
    });
    const loaded = await parseIssuer({
      certificate: issuer.certificatePem + middle.certificatePem,
      key: issuer.keyPem,
      anchors: old.certificatePem + anchor.certificatePem,
    }, NOW);
    expect(loaded.chain.map((der) => Buffer.from(der))).toEqual(
      [issuer, middle].map(({ certificate }) =>
        Buffer.from(certificate.rawData)
      ),
    );
    expect(loaded.notAfterMs).toBe(NOW + 2 * DAY_MS);
  });

  test("refuses an RSA key, and says how to make the right one", async () => {
    const error = await load({ algorithm: RSA_2048 }).catch((thrown) => thrown);
    expect(error.message).toBe(
      "Cannot use issuer key: it is rsa, expected ECDSA P-256",
    );
    expect(error.hint).toContain("openssl genpkey");
  });

  test("refuses another curve", () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-384" };
    return expect(load({ algorithm })).rejects.toThrow("ec secp384r1");
  });

  test("refuses the key of another certificate", async () => {
    const other = await createCa({ name: "other", ...window });
    const files = {
      certificate: root.certificatePem,
      key: other.keyPem,
      anchors: root.certificatePem,
    };
    await expect(parseIssuer(files, NOW)).rejects.toThrow(
      'it is not the key of certificate "CN=root"',
    );
  });

  test("refuses what does not chain to an anchor", async () => {
    const impostor = await createCa({ name: "root", ...window });
    await expect(load({ parent: impostor })).rejects.toThrow(
      "no chain of CA certificates",
    );
  });

  test("refuses what is not a CA, or may not sign", async () => {
    await expect(load({ ca: false })).rejects.toThrow("is not a CA");
    await expect(load({ usages: KeyUsageFlags.digitalSignature })).rejects
      .toThrow("is not a CA");
  });

  test("refuses an issuer below a CA that allows none", async () => {
    const last = await createCa({
      name: "last",
      parent: root,
      pathLength: 0,
      ...window,
    });
    const issuer = await createCa({ name: "issuer", parent: last, ...window });
    await expect(parseIssuer({
      certificate: issuer.certificatePem + last.certificatePem,
      key: issuer.keyPem,
      anchors: root.certificatePem,
    }, NOW)).rejects.toThrow("no chain of CA certificates");
  });

  test("refuses the expired and the not yet valid, of any certificate in the path", async () => {
    await expect(load({ notAfterMs: NOW - 1_000 })).rejects.toThrow(
      '"CN=issuer" is valid from',
    );
    await expect(load({ notBeforeMs: NOW + 1_000 })).rejects.toThrow(
      '"CN=issuer" is valid from',
    );
    const expired = await createCa({
      name: "root",
      ...window,
      notAfterMs: NOW - 1_000,
    });
    await expect(load({ parent: expired }, expired.certificatePem)).rejects
      .toThrow('"CN=root" is valid from');
  });

  test("says which text holds no certificate, and never quotes a key", async () => {
    const files = {
      certificate: root.certificatePem,
      key: "not a key 12345",
      anchors: "nothing",
    };
    await expect(parseIssuer(files, NOW)).rejects.toThrow(
      "Cannot read trust anchors: no certificate found",
    );
    await expect(parseIssuer({ ...files, anchors: root.certificatePem }, NOW))
      .rejects.toThrow(/^Cannot read issuer key: expected an unencrypted/);
  });
});

test("issuerPaths() names files by scheme", () => {
  expect(issuerPaths("/i", "linkerd.io/tls", "/a").key).toBe("/i/key.pem");
  expect(issuerPaths("/i", "kubernetes.io/tls", "/a").certificate).toBe(
    "/i/tls.crt",
  );
});
