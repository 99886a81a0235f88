import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPki } from "../testing/pki.ts";

const MAIN = join(import.meta.dir, "main.ts");
const NAME =
  "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local";

let dir = "";
let env: Record<string, string> = {};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "launch-"));
  env = {
    LINKERD2_PROXY_IDENTITY_DIR: dir,
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: NAME,
    LINKERD2_PROXY_IDENTITY_TOKEN_FILE: join(dir, "token"),
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: createPki().anchors,
  };
});

afterAll(() => rmSync(dir, { recursive: true }));

function run(changes: Record<string, string> = {}): {
  exitCode: number;
  stderr: string;
} {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, MAIN], {
    env: { ...env, ...changes },
  });
  return { exitCode, stderr: stderr.toString() };
}

function openssl(...args: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", ...args]);
  expect(exitCode).toBe(0);
  return stdout.toString() + stderr.toString();
}

describe("the launcher", () => {
  test("writes a key and a request for the identity that openssl verifies", () => {
    expect(run()).toEqual({ exitCode: 0, stderr: "" });
    const csr = join(dir, "csr.der");
    const text = openssl(
      ..."req -verify -noout -text -inform DER -in".split(" "),
      csr,
    );
    expect(text).toContain("verify OK");
    expect(text).toMatch(new RegExp(`Subject: CN ?= ?${NAME}\n`));
    expect(text).toMatch(new RegExp(`^ *DNS:${NAME}$`, "m"));
    expect(text).toContain("NIST CURVE: P-256");
    expect(text).toContain("ecdsa-with-SHA256");
    const key = join(dir, "key.p8");
    const keyOf = (...args: string[]) => openssl(...args).trim();
    expect(keyOf("pkey", "-pubout", "-inform", "DER", "-in", key)).toBe(
      keyOf("req", "-pubkey", "-noout", "-inform", "DER", "-in", csr),
    );
  });

  test("replaces leftovers and lets nobody else read", () => {
    const key = join(dir, "key.p8");
    rmSync(key, { force: true });
    writeFileSync(key, "leftover", { mode: 0o644 });
    expect(run().exitCode).toBe(0);
    expect(readFileSync(key).toString()).not.toBe("leftover");
    for (const file of [key, join(dir, "csr.der")]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  test("keeps key and request while a certificate of theirs is good, and replaces all of it once it is not", () => {
    const pki = createPki();
    const path = (name: string) => join(dir, name);
    const files = ["key.p8", "csr.der"].map(path);
    const contents = () => files.map((file) => readFileSync(file).toBase64());
    const trusting = { LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: pki.anchors };
    const keep = (days: number, name = NAME) => {
      expect(run(trusting)).toEqual({ exitCode: 0, stderr: "" });
      const key = openssl(
        ..."pkey -inform DER -in".split(" "),
        path("key.p8"),
      );
      const { chain } = pki.issue(name, { key, days });
      writeFileSync(path("certificate.pem"), chain);
      return contents();
    };

    const kept = keep(1);
    expect(run(trusting)).toEqual({ exitCode: 0, stderr: "" });
    expect(contents()).toEqual(kept);

    const elsewhere = run();
    expect(elsewhere.stderr).toContain("no trust anchor of ours signed it");
    expect(contents()).not.toEqual(kept);
    expect(existsSync(path("certificate.pem"))).toBe(false);

    for (
      const [reason, spoil] of [
        ["expired", () => keep(-1)],
        ["not for", () => keep(1, "db.id")],
        ["found no certificate", () => {
          const before = keep(1);
          writeFileSync(path("certificate.pem"), "broken");
          return before;
        }],
        ["another key", () => {
          const before = keep(1);
          writeFileSync(path("certificate.pem"), pki.issue(NAME).chain);
          return before;
        }],
      ] as const
    ) {
      const before = spoil();
      const { exitCode, stderr } = run(trusting);
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(
        new RegExp(`^Ignoring the certificate of an earlier start.*${reason}`),
      );
      expect(stderr.match(/\n/g)?.length).toBe(1);
      expect(contents()).not.toEqual(before);
      expect(existsSync(path("certificate.pem"))).toBe(false);
    }
  });

  test("names what is wrong with its environment and exits with 64", () => {
    const missing = run({ LINKERD2_PROXY_IDENTITY_DIR: join(dir, "absent") });
    expect(missing.exitCode).toBe(64);
    expect(missing.stderr).toContain("expected a directory that exists");
    const anchors = run({ LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: "none" });
    expect(anchors.exitCode).toBe(64);
    expect(anchors.stderr).toContain("TRUST_ANCHORS");
    const name = run({ LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "web" });
    expect(name.exitCode).toBe(64);
    expect(name.stderr).toContain("fully qualified");
  });
});
