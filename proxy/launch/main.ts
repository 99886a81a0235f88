import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, Problem } from "../../schemas/problem.ts";
import { identity } from "../config/identity.ts";
import type { Environment, Source } from "../config/setting.ts";
import { requestCertificate } from "./csr.ts";

/** Linkerd's exit code for a configuration that cannot work (facts 7.1). */
const EX_USAGE = 64;

/** Makes the key and the request that the proxy will be certified with; leftovers of an earlier start are replaced. */
export async function launch(env: Environment): Promise<void> {
  const source: Source = { env, mistakes: [], warnings: [] };
  const { dir, localName } = identity(source);
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
  const { key, csr } = await requestCertificate(localName);
  writeSecret(join(dir, "key.p8"), key);
  writeSecret(join(dir, "csr.der"), csr);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Created anew, so that a leftover's mode, owner or link target does not matter. */
function writeSecret(path: string, bytes: Uint8Array): void {
  rmSync(path, { force: true });
  writeFileSync(path, bytes, { mode: 0o600, flag: "wx" });
}

if (import.meta.main) {
  try {
    await launch(process.env);
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(error instanceof Problem ? EX_USAGE : 1);
  }
}
