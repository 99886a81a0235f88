import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import type { Access } from "./access.ts";
import { dataOf, type Entry, readNamed, textOf } from "./kubeconfig.ts";

/** What we prove ourselves with: a certificate, headers, or both. */
export interface Credentials {
  /** PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
}

/** Headers that carry whom we act for. */
export type Impersonation = Readonly<Record<string, string | string[]>>;

/** Reads what a kubeconfig's user has to show. Throws `config.invalid`. */
export async function readCredentials(
  { user }: Access,
  _world: World,
): Promise<Credentials> {
  return {
    cert: await dataOf(user, "client-certificate"),
    key: await dataOf(user, "client-key"),
    authorization: await readAuthorization(user),
  };
}

/** A token file is believed over a token, as it is the one that is kept fresh. */
async function readAuthorization(
  { fields, folder }: Entry,
): Promise<string | undefined> {
  const file = textOf(fields, "tokenFile");
  const token = file === undefined
    ? textOf(fields, "token")
    : (await readNamed(file, folder, "tokenFile")).trim();
  if (token !== undefined) return `Bearer ${token}`;
  const name = textOf(fields, "username");
  if (name === undefined) return undefined;
  const pair = new TextEncoder().encode(
    `${name}:${textOf(fields, "password") ?? ""}`,
  );
  return `Basic ${btoa(String.fromCharCode(...pair))}`;
}

/** Whom to act for: `--as` and `--as-group`, else what the kubeconfig says. */
export function readImpersonation(
  given: Given,
  { fields }: Entry,
): Impersonation {
  const asked = given.text("as");
  if (asked) {
    return headers(asked, given.list("as-group"), undefined);
  }
  const groups = fields["as-groups"];
  const name = textOf(fields, "as");
  if (name === undefined) return {};
  return headers(
    name,
    Array.isArray(groups) ? groups.map(String) : [],
    textOf(fields, "as-uid"),
  );
}

function headers(
  user: string,
  groups: readonly string[],
  uid: string | undefined,
): Impersonation {
  return {
    "Impersonate-User": user,
    ...(groups.length > 0 ? { "Impersonate-Group": [...groups] } : {}),
    ...(uid === undefined ? {} : { "Impersonate-Uid": uid }),
  };
}
