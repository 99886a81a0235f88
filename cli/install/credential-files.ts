import { readFile } from "node:fs/promises";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Given } from "../flags.ts";
import type { GivenCredentials } from "./credentials.ts";

/** The PEM files that a command line names. Throws `config.invalid` with the one that cannot be read. */
export async function readCredentialFiles(
  given: Given,
): Promise<GivenCredentials> {
  const read = async (flag: string) => {
    const path = given.text(flag);
    if (path === undefined) return undefined;
    try {
      return await readFile(path, "utf8");
    } catch (cause) {
      throw new Problem(
        "config.invalid",
        `Cannot read --${flag} "${path}": ${describe(cause)}`,
        { cause },
      );
    }
  };
  return {
    crtPEM: await read("identity-issuer-certificate-file"),
    keyPEM: await read("identity-issuer-key-file"),
    anchorsPEM: await read("identity-trust-anchors-file"),
  };
}
