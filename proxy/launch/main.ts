import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, Problem } from "../../schemas/problem.ts";
import { identity, type IdentityConfig } from "../config/identity.ts";
import type { Environment, Source } from "../config/setting.ts";
import type { Log } from "../control/connector.ts";
import {
  forgetCertificate,
  restoreAnchors,
  restoreCertificate,
} from "../identity/keep.ts";
import { writePrivately } from "../private-file.ts";
import { requestCertificate } from "./csr.ts";

/** Linkerd's exit code for a configuration that cannot work (facts 7.1). */
const EX_USAGE = 64;

/**
 * Makes the key and the request that the proxy will be certified with. Those of an earlier start stay when it also left a
 * certificate that peers will take: then the proxy serves without asking anybody. Other leftovers are replaced.
 */
export async function launch(env: Environment): Promise<void> {
  const source: Source = { env, mistakes: [], warnings: [] };
  const config = identity(source);
  const { dir, localName } = config;
  if (localName !== "" && !localName.includes(".")) {
    source.mistakes.push(
      `the identity is "${localName}", expected a fully qualified name`,
    );
  }
  if (dir !== "" && !isDirectory(dir)) {
    source.mistakes.push(
      `LINKERD2_PROXY_IDENTITY_DIR is "${dir}", expected a directory that exists`,
    );
  }
  if (source.mistakes.length > 0) {
    throw new Problem(
      "config.invalid",
      `Cannot prepare an identity:\n${
        source.mistakes.map((mistake) => `  ${mistake}`).join("\n")
      }`,
    );
  }
  if (isCertified(config)) return;
  // First of all: a certificate never lies beside a key that is not its own.
  forgetCertificate(dir);
  const { key, csr } = await requestCertificate(localName);
  writePrivately(join(dir, KEY), key);
  writePrivately(join(dir, REQUEST), csr);
}

const KEY = "key.p8";
const REQUEST = "csr.der";

function isCertified(
  { dir, localName, trustAnchors }: IdentityConfig,
): boolean {
  const [key, request] = [join(dir, KEY), join(dir, REQUEST)];
  if (!existsSync(key) || !existsSync(request)) return false;
  const expected = {
    name: localName,
    key: readFileSync(key),
    anchors: restoreAnchors(dir, trustAnchors, say),
    nowMs: Date.now(),
  };
  return restoreCertificate(dir, expected, say) !== null;
}

const say: Log = (_level, message, { error }) =>
  void process.stderr.write(`${message}: ${error}\n`);

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

if (import.meta.main) {
  try {
    await launch(process.env);
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(error instanceof Problem ? EX_USAGE : 1);
  }
}
