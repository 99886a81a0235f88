import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "../tls.ts";

/** A throw-away certificate authority made with the openssl command: real certificates without a certificate library. */
export interface Pki {
  readonly anchors: string;
  /** A leaf for `name`; `days` below zero gives an expired one, `san` replaces the DNS name, `key` (PEM) a new key. */
  issue(
    name: string,
    options?: {
      readonly days?: number;
      readonly san?: string;
      readonly key?: string;
    },
  ): Credentials;
}

export function createPki(commonName = "root.linkerd.cluster.local"): Pki {
  const dir = mkdtempSync(join(tmpdir(), "pki-"));
  const path = (name: string) => join(dir, name);
  const read = (name: string) => readFileSync(path(name), "utf8");
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], {
      cwd: dir,
    });
    if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  };
  const newKey = (name: string) =>
    openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-out",
      name,
    );
  try {
    newKey("ca.key");
    openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      "ca.key",
      "-sha256",
      "-days",
      "365",
      "-subj",
      `/CN=${commonName}`,
      "-out",
      "ca.crt",
    );
    const anchors = read("ca.crt");
    const caKey = read("ca.key");
    return {
      anchors,
      issue(name, { days = 1, san = `DNS:${name}`, key } = {}) {
        const work = mkdtempSync(join(tmpdir(), "leaf-"));
        const at = (file: string) => join(work, file);
        try {
          writeFileSync(at("ca.crt"), anchors);
          writeFileSync(at("ca.key"), caKey);
          writeFileSync(
            at("ext"),
            `subjectAltName=${san}\nextendedKeyUsage=serverAuth,clientAuth\n`,
          );
          writeFileSync(at("ca.cnf"), CA_CONFIG);
          writeFileSync(at("index.txt"), "");
          const run = (...args: string[]) => {
            const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], {
              cwd: work,
            });
            if (exitCode !== 0) {
              throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
            }
          };
          if (key !== undefined) writeFileSync(at("leaf.key"), key);
          else {
            run(
              "genpkey",
              "-algorithm",
              "EC",
              "-pkeyopt",
              "ec_paramgen_curve:P-256",
              "-out",
              "leaf.key",
            );
          }
          run(
            "req",
            "-new",
            "-key",
            "leaf.key",
            "-subj",
            `/CN=${name.slice(0, 64)}`,
            "-out",
            "leaf.csr",
          );
          const stamp = (ms: number) =>
            new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "").slice(2);
          const now = Date.now();
          const expiresAtMs = now + days * 86_400_000;
          run(
            "ca",
            "-batch",
            "-config",
            "ca.cnf",
            "-in",
            "leaf.csr",
            "-out",
            "leaf.crt",
            "-extfile",
            "ext",
            "-notext",
            "-startdate",
            stamp(Math.min(now, expiresAtMs) - 86_400_000),
            "-enddate",
            stamp(expiresAtMs),
          );
          return {
            key: readFileSync(at("leaf.key"), "utf8"),
            chain: readFileSync(at("leaf.crt"), "utf8"),
            anchors,
            name,
            expiresAtMs,
          };
        } finally {
          rmSync(work, { recursive: true });
        }
      },
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const CA_CONFIG = `[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
rand_serial = yes
policy = any
unique_subject = no
[any]
commonName = supplied
`;
