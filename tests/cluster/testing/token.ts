import { createSign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Access, kubectl } from "../kubectl.ts";
import { createLayout } from "../layout.ts";

/** A token of a service account, as its pods get it; it holds for an hour. */
export async function createToken(
  access: Access,
  { namespace, name, audience }: {
    readonly namespace: string;
    readonly name: string;
    readonly audience: string;
  },
): Promise<string> {
  const token = await kubectl(access, [
    ...["create", "token", name, "-n", namespace],
    ...[`--audience=${audience}`, "--duration=1h"],
  ]);
  return token.trim();
}

/**
 * The same token as the API server would have signed it with other claims: with its own key, since it hands out none
 * that last less than ten minutes.
 */
export async function signAgain(
  access: Access,
  token: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const [header = "", payload = ""] = token.split(".");
  const said = JSON.parse(Buffer.from(payload, "base64url").toString());
  const text = JSON.stringify({ ...said, ...claims });
  const signed = `${header}.${Buffer.from(text).toString("base64url")}`;
  const { pki } = createLayout(dirname(access.kubeconfig));
  const key = await readFile(`${pki}/tokens.key`);
  const signature = createSign("sha256").update(signed).sign(key);
  return `${signed}.${signature.toString("base64url")}`;
}
