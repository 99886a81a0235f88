import { describe, expect, test } from "bun:test";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { watchIssuer } from "./issuer.ts";
import { issuerPaths } from "./issuer/load.ts";
import { createScratch } from "./testing/scratch.ts";
import { recordLogs } from "./testing/logs.ts";
import { createCa, type Pair } from "./testing/pki.ts";

const window = {
  notBeforeMs: Date.now() - 60_000,
  notAfterMs: Date.now() + 3_600_000,
};
const root = await createCa({ name: "root", ...window });
const first = await createCa({ name: "first", parent: root, ...window });
const second = await createCa({ name: "second", parent: root, ...window });

/** Writes a version of a mounted Secret and points `..data` at it, as the kubelet does. */
async function mount(folder: string, version: string, issuer: Pair) {
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, "tls.crt"), issuer.certificatePem);
  await writeFile(join(folder, version, "tls.key"), issuer.keyPem);
  await symlink(version, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
}

async function mountFirst(folder: string) {
  await writeFile(join(folder, "anchors"), root.certificatePem);
  const secret = join(folder, "issuer");
  await mkdir(secret);
  await mount(secret, "..1", first);
  for (const name of ["tls.crt", "tls.key"]) {
    await symlink(join("..data", name), join(secret, name));
  }
  return issuerPaths(secret, "kubernetes.io/tls", join(folder, "anchors"));
}

describe("watchIssuer()", () => {
  test("sees the symlink swap of a mounted Secret", async () => {
    await using folder = await createScratch();
    const paths = await mountFirst(folder.path);
    const { log, until } = recordLogs();
    const issuer = await watchIssuer(paths, { log });
    expect(issuer.current().certificate.subject).toBe("CN=first");
    await mount(join(folder.path, "issuer"), "..2", second);
    await until('msg="issuer updated" issuer="CN=second"');
    expect(issuer.current().certificate.subject).toBe("CN=second");
    issuer.close();
  });

  test("sees a folder that was replaced, by its timer", async () => {
    await using folder = await createScratch();
    const paths = await mountFirst(folder.path);
    const { log, until } = recordLogs();
    const issuer = await watchIssuer(paths, { log, reloadEveryMs: 20 });
    const secret = join(folder.path, "issuer");
    await rename(secret, join(folder.path, "old"));
    await until("issuer update skipped");
    await mkdir(join(folder.path, "new"));
    await writeFile(join(folder.path, "new", "tls.crt"), second.certificatePem);
    await writeFile(join(folder.path, "new", "tls.key"), second.keyPem);
    await rename(join(folder.path, "new"), secret);
    await until('msg="issuer updated" issuer="CN=second"');
    issuer.close();
  });

  test("refuses to start with what cannot be loaded, naming the file", async () => {
    await using folder = await createScratch();
    const { log } = recordLogs();
    const paths = issuerPaths(folder.path, "linkerd.io/tls", "/nowhere");
    await expect(watchIssuer(paths, { log })).rejects.toThrow("Cannot read");
  });
});
