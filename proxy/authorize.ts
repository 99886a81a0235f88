import { contains, parseIp } from "../schemas/address.ts";
import type {
  Authentication,
  Authorization,
  ServerMeta,
  ServerPolicy,
} from "../schemas/policy.ts";

/** Who calls: the address of its connection and what TLS told. */
export interface Caller {
  readonly ip: string;
  /** Null: no TLS. A name of null: TLS without a client certificate. */
  readonly tls: { readonly id: string | null } | null;
}

/** True when the caller proved who it is. */
export function isNamed(caller: Caller): boolean {
  return caller.tls !== null && caller.tls.id !== null;
}

/** Whether a caller may proceed, and by which authorization. */
export type Decision =
  | { readonly kind: "permit"; readonly by: ServerMeta }
  | { readonly kind: "denial" };

const DENIAL: Decision = { kind: "denial" };

/** A pod may always talk to itself (facts 5.1). */
const LOCALHOST: Decision = {
  kind: "permit",
  by: { group: "", kind: "default", name: "localhost" },
};

/** Whether an authorization is that of audit mode, which permits everything and has it written down (facts 5.2). */
export function isAudit(
  { kind, name }: { readonly kind: string; readonly name: string },
): boolean {
  return kind === "default" && name === "audit";
}

/** The first authorization whose network and authentication fit; denial when there is none. */
export function authorize(
  { authorizations }: { readonly authorizations: readonly Authorization[] },
  caller: Caller,
): Decision {
  const ip = parseIp(caller.ip);
  if (ip === null) return DENIAL;
  if (isLoopback(ip)) return LOCALHOST;
  for (const one of authorizations) {
    if (authenticates(one.authentication, caller) && inNetworks(one, ip)) {
      return { kind: "permit", by: one.meta };
    }
  }
  return DENIAL;
}

/** Why an authorization does not permit a caller, in words. */
export function explainAuthorization(
  one: Authorization,
  caller: Caller,
): string {
  const ip = parseIp(caller.ip);
  if (ip === null || !inNetworks(one, ip)) return "does not name its network";
  if (authenticates(one.authentication, caller)) return "permits it";
  if (caller.tls === null) return "asks for mutual TLS";
  return caller.tls.id === null
    ? "asks for a client certificate"
    : "does not name its identity";
}

/** The same for bytes that are not parsed: policies of HTTP ports authorize requests, never bytes (facts 5.3). */
export function authorizeBytes(policy: ServerPolicy, caller: Caller): Decision {
  const { kind } = policy.protocol;
  const parsed = kind === "http1" || kind === "http2" || kind === "grpc";
  return parsed ? DENIAL : authorize(policy, caller);
}

function isLoopback(ip: Uint8Array): boolean {
  if (ip.length === 4) return ip.join(".") === "127.0.0.1";
  return ip.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

function inNetworks(authorization: Authorization, ip: Uint8Array): boolean {
  return authorization.networks.some(({ network, except }) =>
    contains(network, ip) && !except.some((hole) => contains(hole, ip))
  );
}

function authenticates(
  authentication: Authentication,
  { tls }: Caller,
): boolean {
  switch (authentication.kind) {
    case "unauthenticated":
      return true;
    case "tls":
      return tls !== null;
    case "identities": {
      const id = tls?.id ?? null;
      if (id === null) return false;
      return authentication.identities.has(id) ||
        authentication.suffixes.some((suffix) => hasSuffix(id, suffix));
    }
  }
}

/** A suffix begins with a dot, or is empty and matches any name; URIs match exactly or not at all. */
function hasSuffix(id: string, suffix: string): boolean {
  return suffix === "" || (!id.includes("/") && id.endsWith(suffix));
}
