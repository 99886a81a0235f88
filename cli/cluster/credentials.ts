import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import type { Access } from "./access.ts";
import { runPlugin } from "./exec.ts";
import { dataOf, type Entry, readNamed, textOf } from "./kubeconfig.ts";
import { readIdToken } from "./oidc.ts";

/** What we prove ourselves with: a certificate, a header, or both. */
export interface Credentials {
  /** PEM, both or neither. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
}

/** Headers that carry whom we act for. */
export type Impersonation = Readonly<Record<string, string | string[]>>;

/** Whether asking again may give other credentials. */
export function canRenew({ user }: Access): boolean {
  return isMap(user.fields["exec"]) || "tokenFile" in user.fields;
}

/** What a kubeconfig's user has to show at `now` (milliseconds). Throws `config.invalid`. */
export async function readCredentials(
  access: Access,
  world: World,
  now: number,
): Promise<Credentials> {
  const { user } = access;
  const cert = await dataOf(user, "client-certificate");
  const key = await dataOf(user, "client-key");
  if ((cert === undefined) !== (key === undefined)) {
    throw new Problem(
      "config.invalid",
      `Cannot use user "${access.userName}" of ${access.from}: expected client-certificate and client-key, found one of them`,
    );
  }
  const authorization = await readAuthorization(access, now);
  const own = { cert, key, authorization };
  if (!isMap(user.fields["exec"])) return own;
  // What the file itself says comes before what the plugin says, as in kubectl.
  if (cert !== undefined || authorization !== undefined) return own;
  return await runPlugin(access, world);
}

async function readAuthorization(
  { user, from }: Access,
  now: number,
): Promise<string | undefined> {
  const token = await readToken(user);
  if (token !== undefined) return `Bearer ${token}`;
  const { fields } = user;
  const name = textOf(fields, "username");
  if (name !== undefined) {
    const pair = new TextEncoder().encode(
      `${name}:${textOf(fields, "password") ?? ""}`,
    );
    return `Basic ${btoa(String.fromCharCode(...pair))}`;
  }
  const provider = fields["auth-provider"];
  return isMap(provider)
    ? `Bearer ${readIdToken(provider, from, now)}`
    : undefined;
}

/** A token file is believed over a token, as it is the one that is kept fresh. */
async function readToken(
  { fields, folder }: Entry,
): Promise<string | undefined> {
  const file = textOf(fields, "tokenFile");
  if (file === undefined) return textOf(fields, "token");
  return (await readNamed(file, folder, "tokenFile")).trim();
}

/** Whom to act for: `--as` and `--as-group`, else what the kubeconfig says. */
export function readImpersonation(
  given: Given,
  { fields }: Entry,
): Impersonation {
  const asked = given.text("as");
  if (asked) return impersonate(asked, given.list("as-group"));
  const user = textOf(fields, "as");
  if (user === undefined) return {};
  const groups = fields["as-groups"];
  const uid = textOf(fields, "as-uid");
  const extra = fields["as-user-extra"];
  return {
    ...impersonate(user, Array.isArray(groups) ? groups.map(String) : []),
    ...(uid === undefined ? {} : { "Impersonate-Uid": uid }),
    ...Object.fromEntries(
      Object.entries(isMap(extra) ? extra : {}).map(([key, values]) => [
        `Impersonate-Extra-${encodeURIComponent(key)}`,
        [values].flat().map(String),
      ]),
    ),
  };
}

function impersonate(
  user: string,
  groups: readonly string[],
): Impersonation {
  return {
    "Impersonate-User": user,
    ...(groups.length > 0 ? { "Impersonate-Group": [...groups] } : {}),
  };
}
