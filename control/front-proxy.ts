import { Problem } from "../schemas/problem.ts";

/** Who may speak for users, and in which header fields: what the API server tells those that it passes requests on to. */
export interface FrontProxy {
  /** PEM of who signs its certificates. */
  readonly ca: string;
  /** Names that its certificate may have; empty: any. */
  readonly names: readonly string[];
  /** Lower-case names of fields; of several, the first that is there says it. */
  readonly userHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  /** All of them name groups. */
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/**
 * The front proxy of ConfigMap `extension-apiserver-authentication` in `kube-system`, which every API server keeps up to date.
 * Throws `config.invalid` when nothing there says whom to believe: then nobody is believed.
 */
export function parseFrontProxy(
  data: Readonly<Record<string, unknown>>,
): FrontProxy {
  const ca = data["requestheader-client-ca-file"];
  if (typeof ca !== "string" || !ca.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Problem(
      "config.invalid",
      "the API server passes no requests on: its ConfigMap kube-system/extension-apiserver-authentication has no requestheader-client-ca-file",
      { hint: "start it with --requestheader-client-ca-file" },
    );
  }
  const headers = (name: string) =>
    parseList(data, `requestheader-${name}`).map((each) => each.toLowerCase());
  return {
    ca,
    names: parseList(data, "requestheader-allowed-names"),
    userHeaders: headers("username-headers"),
    uidHeaders: headers("uid-headers"),
    groupHeaders: headers("group-headers"),
    extraPrefixes: headers("extra-headers-prefix"),
  };
}

/** A list as JSON in a text; nothing there is an empty one. */
function parseList(
  data: Readonly<Record<string, unknown>>,
  name: string,
): readonly string[] {
  const text = data[name] ?? "[]";
  let list: unknown;
  try {
    list = JSON.parse(String(text));
  } catch {
    list = null;
  }
  if (Array.isArray(list) && list.every((one) => typeof one === "string")) {
    return list;
  }
  // Taken for empty it could permit any name.
  throw new Problem(
    "config.invalid",
    `${name} of ConfigMap kube-system/extension-apiserver-authentication is not a list of texts`,
  );
}
