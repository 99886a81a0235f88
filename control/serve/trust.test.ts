import { expect, test } from "bun:test";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { TrustAnchors } from "../../schemas/proto/gen/trust_pb.ts";
import { parseConfig } from "../config.ts";
import { startIdentity } from "../start/identity.ts";
import { connectTo } from "../testing/client.ts";
import { recordLogs } from "../testing/logs.ts";
import { createCa } from "../testing/pki.ts";
import { createScratch } from "../testing/scratch.ts";
import { readStream } from "../testing/stream.ts";
import { createTokenMaker } from "../testing/tokens.ts";

const window = {
  notBeforeMs: Date.now() - 60_000,
  notAfterMs: Date.now() + 3_600_000,
};

test("tells the trust anchors in force, and others as they come into force without a restart", async () => {
  await using folder = await createScratch();
  const path = (name: string) => join(folder.path, name);
  const old = await createCa({ name: "old", ...window });
  const fresh = await createCa({ name: "fresh", ...window });
  /** In one step, as a kubelet does. */
  const put = async (name: string, text: string) => {
    await Bun.write(path(`${name}.new`), text);
    await rename(path(`${name}.new`), path(name));
  };
  const putIssuer = async (name: string, parent: typeof old) => {
    const issuer = await createCa({ name, parent, ...window });
    await put("key.pem", issuer.keyPem);
    await put("crt.pem", issuer.certificatePem);
  };
  await putIssuer("first", old);
  await put("anchors", old.certificatePem);
  await put("keys", (await createTokenMaker()).keySet);
  const config = parseConfig([
    "identity",
    "--source=files",
    `--token-keys=${path("keys")}`,
    `--identity-issuer=${folder.path}`,
    `--identity-trust-anchors=${path("anchors")}`,
    "--addr=127.0.0.1:0",
    "--admin-addr=127.0.0.1:0",
  ], {});
  if (config.program !== "identity") throw new Error("not identity");
  const { log, until } = recordLogs();
  const running = await startIdentity(config, log);
  const client = connectTo(TrustAnchors, running.ports["grpc"]);
  const bundles = readStream(client.watch({}));

  expect((await bundles.next()).anchors).toBe(old.certificatePem);
  // Whoever took over what the issuer does not lead to would refuse everybody.
  await put("anchors", fresh.certificatePem);
  await until("issuer update skipped");
  const both = `# old\n${old.certificatePem}\n# new\n${fresh.certificatePem}`;
  await put("anchors", both);
  expect((await bundles.next()).anchors).toBe(
    old.certificatePem + fresh.certificatePem,
  );
  await putIssuer("second", fresh);
  await until('msg="issuer updated" issuer="CN=second"');
  await put("anchors", fresh.certificatePem);
  expect((await bundles.next()).anchors).toBe(fresh.certificatePem);

  const later = readStream(client.watch({}));
  expect((await later.next()).anchors).toBe(fresh.certificatePem);
  await running.close();
  await Promise.all([bundles.end(), later.end()]);
});
