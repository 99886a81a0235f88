import type { Network } from "../../schemas/address.ts";
import type {
  Authentication,
  Authorization,
  NetworkMatch,
  ServerMeta,
} from "../../schemas/policy.ts";
import {
  emptyLabels,
  readLabel,
  readMeta,
  readNetwork,
  toServerMeta,
} from "./common.ts";
import { readOnlyText } from "./endpoint.ts";
import type { Reader } from "./reader.ts";

/** Null unless it names a network and a known way to authenticate: the API says to ignore one without networks. */
export function readAuthorization(reader: Reader): Authorization | null {
  const networks: NetworkMatch[] = [];
  let authentication: Authentication | null = null;
  const labels = emptyLabels();
  let meta: ServerMeta | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1: {
        const match = reader.message(readNetworkMatch);
        if (match !== null) networks.push(match);
        break;
      }
      case 2:
        authentication = reader.message(readAuthentication);
        break;
      case 3:
        readLabel(reader, labels);
        break;
      case 4:
        meta = toServerMeta(reader.message(readMeta));
        break;
      default:
        return skipAll(reader);
    }
  }
  if (authentication === null || networks.length === 0) return null;
  return { networks, authentication, meta: meta ?? metaOfLabels(labels) };
}

/** Passes over the rest of a message with a field we do not know: it may narrow what it permits. */
function skipAll(reader: Reader): null {
  do reader.skip(); while (reader.next());
  return null;
}

/** Null when any part is unusable: to drop an exception would widen the network. */
function readNetworkMatch(reader: Reader): NetworkMatch | null {
  let network: Network | null = null;
  const except: Network[] = [];
  let usable = true;
  while (reader.next()) {
    if (reader.field === 1) network = reader.message(readNetwork);
    else if (reader.field === 2) {
      const hole = reader.message(readNetwork);
      if (hole === null) usable = false;
      else except.push(hole);
    } else return skipAll(reader);
  }
  return network === null || !usable ? null : { network, except };
}

function readAuthentication(reader: Reader): Authentication | null {
  let authentication: Authentication | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.skip();
      authentication = { kind: "unauthenticated" };
    } else if (reader.field === 2) {
      authentication = reader.message(readMeshTls);
    } else return skipAll(reader);
  }
  return authentication;
}

function readMeshTls(reader: Reader): Authentication | null {
  let authentication: Authentication | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.skip();
      authentication = { kind: "tls" };
    } else if (reader.field === 2) {
      authentication = reader.message(readIdentities);
    } else return skipAll(reader);
  }
  return authentication;
}

function readIdentities(reader: Reader): Authentication | null {
  const identities = new Set<string>();
  const suffixes: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const name = reader.message(readOnlyText);
      if (name !== "") identities.add(name);
    } else if (reader.field === 2) {
      const suffix = reader.message(readSuffix);
      if (suffix !== null) suffixes.push(suffix);
    } else return skipAll(reader);
  }
  return { kind: "identities", identities, suffixes };
}

/** Parts `["ns", "domain"]` mean `*.ns.domain` and become `.ns.domain`; no parts mean any identity and become "". */
function readSuffix(reader: Reader): string | null {
  let suffix = "";
  while (reader.next()) {
    if (reader.field === 1) suffix += `.${reader.string()}`;
    else return skipAll(reader);
  }
  return suffix;
}

/** Labels of a Server or authorization as metrics name it. */
export function metaOfLabels(labels: Record<string, string>): ServerMeta {
  return {
    group: labels["group"] ?? "",
    kind: labels["kind"] ?? "default",
    name: labels["name"] ?? "",
  };
}
