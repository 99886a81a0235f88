import { describe, expect, test } from "bun:test";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createScratch } from "../testing/scratch.ts";
import { ensureIssuer } from "./generate.ts";
import { issuerPaths, parseIssuer, readIssuer } from "./load.ts";

function pathsIn(folder: string) {
  return issuerPaths(
    join(folder, "issuer"),
    "linkerd.io/tls",
    join(folder, "anchors.crt"),
  );
}

describe("ensureIssuer()", () => {
  test("makes an issuer that loads, with a key that only its owner reads", async () => {
    await using folder = await createScratch();
    const paths = pathsIn(folder.path);
    expect(await ensureIssuer(paths, "cluster.local", Date.now())).toBe(true);
    const issuer = await parseIssuer(await readIssuer(paths), Date.now());
    expect(issuer.certificate.subject).toBe(
      "CN=identity.linkerd.cluster.local",
    );
    expect((await stat(paths.key)).mode & 0o777).toBe(0o600);
    const verified = Bun.spawnSync([
      "openssl",
      "verify",
      "-x509_strict",
      "-CAfile",
      paths.anchors,
      paths.certificate,
    ]);
    expect(verified.stdout.toString()).toContain("OK");
  });

  test("leaves an issuer that is there", async () => {
    await using folder = await createScratch();
    const paths = pathsIn(folder.path);
    await ensureIssuer(paths, "cluster.local", Date.now());
    const before = await readIssuer(paths);
    expect(await ensureIssuer(paths, "cluster.local", Date.now())).toBe(false);
    expect(await readIssuer(paths)).toEqual(before);
  });

  test("refuses to complete an issuer of which a part is there", async () => {
    await using folder = await createScratch();
    const paths = pathsIn(folder.path);
    await ensureIssuer(paths, "cluster.local", Date.now());
    await rm(paths.key);
    await expect(ensureIssuer(paths, "cluster.local", Date.now())).rejects
      .toThrow(`"${paths.key}" missing`);
    expect(await readFile(paths.certificate, "utf8")).toContain("BEGIN");
  });
});
