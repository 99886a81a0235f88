import "reflect-metadata"; // @peculiar/x509 does not load without it
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { X509Certificate } from "@peculiar/x509";
import { Identity } from "../../schemas/proto/gen/identity_pb.ts";
import { parseConfig } from "../config.ts";
import type { IdentityConfig } from "../config/identity.ts";
import { parseIssuer, readIssuer } from "../issuer/load.ts";
import { createMetrics } from "../metrics.ts";
import { startIdentity } from "../start/identity.ts";
import type { Running } from "../start/running.ts";
import { createScratch } from "../testing/scratch.ts";
import { type Recorder, recordLogs } from "../testing/logs.ts";
import {
  createCa,
  createRequest,
  type Pair,
  RSA_2048,
} from "../testing/pki.ts";
import { createTokenMaker } from "../testing/tokens.ts";
import { serveGrpc } from "./grpc.ts";
import { identityRoutes } from "./identity.ts";
import { observeCalls } from "./observe.ts";

const NAME = "web.emojivoto.serviceaccount.identity.linkerd.cluster.local";
const SUBJECT = "system:serviceaccount:emojivoto:web";
const HOUR_MS = 3_600_000;

const tokens = await createTokenMaker();
const foreignTokens = await createTokenMaker();
const token = Buffer.from(await tokens.sign(SUBJECT));
const csr = await createRequest(NAME);

/** A running identity program whose clock and files a test may change. */
interface Scene extends AsyncDisposable {
  readonly client: Client<typeof Identity>;
  readonly config: IdentityConfig;
  readonly running: Running;
  readonly recorder: Recorder;
  readonly clock: { now: number };
  readonly root: Pair;
}

async function open(): Promise<Scene> {
  const folder = await createScratch();
  const clock = { now: Date.now() };
  const root = await createCa({
    name: "root",
    notBeforeMs: clock.now - HOUR_MS,
    notAfterMs: clock.now + 2 * HOUR_MS,
  });
  const keys = join(folder.path, "keys.json");
  const anchors = join(folder.path, "anchors.crt");
  await Bun.write(keys, tokens.keySet);
  await Bun.write(anchors, root.certificatePem);
  const config = parseConfig([
    "identity",
    "--source=files",
    `--token-keys=${keys}`,
    `--identity-issuer=${join(folder.path, "issuer")}`,
    `--identity-trust-anchors=${anchors}`,
    "--addr=127.0.0.1:0",
    "--admin-addr=127.0.0.1:0",
    "--identity-issuance-lifetime=30s",
    "--identity-clock-skew-allowance=2s",
  ], {});
  if (config.program !== "identity") throw new Error("not identity");
  await putIssuer(config, await childOf(root, "first", clock.now + HOUR_MS));
  const recorder = recordLogs();
  const running = await startIdentity(config, recorder.log, {
    now: () => clock.now,
  });
  return {
    client: connect(running.ports["grpc"]),
    config,
    running,
    recorder,
    clock,
    root,
    [Symbol.asyncDispose]: async () => {
      await running.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function connect(port: number | undefined): Client<typeof Identity> {
  const baseUrl = `http://127.0.0.1:${port}`;
  return createClient(Identity, createGrpcTransport({ baseUrl }));
}

function childOf(root: Pair, name: string, notAfterMs: number): Promise<Pair> {
  const notBeforeMs = root.certificate.notBefore.getTime();
  return createCa({ name, parent: root, notBeforeMs, notAfterMs });
}

async function putIssuer(config: IdentityConfig, issuer: Pair): Promise<void> {
  await Bun.write(config.issuer.certificate, issuer.certificatePem);
  await Bun.write(config.issuer.key, issuer.keyPem);
}

type Ask = { identity: string; token: Uint8Array; csr: Uint8Array };

function certify(client: Client<typeof Identity>, ask: Partial<Ask> = {}) {
  return client.certify({
    identity: ask.identity ?? NAME,
    token: ask.token ?? token,
    certificateSigningRequest: ask.csr ?? csr,
  });
}

async function refusal(
  client: Client<typeof Identity>,
  ask: Partial<Ask> = {},
): Promise<string> {
  try {
    await certify(client, ask);
    return "OK";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]}: ${rawMessage}`;
  }
}

describe("Certify", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test("issues a leaf that openssl accepts for both ends of TLS, with the names and times asked for", async () => {
    const answer = await certify(scene.client);
    const leaf = new X509Certificate(new Uint8Array(answer.leafCertificate));
    const second = Math.floor(scene.clock.now / 1_000) * 1_000;
    expect(leaf.notBefore.getTime()).toBe(second - 2_000);
    expect(leaf.notAfter.getTime()).toBe(second + 32_000);
    expect(answer.validUntil && timestampMs(answer.validUntil)).toBe(
      second + 32_000,
    );
    expect(leaf.issuer).toBe("CN=first");
    expect(leaf.subject).toBe("");
    expect(answer.intermediateCertificates).toHaveLength(1);
    const text = openssl(answer.leafCertificate, [
      "x509",
      "-noout",
      "-text",
    ]);
    expect(text).toContain(
      `X509v3 Subject Alternative Name: critical\n                DNS:${NAME}`,
    );
    expect(text).toContain("Digital Signature, Key Encipherment");
    expect(text).toContain(
      "TLS Web Server Authentication, TLS Web Client Authentication",
    );
    expect(text).not.toContain("Basic Constraints");
    for (const purpose of ["sslserver", "sslclient"]) {
      expect(await verify(scene, answer, purpose)).toContain("OK");
    }
  });

  test("gives each leaf a serial of its own, of 128 random bits", async () => {
    const answers = await Promise.all([
      certify(scene.client),
      certify(scene.client),
    ]);
    const serials = answers.map(({ leafCertificate }) =>
      new X509Certificate(new Uint8Array(leafCertificate)).serialNumber
    );
    expect(new Set(serials).size).toBe(2);
    for (const serial of serials) expect(serial.length).toBeGreaterThan(28);
  });

  test("copies a subject and ignores other extensions asked for", async () => {
    const answer = await certify(scene.client, {
      csr: await createRequest(NAME, { subject: `CN=${NAME}` }),
    });
    const leaf = new X509Certificate(new Uint8Array(answer.leafCertificate));
    expect(leaf.subject).toBe(`CN=${NAME}`);
  });

  test("refuses what is missing or unreadable with InvalidArgument", async () => {
    const { client } = scene;
    const empty = new Uint8Array();
    expect(await refusal(client, { identity: "" })).toBe(
      "InvalidArgument: Missing identity",
    );
    expect(await refusal(client, { token: empty })).toBe(
      "InvalidArgument: Missing token",
    );
    expect(await refusal(client, { csr: empty })).toBe(
      "InvalidArgument: Missing certificate signing request",
    );
    expect(await refusal(client, { csr: Buffer.from("x") })).toStartWith(
      "InvalidArgument: Cannot accept certificate signing request: it is not DER",
    );
  });

  test("refuses a request for other names, or with an RSA key, with FailedPrecondition", async () => {
    const names = [{ type: "dns" as const, value: "admin.example" }];
    expect(
      await refusal(scene.client, {
        csr: await createRequest(NAME, { names }),
      }),
    ).toStartWith("FailedPrecondition: ");
    const algorithm = RSA_2048;
    expect(
      await refusal(scene.client, {
        csr: await createRequest(NAME, { algorithm }),
      }),
    ).toContain("expected ECDSA");
  });

  test("refuses tokens: foreign and expired FailedPrecondition, unreadable and of no service account InvalidArgument", async () => {
    const { client } = scene;
    const ask = async (signed: Promise<string>) =>
      await refusal(client, { token: Buffer.from(await signed) });
    expect(await ask(foreignTokens.sign(SUBJECT))).toStartWith(
      "FailedPrecondition: Cannot accept token: signature verification failed",
    );
    const past = Math.floor(scene.clock.now / 1_000) - 60;
    expect(await ask(tokens.sign(SUBJECT, { exp: past }))).toStartWith(
      "FailedPrecondition",
    );
    expect(await ask(Promise.resolve("garbage"))).toStartWith(
      "InvalidArgument",
    );
    expect(await ask(tokens.sign("system:node:worker"))).toContain(
      'its subject is "system:node:worker"',
    );
    expect(await ask(tokens.sign("system:serviceaccount:emojivoto:we.b")))
      .toStartWith("InvalidArgument: Cannot form an identity");
  });

  test("refuses the token of another service account with FailedPrecondition, and logs it without the token", async () => {
    const other = await tokens.sign("system:serviceaccount:emojivoto:voting");
    expect(await refusal(scene.client, { token: Buffer.from(other) })).toBe(
      `FailedPrecondition: Cannot issue "${NAME}": the token is of "voting.emojivoto.serviceaccount.identity.linkerd.cluster.local"`,
    );
    const log = scene.recorder.lines.join("");
    expect(log).toContain("code=FailedPrecondition");
    expect(log).not.toContain(other.slice(0, 20));
    expect(log).not.toContain("PRIVATE");
  });

  test("counts calls by code, and tells how long the issuer lasts", async () => {
    const url = `http://127.0.0.1:${scene.running.ports["admin"]}`;
    const text = await (await fetch(`${url}/metrics`)).text();
    const labels =
      'grpc_type="unary",grpc_service="io.linkerd.proxy.identity.Identity",grpc_method="Certify"';
    expect(text).toMatch(
      new RegExp(`grpc_server_handled_total{${labels},grpc_code="OK"} \\d+\n`),
    );
    expect(text).toContain(`{${labels},grpc_code="InvalidArgument"}`);
    expect(text).toMatch(/^issuer_cert_ttl_seconds 3[56]\d\d/m);
    expect(await (await fetch(`${url}/ready`)).text()).toBe("ok\n");
  });
});

describe("Certify, when the issuer changes", () => {
  test("uses a new issuer under the same anchor without a restart", async () => {
    await using scene = await open();
    await putIssuer(
      scene.config,
      await childOf(scene.root, "second", scene.clock.now + HOUR_MS),
    );
    await scene.recorder.until('msg="issuer updated" issuer="CN=second"');
    const answer = await certify(scene.client);
    const leaf = new X509Certificate(new Uint8Array(answer.leafCertificate));
    expect(leaf.issuer).toBe("CN=second");
    expect(await verify(scene, answer, "sslserver")).toContain("OK");
  });

  test("keeps the old issuer when the new one is of another anchor, and takes the anchor when it comes", async () => {
    await using scene = await open();
    const { clock, config } = scene;
    const root = await createCa({
      name: "new-root",
      notBeforeMs: clock.now - HOUR_MS,
      notAfterMs: clock.now + HOUR_MS,
    });
    await putIssuer(config, await childOf(root, "third", clock.now + HOUR_MS));
    await scene.recorder.until("issuer update skipped");
    expect(await refusal(scene.client)).toBe("OK");
    const both = await readFile(config.issuer.anchors, "utf8") +
      root.certificatePem;
    await writeFile(`${config.issuer.anchors}.new`, both);
    await rename(`${config.issuer.anchors}.new`, config.issuer.anchors);
    await scene.recorder.until('msg="issuer updated" issuer="CN=third"');
    expect(await refusal(scene.client)).toBe("OK");
  });

  test("never issues past the issuer's end, and refuses with Unknown after it", async () => {
    await using scene = await open();
    const { clock } = scene;
    const end = Math.floor((clock.now + HOUR_MS) / 1_000) * 1_000;
    clock.now = end - 5_000;
    const answer = await certify(scene.client);
    expect(answer.validUntil && timestampMs(answer.validUntil)).toBe(end);
    clock.now = end + 1_000;
    expect(await refusal(scene.client)).toStartWith(
      'Unknown: Cannot issue: issuer "CN=first"',
    );
  });
});

test("Certify without an issuer is Unavailable, and a reviewer that fails is Internal", async () => {
  const { log } = recordLogs();
  const realm = { controlNamespace: "linkerd", trustDomain: "cluster.local" };
  const options = {
    issuer: () => null,
    realm,
    lifetime: { lifetimeMs: 1_000, skewMs: 0 },
    log,
    review: () => Promise.reject(new Error("API server away")),
  };
  const address = { host: "127.0.0.1", port: 0 };
  const observe = observeCalls(createMetrics());
  const none = await serveGrpc({
    address,
    observe,
    routes: identityRoutes(options),
  });
  await using scene = await open();
  const files = await readIssuer(scene.config.issuer);
  const loaded = await parseIssuer(files, scene.clock.now);
  const failing = await serveGrpc({
    address,
    observe,
    routes: identityRoutes({ ...options, issuer: () => loaded }),
  });
  expect(await refusal(connect(none.port))).toStartWith("Unavailable");
  expect(await refusal(connect(failing.port))).toBe(
    "Internal: API server away",
  );
  await Promise.all([none.close(), failing.close()]);
});

/** What openssl says of DER. */
function openssl(der: Uint8Array, argv: readonly string[]): string {
  const command = ["openssl", ...argv, "-inform", "DER"];
  return Bun.spawnSync(command, { stdin: Buffer.from(der) }).stdout.toString();
}

/** What `openssl verify` says of an answer, from the anchors on disk. */
async function verify(
  scene: Scene,
  answer: Awaited<ReturnType<typeof certify>>,
  purpose: string,
): Promise<string> {
  await using folder = await createScratch();
  const leaf = join(folder.path, "leaf.pem");
  const rest = join(folder.path, "rest.pem");
  await writeFile(leaf, openssl(answer.leafCertificate, ["x509"]));
  const pems = answer.intermediateCertificates.map((der) =>
    openssl(der, ["x509"])
  );
  await writeFile(rest, pems.join(""));
  const at = String(Math.floor(scene.clock.now / 1_000));
  const anchors = scene.config.issuer.anchors;
  return Bun.spawnSync([
    ...["openssl", "verify", "-attime", at, "-purpose", purpose],
    ...["-verify_hostname", NAME, "-CAfile", anchors, "-untrusted", rest],
    leaf,
  ]).stdout.toString();
}
