import type { Network } from "../../schemas/address.ts";
import type {
  Authentication,
  Authorization,
  Meta,
  NetworkMatch,
  ServerMeta,
  ServerPolicy,
  ServerProtocol,
} from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import {
  emptyLabels,
  type Notices,
  readDuration,
  readLabel,
  readMeta,
  readNetwork,
  toServerMeta,
} from "./common.ts";
import { readOnlyText } from "./endpoint.ts";
import { decode, type Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** Detection time when a policy names none (Linkerd's controller always sends 10 s). */
export const DEFAULT_DETECT_TIMEOUT_MS = 10_000;

/** `inbound.PortSpec`: which port of which workload. */
export function encodePortSpec(
  workload: string,
  port: number,
): Uint8Array<ArrayBuffer> {
  return new Writer().string(1, workload).uint32(2, port).finish();
}

/**
 * An `inbound.Server`. It fails closed: an authorization that is not understood to the last field permits nobody, and a
 * protocol of an unknown kind throws `protocol.invalid`. What is not enforced yet is named in `notices`.
 */
export function decodeServerPolicy(
  bytes: Uint8Array,
  notices: Notices,
): ServerPolicy {
  return decode(bytes, (reader) => {
    let protocol: ServerProtocol | null = null;
    const authorizations: Authorization[] = [];
    const labels = emptyLabels();
    while (reader.next()) {
      if (reader.field === 1) {
        protocol = reader.message((at) => readProtocol(at, notices));
      } else if (reader.field === 3) {
        const authorization = reader.message(readAuthorization);
        if (authorization !== null) authorizations.push(authorization);
        else notices.add("authorization left out: of a kind not known here");
      } else if (reader.field === 4) readLabel(reader, labels);
      else reader.skip();
    }
    if (protocol === null) {
      throw new Problem(
        "protocol.invalid",
        "Cannot use server policy: its protocol is of an unknown kind",
        { hint: "use a control plane no newer than the proxy" },
      );
    }
    return { protocol, authorizations, meta: metaOfLabels(labels) };
  });
}

function metaOfLabels(labels: Record<string, string>): ServerMeta {
  return {
    group: labels["group"] ?? "",
    kind: labels["kind"] ?? "default",
    name: labels["name"] ?? "",
  };
}

function readProtocol(reader: Reader, notices: Notices): ServerProtocol | null {
  let protocol: ServerProtocol | null = null;
  while (reader.next()) {
    const kind = KINDS[reader.field];
    if (kind === undefined) {
      protocol = null;
      reader.skip();
      continue;
    }
    const timeoutMs = reader.message((at) => readHttpServer(at, kind, notices));
    protocol = kind === "detect" ? { kind, timeoutMs } : { kind };
  }
  return protocol;
}

const KINDS: Readonly<Record<number, ServerProtocol["kind"]>> = {
  1: "detect",
  2: "opaque",
  3: "tls",
  4: "http1",
  5: "http2",
  6: "grpc",
};

/** Reads any of the protocol messages; returns the detection time, which only `Detect` has. */
function readHttpServer(
  reader: Reader,
  kind: ServerProtocol["kind"],
  notices: Notices,
): number {
  let timeoutMs = DEFAULT_DETECT_TIMEOUT_MS;
  const routesField = kind === "detect" ? 3 : 2;
  while (reader.next()) {
    if (reader.field === 1 && kind === "detect") {
      timeoutMs = reader.message(readDuration);
    } else if (reader.field === routesField) {
      const meta = reader.message(readRouteMeta);
      if (meta.kind === "resource") {
        notices.add(
          `inbound route ${meta.resource.name} not enforced: routes are not supported yet`,
        );
      }
    } else {
      if (reader.field === routesField + 1) {
        notices.add("rate limit not enforced: not supported yet");
      }
      reader.skip();
    }
  }
  return timeoutMs;
}

function readRouteMeta(reader: Reader): Meta {
  let meta: Meta = { kind: "default", name: "" };
  while (reader.next()) {
    if (reader.field === 1) meta = reader.message(readMeta);
    else reader.skip();
  }
  return meta;
}

/** Null unless it names a network and a known way to authenticate: the API says to ignore one without networks. */
function readAuthorization(reader: Reader): Authorization | null {
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
