import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import { checkIssuer, type IssuerCredentials } from "./check.ts";
import { type KeyPair, makeAuthority, makeServer } from "./make.ts";

const NOW = Date.now();
/** When certificates that openssl makes during a test are valid already. */
const LATER = NOW + 3_600_000;
const YEAR_MS = 365 * 24 * 3_600_000;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "certificates-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs openssl in the test's folder; the answer is its exit code and all it says. */
function openssl(
  ...args: string[]
): { readonly ok: boolean; readonly said: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", ...args], {
    cwd: folder,
  });
  return { ok: exitCode === 0, said: `${stdout}${stderr}` };
}

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return name;
}

/** A certificate made by openssl: self-signed, or signed by an authority of the test. */
async function foreign(
  options: {
    readonly key: readonly string[];
    readonly ca: boolean;
    readonly by?: KeyPair;
    readonly hash?: string;
  },
): Promise<KeyPair> {
  const { key, ca, by, hash = "sha256" } = options;
  if (by !== undefined) {
    await write("by.pem", by.crtPEM);
    await write("by.key", by.keyPEM);
  }
  const { ok, said } = openssl(
    "req",
    "-x509",
    "-nodes",
    "-newkey",
    ...key,
    `-${hash}`,
    ...(by === undefined ? [] : ["-CA", "by.pem", "-CAkey", "by.key"]),
    "-days",
    "30",
    "-subj",
    `/CN=foreign ${key.join(" ")}`,
    "-addext",
    `basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`,
    "-out",
    "foreign.pem",
    "-keyout",
    "foreign.key",
  );
  if (!ok) throw new Error(said);
  return {
    crtPEM: await readFile(join(folder, "foreign.pem"), "utf8"),
    keyPEM: await readFile(join(folder, "foreign.key"), "utf8"),
  };
}

const P256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** Why credentials are refused, with the hint; empty when they are not. */
function refusal(credentials: IssuerCredentials, now = LATER): string {
  try {
    checkIssuer(credentials, now);
    return "";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `${error.message} | ${error.hint}`;
  }
}

test("what is made passes openssl and our own check", async () => {
  const authority = makeAuthority("identity.linkerd.cluster.local", NOW);
  await write("a.pem", authority.crtPEM);
  await write("a.key", authority.keyPEM);
  expect(openssl("verify", "-CAfile", "a.pem", "a.pem").said).toContain("OK");
  expect(openssl("ec", "-in", "a.key", "-noout", "-check").ok).toBe(true);
  const text = openssl("x509", "-in", "a.pem", "-noout", "-text").said;
  for (
    const part of [
      "CN = identity.linkerd.cluster.local",
      "CA:TRUE",
      "Certificate Sign, CRL Sign",
      "TLS Web Server Authentication, TLS Web Client Authentication",
      "NIST CURVE: P-256",
      "ecdsa-with-SHA256",
    ]
  ) expect(text).toContain(part);
  expect(text).not.toContain("pathlen");
  expect(authority.keyPEM).toStartWith("-----BEGIN EC PRIVATE KEY-----");
  const given = { ...authority, anchorsPEM: authority.crtPEM };
  expect(checkIssuer(given, NOW)).toEqual(given);

  // A leaf that openssl hangs below it is believed too.
  const leaf = await foreign({ key: P256, ca: false, by: authority });
  await write("leaf.pem", leaf.crtPEM);
  expect(openssl("verify", "-CAfile", "a.pem", "leaf.pem").said).toContain(
    "OK",
  );
});

test("a webhook's certificate is its own trust, for its one name", async () => {
  const name = "linkerd-proxy-injector.linkerd.svc";
  const server = makeServer(name, NOW);
  await write("s.pem", server.crtPEM);
  const verify = (host: string) =>
    openssl(
      "verify",
      "-x509_strict",
      "-CAfile",
      "s.pem",
      "-purpose",
      "sslserver",
      "-verify_hostname",
      host,
      "s.pem",
    ).ok;
  expect(verify(name)).toBe(true);
  expect(verify("elsewhere.linkerd.svc")).toBe(false);
});

test("an issuer below an intermediate below an RSA anchor is taken", async () => {
  const root = await foreign({ key: ["rsa:2048"], ca: true });
  const middle = await foreign({ key: P256, ca: true, by: root });
  const issuer = await foreign({ key: P256, ca: true, by: middle });
  const credentials = {
    crtPEM: issuer.crtPEM + middle.crtPEM,
    keyPEM: issuer.keyPEM,
    anchorsPEM: `# ours\n${root.crtPEM}`,
  };
  const checked = checkIssuer(credentials, LATER);
  expect(checked.anchorsPEM).toBe(credentials.anchorsPEM);
  expect(checked.crtPEM.match(/BEGIN/g)).toHaveLength(2);
  expect(refusal({ ...credentials, crtPEM: issuer.crtPEM })).toContain(
    'it was signed by "CN=foreign',
  );
});

test("credentials that will not work are refused with what to do", async () => {
  const own = makeAuthority("identity.linkerd.cluster.local", NOW);
  const other = makeAuthority("identity.linkerd.cluster.local", NOW);
  const good = { ...own, anchorsPEM: own.crtPEM };
  const p521 = await foreign({
    key: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ca: true,
  });
  const leaf = await foreign({ key: P256, ca: false, by: own });
  const weak = await foreign({ key: ["rsa:1024"], ca: true });
  const sha384 = await foreign({
    key: P256,
    ca: true,
    by: own,
    hash: "sha384",
  });
  const cases: [IssuerCredentials, number, string, string][] = [
    [
      { ...good, keyPEM: other.keyPEM },
      LATER,
      "Public and private key do not match",
      "give the key of",
    ],
    [good, NOW + YEAR_MS + 60_000, "not valid anymore. Expired on", "renewed"],
    [good, NOW - 60_000, "not valid before:", "clock"],
    [
      { ...p521, anchorsPEM: p521.crtPEM },
      LATER,
      "must use P-256 curve for public key, instead P-521 was used",
      "openssl genpkey",
    ],
    [
      { ...leaf, anchorsPEM: own.crtPEM },
      LATER,
      "issuer cert is not a CA",
      "CA:TRUE",
    ],
    [
      { ...good, anchorsPEM: other.crtPEM },
      LATER,
      "no chain leads from",
      "trust anchors are",
    ],
    [
      { ...good, anchorsPEM: own.crtPEM + weak.crtPEM },
      LATER,
      "has a key of RSA-1024",
      "new trust anchor",
    ],
    [
      { ...sha384, anchorsPEM: own.crtPEM },
      LATER,
      "instead ECDSA-SHA384 was used",
      "SHA-256",
    ],
    [{ ...good, crtPEM: "hello" }, LATER, "Cannot read issuer cert", "PEM"],
    [{ ...good, keyPEM: "hello" }, LATER, "Cannot read issuer key", "openssl"],
    [
      {
        ...good,
        crtPEM: own.crtPEM.replace(/\n[A-Za-z0-9+/]{20}/, "\n"),
      },
      LATER,
      "is damaged",
      "openssl x509",
    ],
  ];
  for (const [credentials, now, found, hint] of cases) {
    const said = refusal(credentials, now);
    expect(said).toContain(found);
    expect(said).toContain(hint);
    expect(said).not.toContain("PRIVATE KEY-----");
  }
});
